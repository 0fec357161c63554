"""Take back the request that a freeze be released, as who made it."""

from dataclasses import replace
from datetime import datetime

from accounts.refusals import NotFound
from accounts.rules.access import Act, Actor
from registry import freezes
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.freezing import person_permitted, refuse, write
from registry.operations.judging import names_of, refuse_what_was_answered
from registry.operations.outcome import AnswerKey
from registry.rules.freezes import FreezeRecord, objections_to_withdrawal


def withdraw_release_request(number: int, *, actor: Actor, now: datetime, key: AnswerKey | None = None) -> FreezeRecord:
    """Take back one's own request. The freeze stands as if nobody had asked; anybody who may can ask again.

    Raises: NotFound; NotPermitted; Refusal for another person's request, or where there is none; AnsweredBefore.
    Source: domain.md section 5.
    """

    def story(database: DatabaseTransaction) -> FreezeRecord:
        found = freezes.to_release(database, number, names_of(key))
        refuse_what_was_answered(key, found.answer)
        if found.freeze is None:
            raise NotFound("freeze")
        person = person_permitted(actor, Act.REQUEST_RELEASE, found.freeze.jurisdiction)
        refuse(objections_to_withdrawal(found.freeze, person))
        # Another process's clock may be a moment behind the one that wrote the request.
        at = max(now, found.freeze.release_requested_at or now)
        left = replace(found.freeze, release_requested_by=None, release_requested_at=None, release_reason="")
        row = {"id": number, "by": person, "at": at.isoformat()}
        # After this point it must succeed.
        return write(database, "withdraw", row, left, event="freeze.release-withdrawn", actor=actor, at=at, key=key)

    return in_one_database_transaction(story)
