"""Record an issuance cap: how many units of a type and vintage may be issued, and when."""

from datetime import date, datetime

from django.db import transaction

from accounts.refusals import NotPermitted
from accounts.rules.access import Act, Actor
from audit import entries
from registry.models import IssuanceCap, UnitType


def set_cap(
    *,
    unit_type: UnitType,
    vintage: int,
    limit: int,
    valid_from: date,
    source: str,
    actor: Actor,
    now: datetime,
    valid_to: date | None = None,
) -> IssuanceCap:
    """Record a cap of `limit` units (t CO2e) that may be issued in `[valid_from, valid_to)`, and log it.

    Raises: NotPermitted; IntegrityError where another cap of the type and vintage holds at the time. Source: domain.md
    section 7 (issuance is under a dated cap).
    """
    jurisdiction = unit_type.jurisdiction
    if not actor.may(Act.SET_CAP, jurisdiction.code):
        raise NotPermitted(Act.SET_CAP)
    with transaction.atomic():
        cap = IssuanceCap.objects.create(
            unit_type=unit_type,
            vintage=vintage,
            limit=limit,
            valid_from=valid_from,
            valid_to=valid_to,
            source=source,
        )
        entries.record(
            registry=jurisdiction.code,
            event="cap.set",
            occurred_at=now,
            actor=actor.name,
            subject=f"cap:{cap.pk}",
            content={
                "unit_type": unit_type.code,
                "vintage": vintage,
                "limit": limit,
                "valid_from": valid_from.isoformat(),
                "valid_to": "" if valid_to is None else valid_to.isoformat(),
                "source": source,
            },
        )
    return cap
