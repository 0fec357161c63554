"""The tables of types and states, and the database's own copies of them."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection

from accounts.rules.account_types import Family
from registry.rules import states
from registry.rules.states import FIRST, STEPS, TRANSITIONS, UNITS_IN, State, Step, may_take
from registry.rules.types import TYPES, Effect
from tests.build import NOW, Beijing, beijing

SET_STATE = (
    "UPDATE registry_transaction SET state = %s, completed_at = CASE WHEN %s = 'COMPLETED' THEN proposed_at END"
    " WHERE id = %s"
)
# As the state demands it: on hold from where the step leads, and every term over at NOW but for the one to approve.
FORCE_STATE = (
    "UPDATE registry_transaction SET state = %(state)s, completed_at = CASE WHEN %(state)s = 'COMPLETED' THEN proposed_at END,"
    " expires_at = %(expires_at)s, due_at = %(now)s, held_at = CASE WHEN %(state)s = 'ON_HOLD' THEN proposed_at END,"
    " resumes_to = CASE WHEN %(state)s = 'ON_HOLD' THEN %(following)s END WHERE id = %(id)s"
)
PROJECT = Path(__file__).resolve().parent.parent.parent


def test_the_databases_types_are_the_codes(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT code, effect, from_types, to_types, within_one_registry, needs_obligation, needs_allocation, needs_original,"
            " approval, delayed FROM registry_transactiontype ORDER BY code"
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
            str(row.approval),
            row.delayed,
        )
        for row in TYPES.values()
    )


def test_units_are_retired_by_what_goes_to_accounts_that_retire_and_nothing_else():
    for row in TYPES.values():
        retiring = {"SUR", "CAN", "MCN", "LAP"}
        assert (row.effect in {Effect.RETIRE, Effect.CONVERT}) == bool(set(row.to_types) & retiring)
        assert bool(set(row.from_types) & retiring) == (row.family is Family.REVERSAL)
        assert (row.effect is Effect.MINT) == (row.from_types == ())


def test_final_states_are_final_and_every_other_leads_somewhere():
    assert {State.COMPLETED, State.REJECTED, State.CANCELLED, State.TERMINATED} == states.FINAL
    assert FIRST.isdisjoint(states.FINAL - {State.COMPLETED})
    assert not any(may_take(step, state) for state in states.FINAL for step in Step)
    assert all(STEPS.values())
    assert {step for step, _ in STEPS} == set(Step)
    assert {after for _, after in TRANSITIONS} | FIRST == set(State)
    assert set(UNITS_IN) == set(State)
    # From ACCEPTED, the commit point, only completion follows.
    assert [after for before, after in TRANSITIONS if before is State.ACCEPTED] == [State.COMPLETED]


def transferred() -> tuple[Beijing, object]:
    """A registry, and a transfer in it whose accounts trust one another."""
    made = beijing("ann", "bob")
    made.issue(10)
    made.move("ISS", "ann", 10)
    return made, made.move("ann", "bob", 10).transaction_id


@pytest.fixture
def world() -> Callable[[], tuple[Beijing, object]]:
    return transferred


@pytest.fixture
def template(begun: tuple[Beijing, object]) -> tuple[Beijing, object]:
    """The registry and its transfer, in commits of their own."""
    return begun


def test_the_triggers_transitions_are_the_tables(owner: psycopg.Connection[tuple], template):
    """Every pair of states, tried by raw SQL as the tables' owner: a step is needed, or the pair is not known."""
    _, transaction = template
    told: dict[str, set[tuple[State, State]]] = {"does not go from": set(), "only by a recorded step": set()}
    for before in State:
        for after in State:
            with owner.transaction(force_rollback=True):
                _force(owner, transaction, before, State.DELAYED)
                with pytest.raises(psycopg.errors.IntegrityError) as refused:
                    owner.execute(SET_STATE, [after, after, transaction])
            told[next(sentence for sentence in told if sentence in str(refused.value))].add((before, after))
    assert told["only by a recorded step"] == TRANSITIONS
    assert sum(map(len, told.values())) == len(State) ** 2


CROSSING_ONLY = (Step.CHECK_FAILED, State.TERMINATED)
REFUSING = {"step_is_known", "proposals_wait_for_a_person"}


@pytest.mark.parametrize("before", State)
def test_the_triggers_steps_are_the_tables(owner: psycopg.Connection[tuple], template, before):
    """Every step between every two states, inserted by the tables' owner: taken just where the table says so."""
    made, transaction = template
    taken = set()
    for following in State:
        for step in Step:
            with owner.transaction(force_rollback=True):
                _force(owner, transaction, before, following, awaits=step is Step.APPROVED)
                if step is Step.FROZEN:
                    _freeze(owner, transaction, made)
                try:
                    owner.execute(
                        "INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at, due_at)"
                        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                        [transaction, step, before, following, made.second.pk, NOW, _due(step, following)],
                    )
                except psycopg.errors.IntegrityError as refused:
                    assert refused.diag.constraint_name in REFUSING, refused  # noqa: PT017 - what passes is collected too
                else:
                    taken.add((step, following))
    expected = {(step, after) for (step, state), into in STEPS.items() if state is before for after in into}
    # This one crosses no link, so it does not end before it is approved.
    assert taken == expected - ({CROSSING_ONLY} if before is State.AWAITING_APPROVAL else set())


def _due(step: Step, following: State) -> object:
    return NOW if step is Step.APPROVED and following is State.DELAYED else None


def _force(
    owner: psycopg.Connection[tuple], transaction: object, state: State, following: State, awaits: bool = False
) -> None:
    """Bring a transaction to a state without its trigger, which is back before the attempt; its units stay where they are."""
    owner.execute("ALTER TABLE registry_transaction DISABLE TRIGGER transactions_keep_to_their_states")
    owner.execute("ALTER TABLE registry_transaction DISABLE TRIGGER transactions_end")
    owner.execute("ALTER TABLE registry_transaction DISABLE TRIGGER completed_transaction_has_ranges")
    expires_at = NOW + timedelta(days=1) if awaits else NOW
    owner.execute(
        FORCE_STATE,
        {"state": state, "following": following, "now": NOW, "expires_at": expires_at, "id": transaction},
    )
    owner.execute("ALTER TABLE registry_transaction ENABLE TRIGGER transactions_keep_to_their_states")


def _freeze(owner: psycopg.Connection[tuple], transaction: object, made: Beijing) -> None:
    """A freeze that stands, and has not held the transaction yet."""
    owner.execute("ALTER TABLE registry_freeze DISABLE TRIGGER freezes_take_effect")
    owner.execute(
        "INSERT INTO registry_freeze (jurisdiction_id, transaction_id, reason, review_on, frozen_by_id, frozen_at)"
        " VALUES (%s, %s, 'an order', '2026-12-31', %s, %s)",
        [made.home.pk, transaction, made.second.pk, NOW],
    )


def test_the_printed_pages_are_what_the_tables_say(capsys):
    call_command("print_tables", "--check")
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    [
        "registry_effect", "registry_facts", "registry_record", "registry_series_of", "registry_proceed",
        "registry_waiting", "registry_freeze_or_release",
    ],
)  # fmt: skip
def test_only_the_ledger_calls_the_ledgers_functions(name):
    """registry/ledger.py is the only writer of unit blocks and balances."""
    callers = [
        str(file.relative_to(PROJECT))
        for app in ("accounts", "audit", "config", "linking", "registry")
        for file in (PROJECT / app).rglob("*.py")
        if re.search(rf"{name}[\"(]", file.read_text(encoding="utf-8"))
    ]
    assert callers == ["registry/ledger.py"]
