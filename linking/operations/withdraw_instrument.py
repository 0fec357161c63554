"""Take back an instrument that is not concluded: an administrator of a side that signs it may, alone."""

from datetime import datetime

from django.db import transaction

from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from linking.models import Instrument
from linking.operations.sides import person_of, side_of, tell


def withdraw_instrument(instrument_id: int, *, actor: Actor, now: datetime) -> Instrument:
    """End an instrument without effect, and log it in both registries.

    Raises: NotFound; NotPermitted; Refusal where it has ended.
    """
    with transaction.atomic():
        found = Instrument.objects.select_for_update(of=("self",)).filter(pk=instrument_id)
        instrument = found.select_related("link__first", "link__second", "side").first()
        if instrument is None:
            raise NotFound("instrument")
        side = side_of(actor, instrument.link, Act.PROPOSE_INSTRUMENT)
        if instrument.side is not None and instrument.side != side:
            raise NotPermitted(Act.PROPOSE_INSTRUMENT)
        if instrument.concluded_at is not None or instrument.withdrawn_at is not None:
            raise Refusal("instrument-is-not-open", instrument=instrument_id)
        Instrument.objects.filter(pk=instrument.pk).update(withdrawn_at=now, withdrawn_by_id=person_of(actor))
        tell(
            instrument.link,
            "instrument.withdrawn",
            {"kind": instrument.kind, "digest": instrument.digest},
            subject=f"instrument:{instrument.pk}",
            actor=actor,
            now=now,
        )
    instrument.refresh_from_db()
    return instrument
