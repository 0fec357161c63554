"""The tables of types and states, and the database's own copies of them."""

import re
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from registry.rules import states
from registry.rules.states import FIRST, TRANSITIONS, UNITS_IN, State, may_become
from registry.rules.types import TYPES, Effect
from tests.build import beijing

SET_STATE = (
    "UPDATE registry_transaction SET state = %s, completed_at = CASE WHEN %s = 'COMPLETED' THEN proposed_at END"
    " WHERE id = %s"
)
PROJECT = Path(__file__).resolve().parent.parent.parent


def test_the_databases_types_are_the_codes(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, effect, from_types, to_types, within_one_registry, needs_obligation, needs_allocation, needs_original"
            " FROM registry_transactiontype ORDER BY code"
        )
        found = cursor.fetchall()
    assert found == sorted(
        (
            row.code,
            str(row.effect),
            list(row.from_types),
            list(row.to_types),
            row.within_one_registry,
            row.needs_obligation,
            row.needs_allocation,
            row.needs_original,
        )
        for row in TYPES.values()
    )


def test_units_are_retired_by_what_goes_to_accounts_that_retire_and_nothing_else():
    for row in TYPES.values():
        retiring = {"SUR", "CAN", "MCN", "LAP"}
        assert (row.effect is Effect.RETIRE) == bool(set(row.to_types) & retiring)
        assert not set(row.from_types) & retiring
        assert (row.effect is Effect.MINT) == (row.from_types == ())


def test_final_states_are_final_and_every_other_leads_somewhere():
    assert {State.COMPLETED, State.REJECTED, State.CANCELLED, State.TERMINATED} == states.FINAL
    assert FIRST.isdisjoint(states.FINAL - {State.COMPLETED})
    assert all(not may_become(state, following) for state in states.FINAL for following in State)
    assert {after for _, after in TRANSITIONS} | FIRST == set(State)
    assert set(UNITS_IN) == set(State)
    # From ACCEPTED, the commit point, only completion follows.
    assert [after for before, after in TRANSITIONS if before is State.ACCEPTED] == [State.COMPLETED]


def test_the_triggers_transitions_are_the_tables(owner: psycopg.Connection[tuple]):
    """Every pair of states, tried by raw SQL as the tables' owner."""
    made = beijing("ann", "bob")
    made.issue(10)
    made.move("ISS", "ann", 10)
    template = made.move("ann", "bob", 10).transaction_id
    allowed = set()
    for before in State:
        for after in State:
            if before is after:
                continue
            try:
                with owner.transaction():
                    _force(owner, template, before)
                    owner.execute(SET_STATE, [after, after, template])
                    allowed.add((before, after))
                    raise psycopg.Rollback
            except psycopg.errors.IntegrityError as refused:
                assert "does not go from" in str(refused), refused  # noqa: PT017 - what passes is collected too
    assert allowed == set(TRANSITIONS)


def _force(owner: psycopg.Connection[tuple], transaction: object, state: State) -> None:
    """Bring a transaction to a state without its trigger, which is back before the attempt; its units stay where they are."""
    owner.execute("ALTER TABLE registry_transaction DISABLE TRIGGER transactions_keep_to_their_states")
    owner.execute("ALTER TABLE registry_transaction DISABLE TRIGGER transactions_end")
    owner.execute(SET_STATE, [state, state, transaction])
    owner.execute("ALTER TABLE registry_transaction ENABLE TRIGGER transactions_keep_to_their_states")


def test_the_printed_pages_are_what_the_tables_say(capsys):
    call_command("print_tables", "--check")
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["registry_effect", "registry_facts", "registry_record", "registry_series_of"])
def test_only_the_ledger_calls_the_ledgers_functions(name):
    """registry/ledger.py is the only writer of unit blocks and balances."""
    callers = [
        str(file.relative_to(PROJECT))
        for app in ("accounts", "audit", "config", "linking", "registry")
        for file in (PROJECT / app).rglob("*.py")
        if re.search(rf"{name}[\"(]", file.read_text(encoding="utf-8"))
    ]
    assert callers == ["registry/ledger.py"]
