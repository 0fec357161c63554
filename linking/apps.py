from django.apps import AppConfig


class LinkingConfig(AppConfig):
    name = "linking"

    def ready(self) -> None:
        """Put the checks of links into the table of checks, for whoever prints it."""
        from linking.rules import checks  # noqa: F401 - apps are named before their rules can be read
