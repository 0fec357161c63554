"""The steps of a transaction that waits: what approving, refusing, withdrawing, executing and expiring it have in common.

Each is one story: lock the transaction with its accounts, see that it may take the step, judge it anew where units would move,
then record the step, which is what changes the state (registry/migrations/sql/0004_transactions.sql).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.refusals import NotFound
from accounts.rules.access import Actor
from registry import ledger
from registry.database_transaction import DatabaseTransaction
from registry.operations.judging import failures_of, names_of, refuse_what_was_answered, settled
from registry.operations.outcome import AnswerKey, Outcome, Refused, log_of, move, ranges_of, with_answer
from registry.operations.terms import Terms
from registry.plan import Plan
from registry.rules import checks
from registry.rules.checks import Failure
from registry.rules.facts import Context, Moment
from registry.rules.states import State, Step
from registry.waiting import Waiting

# `transaction.refused` tells of proposals that were refused by the checks.
EVENT_OF = {Step.REFUSED: "transaction.rejected"}


@dataclass(frozen=True, slots=True)
class Found:
    """A transaction that may take the step, locked and judged: its failures are those of all checks at this moment."""

    waiting: Waiting
    judged: Context
    failures: tuple[Failure, ...]


def find(
    database: DatabaseTransaction,
    transaction_id: str,
    step: Step,
    moment: Moment,
    *,
    actor: Actor,
    now: datetime,
    key: AnswerKey | None = None,
) -> Found:
    """Lock a transaction and judge it for a step.

    Raises: NotFound; AnsweredBefore with the first answer when `key` was used for the same request; Refused where it named
    another.
    """
    waiting = ledger.waiting(database, transaction_id, names_of(key))
    if waiting is None:
        raise NotFound("transaction")
    refuse_what_was_answered(key, waiting.answer)
    facts = ledger.read(database, [waiting.proposal], actor=actor, now=now, own=waiting.id)
    judged = ledger.context(
        waiting.proposal,
        facts,
        actor=actor,
        now=now,
        moment=moment,
        initiator_id=waiting.initiator_id,
        own=waiting.id,
    )
    judged = settled(database, judged)
    illegal = checks.step_may_be_taken(step, waiting.state, waiting.id)
    return Found(waiting, judged, illegal or failures_of(judged))


def refuse_step(
    database: DatabaseTransaction,
    found: Found,
    failures: tuple[Failure, ...],
    step: Step,
    *,
    actor: Actor,
    now: datetime,
    key: AnswerKey | None,
) -> Refused:
    """Leave the transaction as it is, with a log entry and the answer."""
    refusal = Refused(failures)
    content = {"step": step, "state": found.waiting.state, "failures": sorted({failure.code for failure in failures})}
    plan = Plan(entries=log_of(found.judged, actor, now, "transaction.step-refused", found.waiting.id, content))
    ledger.record(database, with_answer(plan, key, refusal))
    return refusal


def take(
    database: DatabaseTransaction,
    found: Found,
    step: Step,
    terms: Terms,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    failures: tuple[Failure, ...] = (),
    key: AnswerKey | None = None,
) -> Outcome:
    """Record the step with its log entry and answer, and commit.

    Commit point: before COMMIT the transaction stands as it did, after it the step and all it moves or releases are there. A
    crash in between is one or the other; whoever asked finds out by the key, and a step that is due is found again by its row.
    """
    waiting = found.waiting
    codes = sorted({failure.code for failure in failures})
    plan = Plan()
    plan.steps.append(
        {
            "id": waiting.id,
            "event": step,
            "from_state": waiting.state,
            "to_state": terms.state,
            "user_id": actor.user_id,
            "at": now.isoformat(),
            "reason": reason,
            "failures": codes,
            "due_at": terms.due_at.isoformat() if step is Step.APPROVED and terms.due_at else None,
        }
    )
    completes = terms.state is State.COMPLETED
    if completes and not found.judged.type.reserves:
        move(plan, found.judged, waiting.series_id)
    outcome = _outcome(found, terms, now)
    content: dict[str, Any] = {"step": step, "from": waiting.state, "to": terms.state, "failures": codes}
    if terms.due_at is not None:
        content["due_at"] = terms.due_at.isoformat()
    if completes:
        content |= {
            "type": outcome.type,
            "quantity": outcome.quantity,
            "obligation": outcome.obligation or 0,
            "ranges": [
                [r.registry, r.unit_type, r.vintage, r.first, r.next, r.transferring or "", r.acquiring]
                for r in outcome.ranges
            ],
        }
    plan.entries.extend(
        log_of(found.judged, actor, now, EVENT_OF.get(step, f"transaction.{step}"), waiting.id, content)
    )
    ledger.proceed(database, with_answer(plan, key, outcome))
    return outcome


def _outcome(found: Found, terms: Terms, now: datetime) -> Outcome:
    waiting, proposal = found.waiting, found.waiting.proposal
    completes = terms.state is State.COMPLETED
    return Outcome(
        transaction_id=UUID(waiting.id),
        type=proposal.type,
        state=terms.state,
        transferring=waiting.transferring,
        acquiring=waiting.acquiring,
        quantity=waiting.quantity,
        ranges=ranges_of(found.judged, completes=completes) if completes or found.judged.type.reserves else (),
        obligation=proposal.obligation,
        allocation=proposal.allocation,
        reason=proposal.reason,
        beneficiary=proposal.beneficiary,
        client_reference=proposal.client_reference,
        proposed_at=waiting.proposed_at,
        completed_at=now if completes else None,
        returns=proposal.returns,
        reverses=proposal.reverses,
        reference=proposal.reference,
        expires_at=waiting.expires_at,
        due_at=terms.due_at or waiting.due_at,
    )
