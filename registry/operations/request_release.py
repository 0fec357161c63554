"""Ask that a freeze be released, as the first of two persons."""

from dataclasses import replace
from datetime import datetime

from accounts.refusals import NotFound
from accounts.rules.access import Act, Actor
from registry import freezes
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.freezing import person_permitted, refuse, write
from registry.operations.judging import names_of, refuse_what_was_answered
from registry.operations.outcome import AnswerKey
from registry.rules.freezes import FreezeRecord, objections_to_request


def request_release(
    number: int, *, actor: Actor, now: datetime, reason: str = "", key: AnswerKey | None = None
) -> FreezeRecord:
    """Ask for the release of a freeze. What it stops stays stopped until another person agrees.

    Whoever froze may ask. Raises: NotFound; NotPermitted; Refusal where it was asked for or is released; AnsweredBefore.
    Source: domain.md section 5.
    """

    def story(database: DatabaseTransaction) -> FreezeRecord:
        found = freezes.to_release(database, number, names_of(key))
        refuse_what_was_answered(key, found.answer)
        if found.freeze is None:
            raise NotFound("freeze")
        person = person_permitted(actor, Act.REQUEST_RELEASE, found.freeze.jurisdiction)
        refuse(objections_to_request(found.freeze))
        # Another process's clock may be a moment behind the one that wrote the freeze, or the end of an earlier request.
        at = max(now, found.freeze.request_withdrawn_at or found.freeze.frozen_at)
        asked = replace(found.freeze, release_requested_by=person, release_requested_at=at, release_reason=reason)
        row = {"id": number, "by": person, "at": at.isoformat(), "reason": reason}
        # After this point it must succeed.
        return write(database, "ask", row, asked, event="freeze.release-requested", actor=actor, at=at, key=key)

    return in_one_database_transaction(story)
