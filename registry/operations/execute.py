"""Execute a delayed transaction that is due, or let a proposal expire that nobody approved. The registry itself does both."""

from datetime import datetime
from uuid import UUID

from accounts.rules.access import Actor
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations import steps
from registry.operations.outcome import Outcome
from registry.operations.terms import COMPLETED, Terms
from registry.rules.facts import Moment
from registry.rules.states import State, Step
from registry.settlement import settlement_of


def execute(transaction_id: UUID, *, actor: Actor, now: datetime) -> Outcome | None:
    """Complete a delayed transaction, or terminate it with what fails: all checks run again. None where it is not due (any more).

    Who settles it may put it off to another day. Two at once do it once: the second finds another state. Source: domain.md 5.
    """

    def story(database: DatabaseTransaction) -> Outcome | None:
        found = steps.find(database, str(transaction_id), Step.DUE, Moment.EXECUTION, actor=actor, now=now)
        if found.waiting.state is not State.DELAYED or _is_early(found.waiting.due_at, now):
            return None
        if settlement_of(found.judged).due_at(found.judged, now) > now:
            return None
        # After this point it must succeed.
        if found.failures:
            terms = Terms(State.TERMINATED)
            return steps.take(database, found, Step.CHECK_FAILED, terms, actor=actor, now=now, failures=found.failures)
        return steps.take(database, found, Step.DUE, COMPLETED, actor=actor, now=now)

    return in_one_database_transaction(story)


def expire(transaction_id: UUID, *, actor: Actor, now: datetime) -> Outcome | None:
    """Cancel a proposal that nobody approved in time; its units are released. None where it is not old enough, or goes on."""

    def story(database: DatabaseTransaction) -> Outcome | None:
        found = steps.find(database, str(transaction_id), Step.EXPIRED, Moment.EXECUTION, actor=actor, now=now)
        if found.waiting.state is not State.AWAITING_APPROVAL or _is_early(found.waiting.expires_at, now):
            return None
        # After this point it must succeed.
        return steps.take(database, found, Step.EXPIRED, Terms(State.CANCELLED), actor=actor, now=now)

    return in_one_database_transaction(story)


def _is_early(instant: datetime | None, now: datetime) -> bool:
    return instant is None or now < instant
