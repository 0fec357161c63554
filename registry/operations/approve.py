"""Approve a transaction that somebody else proposed."""

from datetime import datetime
from uuid import UUID

from accounts.rules.access import Actor
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations import steps
from registry.operations.judging import told
from registry.operations.outcome import AnswerKey, Outcome, Refused
from registry.operations.terms import terms_of_approval
from registry.rules import checks
from registry.rules.facts import Moment
from registry.rules.states import Step


def approve(
    transaction_id: UUID, *, actor: Actor, now: datetime, reason: str = "", key: AnswerKey | None = None
) -> Outcome:
    """Approve a transaction, which then completes or waits for its delay; all checks run again.

    By another representative with the right to approve, or a senior administrator where administrators act. Where a check
    fails the transaction goes on waiting: it may be approved later, refused, withdrawn, or expire.

    Source: domain.md sections 1 and 5.

    Raises: NotFound; Refused with all failures; AnsweredBefore.
    """

    def story(database: DatabaseTransaction) -> Outcome | Refused:
        found = steps.find(database, str(transaction_id), Step.APPROVED, Moment.APPROVAL, actor=actor, now=now, key=key)
        failures = found.failures
        if not failures and found.waiting.expires_at is not None and now >= found.waiting.expires_at:
            failures = checks.approval_came_too_late(found.waiting.id, found.waiting.expires_at)
        if failures:
            return steps.refuse_step(database, found, failures, Step.APPROVED, actor=actor, now=now, key=key)
        terms = terms_of_approval(found.judged)
        # After this point it must succeed.
        return steps.take(database, found, Step.APPROVED, terms, actor=actor, now=now, reason=reason, key=key)

    return told(in_one_database_transaction(story))
