"""What proposing, deciding and taking back a case of theft have in common: whose it is, and whose logs tell of it."""

from collections.abc import Mapping
from datetime import datetime

from accounts.refusals import NotFound, NotPermitted
from accounts.rules.access import Act, Actor
from audit import entries
from linking.models import TheftCase
from linking.operations.sides import acts_for, person_of
from registry.models import Freeze


def permitted(actor: Actor, side: str) -> int:
    """Return the id of an administrator of exactly this jurisdiction, in which the units lie. Raises: NotPermitted."""
    if not acts_for(actor, side):
        raise NotPermitted(Act.DECIDE_THEFT_CASE)
    return person_of(actor)


def hold_of(hold_id: int) -> Freeze:
    """Return a hold for another registry with both registries. Raises: NotFound."""
    found = Freeze.objects.select_related("jurisdiction", "origin", "notice_of__jurisdiction")
    hold = found.filter(pk=hold_id, notice_of__isnull=False).first()
    if hold is None:
        raise NotFound("freeze")
    return hold


def tell(case: TheftCase, hold: Freeze, event: str, *, actor: Actor, now: datetime) -> None:
    """Append an act to the logs of both registries, in the current database transaction."""
    for side in _sides(hold):
        subject, content = f"case:{case.pk}", _content(case, hold)
        entries.record(registry=side, event=event, occurred_at=now, actor=actor.name, subject=subject, content=content)


def rows(case: TheftCase, hold: Freeze, event: str, *, actor: Actor, now: datetime) -> list[entries.Row]:
    """Return the rows of an act for the logs of both registries, for the ledger to write with what it does."""
    subject, content = f"case:{case.pk}", _content(case, hold)
    return [
        row
        for side in _sides(hold)
        for row in entries.rows(
            registry=side, event=event, occurred_at=now, actor=actor.name, subject=subject, content=content
        )
    ]


def _sides(hold: Freeze) -> tuple[str, str]:
    assert hold.notice_of is not None
    return hold.jurisdiction.code, hold.notice_of.jurisdiction.code


def _content(case: TheftCase, hold: Freeze) -> Mapping[str, object]:
    """What the log says of a case; no free text, which may name a person."""
    assert hold.origin is not None
    return {
        "case": case.pk,
        "freeze": case.freeze_id,
        "hold": hold.pk,
        "serials": [hold.origin.registry_code, hold.first_no, hold.next_no],
        "outcome": case.outcome,
        "acquired_for_value": case.acquired_for_value,
        "reference": case.reference,
    }
