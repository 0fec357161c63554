"""How an attacker who has the service's role gets past the checks: plans that nobody judged, in a rolled-back transaction.

And how a test sees that it is one guard that stopped it: the guard is taken out of its function, and the same plan goes through.
"""

import re
from collections.abc import Callable
from datetime import datetime

import psycopg
from django.db import DatabaseError, connection, transaction

from accounts.rules.access import Actor
from registry import ledger
from registry.database_transaction import DatabaseTransaction
from registry.operations import steps
from registry.operations.judging import settled
from registry.operations.outcome import Outcome, accepted
from registry.operations.terms import COMPLETED, terms_of_proposal
from registry.plan import Plan
from registry.rules.facts import Moment
from registry.rules.proposal import Proposal
from registry.rules.states import Step
from tests.build import REGISTRY

Change = Callable[[Plan], object]


def unchanged(plan: Plan) -> None:
    """The honest plan, of an order that the checks would have refused."""


def told(act: Callable[[], object]) -> str | None:
    """Return the constraint, or else the sentence, by which PostgreSQL refuses an act; None where it lets it through.

    Everything is rolled back.
    """
    try:
        with transaction.atomic():
            act()
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            transaction.set_rollback(True)
    except DatabaseError as error:
        cause = error.__cause__
        assert isinstance(cause, psycopg.Error)
        return cause.diag.constraint_name or str(cause.diag.message_primary)
    return None


def without_checks(proposal: Proposal, actor: Actor, now: datetime, change: Change = unchanged) -> str | None:
    """Hand in the plan of a proposal, changed as one likes and judged by nobody, and return what PostgreSQL says."""

    def act() -> None:
        database = DatabaseTransaction()
        facts = ledger.read(database, [proposal], actor=actor, now=now)
        judged = settled(database, ledger.context(proposal, facts, actor=actor, now=now))
        _, plan = accepted(judged, actor=actor, now=now, terms=terms_of_proposal(judged))
        change(plan)
        ledger.apply(database, plan)

    return told(act)


def completed_without_checks(waiting: Outcome, now: datetime) -> str | None:
    """Complete what is delayed, whatever has become of its corridor, and return what PostgreSQL says."""

    def act() -> None:
        database = DatabaseTransaction()
        name = str(waiting.transaction_id)
        found = steps.find(database, name, Step.DUE, Moment.EXECUTION, actor=REGISTRY, now=now)
        steps.take(database, found, Step.DUE, COMPLETED, actor=REGISTRY, now=now)

    return told(act)


def take_out(owner: psycopg.Connection[tuple], function: str, constraint: str) -> None:
    """Take what a function refuses under the name of a constraint out of it."""
    row = owner.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", [function]).fetchone()
    assert row is not None
    name = f"'{constraint}'"
    weaker, count = re.subn(rf"RAISE EXCEPTION [^;]*{name};", "NULL;", row[0])
    if not count:
        weaker, count = re.subn(rf"THEN {name}", "THEN NULL", row[0])
    assert count, (function, constraint)
    owner.execute(weaker)
