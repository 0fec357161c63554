"""Refuse a transaction that somebody else proposed, as its approver."""

from datetime import datetime
from uuid import UUID

from accounts.rules.access import Actor
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations import steps
from registry.operations.judging import told
from registry.operations.outcome import AnswerKey, Outcome, Refused
from registry.operations.terms import Terms
from registry.rules.facts import Moment
from registry.rules.states import State, Step

# Of the checks only those of who refuses count: units and accounts may be in any state.
_OF_WHO_ACTS = frozenset({3002, 3003, 4001, 4012, 4013})


def refuse(
    transaction_id: UUID, *, actor: Actor, now: datetime, reason: str = "", key: AnswerKey | None = None
) -> Outcome:
    """Refuse a transaction that waits for approval; its units are released. By whoever could approve it.

    Raises: NotFound; Refused; AnsweredBefore. Source: domain.md section 5.
    """

    def story(database: DatabaseTransaction) -> Outcome | Refused:
        found = steps.find(database, str(transaction_id), Step.REFUSED, Moment.APPROVAL, actor=actor, now=now, key=key)
        failures = tuple(failure for failure in found.failures if failure.code in _OF_WHO_ACTS)
        if failures:
            return steps.refuse_step(database, found, failures, Step.REFUSED, actor=actor, now=now, key=key)
        # After this point it must succeed.
        terms = Terms(State.REJECTED)
        return steps.take(database, found, Step.REFUSED, terms, actor=actor, now=now, reason=reason, key=key)

    return told(in_one_database_transaction(story))
