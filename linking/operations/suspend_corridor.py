"""Suspend a corridor, at once: one administrator of either side is enough, and two let it resume."""

from datetime import datetime

from django.db import transaction

from accounts.refusals import Refusal
from accounts.rules.access import Act, Actor
from linking.models import Corridor, Suspension
from linking.operations.sides import person_of, side_of, tell


def suspend_corridor(corridor_id: int, *, reason: str, actor: Actor, now: datetime) -> Suspension:
    """Let nothing more in by a corridor; what is under way cannot complete, units abroad may go home. Logged in both registries.

    Waits for the transfers that are being decided, and those after it see it. To suspend both directions, both corridors are
    suspended. Raises: NotPermitted; Refusal where no reason is given or the side has suspended it already. Source: linking.md 1.
    """
    corridor = Corridor.objects.select_related("link__first", "link__second", "origin", "destination").get(
        pk=corridor_id
    )
    side = side_of(actor, corridor.link, Act.SUSPEND_CORRIDOR)
    if not reason.strip():
        raise Refusal("reason-missing", field="reason")
    with transaction.atomic():
        if Suspension.objects.filter(corridor=corridor, side=side, resumed_at=None).exists():
            raise Refusal("corridor-is-suspended", corridor=str(corridor))
        suspension = Suspension.objects.create(
            corridor=corridor, side=side, by_id=person_of(actor), at=now, reason=reason.strip()
        )
        tell(
            corridor.link,
            "corridor.suspended",
            {"corridor": str(corridor), "side": side.code},
            subject=f"corridor:{corridor.pk}",
            actor=actor,
            now=now,
        )
    return suspension
