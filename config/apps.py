from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"

    def ready(self) -> None:
        """Make the Celery application the one that shared tasks belong to, in every process that uses Django."""
        from config import celery  # noqa: F401 - imported for that effect, once the settings are known
