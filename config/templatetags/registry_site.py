"""What every page of the administration says: the mode, the registry's clock, and texts by code."""

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.db import DatabaseError

from accounts import clock
from accounts.models import User
from accounts.queries import actor_for
from accounts.texts import text
from registry.transaction_queries import awaiting_administrators

register = template.Library()


@register.simple_tag
def registry_text(code: str) -> str:
    """Return the text of a code."""
    return text(code)


@register.simple_tag
def registry_clock() -> dict[str, Any]:
    """Return the mode, its name and the registry's time; without a database, the real time."""
    try:
        now: datetime = clock.now()
    except DatabaseError:
        now = clock.real_now()
    return {"mode": settings.REGISTRY_MODE, "mode_text": text(f"mode.{settings.REGISTRY_MODE}"), "now": now}


@register.simple_tag
def registry_awaiting(user: User) -> int:
    """Return how many transactions wait for a senior administrator where the user is one."""
    return awaiting_administrators(actor_for(user)).count()


@register.simple_tag
def registry_text_of(group: str, name: str) -> str:
    """Return the text of a code that is put together: `group.name`."""
    return text(f"{group}.{name}")
