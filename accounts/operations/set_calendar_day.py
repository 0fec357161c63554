"""Record that a day works in a jurisdiction, or does not, over what the calendar says of it."""

from datetime import date, datetime

from django.db import transaction

from accounts.models import CalendarDay, Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries


def set_calendar_day(
    *,
    jurisdiction: Jurisdiction,
    day: date,
    is_working: bool,
    name: str,
    confidence: str,
    source: str,
    actor: Actor,
    now: datetime,
) -> CalendarDay:
    """Record a day of a jurisdiction's calendar and log it; an earlier record of the day stays, and counts no more.

    `name` is what the day is called (a holiday, or why it works). Raises: NotPermitted; Refusal when the name or the source is
    missing, or when the day has a record that is not earlier than `now`. Source: domain.md section 2.
    """
    if not actor.may(Act.SET_RULE, jurisdiction.code):
        raise NotPermitted(Act.SET_RULE)
    if not name.strip() or not source.strip():
        raise Refusal("calendar-day-needs-name-and-source", day=day.isoformat())
    with transaction.atomic():
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction.pk)
        if CalendarDay.objects.filter(jurisdiction=jurisdiction, day=day, recorded_at__gte=now).exists():
            raise Refusal("calendar-day-recorded-later", day=day.isoformat())
        recorded = CalendarDay.objects.create(
            jurisdiction=jurisdiction,
            day=day,
            recorded_at=now,
            is_working=is_working,
            name=name,
            confidence=confidence,
            source=source,
        )
        entries.record(
            registry=jurisdiction.code,
            event="calendar.day-set",
            occurred_at=now,
            actor=actor.name,
            subject=f"day:{day.isoformat()}",
            content={"is_working": is_working, "name": name, "confidence": confidence, "source": source},
        )
    return recorded
