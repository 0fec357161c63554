"""Freeze by oneself what was held for another registry: one person, at once, before the hold expires."""

from datetime import date, datetime

from accounts.models import Jurisdiction
from accounts.refusals import NotFound
from accounts.rules.access import Act, Actor
from registry import freezes
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.freezing import person_permitted, refuse, write
from registry.operations.judging import names_of, refuse_what_was_answered
from registry.operations.outcome import AnswerKey
from registry.rules.freezes import FreezeRecord, objections_to_confirmation, objections_to_freeze


def confirm_hold(
    number: int,
    *,
    reason: str,
    review_on: date,
    actor: Actor,
    now: datetime,
    reference: str = "",
    key: AnswerKey | None = None,
) -> FreezeRecord:
    """Put a freeze of the registry's own in the place of a hold, of the same serials: it does not expire, and two release it.

    Raises: NotFound; NotPermitted; Refusal where it is no hold or has ended; AnsweredBefore. Source: linking.md section 6.
    """

    def story(database: DatabaseTransaction) -> FreezeRecord:
        found = freezes.to_release(database, number, names_of(key))
        refuse_what_was_answered(key, found.answer)
        hold = found.freeze
        if hold is None or hold.named.serials is None:
            raise NotFound("freeze")
        person = person_permitted(actor, Act.FREEZE, hold.jurisdiction)
        refuse(objections_to_confirmation(hold))
        home = Jurisdiction.objects.get(code=hold.jurisdiction)
        refuse(objections_to_freeze(reason, review_on, home.time_zone, now), day=review_on.isoformat())
        new = freezes.to_freeze(database, hold.named, None, registry=hold.jurisdiction)
        assert new.subject is not None
        at = max(now, hold.changed_at)
        record = FreezeRecord(
            new.number,
            hold.jurisdiction,
            hold.named,
            reason,
            reference,
            review_on,
            frozen_by=person,
            frozen_at=at,
            elsewhere=hold.elsewhere,
        )
        row = {
            "id": record.id,
            "jurisdiction_id": home.pk,
            "origin_id": new.subject.id,
            "first_no": hold.named.serials.first,
            "next_no": hold.named.serials.next,
            "reason": reason,
            "reference": reference,
            "review_on": review_on.isoformat(),
            "frozen_by_id": person,
            "frozen_at": at.isoformat(),
        }
        # After this point it must succeed.
        return write(
            database, "freeze", row, record, event="freeze.confirmed", actor=actor, at=at, key=key, confirms=number
        )

    return in_one_database_transaction(story)
