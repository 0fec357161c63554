"""Take back the request that a freeze be released, as who made it."""

from dataclasses import replace
from datetime import datetime

from accounts.rules.access import Act, Actor
from registry.operations import freezing
from registry.operations.outcome import AnswerKey
from registry.rules.freezes import FreezeRecord, objections_to_withdrawal


def withdraw_release_request(number: int, *, actor: Actor, now: datetime, key: AnswerKey | None = None) -> FreezeRecord:
    """Take back one's own request. The freeze stands as if nobody had asked; anybody who may can ask again.

    Raises: NotFound; NotPermitted; Refusal for another person's request, or where there is none; AnsweredBefore.
    Source: domain.md section 5.
    """

    def changed(freeze: FreezeRecord, _person: int, _at: datetime) -> FreezeRecord:
        return replace(freeze, release_requested_by=None, release_requested_at=None, release_reason="")

    return freezing.step(
        number,
        Act.REQUEST_RELEASE,
        "withdraw",
        objections_to_withdrawal,
        changed,
        event="freeze.release-withdrawn",
        actor=actor,
        now=now,
        key=key,
    )
