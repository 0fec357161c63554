"""Ways around the ledger's guards that take more than one statement, each with the guard that stands in the way.

Every attack is one database transaction of the tables' owner. Each test has its negative control in the same table: with just
that guard taken out, in a database transaction that is rolled back, the same attack succeeds.
"""

# ruff: noqa: E501 - a statement broken over lines is harder to read than a long one

import threading
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from config.embedded import addresses
from tests import conftest as databases
from tests.accounts import samples
from tests.build import Beijing
from tests.ledger.conftest import thousand_units
from tests.ledger.standing import standing
from tests.ledger.test_raw_sql import (
    ANN,
    BOB,
    CAP,
    CHIEF,
    HOME,
    ISS,
    LAST,
    NEW,
    OFFICER,
    REFUSED,
    RELEASE,
    SERIES,
    SUR,
    freeze,
    run,
    serials,
    state,
    step,
    transaction,
)

JP = "(SELECT id FROM accounts_jurisdiction WHERE code = 'JP-13')"
JP_ISS = "(SELECT id FROM accounts_account WHERE name = 'Tokyo')"
SHUT = "(SELECT id FROM accounts_account WHERE name = 'shut')"
SHUT_ISS = "(SELECT id FROM accounts_account WHERE name = 'shut ISS')"
CID = "(SELECT id FROM accounts_account WHERE name = 'cid')"
FREEZE = (
    "INSERT INTO registry_freeze (jurisdiction_id, account_id, reason, review_on, frozen_by_id, frozen_at)"
    f" VALUES ({HOME}, {{}}, 'an order', '2026-12-31', {OFFICER}, now())"
)
PLANT = "(SELECT id FROM accounts_account WHERE name = 'plant')"
MILL = "(SELECT id FROM accounts_account WHERE name = 'mill')"
PLANTS = "(SELECT id FROM registry_obligation WHERE year = 2025)"
MILLS_OLD = "(SELECT id FROM registry_obligation WHERE year = 2024)"
BOUGHT = f"(SELECT id FROM registry_transaction WHERE acquiring_id = {BOB})"
IMMEDIATE = "SET CONSTRAINTS ALL IMMEDIATE"
MINT = transaction("1-0", "NULL", ISS, cap=CAP)

# A guard is a constraint, a trigger, or a condition of a function: (function, condition, what stands there instead).
Guard = str | tuple[str, str, str]


def constraint(table: str, name: str) -> Guard:
    return f"ALTER TABLE registry_{table} DROP CONSTRAINT {name} CASCADE"


def trigger(table: str, name: str) -> Guard:
    return f"ALTER TABLE registry_{table} DISABLE TRIGGER {name}"


BLOCKS = trigger("unitblock", "blocks_change_by_rule")
STATES = trigger("transaction", "transactions_keep_to_their_states")
RANGES = trigger("transaction", "transaction_has_ranges")
IN_TURN = ("registry_range_takes_effect", "parent.recorded_in <> pg_current_xact_id()", "false")
SUMS = trigger("transactionblock", "ranges_make_up_the_quantity")
DECIDED = ("registry_rehouse", "AND b.account_id = part.from_account_id", "")
RECORD = (
    "registry_range_takes_effect",
    "parent.obligation_id IS NOT NULL OR parent.allocation_id IS NOT NULL",
    "false",
)
MOVED_BY_RECORD = (
    "registry_block_may_change",
    "IS DISTINCT FROM (OLD.account_id, OLD.recognition_id, OLD.held_for, OLD.retired)",
    "IS NULL",
)
MINTED_AT_HOME = ("registry_mint", "AND t.jurisdiction_id = part.origin_id", "")

# Attack: its statements, and the guards that stand in its way.
WAYS: dict[str, tuple[str, list[Guard]]] = {
    # deferred checks, asked too early
    "a range after the sum was asked": (f"{transaction()}; {serials(601, 651)}; SET CONSTRAINTS transaction_has_ranges IMMEDIATE; {serials(651, 701)}", [SUMS]),
    "a surrender for another's obligation": (
        f"{transaction('10-2', MILL, SUR, 10, obligation=PLANTS)}; {serials(741, 751, MILL, SUR)}",
        [RECORD],
    ),
    "a surrender whose obligation was asked about before it had ranges": (
        f"{transaction('10-2', MILL, SUR, 10, obligation=PLANTS)};"
        f"SET CONSTRAINTS transaction_has_ranges DEFERRED; {serials(741, 751, MILL, SUR)}",
        [RECORD],
    ),
    "a surrender of a vintage too young": (
        f"{transaction('10-2', MILL, SUR, 10, obligation=MILLS_OLD)}; {serials(741, 751, MILL, SUR)}",
        [RECORD],
    ),
    "ranges that a savepoint took back": (f"{transaction()}; SAVEPOINT s; {serials(601, 651)}; ROLLBACK TO s", [RANGES]),
    # a transaction that says something else than its ranges do
    "a transaction between others than it names": (f"{transaction('10-50', MILL, BOB)}; {serials(601, 651)}", [SUMS]),
    "another's units under one's own name": (f"{transaction()}; {serials(801, 851)}", [DECIDED]),
    "a range for an old transaction": (serials(601, 651, of=BOUGHT), [IN_TURN, SUMS]),
    "a range numbered before all others": (
        f"{transaction()}; "
        "INSERT INTO registry_transactionblock (id, transaction_id, origin_id, first_no, next_no, series_id, from_account_id, to_account_id)"
        f" OVERRIDING SYSTEM VALUE VALUES (-1, {NEW}, {HOME}, 601, 651, {SERIES}, {ANN}, {BOB})",
        [trigger("transactionblock", "ranges_are_well_formed")],
    ),
    "a time without end": (
        "INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity, proposed_at, completed_at)"
        f" VALUES ({NEW}, '10-50', 'COMPLETED', {HOME}, {ANN}, {BOB}, 50, now(), 'infinity'); {serials(601, 651)}",
        [("registry_transaction_keeps_to_its_states", ">= '9000-01-01Z'", "IS NULL")],
    ),
    "a term without end": (
        f"{transaction(state='DELAYED').replace('NULL, now(), NULL)', 'NULL, $$infinity$$, NULL)')}; {serials(601, 651)}",
        [("registry_transaction_keeps_to_its_states", ">= '9000-01-01Z'", "IS NULL")],
    ),
    "a state without a step": (
        f"{transaction(state='DELAYED')}; {serials(601, 651)}; UPDATE registry_transaction SET state = 'CANCELLED' WHERE id = {NEW}",
        [("registry_transaction_keeps_to_its_states", "pg_trigger_depth() < 2", "false")],
    ),
    "a step that the table does not know": (
        f"{transaction(state='DELAYED')}; {serials(601, 651)}; {step('forgiven', 'DELAYED', 'COMPLETED')}",
        [("registry_step_takes_effect", "NOT IN (", "IN (('', '', ''),")],
    ),
    "a step from another state than it is in": (
        f"{transaction(state='DELAYED')}; {serials(601, 651)}; {step('refused', 'AWAITING_APPROVAL', 'CANCELLED')}".replace("'refused'", "'withdrawn'"),
        [("registry_step_takes_effect", "given.state IS DISTINCT FROM NEW.from_state", "false")],
    ),
    "units out of a frozen account": (
        f"{FREEZE.format(ANN)}; {transaction()}; {serials(601, 651)}",
        [("registry_range_takes_effect", "parent.from_frozen OR", "")],
    ),
    "units into a frozen account": (
        f"{FREEZE.format(BOB)}; {transaction()}; {serials(601, 651)}",
        [("registry_range_takes_effect", "OR parent.to_frozen", "")],
    ),
    "reserved units out of an account that was frozen": (
        f"{transaction(state='DELAYED')}; {serials(601, 651)}; {FREEZE.format(ANN)}; {step('due', 'DELAYED', 'COMPLETED')}",
        [("registry_transaction_ends", "OR f.frozen", "")],
    ),
    "reserved units into an account that was frozen": (
        f"{transaction(state='DELAYED')}; {serials(601, 651)}; {FREEZE.format(BOB)}; {step('due', 'DELAYED', 'COMPLETED')}",
        [("registry_transaction_ends", "a.frozen OR", "")],
    ),
    "reserved units that were frozen": (
        f"{transaction(state='DELAYED')}; {serials(601, 651)}; {freeze(611, 621)}; {step('due', 'DELAYED', 'COMPLETED')}",
        [("registry_block_may_change", "OLD.frozen_by IS NOT NULL THEN\n            RAISE EXCEPTION 'frozen units move", "false THEN\n            RAISE EXCEPTION 'frozen units move")],
    ),
    "reserved units into an account that was closed": (
        f"{transaction(acquirer=CID, state='DELAYED')}; {serials(601, 651, acquirer=CID)};"
        f"UPDATE accounts_account SET status = 'CLOSURE_PENDING' WHERE id = {CID};"
        f"UPDATE accounts_account SET status = 'CLOSED', closed_at = now() WHERE id = {CID}; {step('due', 'DELAYED', 'COMPLETED')}",
        [("registry_transaction_ends", "acquirer.status = 'CLOSED'", "false")],
    ),
    "a freeze that one person released": (
        f"{freeze(601, 651)}; {RELEASE.replace(OFFICER, CHIEF)} WHERE first_no = 601",
        [constraint("freeze", "two_release")],
    ),
    "a step rewritten": (
        f"{transaction(state='DELAYED')}; {serials(601, 651)}; {step('withdrawn', 'DELAYED', 'CANCELLED')};"
        "UPDATE registry_transactionstep SET reason = 'another'",
        [trigger("transactionstep", "steps_never_change")],
    ),
    "a freeze taken away": (
        f"{freeze(601, 651)}; DELETE FROM registry_freeze WHERE first_no = 601",
        [("registry_freeze_takes_effect", "IF TG_OP = 'DELETE' THEN", "IF TG_OP = 'DELETE' THEN RETURN NULL;")],
    ),
    "a hold that nobody ordered": (
        f"{transaction(state='DELAYED')}; {serials(601, 651)}; {step('frozen', 'DELAYED', 'ON_HOLD')}",
        [("registry_step_takes_effect", "NEW.event = 'frozen' AND NOT EXISTS", "false AND NOT EXISTS")],
    ),
    # what units are
    "a unit type renamed": ("UPDATE registry_unittype SET code = 'CER'", [trigger("unittype", "unit_types_never_change")]),
    "an allowance turned into an offset": (
        "UPDATE registry_unittype SET kind = 'offset'",
        [trigger("unittype", "unit_types_never_change")],
    ),
    "a unit type given to another registry": (
        f"UPDATE registry_unittype SET jurisdiction_id = {JP}",
        [trigger("unittype", "unit_types_never_change"), constraint("unittype", "unit_type_has_one_issuer")],
    ),
    "a series of another registry's type": (
        f"INSERT INTO registry_series (origin_id, unit_type_id, vintage) VALUES ({JP}, (SELECT id FROM registry_unittype), 2026)",
        [constraint("series", "series_is_of_its_issuers_type")],
    ),
    "another vintage": (
        "UPDATE registry_series SET vintage = 2030",
        [trigger("series", "series_never_change")],
    ),
    # issuing
    "an issue into another registry": (
        f"{transaction('1-0', 'NULL', JP_ISS, cap=CAP, home=JP)}; {serials(1201, 1251, 'NULL', JP_ISS)}",
        [MINTED_AT_HOME, ("registry_linked_transaction", "wanted AND b.origin_id <> given.jurisdiction_id", "wanted AND false")],
    ),
    "an issue into a closed account": (
        f"{transaction('1-0', 'NULL', SHUT_ISS, cap=CAP)}; {serials(1201, 1251, 'NULL', SHUT_ISS)}",
        [("registry_range_takes_effect", "parent.status = 'CLOSED'", "false")],
    ),
    "an issue under a cap not yet in force": (
        f"UPDATE registry_issuancecap SET valid_from = '2999-01-01', valid_to = NULL; {MINT}; {serials(1201, 1251, 'NULL', ISS)}",
        [("registry_mint", ">= c.valid_from", "IS NOT NULL")],
    ),
    "an issue under a cap no longer in force": (
        f"UPDATE registry_issuancecap SET valid_to = valid_from + 1; {MINT}; {serials(1201, 1251, 'NULL', ISS)}",
        [("registry_mint", "< c.valid_to", "IS NOT NULL")],
    ),
    "an issue of foreign worth": (
        f"INSERT INTO registry_recognition VALUES (1, 4, 5); {MINT};"
        "INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, recognition_id, to_account_id)"
        f" VALUES ({NEW}, {HOME}, 1201, 1251, {SERIES}, 1, {ISS})",
        [("registry_mint", "part.recognition_id <> 0", "false")],
    ),
    "an issue beyond the cap": (
        f'UPDATE registry_issuancecap SET "limit" = 1210; {MINT}; {serials(1201, 1251, "NULL", ISS)}',
        [constraint("issuancecap", "issued_within_the_cap")],
    ),
    "an issue of serials already used": (
        f"{MINT}; {serials(1151, 1201, 'NULL', ISS)}",
        [
            ("registry_mint", "open_block.start_no IS DISTINCT FROM part.first_no", "false"),
            constraint("issue", "issues_are_disjoint"),
            constraint("unitblock", "blocks_start_once"),
        ],
    ),
    # holders
    "units sent to a closed account": (
        f"{transaction(acquirer=SHUT)}; {serials(601, 651, acquirer=SHUT)}",
        [("registry_range_takes_effect", "parent.status = 'CLOSED'", "false")],
    ),
    "units of one account reserved by one and spent by another": (
        f"{transaction(state='DELAYED')}; {serials(601, 651)}; "
        + f"{transaction()}; {serials(601, 651)}".replace("000000000001'", "000000000002'"),
        [("registry_rehouse", "AND b.held_for IS NOT DISTINCT FROM from_hold", "")],
    ),
    "frozen units spent": (
        f"{transaction(sender=BOB, acquirer=ANN)}; {serials(951, 1001, BOB, ANN)}",
        [("registry_block_may_change", "OLD.frozen_by IS NOT NULL", "false")],
    ),
    "surrendered units spent": (
        f"{transaction(sender=SUR, acquirer=ANN, quantity=10)}; {serials(751, 761, SUR)}".replace(f", {BOB})", f", {ANN})"),
        [
            ("registry_block_may_change", "OLD.retired", "false"),
            ("registry_range_takes_effect", "NOT parent.from_type = ANY (parent.from_types)", "false"),
        ],
    ),
    "a final state reopened": (
        f"UPDATE registry_transaction SET state = 'DELAYED', completed_at = NULL WHERE id = {LAST}",
        [STATES],
    ),
    # rows that are looked up without a lock, because they can never go
    "a user deleted": (
        "DELETE FROM accounts_user WHERE username = 'bystander'",
        ["ALTER TABLE accounts_user DISABLE TRIGGER users_stay"],
    ),
    "a jurisdiction deleted": (
        "DELETE FROM accounts_jurisdiction WHERE code = 'KR-11'",
        ["ALTER TABLE accounts_jurisdiction DISABLE TRIGGER jurisdiction_keeps_its_code"],
    ),
    "a type of transaction deleted": (
        "DELETE FROM registry_transactiontype WHERE code = '10-50'",
        [trigger("transactiontype", "transaction_types_stay")],
    ),
    "a type of transaction renamed": (
        "UPDATE registry_transactiontype SET code = '10-51' WHERE code = '10-50'",
        [trigger("transactiontype", "transaction_types_stay")],
    ),
    "a transaction by nobody": (
        "INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity, initiator_id, proposed_at, completed_at)"
        f" VALUES ({NEW}, '10-50', 'COMPLETED', {HOME}, {ANN}, {BOB}, 50, 999999, now(), now()); {serials(601, 651)}",
        [("registry_range_takes_effect", "OR parent.initiator IS DISTINCT FROM parent.initiator_id", "")],
    ),
    "units of no act of issuance": (
        "UPDATE registry_unitblock SET start_no = 1301 WHERE end_no IS NULL;"
        f"UPDATE registry_unitblock SET series_id = {SERIES}, issue_first = 1201, issue_next = 1301, account_id = {ANN}, retired = false"
        " WHERE start_no = 1201",
        [
            MOVED_BY_RECORD,
            ("registry_block_may_change", "ELSIF OLD.account_id IS NULL THEN", "ELSIF false THEN"),
        ],
    ),
    "serials frozen before they are issued": (
        "UPDATE registry_unitblock SET frozen_by = 1 WHERE end_no IS NULL",
        [
            ("registry_block_may_change", "NEW.frozen_by IS NOT NULL OR", ""),
            trigger("unitblock", "only_freezes_freeze_blocks"),
        ],
    ),
    # the tiling, where more than one guard stands: the trigger, and behind it the constraints
    "a unit lost": (
        "DELETE FROM registry_unitblock WHERE start_no = 601",
        [BLOCKS, constraint("unitblock", "blocks_tile_the_serial_space")],
    ),
    "an overlap": (
        "UPDATE registry_unitblock SET start_no = 591 WHERE start_no = 601",
        [BLOCKS, constraint("unitblock", "blocks_tile_the_serial_space")],
    ),
    "a block across two issues": (
        "DELETE FROM registry_unitblock WHERE start_no = 1001; UPDATE registry_unitblock SET start_no = 1001 WHERE start_no = 1101",
        [
            BLOCKS,
            constraint("unitblock", "block_lies_in_its_issue"),
            constraint("issue", "issue_ends_at_a_block"),
            constraint("issue", "issue_starts_a_block"),
        ],
    ),
    "the open block moved back over issued serials": (
        "DELETE FROM registry_unitblock WHERE start_no = 1101; UPDATE registry_unitblock SET start_no = 1101 WHERE end_no IS NULL",
        [BLOCKS, constraint("issue", "issue_ends_at_a_block")],
    ),
    "an update through a view": (
        f"CREATE VIEW blocks AS SELECT * FROM registry_unitblock; UPDATE blocks SET account_id = {BOB} WHERE start_no = 601",
        [BLOCKS],
    ),
    "a conflict turned into an update": (
        f"INSERT INTO registry_unitblock (origin_id, start_no) VALUES ({HOME}, 1) ON CONFLICT (origin_id, start_no)"
        f" DO UPDATE SET account_id = {BOB}",
        [BLOCKS],
    ),
    "a balance below nothing": (
        f"{transaction()}; {serials(601, 651)}; UPDATE registry_holding SET quantity = -1 WHERE account_id = {ANN}",
        [trigger("holding", "balances_follow_blocks"), constraint("holding", "balance_is_not_negative")],
    ),
    "an emptied table": (
        "TRUNCATE registry_holding",
        [trigger("holding", "never_truncated")],
    ),
}  # fmt: skip


def crowded() -> Beijing:
    """The thousand units and 200 more: 741-750 mill, 751-760 surrendered, the rest of 601-800 ann; a closed account."""
    made = thousand_units()
    made.open("mill", type_code="OHA")
    made.issue(100)
    made.issue(100)
    made.obligation("plant", 2025)
    made.obligation("mill", 2024, eligible_until_vintage=2024)
    made.move("ann", "mill", 10, (741, 751))
    made.move("ann", "plant", 10, (751, 761))
    made.move("plant", "SUR", 10, type_code="10-2", obligation=made.obligation("plant", 2026).pk)
    made.open("shut")
    made.open("shut ISS", type_code="ISS")
    samples.user("bystander")
    samples.jurisdiction("KR-11")
    elsewhere = Beijing(samples.jurisdiction("JP-13"), made.user, made.second, made.unit_type, made.accounts)
    elsewhere.open("Tokyo", type_code="ISS")
    return made


def shut(owner: psycopg.Connection[tuple]) -> None:
    owner.execute(freeze(801, 1001))
    owner.execute("UPDATE accounts_account SET status = 'CLOSURE_PENDING' WHERE name IN ('shut', 'shut ISS')")
    owner.execute("UPDATE accounts_account SET status = 'CLOSED', closed_at = now() WHERE name IN ('shut', 'shut ISS')")


@pytest.fixture(scope="module")
def withstanding(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[psycopg.Connection[tuple]]:
    """The owner on one database for all attacks."""
    with standing(django_db_blocker, crowded) as all_attacks:
        shut(all_attacks.owner)
        yield all_attacks.owner


@pytest.mark.parametrize("way", WAYS)
def test_the_owner_finds_no_way(withstanding, way):
    before = state(withstanding)
    with pytest.raises(REFUSED):
        run(withstanding, WAYS[way][0])
    assert state(withstanding) == before


@pytest.mark.parametrize("way", WAYS)
def test_only_for_its_guards(withstanding, way):
    """The negative control: with them taken out, nothing else stops it."""
    statements, guards = WAYS[way]
    with withstanding.transaction(force_rollback=True):
        for guard in guards:
            take_out(withstanding, guard)
        for statement in statements.split(";"):
            withstanding.execute(statement)
        withstanding.execute(IMMEDIATE)


ALONE = [(way, number) for way, (_, guards) in WAYS.items() if len(guards) > 1 for number in range(len(guards))]


@pytest.mark.parametrize(("way", "number"), ALONE)
def test_each_of_several_guards_is_enough(withstanding, way, number):
    statements, guards = WAYS[way]
    with withstanding.transaction(force_rollback=True):
        for guard in guards[:number] + guards[number + 1 :]:
            take_out(withstanding, guard)
        with pytest.raises(REFUSED):
            run(withstanding, f"{statements}; {IMMEDIATE}")


def take_out(connection: psycopg.Connection[tuple], guard: Guard) -> None:
    """Drop a guard, or one condition of a function."""
    if isinstance(guard, str):
        connection.execute(guard)
        return
    function, condition, instead = guard
    row = connection.execute("SELECT pg_get_functiondef(%s::regproc)", [function]).fetchone()
    assert row
    assert condition in row[0], f"{function} has no such guard any more"
    connection.execute(row[0].replace(condition, instead))


def test_no_column_of_the_ledger_can_be_emptied(withstanding):
    before = state(withstanding)
    columns = withstanding.execute(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN"
        " ('registry_unitblock', 'registry_holding', 'registry_transaction', 'registry_transactionblock', 'registry_issue',"
        " 'registry_series', 'registry_recognition', 'registry_issuancecap', 'registry_unittype', 'registry_answer',"
        " 'registry_transactionstep', 'registry_freeze')"
        " AND column_name <> 'frozen_by'"
    ).fetchall()
    assert len(columns) > 60
    for table, column in columns:
        try:
            withstanding.execute(f'UPDATE {table} SET "{column}" = NULL')
        except psycopg.Error:
            continue
        assert state(withstanding) == before, f"{table}.{column}"


@pytest.mark.parametrize("value", [2**63 - 1, -(2**63), 0, -1])
@pytest.mark.parametrize("column", ["start_no", "end_no", "issue_first", "issue_next", "account_id", "series_id", "id"])
def test_no_number_is_large_enough_to_break_a_block(withstanding, column, value):
    before = state(withstanding)
    with pytest.raises(REFUSED):
        withstanding.execute(f"UPDATE registry_unitblock SET {column} = {value} WHERE start_no = 601")
    assert state(withstanding) == before


def test_blocks_and_balances_are_not_copied_in(withstanding):
    for table, columns, row in (
        ("unitblock", "origin_id, start_no, end_no", "1\t5000\t6000\n"),
        ("holding", "account_id, series_id, recognition_id, quantity", "1\t1\t0\t5\n"),
    ):
        with (
            pytest.raises(REFUSED),
            withstanding.cursor() as cursor,
            cursor.copy(f"COPY registry_{table} ({columns}) FROM STDIN") as copy,
        ):
            copy.write(row)


@pytest.fixture
def second(owner: psycopg.Connection[tuple], committed_db: str) -> Iterator[psycopg.Connection[tuple]]:
    """A second session of the owner."""
    with databases._login(addresses.OWNER, committed_db) as connection:
        yield connection


def meanwhile(connection: psycopg.Connection[tuple], *statements: str) -> tuple[threading.Thread, list[Exception]]:
    """Run statements in a thread, one commit each, and keep what they raise."""
    raised: list[Exception] = []

    def act() -> None:
        try:
            for statement in statements:
                run(connection, statement)
        except psycopg.Error as error:
            raised.append(error)

    thread = threading.Thread(target=act)
    thread.start()
    return thread, raised


MOVE = f"{transaction(acquirer='(SELECT id FROM accounts_account WHERE name = $$cid$$)')}; " + serials(
    601, 651, acquirer="(SELECT id FROM accounts_account WHERE name = $$cid$$)"
)
CLOSE = "UPDATE accounts_account SET status = 'CLOSED', closed_at = now() WHERE name = 'cid'"


def waits(connection: psycopg.Connection[tuple], other: psycopg.Connection[tuple]) -> None:
    """Return once the other session waits for a lock."""
    for _ in range(200):
        row = connection.execute(
            "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = %s", [other.info.backend_pid]
        ).fetchone()
        if row and row[0]:
            return
        threading.Event().wait(0.02)
    raise AssertionError("it does not wait")


@pytest.mark.parametrize("first", ["move", "close"])
def test_an_account_is_not_closed_while_units_come_in(registry: Beijing, owner, second, first):
    """Two sessions, each of which sees nothing wrong by itself."""
    owner.execute("UPDATE accounts_account SET status = 'CLOSURE_PENDING' WHERE name = 'cid'")
    now, later = (MOVE, CLOSE) if first == "move" else (CLOSE, MOVE)
    with owner.transaction():
        for statement in now.split(";"):
            owner.execute(statement)
        thread, raised = meanwhile(second, later)
        waits(owner, second)
    thread.join(10)
    assert [type(error) for error in raised] == [errors.IntegrityConstraintViolation]


def test_an_account_is_not_closed_on_an_old_snapshot(registry: Beijing, owner):
    owner.execute("UPDATE accounts_account SET status = 'CLOSURE_PENDING' WHERE name = 'cid'")
    with pytest.raises(errors.IntegrityConstraintViolation):
        run(owner, f"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; {CLOSE}")


def test_two_sessions_cannot_make_one_transaction(registry: Beijing, owner, second):
    with owner.transaction(force_rollback=True):
        owner.execute(transaction())
        with pytest.raises(errors.ForeignKeyViolation):
            second.execute(serials(601, 651))


def test_two_sessions_cannot_both_send_a_serial(registry: Beijing, owner, second):
    with owner.transaction():
        for statement in (transaction(), serials(601, 651)):
            owner.execute(statement)
        thread, raised = meanwhile(
            second, f"{transaction()}; {serials(641, 691)}".replace("000000000001'", "000000000002'")
        )
        waits(owner, second)
    thread.join(10)
    assert [type(error) for error in raised] == [errors.SerializationFailure]


def test_a_block_cut_in_between_is_decided_anew(registry: Beijing, owner, second):
    """A session that waited finds a shorter block than it had seen; what lies below, also the sender's, is not taken for it."""
    owner.execute("UPDATE registry_unitblock SET start_no = 641 WHERE start_no = 601")
    with owner.transaction():
        owner.execute("UPDATE registry_unitblock SET start_no = 701 WHERE start_no = 641")
        thread, raised = meanwhile(second, f"{transaction()}; {serials(631, 681)}")
        waits(owner, second)
    thread.join(10)
    assert [type(error) for error in raised] == [errors.SerializationFailure]
    run(second, f"{transaction()}; {serials(631, 681)}")


def test_a_refused_or_withdrawn_transaction_leaves_the_runs_as_they_were(registry: Beijing, owner):
    """Maximal runs of (holder, reservation, recognition): however the blocks were cut meanwhile."""
    before = runs(owner)
    for number, (event, final) in enumerate((("withdrawn", "CANCELLED"), ("refused", "REJECTED")), start=1):
        begun = "AWAITING_APPROVAL"
        second = f"({NEW}, {HOME}, 631, 641, {SERIES}, {ANN}, {BOB})"
        waiting = f"{transaction(state=begun, quantity=20)}; {serials(611, 621)}, {second}"
        run(owner, waiting.replace("000000000001'", f"00000000001{number}'"))
        assert runs(owner) != before
        run(owner, step(event, begun, final, of=NEW.replace("00001", f"0001{number}")))
        assert runs(owner) == before


def runs(connection: psycopg.Connection[tuple]) -> list[tuple]:
    """Maximal runs of one origin: neighbours alike in holder, reservation and recognition are one."""
    found: list[tuple] = []
    for start, end, *rest in connection.execute(
        "SELECT start_no, end_no, account_id, held_for, recognition_id FROM registry_unitblock ORDER BY origin_id, start_no"
    ):
        if found and found[-1][1] == start and found[-1][2:] == tuple(rest):
            start = found.pop()[0]
        found.append((start, end, *rest))
    return found
