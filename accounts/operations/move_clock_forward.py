"""Move an exercise's clock forward. What falls due in between is run, in order, by who calls this."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import Deployment
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries

_SECOND = timedelta(seconds=1)


def move_clock_forward(*, to: datetime, actor: Actor, now: datetime) -> datetime:
    """Move the registry's clock from `now` to `to`, to the second below, and log it; return the new time.

    Raises: NotPermitted; Refusal outside exercise mode, or when it would go back. Source: domain.md section 9.
    """
    if not actor.may(Act.MOVE_CLOCK):
        raise NotPermitted(Act.MOVE_CLOCK)
    if settings.REGISTRY_MODE != Deployment.Mode.EXERCISE:
        raise Refusal("clock-moves-only-in-exercise")
    seconds = (to - now) // _SECOND
    if seconds < 0:
        raise Refusal("clock-never-goes-back")
    with transaction.atomic():
        deployment = Deployment.objects.select_for_update(no_key=True).get(id=1)
        if deployment.mode != Deployment.Mode.EXERCISE:
            raise Refusal("clock-moves-only-in-exercise")
        deployment.clock_offset_seconds += seconds
        deployment.save(update_fields=["clock_offset_seconds"])
        moved = now + seconds * _SECOND
        entries.record(
            registry="",
            event="deployment.clock-moved",
            occurred_at=moved,
            actor=actor.name,
            subject="deployment",
            content={"seconds": seconds, "offset_seconds": deployment.clock_offset_seconds},
        )
    return moved
