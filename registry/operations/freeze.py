"""Freeze a transaction, an account or a range of serials: one person, at once."""

from datetime import date, datetime
from uuid import UUID

from accounts.refusals import NotFound, Refusal
from accounts.rules.access import Act, Actor
from registry import freezes
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.freezing import person_permitted, refuse, write
from registry.operations.judging import names_of, refuse_what_was_answered
from registry.operations.outcome import AnswerKey, Refused
from registry.rules import checks
from registry.rules.freezes import FreezeRecord, Held, Named, objections_to_freeze
from registry.rules.serials import SerialBlock
from registry.rules.states import State, Step


def freeze_transaction(
    transaction_id: UUID,
    *,
    reason: str,
    review_on: date,
    actor: Actor,
    now: datetime,
    reference: str = "",
    key: AnswerKey | None = None,
) -> FreezeRecord:
    """Put a transaction that waits on hold: its units stay reserved and its clock stands. A further freeze adds to the first.

    Raises: NotFound; NotPermitted; Refusal; Refused (3002, 3003) where it was accepted elsewhere or has ended; AnsweredBefore.
    Source: domain.md section 5.
    """
    return _freeze(Named(transaction=transaction_id), reason, reference, review_on, actor, now, key)


def freeze_account(
    identifier: str,
    *,
    reason: str,
    review_on: date,
    actor: Actor,
    now: datetime,
    reference: str = "",
    key: AnswerKey | None = None,
) -> FreezeRecord:
    """Freeze an account: nothing leaves it and nothing arrives.

    Raises: NotFound; NotPermitted; Refusal; AnsweredBefore. Source: domain.md section 5.
    """
    return _freeze(Named(account=identifier), reason, reference, review_on, actor, now, key)


def freeze_serials(
    block: SerialBlock,
    *,
    reason: str,
    review_on: date,
    actor: Actor,
    now: datetime,
    reference: str = "",
    key: AnswerKey | None = None,
    jurisdiction: str = "",
) -> FreezeRecord:
    """Freeze the units of a block that are in the registry of a jurisdiction, by default the issuer's, whoever holds them.

    Those that come into it later are frozen when they arrive. Those in another registry are held there for as long as the terms
    say that they came by, and not at all where these say nothing (docs/theft.md).

    Raises: NotFound where no such registry is hosted; NotPermitted; Refusal; AnsweredBefore. Source: domain.md section 5,
    linking.md section 6.
    """
    return _freeze(Named(serials=block), reason, reference, review_on, actor, now, key, jurisdiction)


def _freeze(
    named: Named,
    reason: str,
    reference: str,
    review_on: date,
    actor: Actor,
    now: datetime,
    key: AnswerKey | None,
    jurisdiction: str = "",
) -> FreezeRecord:
    def story(database: DatabaseTransaction) -> FreezeRecord:
        found = freezes.to_freeze(database, named, names_of(key), registry=jurisdiction)
        refuse_what_was_answered(key, found.answer)
        subject = found.subject
        if subject is None:
            raise NotFound(_kind(named))
        person = person_permitted(actor, Act.FREEZE, subject.jurisdiction)
        refuse(objections_to_freeze(reason, review_on, subject.time_zone, now), day=review_on.isoformat())
        if not subject.issued:
            raise Refusal("freeze-of-serials-not-issued", field="serial_block", serials=str(named.serials))
        # What is on hold already is held by one more.
        if subject.state not in (None, State.ON_HOLD):
            failures = checks.step_may_be_taken(Step.FROZEN, subject.state, str(subject.id))
            if failures:
                raise Refused(failures)
        # Another process's clock may be a moment behind the one that wrote the last step.
        at = max(now, subject.changed_at or now)
        held: tuple[Held, ...] = ()
        if named.serials is not None:
            held = freezes.holds_elsewhere(
                database, subject.id, named.serials, freezer_id=subject.jurisdiction_id, at=at
            )
        record = FreezeRecord(
            found.number,
            subject.jurisdiction,
            named,
            reason,
            reference,
            review_on,
            frozen_by=person,
            frozen_at=at,
            elsewhere=tuple(dict.fromkeys(hold.jurisdiction for hold in held)),
        )
        row = {
            "id": record.id,
            "jurisdiction_id": subject.jurisdiction_id,
            "transaction_id": None if named.transaction is None else str(named.transaction),
            "account_id": None if named.account is None else subject.id,
            "origin_id": None if named.serials is None else subject.id,
            "first_no": None if named.serials is None else named.serials.first,
            "next_no": None if named.serials is None else named.serials.next,
            "reason": reason,
            "reference": reference,
            "review_on": review_on.isoformat(),
            "frozen_by_id": person,
            "frozen_at": at.isoformat(),
        }
        # After this point it must succeed.
        return write(database, "freeze", row, record, event="freeze.set", actor=actor, at=at, key=key, held=held)

    return in_one_database_transaction(story)


def _kind(named: Named) -> str:
    return "transaction" if named.transaction else "account" if named.account else "registry"
