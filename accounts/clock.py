"""The registry's one clock. Read at the edge (views, commands, tasks) and passed down as `now`; nobody else reads time."""

from datetime import UTC, datetime, timedelta

from django.conf import settings

from accounts import database
from accounts.models import Deployment

_modes_agree: set[str] = set()


class AnotherMode(RuntimeError):
    """The settings name another mode than the one this deployment was made in."""


def real_now() -> datetime:
    """Return the real time, UTC: for what lives in the real world, such as the life of an API key."""
    return datetime.now(UTC)


def now() -> datetime:
    """Return the registry's time, UTC: the real time and, in exercise mode, how far the clock was moved forward.

    Reads the deployment's row each time in exercise mode; else once, to see that the mode is the one it was made in.
    Raises: AnotherMode. Source: domain.md section 9.
    """
    if settings.REGISTRY_MODE != Deployment.Mode.EXERCISE and settings.REGISTRY_MODE in _modes_agree:
        return real_now()
    return real_now() + timedelta(seconds=_offset())


def is_exercise() -> bool:
    """Return whether this deployment is an exercise, which every page, file and receipt says."""
    return bool(settings.REGISTRY_MODE == Deployment.Mode.EXERCISE)


def refuse_another_mode() -> None:
    """Refuse to start a process whose settings name another mode than the deployment's.

    Raises: AnotherMode.
    """
    _offset()


def _offset() -> int:
    """How far the clock was moved, in seconds."""
    mode, offset = str(
        database.ask("SELECT mode || ' ' || clock_offset_seconds FROM accounts_deployment WHERE id = 1")
    ).split()
    if mode != settings.REGISTRY_MODE:
        raise AnotherMode(
            f"This deployment was made in {mode} mode and stays in it; REGISTRY_MODE says {settings.REGISTRY_MODE}."
        )
    _modes_agree.add(mode)
    return int(offset)
