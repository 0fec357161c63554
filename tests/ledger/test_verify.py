"""verify_ledger finds each way of being wrong and calls it by its name; every guard is switched off to make it so."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command

from registry.verification import EQUATIONS, Difference, Verified, broken_custody, verify
from tests.build import Beijing, beijing
from tests.ledger.test_raw_sql import run, serials, transaction

# Equation: the statements that break it, and nothing before it, and how the difference is told.
BREAKS = {
    "tiling": (
        "DELETE FROM registry_unitblock WHERE start_no = 601",
        "tiling CNBJ: a block starts at 801, the one before ends at 601",
    ),
    "open-block": (
        "UPDATE registry_unitblock SET end_no = 5000 WHERE end_no IS NULL",
        "tiling CNBJ: 0 open blocks, there must be one",
    ),
    "issue": (
        "UPDATE registry_unitblock SET issue_first = 2, start_no = start_no WHERE start_no = 601",
        "issue CNBJ 601: the block there is not what was issued",
    ),
    "minted": (
        "DELETE FROM registry_transactionblock WHERE from_account_id IS NULL",
        "1000 units issued, 0 recorded",
    ),
    "cap": ("UPDATE registry_issuancecap SET issued = 999", "counted 999 of 1000000000000, issued 1000"),
    "quantity": (
        "UPDATE registry_transaction SET quantity = 201 WHERE quantity = 200 AND acquiring_id ="
        " (SELECT id FROM accounts_account WHERE name = 'ann')",
        "says 201 units, its ranges 200",
    ),
    "balance": (
        "UPDATE registry_holding SET quantity = 201 WHERE account_id = (SELECT id FROM accounts_account WHERE name = 'ann')",
        "BEA 2026: the holding says 201, the transactions 200",
    ),
    "blocks": (
        "UPDATE registry_holding SET reserved = 5 WHERE account_id = (SELECT id FROM accounts_account WHERE name = 'ann')",
        "the holding says 200 (5 reserved), the blocks 200 (0 reserved)",
    ),
    "reservation": (
        "UPDATE registry_unitblock SET held_for = (SELECT id FROM registry_transaction LIMIT 1) WHERE start_no = 601;"
        "UPDATE registry_holding SET reserved = 200 WHERE account_id = (SELECT id FROM accounts_account WHERE name = 'ann')",
        "0 units, the blocks hold 200",
    ),
    "retired": (
        "UPDATE registry_unitblock SET retired = true WHERE start_no = 601",
        "retirement CNBJ 601: not as account",
    ),
    "closed": (
        "ALTER TABLE accounts_account DISABLE TRIGGER USER;"
        "UPDATE accounts_account SET status = 'CLOSED', closed_at = now() WHERE name = 'ann'",
        "closed account CNBJ-TRA-1000007-89: it holds 200 units",
    ),
    "frozen": (
        "UPDATE registry_unitblock SET frozen_by = 1 WHERE start_no = 601",
        "freeze CNBJ 601: the block there is not marked as the freezes say",
    ),
    "stopped": (
        "ALTER TABLE accounts_account DISABLE TRIGGER USER; UPDATE accounts_account SET frozen = true WHERE name = 'ann'",
        "freeze CNBJ-TRA-1000007-89: it is not stopped as the freezes say",
    ),
    "daily-use": (
        "INSERT INTO registry_dailyuse (account_id, day, used)"
        " SELECT id, '2026-06-01', 7 FROM accounts_account WHERE name = 'ann'",
        "7",
    ),
    "conversion": (
        "UPDATE registry_transactionblock SET to_series_id = series_id WHERE first_no = 601",
        "a range of 200 units was retired, 0 were made in its place",
    ),
    "holding-limit": (
        'INSERT INTO registry_holdinglimit (holder_id, jurisdiction_id, "limit", held, pending)'
        " SELECT holder_id, jurisdiction_id, 1000, 399, 0 FROM accounts_account WHERE name = 'ann'",
        "399",
    ),
    "tally": (
        "INSERT INTO registry_tally (at, marked_in, summed) VALUES ('2026-06-02Z', pg_current_xact_id(), true)",
        "came 0 and went 0",
    ),
    "custody": (
        "UPDATE registry_unitblock b SET account_id = o.account_id FROM registry_unitblock o"
        " WHERE (b.start_no, o.start_no) IN ((601, 801), (801, 601))",
        "custody CNBJ 601: the transactions do not hand this unit on to who holds it",
    ),
}


def broken(owner: psycopg.Connection[tuple], statements: str) -> None:
    """Run statements with every trigger and constraint of the ledger switched off, as only the owner's DDL can."""
    tables = [
        row[0]
        for row in owner.execute("SELECT relname FROM pg_class WHERE relname LIKE 'registry\\_%' AND relkind = 'r'")
    ]
    for table in tables:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for name, table in owner.execute(
        "SELECT conname, conrelid::regclass::text FROM pg_constraint WHERE conrelid::regclass::text LIKE 'registry\\_%'"
        " AND contype IN ('f', 'c')"
    ).fetchall():
        owner.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}" CASCADE')
    for statement in statements.split(";"):
        owner.execute(statement)


def small() -> Beijing:
    made = beijing("ann", "bob")
    made.issue(1_000)
    made.move("ISS", "bob", 200)
    made.move("ISS", "ann", 200)
    return made


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return small


@pytest.fixture
def ledger(begun: Beijing) -> Beijing:
    return begun


def test_a_sound_ledger_is_verified_and_says_how_much_was_looked_at(ledger, capsys):
    assert verify() == Verified(registries=1, transactions=3, ranges=3, blocks=4, balances=3)
    call_command("verify_ledger")
    assert capsys.readouterr().out.startswith(
        "The ledger is what its transactions make it: 1 registries, 3 transactions"
    )


@pytest.mark.parametrize("equation", BREAKS)
def test_a_broken_equation_is_called_by_its_name(ledger, owner, equation):
    statements, told = BREAKS[equation]
    broken(owner, statements)
    found = verify()
    assert isinstance(found, Difference)
    assert found.name == equation
    with pytest.raises(CommandError) as error:
        call_command("verify_ledger")
    assert told in str(error.value)


def test_units_held_for_a_transaction_that_names_others_are_noticed(ledger, owner):
    """The sums agree; the serials do not."""
    waiting = transaction(state="DELAYED", quantity=200)
    run(owner, f"{waiting}; {serials(601, 801)}")
    broken(
        owner,
        "UPDATE registry_unitblock b SET held_for = o.held_for FROM registry_unitblock o"
        " WHERE (b.start_no, o.start_no) IN ((601, 801), (801, 601));"
        "UPDATE registry_holding SET reserved = 200 - reserved WHERE quantity = 200",
    )
    found = verify()
    assert isinstance(found, Difference)
    assert found.name == "reservation"
    assert (found.params["expected"], found.params["found"]) == (200, 0)


def test_conservation_follows_from_the_others_and_is_asked_all_the_same(ledger, owner):
    """It cannot break alone: balances that equal the blocks, and blocks that equal the issues, conserve."""
    broken(owner, "UPDATE registry_holding SET quantity = quantity + 1 WHERE quantity = 600")
    assert set(EQUATIONS) - {"conservation"} == set(BREAKS) - {"custody"}
    rows = owner.execute(EQUATIONS["conservation"]).fetchall()
    assert [(row[0], row[3], row[4]) for row in rows] == [("CNBJ", 1_000, 1_001)]


# Ranges as (first, next, sender, acquirer) in their order, blocks as (first, holder); the serial where custody breaks.
CUSTODY: dict[str, tuple[list[Any], list[Any], int | None]] = {
    "issued and held": ([(1, 11, None, 1)], [(1, 1), (11, None)], None),
    "handed on in parts": ([(1, 11, None, 1), (6, 11, 1, 2)], [(1, 1), (6, 2), (11, None)], None),
    "sent back and on": ([(1, 11, None, 1), (1, 11, 1, 2), (1, 11, 2, 1)], [(1, 1), (11, None)], None),
    "held by another": ([(1, 11, None, 1)], [(1, 2), (11, None)], 1),
    "sent by who never had it": ([(1, 11, None, 1), (6, 11, 3, 2)], [(1, 1), (6, 2), (11, None)], 6),
    "sent twice": ([(1, 11, None, 1), (1, 11, 1, 2), (6, 11, 1, 3)], [(1, 2), (6, 3), (11, None)], 6),
    "issued twice": ([(1, 11, None, 1), (6, 11, None, 1)], [(1, 1), (11, None)], 6),
    "held but never issued": ([(1, 6, None, 1)], [(1, 1), (11, None)], 6),
    "issued and held by nobody": ([(1, 11, None, 1)], [(1, None)], 1),
}


@pytest.mark.parametrize("case", CUSTODY)
def test_custody(case):
    ranges, blocks, serial = CUSTODY[case]
    boundaries: list[Any] = [("CNBJ", first, True, None, None, holder) for first, holder in blocks]
    for number, (first, following, sender, acquirer) in enumerate(ranges, start=1):
        boundaries.append(("CNBJ", first, True, number, sender, acquirer))
        boundaries.append(("CNBJ", following, False, number, sender, acquirer))
    boundaries.sort(key=lambda row: (row[1], row[2], row[3] or 0))
    found = [difference.params["serial"] for difference in broken_custody(iter(boundaries))]
    assert found[:1] == ([] if serial is None else [serial])
