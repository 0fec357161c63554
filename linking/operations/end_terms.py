"""End what waits to cross a link, or is about units abroad, when the terms that it was proposed under let it settle no more."""

from datetime import datetime
from uuid import UUID

from accounts.rules.access import Actor
from linking.rules.checks import TERMS_HAVE_ENDED
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations import steps
from registry.operations.outcome import Outcome
from registry.operations.terms import Terms
from registry.rules.facts import Moment
from registry.rules.states import State, Step, may_take


def end_terms(transaction_id: UUID, *, actor: Actor, now: datetime) -> Outcome | None:
    """Terminate a transaction whose terms have ended (6007), or whose units they bind (6014); its units and quota are released.

    It never settles at newer terms. What is on hold is ended once it is released: until then a freeze keeps it as it is. None
    where it has ended, may still settle, or is on hold. Two at once do it once. Source: linking.md section 1.
    """

    def story(database: DatabaseTransaction) -> Outcome | None:
        found = steps.find(database, str(transaction_id), Step.CHECK_FAILED, Moment.EXECUTION, actor=actor, now=now)
        ended = tuple(failure for failure in found.failures if failure.code in TERMS_HAVE_ENDED)
        if not may_take(Step.CHECK_FAILED, found.waiting.state) or not ended:
            return None
        # After this point it must succeed.
        terms = Terms(State.TERMINATED)
        return steps.take(database, found, Step.CHECK_FAILED, terms, actor=actor, now=now, failures=ended)

    return in_one_database_transaction(story)
