"""What every page of the administration says: the mode, the registry's clock, and texts by code."""

from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.db import DatabaseError

from accounts import clock
from accounts.texts import text

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
