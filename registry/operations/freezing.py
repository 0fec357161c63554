"""What freezing, asking for a release and releasing have in common: who may, the answer given before, the entry in the log."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries
from registry import freezes, ledger
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.judging import names_of, refuse_what_was_answered
from registry.operations.outcome import AnswerKey, with_answer
from registry.plan import Plan
from registry.rules.freezes import FreezeRecord, Held, Named, Objection


def person_permitted(actor: Actor, act: Act, jurisdiction: str) -> int:
    """Return the id of the person who acts. Raises: NotPermitted, also for the registry itself: a person answers for a freeze."""
    if actor.user_id is None or not actor.may(act, jurisdiction):
        raise NotPermitted(act)
    return actor.user_id


def refuse(objections: Iterator[Objection], **params: str | int) -> None:
    """Raise the first objection. Raises: Refusal.

    Nothing is stored of a refusal, not even under its key: asked again, it is judged again.
    """
    for objection in objections:
        raise Refusal(objection.code, field=objection.field, **params)


def write(
    database: DatabaseTransaction,
    act: str,
    row: dict[str, Any],
    record: FreezeRecord,
    *,
    event: str,
    actor: Actor,
    at: datetime,
    key: AnswerKey | None,
    held: tuple[Held, ...] = (),
    confirms: int | None = None,
) -> FreezeRecord:
    """Write a freeze or a step of its release with the log entry and the answer, all or nothing; return it as it then stands.

    Commit point: before COMMIT everything moves as it did, after it the freeze stops or lets go all that it names. A crash in
    between is one or the other; whoever asked finds out by the key.

    `held`: what a new freeze holds in other registries, whose logs tell of the notice. `confirms`: the hold whose place it takes.
    """
    content: dict[str, Any] = {
        "freeze": record.id,
        **_told(record.named),
        "review_on": record.review_on.isoformat(),
    }
    # How a freeze or a hold ends, or is confirmed, is told where it is held, or where what it holds for was frozen.
    elsewhere = record.elsewhere if act in _ENDS or confirms is not None else ()
    plan = Plan(entries=list(_entries(record, (record.jurisdiction, *elsewhere), event, content, actor, at)))
    if held:
        notice = content | {"from": record.jurisdiction, "held": [_held(record.named, hold) for hold in held]}
        logs = (record.jurisdiction, *record.elsewhere)
        plan.entries.extend(_entries(record, logs, "freeze.noticed", notice, actor, at))
    ledger.freeze_or_release(database, act, row, with_answer(plan, key, record), confirms=confirms)
    return record


# The acts that end a freeze.
_ENDS = ("release", "lapse")


def _entries(
    record: FreezeRecord, logs: tuple[str, ...], event: str, content: dict[str, Any], actor: Actor, at: datetime
) -> Iterator[dict[str, Any]]:
    """Yield the rows of an act in the logs of these jurisdictions."""
    for registry in logs:
        yield from entries.rows(
            registry=registry,
            event=event,
            occurred_at=at,
            actor=actor.name,
            subject=f"freeze:{record.id}",
            content=content,
        )


def step(
    number: int,
    act: Act,
    written: str,
    objections: Callable[[FreezeRecord, int], Iterator[Objection]],
    change: Callable[[FreezeRecord, int, datetime], FreezeRecord],
    *,
    event: str,
    actor: Actor,
    now: datetime,
    key: AnswerKey | None,
    reason: str = "",
) -> FreezeRecord:
    """Take one step of the release of a freeze: as a person who may, where nothing objects; return it as it then stands.

    `written`: what the ledger calls the step. `objections` and `change` are asked with the freeze and the person, the latter
    also with the instant of the step.

    Raises: NotFound; NotPermitted; Refusal; AnsweredBefore.
    """

    def story(database: DatabaseTransaction) -> FreezeRecord:
        found = freezes.to_release(database, number, names_of(key))
        refuse_what_was_answered(key, found.answer)
        if found.freeze is None:
            raise NotFound("freeze")
        person = person_permitted(actor, act, found.freeze.jurisdiction)
        refuse(objections(found.freeze, person))
        # Another process's clock may be a moment behind the one that wrote the last step.
        at = max(now, found.freeze.changed_at)
        row = {"id": number, "by": person, "at": at.isoformat(), "reason": reason}
        # After this point it must succeed.
        left = change(found.freeze, person, at)
        return write(database, written, row, left, event=event, actor=actor, at=at, key=key)

    return in_one_database_transaction(story)


def _held(named: Named, hold: Held) -> list[Any]:
    registry = "" if named.serials is None else named.serials.registry
    return [hold.jurisdiction, registry, hold.first, hold.next, hold.expires_at.isoformat()]


def _told(named: Named) -> dict[str, Any]:
    """What the log says is frozen; no free text, which may name a person."""
    if named.serials is not None:
        return {"serials": [named.serials.registry, named.serials.first, named.serials.next]}
    return {"account": named.account} if named.account is not None else {"transaction": str(named.transaction)}
