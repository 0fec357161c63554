"""System checks: a deployment refuses to run in another mode than the one it was made in."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import ProgrammingError

from accounts import clock
from accounts.models import Deployment


@register(Tags.database)
def mode_is_the_deployments_own(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Compare settings.REGISTRY_MODE with the deployment's row, where there is one already."""
    if not databases:
        return []
    try:
        clock.refuse_another_mode()
    except clock.AnotherMode as refusal:
        return [Error(str(refusal), id="accounts.E001")]
    except (Deployment.DoesNotExist, ProgrammingError):
        return []  # Not migrated yet: the migration makes the row in the mode of the settings.
    return []
