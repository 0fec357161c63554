"""Release a freeze, as the second of two persons."""

from dataclasses import replace
from datetime import datetime

from accounts.refusals import NotFound
from accounts.rules.access import Act, Actor
from registry import freezes
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.freezing import person_permitted, refuse, write
from registry.operations.judging import names_of, refuse_what_was_answered
from registry.operations.outcome import AnswerKey
from registry.rules.freezes import FreezeRecord, objections_to_release


def release(number: int, *, actor: Actor, now: datetime, key: AnswerKey | None = None) -> FreezeRecord:
    """Release a freeze that another person asked to release. What no other freeze stops may move again.

    A transaction goes back to where it was held, judged no further, and is due or expires later by as long as it was held.
    Raises: NotFound; NotPermitted; Refusal for who asked for it, or where nobody did; AnsweredBefore.
    Source: domain.md section 5.
    """

    def story(database: DatabaseTransaction) -> FreezeRecord:
        found = freezes.to_release(database, number, names_of(key))
        refuse_what_was_answered(key, found.answer)
        if found.freeze is None:
            raise NotFound("freeze")
        person = person_permitted(actor, Act.RELEASE, found.freeze.jurisdiction)
        refuse(objections_to_release(found.freeze, person))
        # Another process's clock may be a moment behind the one that wrote the request.
        at = max(now, found.freeze.release_requested_at or now)
        released = replace(found.freeze, released_by=person, released_at=at)
        row = {"id": number, "by": person, "at": at.isoformat()}
        # After this point it must succeed.
        return write(database, "release", row, released, event="freeze.released", actor=actor, at=at, key=key)

    return in_one_database_transaction(story)
