"""Ask that a freeze be released, as the first of two persons."""

from dataclasses import replace
from datetime import datetime

from accounts.rules.access import Act, Actor
from registry.operations import freezing
from registry.operations.outcome import AnswerKey
from registry.rules.freezes import FreezeRecord, objections_to_request


def request_release(
    number: int, *, actor: Actor, now: datetime, reason: str = "", key: AnswerKey | None = None
) -> FreezeRecord:
    """Ask for the release of a freeze. What it stops stays stopped until another person agrees.

    Whoever froze may ask. Raises: NotFound; NotPermitted; Refusal where it was asked for or is released; AnsweredBefore.
    Source: domain.md section 5.
    """

    def changed(freeze: FreezeRecord, person: int, at: datetime) -> FreezeRecord:
        return replace(freeze, release_requested_by=person, release_requested_at=at, release_reason=reason)

    return freezing.step(
        number,
        Act.REQUEST_RELEASE,
        "ask",
        objections_to_request,
        changed,
        event="freeze.release-requested",
        actor=actor,
        now=now,
        key=key,
        reason=reason,
    )
