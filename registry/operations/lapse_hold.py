"""Let a hold for another registry end when its time is over. The registry itself does it."""

from dataclasses import replace
from datetime import datetime

from accounts.refusals import NotFound
from accounts.rules.access import Actor
from registry import freezes
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.freezing import write
from registry.rules.freezes import FreezeRecord, objections_to_lapse


def lapse_hold(number: int, *, actor: Actor, now: datetime) -> FreezeRecord | None:
    """End a hold that has expired; its units are free where no other freeze covers them. None where it is not time, or over.

    Told in the logs of both registries. Two at once do it once: the second finds it ended.

    Raises: NotFound. Source: linking.md section 6.
    """

    def story(database: DatabaseTransaction) -> FreezeRecord | None:
        found = freezes.to_release(database, number, None).freeze
        if found is None:
            raise NotFound("freeze")
        if any(objections_to_lapse(found, now)):
            return None
        at = max(now, found.changed_at)
        row = {"id": number, "at": at.isoformat()}
        # After this point it must succeed.
        left = replace(found, released_at=at)
        return write(database, "lapse", row, left, event="freeze.lapsed", actor=actor, at=at, key=None)

    return in_one_database_transaction(story)
