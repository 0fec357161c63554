"""Withdraw a transaction that waits for approval or for its delay."""

from datetime import datetime
from uuid import UUID

from accounts.rules.access import Actor
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations import steps
from registry.operations.judging import told
from registry.operations.outcome import AnswerKey, Outcome, Refused
from registry.operations.terms import Terms
from registry.rules import checks
from registry.rules.checks_of_accounts import may_withdraw
from registry.rules.facts import Moment
from registry.rules.states import State, Step

_OF_WHO_ACTS = frozenset({3002, 3003, 4001})


def withdraw(
    transaction_id: UUID, *, actor: Actor, now: datetime, reason: str = "", key: AnswerKey | None = None
) -> Outcome:
    """Withdraw a transaction; its units are released. By a representative who may initiate or approve, or an administrator.

    One person is enough: stopping a transfer is never harder than making it. Raises: NotFound; Refused; AnsweredBefore.
    Source: domain.md section 5.
    """

    def story(database: DatabaseTransaction) -> Outcome | Refused:
        found = steps.find(
            database, str(transaction_id), Step.WITHDRAWN, Moment.PROPOSAL, actor=actor, now=now, key=key
        )
        failures = tuple(failure for failure in found.failures if failure.code in _OF_WHO_ACTS)
        failures = failures or checks.failures_of(4012, may_withdraw(found.judged))
        if failures:
            return steps.refuse_step(database, found, failures, Step.WITHDRAWN, actor=actor, now=now, key=key)
        # After this point it must succeed.
        terms = Terms(State.CANCELLED)
        return steps.take(database, found, Step.WITHDRAWN, terms, actor=actor, now=now, reason=reason, key=key)

    return told(in_one_database_transaction(story))
