"""Record how much of a delivered allocation was too much, so that it can be returned."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries
from registry.models import Allocation, AllocationExcess


def record_excess(
    *, allocation: Allocation, quantity: int, source: str, actor: Actor, now: datetime
) -> AllocationExcess:
    """Record or correct the excess of an allocation, in units of 1 t CO2e, and log it.

    By the compliance authority. It is never below what was returned, or is about to be, nor above what was allocated.
    Raises: NotPermitted; Refusal. Source: domain.md sections 5 (10-42) and 7.
    """
    home = allocation.table.jurisdiction.code
    if not actor.may(Act.RECORD_OBLIGATION, home):
        raise NotPermitted(Act.RECORD_OBLIGATION)
    if not source.strip():
        raise Refusal("source-missing")
    if not 0 <= quantity <= allocation.quantity:
        raise Refusal("excess-out-of-bounds", least=0, most=allocation.quantity)
    recorded = {"quantity": quantity, "source": source, "recorded_by_id": actor.user_id, "recorded_at": now}
    with transaction.atomic():
        found = AllocationExcess.objects.select_for_update(no_key=True).filter(allocation=allocation).first()
        if found is None:
            found = _created(allocation, recorded)
        elif quantity < found.returned:
            raise Refusal("excess-out-of-bounds", least=found.returned, most=allocation.quantity)
        else:
            AllocationExcess.objects.filter(pk=found.pk).update(**recorded)
            found.refresh_from_db()
        entries.record(
            registry=home,
            event="allocation.excess-recorded",
            occurred_at=now,
            actor=actor.name,
            subject=f"allocation:{allocation.pk}",
            content={"quantity": quantity, "returned": found.returned, "source": source},
        )
    return found


def _created(allocation: Allocation, recorded: dict[str, object]) -> AllocationExcess:
    made = AllocationExcess(allocation=allocation, **recorded)
    try:
        made.save(force_insert=True)
    except IntegrityError as error:
        # Somebody was quicker with the first record.
        raise Refusal("changed-meanwhile") from error
    return made
