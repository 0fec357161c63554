"""Release a freeze, as the second of two persons."""

from dataclasses import replace
from datetime import datetime

from accounts.rules.access import Act, Actor
from registry.operations import freezing
from registry.operations.outcome import AnswerKey
from registry.rules.freezes import FreezeRecord, objections_to_release


def release(number: int, *, actor: Actor, now: datetime, key: AnswerKey | None = None) -> FreezeRecord:
    """Release a freeze that another person asked to release. What no other freeze stops may move again.

    A transaction goes back to where it was held, judged no further, and is due or expires later by as long as it was held.
    Raises: NotFound; NotPermitted; Refusal for who asked for it, or where nobody did; AnsweredBefore.
    Source: domain.md section 5.
    """

    def changed(freeze: FreezeRecord, person: int, at: datetime) -> FreezeRecord:
        return replace(freeze, released_by=person, released_at=at)

    return freezing.step(
        number,
        Act.RELEASE,
        "release",
        objections_to_release,
        changed,
        event="freeze.released",
        actor=actor,
        now=now,
        key=key,
    )
