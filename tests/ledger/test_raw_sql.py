"""What raw SQL cannot do to the ledger: not as the tables' owner, and as the application not even write them.

Each attack is one database transaction of the owner with every trigger and constraint in place; it must fail, at once or at
COMMIT, and leave everything as it was. The negative controls drop one guard and see the same attack succeed.
"""

# ruff: noqa: E501 - a statement broken over lines is harder to read than a long one

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from config.embedded import addresses
from registry.verification import Difference, Verified, verify
from tests import conftest as databases
from tests.build import Beijing
from tests.ledger.conftest import thousand_units

REFUSED = (errors.IntegrityError, errors.SerializationFailure, errors.DataError, errors.RaiseException)

ANN = "(SELECT id FROM accounts_account WHERE name = 'ann')"
BOB = "(SELECT id FROM accounts_account WHERE name = 'bob')"
SUR = "(SELECT id FROM accounts_account WHERE name = 'SUR')"
ISS = "(SELECT id FROM accounts_account WHERE name = 'ISS')"
HOME = "(SELECT id FROM accounts_jurisdiction WHERE code = 'CN-BJ')"
CAP = "(SELECT max(id) FROM registry_issuancecap)"
SERIES = "(SELECT max(id) FROM registry_series)"
FIRST = "(SELECT min(id) FROM accounts_user)"
SECOND = "(SELECT id FROM accounts_user WHERE username = 'second-representative')"
OFFICER, CHIEF = (f"(SELECT id FROM accounts_user WHERE username = '{name}')" for name in ("officer", "chief"))
NEW = "'01900000-0000-7000-8000-000000000001'"


def transaction(
    kind: str = "10-50",
    sender: str = ANN,
    acquirer: str = BOB,
    quantity: int = 50,
    state: str = "COMPLETED",
    cap: str = "NULL",
    obligation: str = "NULL",
    home: str = HOME,
) -> str:
    """An INSERT of a transaction row, as plausible as can be."""
    done = "now()" if state == "COMPLETED" else "NULL"
    due = "now()" if state == "DELAYED" else "NULL"
    expires = "now() + interval $$1 day$$" if state == "AWAITING_APPROVAL" else "NULL"
    return (
        "INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity, cap_id,"
        f" series_id, obligation_id, proposed_at, completed_at, due_at, expires_at) VALUES ({NEW}, '{kind}', '{state}', {home},"
        f" {sender}, {acquirer}, {quantity}, {cap}, {'NULL' if cap == 'NULL' else SERIES}, {obligation}, now(), {done}, {due},"
        f" {expires})"
    )


def step(event: str, before: str, after: str, of: str = NEW, by: str = SECOND, at: str = "now()") -> str:
    """An INSERT of a step of a transaction, which changes its state."""
    due = at if (event, after) == ("approved", "DELAYED") else "NULL"
    return (
        "INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at, due_at)"
        f" VALUES ({of}, '{event}', '{before}', '{after}', {by}, {at}, {due})"
    )


def freeze(first: int, following: int) -> str:
    """An INSERT of a freeze of serials."""
    return (
        "INSERT INTO registry_freeze (jurisdiction_id, origin_id, first_no, next_no, reason, review_on, frozen_by_id, frozen_at)"
        f" VALUES ({HOME}, {HOME}, {first}, {following}, 'an order', '2026-12-31', {OFFICER}, now())"
    )


RELEASE = (
    f"UPDATE registry_freeze SET release_requested_by_id = {OFFICER}, release_requested_at = now();"
    f" UPDATE registry_freeze SET released_by_id = {CHIEF}, released_at = now()"
)


def serials(
    first: int, following: int, sender: str = ANN, acquirer: str = BOB, of: str = NEW, series: str = SERIES
) -> str:
    """An INSERT of a range of a transaction."""
    return (
        "INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, from_account_id, to_account_id)"
        f" VALUES ({of}, {HOME}, {first}, {following}, {series}, {sender}, {acquirer})"
    )


def block(start: str, end: str, account: str = ANN, retired: str = "false") -> str:
    """An INSERT of a unit block."""
    return (
        "INSERT INTO registry_unitblock (origin_id, start_no, end_no, series_id, issue_first, issue_next, account_id, retired)"
        f" VALUES ({HOME}, {start}, {end}, {SERIES}, 1, 1001, {account}, {retired})"
    )


LAST = "(SELECT id FROM registry_transaction ORDER BY recorded_at DESC LIMIT 1)"
WAITING = f"{transaction(state='DELAYED')}; {serials(601, 651)}"
# The units: 1-600 ISS, 601-800 ann, 801-1000 bob; 601-650 of them surrendered by plant: see `registry` and `retired` below.
ATTACKS = {
    # overlap, gap, loss, invention
    "a block over another": block("700", "800"),
    "a block beside all others": block("2000", "2100"),
    "a second open block": f"INSERT INTO registry_unitblock (origin_id, start_no) VALUES ({HOME}, 5000)",
    "a second first block": f"INSERT INTO registry_unitblock (origin_id, start_no) VALUES ({HOME}, 1)",
    "deleting a block": "DELETE FROM registry_unitblock WHERE start_no = 601",
    "deleting all blocks": "DELETE FROM registry_unitblock",
    "deleting the open block": "DELETE FROM registry_unitblock WHERE end_no IS NULL",
    "emptying the table": "TRUNCATE registry_unitblock CASCADE",
    "a longer block": "UPDATE registry_unitblock SET end_no = 900 WHERE start_no = 601",
    "a shorter block": "UPDATE registry_unitblock SET end_no = 700 WHERE start_no = 601",
    "a block that begins earlier": "UPDATE registry_unitblock SET start_no = 501 WHERE start_no = 601",
    "the open block moved back": "UPDATE registry_unitblock SET start_no = 501 WHERE end_no IS NULL",
    "the open block moved back to where one begins": "UPDATE registry_unitblock SET start_no = 801 WHERE end_no IS NULL",
    "a block of another registry": "UPDATE registry_unitblock SET origin_id = origin_id + 1 WHERE start_no = 601",
    "the open block turned into units": (
        f"UPDATE registry_unitblock SET series_id = {SERIES}, issue_first = 1, issue_next = 1001, account_id = {ANN}, retired = false"
        " WHERE end_no IS NULL"
    ),
    "units turned into a filler": (
        "UPDATE registry_unitblock SET series_id = NULL, issue_first = NULL, issue_next = NULL, account_id = NULL, retired = NULL"
        " WHERE start_no = 601"
    ),
    "merging what two hold": "UPDATE registry_unitblock SET start_no = 601 WHERE start_no = 801",
    # what a unit is
    "another vintage": "UPDATE registry_series SET vintage = 2030",
    "another series": "UPDATE registry_unitblock SET series_id = series_id + 1 WHERE start_no = 601",
    "another issue": "UPDATE registry_issue SET next_no = 2000",
    "no issue": "DELETE FROM registry_issue",
    "an issue by hand": f"INSERT INTO registry_issue VALUES ({HOME}, 1001, 1101, {SERIES}, {CAP}, {LAST})",
    "another vintage of the cap": "UPDATE registry_issuancecap SET vintage = 2030",
    # movement without a record
    "another holder": f"UPDATE registry_unitblock SET account_id = {BOB} WHERE start_no = 601",
    "another holder of a part": f"UPDATE registry_unitblock SET account_id = {BOB}, start_no = 701 WHERE start_no = 601",
    "a reservation": f"UPDATE registry_unitblock SET held_for = {LAST} WHERE start_no = 601",
    "retirement": "UPDATE registry_unitblock SET retired = true WHERE start_no = 601",
    "a higher balance": "UPDATE registry_holding SET quantity = quantity + 1",
    "a balance from nothing": f"INSERT INTO registry_holding VALUES ({SUR}, {SERIES}, 0, 10, 0)",
    "no balance": "DELETE FROM registry_holding",
    "a mark of a freeze": "UPDATE registry_unitblock SET frozen_by = 1 WHERE start_no = 601",
    "a mark of a freeze on an account": f"UPDATE accounts_account SET frozen = true WHERE id = {ANN}",
    "a freeze of serials never issued": freeze(1001, 1101),
    "a freeze of serials issued and not": freeze(901, 1101),
    "a freeze that begins released": (
        "INSERT INTO registry_freeze (jurisdiction_id, account_id, reason, review_on, frozen_by_id, frozen_at, release_requested_by_id,"
        f" release_requested_at) VALUES ({HOME}, {ANN}, 'an order', '2026-12-31', {OFFICER}, now(), {OFFICER}, now())"
    ),
    "a freeze without a reason": freeze(601, 701).replace("an order", ""),
    "a freeze of nothing": freeze(601, 601),
    "a freeze without end": freeze(601, 701).replace("now()", "'infinity'"),
    "a freeze that is never looked at again": freeze(601, 701).replace("2026-12-31", "infinity"),
    "a freeze released by one": f"{freeze(601, 701)}; {RELEASE.replace(OFFICER, CHIEF)}",
    "a freeze released unasked": f"{freeze(601, 701)}; UPDATE registry_freeze SET released_by_id = {CHIEF}, released_at = now()",
    "a freeze of other serials": f"{freeze(601, 701)}; UPDATE registry_freeze SET next_no = 651",
    "deleting a freeze": f"{freeze(601, 701)}; DELETE FROM registry_freeze",
    "emptying the freezes": "TRUNCATE registry_freeze CASCADE",
    # the record
    "a step of a completed transaction": step("due", "COMPLETED", "COMPLETED", of=LAST),
    "a step that reopens a completed transaction": step("approved", "COMPLETED", "DELAYED", of=LAST),
    "a step from a state that is past": step("approved", "AWAITING_APPROVAL", "DELAYED", of=LAST),
    "a step of no transaction": step("withdrawn", "DELAYED", "CANCELLED"),
    "an unknown step": f"{WAITING}; {step('forgiven', 'DELAYED', 'COMPLETED')}",
    "a state without a step": f"{WAITING}; UPDATE registry_transaction SET state = 'CANCELLED' WHERE id = {NEW}",
    "a completion without a step": f"{WAITING}; UPDATE registry_transaction SET state = 'COMPLETED', completed_at = now() WHERE id = {NEW}",
    "an earlier due time": f"{WAITING}; UPDATE registry_transaction SET due_at = proposed_at WHERE id = {NEW}",
    "an approver without a step": f"{WAITING}; UPDATE registry_transaction SET approver_id = {SECOND} WHERE id = {NEW}",
    "editing a step": f"{WAITING}; {step('withdrawn', 'DELAYED', 'CANCELLED')}; UPDATE registry_transactionstep SET reason = 'another'",
    "deleting a step": f"{WAITING}; {step('withdrawn', 'DELAYED', 'CANCELLED')}; DELETE FROM registry_transactionstep",
    "emptying the steps": "TRUNCATE registry_transactionstep",
    "a hold without a freeze": f"{WAITING}; {step('frozen', 'DELAYED', 'ON_HOLD')}",
    "a delayed transaction without a due time": WAITING.replace("NULL, now(), NULL)", "NULL, NULL, NULL)"),
    "a transaction that begins approved": WAITING.replace("due_at,", "due_at, approver_id,", 1).replace(
        "NULL, now(), NULL)", f"NULL, now(), {SECOND}, NULL)"
    ),
    "a term without end": WAITING.replace("NULL, now(), NULL)", "NULL, 'infinity', NULL)"),
    "a time to approve without end": f"{transaction(state='AWAITING_APPROVAL').replace('now() + interval $$1 day$$', '$$infinity$$')}; {serials(601, 651)}",
    "a step without end": f"{WAITING}; {step('withdrawn', 'DELAYED', 'CANCELLED', at='$$infinity$$')}",
    "editing a completed transaction": "UPDATE registry_transaction SET quantity = 1",
    "another date": "UPDATE registry_transaction SET completed_at = now()",
    "reopening a completed transaction": "UPDATE registry_transaction SET state = 'DELAYED', completed_at = NULL",
    "deleting a transaction": f"DELETE FROM registry_transaction WHERE id = {LAST}",
    "editing a range": "UPDATE registry_transactionblock SET first_no = first_no + 1",
    "deleting a range": "DELETE FROM registry_transactionblock",
    "a range for an old transaction": serials(601, 651, of=LAST),
    "editing an answer": "TRUNCATE registry_answer",
    # dishonest transactions
    "a transaction without ranges": transaction(),
    "ranges that do not sum up": f"{transaction()}; {serials(601, 650)}",
    "a range of another's units": f"{transaction()}; {serials(801, 851)}",
    "a range that runs into another's units": f"{transaction()}; {serials(776, 826)}",
    "a range of units never issued": f"{transaction()}; {serials(1001, 1051)}",
    "a range twice": f"{transaction(quantity=100)}; {serials(601, 651)}; {serials(601, 651)}",
    "a range to its own sender": f"{transaction()}; {serials(601, 651, acquirer=ANN)}",
    "an empty range": f"{transaction(quantity=1)}; {serials(601, 601)}",
    "a reversed range": f"{transaction()}; {serials(651, 601)}",
    "a range from below one": f"{transaction()}; {serials(-49, 1)}",
    "a quantity of nothing": f"{transaction(quantity=0)}; {serials(601, 651)}",
    "a negative quantity": f"{transaction(quantity=-50)}; {serials(601, 651)}",
    "a quantity beyond all numbers": transaction(quantity=2**63),
    "another series in the range": f"{transaction()}; {serials(601, 651, series=f'{SERIES} + 1')}",
    "a transfer back into the issuance account": f"{transaction(acquirer=ISS)}; {serials(601, 651, acquirer=ISS)}",
    "a surrender by a trader": f"{transaction('10-2', acquirer=SUR)}; {serials(601, 651, acquirer=SUR)}",
    "a transfer into the surrender account": f"{transaction(acquirer=SUR)}; {serials(601, 651, acquirer=SUR)}",
    "a type that is not there": transaction("9-9"),
    "a transaction that begins ended": transaction(state="REJECTED"),
    "a transaction that begins accepted": transaction(state="ACCEPTED"),
    "a transaction of nobody's registry": transaction(home="-1"),
    # issuing
    "an issue without a cap": (f"{transaction('1-0', 'NULL', ISS)}; {serials(1001, 1051, 'NULL', ISS)}"),
    "an issue beyond the cap": (
        f'UPDATE registry_issuancecap SET "limit" = 1010; {transaction("1-0", "NULL", ISS, cap=CAP)}; {serials(1001, 1051, "NULL", ISS)}'
    ),
    "an issue of serials already used": f"{transaction('1-0', 'NULL', ISS, cap=CAP)}; {serials(951, 1001, 'NULL', ISS)}",
    "an issue that leaves a gap": f"{transaction('1-0', 'NULL', ISS, cap=CAP)}; {serials(1101, 1151, 'NULL', ISS)}",
    "an issue straight to a trader": f"{transaction('1-0', 'NULL', ANN, cap=CAP)}; {serials(1001, 1051, 'NULL', ANN)}",
    "an issue beyond 10^15": (
        f"{transaction('1-0', 'NULL', ISS, 10**15, cap=CAP)}; {serials(1001, 10**15 + 1001, 'NULL', ISS)}"
    ),
    "counting less under the cap": "UPDATE registry_issuancecap SET issued = 0",
    "a cap below what is issued": 'UPDATE registry_issuancecap SET "limit" = 10',
    "deleting the cap": "DELETE FROM registry_issuancecap",
    # ways around
    "a merge statement": (
        f"MERGE INTO registry_unitblock b USING (SELECT 601 AS s) x ON b.start_no = x.s WHEN MATCHED THEN UPDATE SET account_id = {BOB}"
    ),
    "a conflict turned into an update": (
        f"INSERT INTO registry_holding AS h VALUES ({ANN}, {SERIES}, 0, 10, 0) ON CONFLICT (account_id, series_id, recognition_id)"
        " DO UPDATE SET quantity = h.quantity + 10"
    ),
    "constraints set to deferred": (
        "SET CONSTRAINTS ALL DEFERRED; DELETE FROM registry_unitblock WHERE start_no = 601"
    ),
    "a shadow of a table": (
        "CREATE TEMP TABLE accounts_account (id bigint, type_id text, jurisdiction_id bigint, retires boolean, status text);"
        f"{transaction(acquirer='(SELECT id FROM public.accounts_account WHERE name = $$SUR$$)', sender='(SELECT id FROM public.accounts_account WHERE name = $$ann$$)')};"
        + serials(
            601,
            651,
            "(SELECT id FROM public.accounts_account WHERE name = $$ann$$)",
            "(SELECT id FROM public.accounts_account WHERE name = $$SUR$$)",
        )
    ),
    "closing an account that holds units": f"UPDATE accounts_account SET status = 'CLOSURE_PENDING' WHERE id = {ANN};"
    f"UPDATE accounts_account SET status = 'CLOSED', closed_at = now() WHERE id = {ANN}",
    "another kind of account under retired units": f"UPDATE accounts_account SET type_id = 'SUR', retires = true WHERE id = {ANN}",
}


def run(connection: psycopg.Connection[tuple], statements: str) -> None:
    """Run statements in one database transaction."""
    with connection.transaction():
        for statement in statements.split(";"):
            if statement.strip():
                connection.execute(statement)


def state(connection: psycopg.Connection[tuple]) -> list[object]:
    """Everything the ledger says."""
    tables = (
        "unitblock",
        "holding",
        "transaction",
        "transactionblock",
        "issue",
        "issuancecap",
        "series",
        "transactionstep",
        "freeze",
    )
    return [connection.execute(f"SELECT * FROM registry_{table} ORDER BY 1, 2, 3").fetchall() for table in tables]


@pytest.fixture(scope="module")
def withstanding(
    django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[psycopg.Connection[tuple]]:
    """The owner on one database for all attacks, since each leaves everything as it was; verified at the end."""
    with django_db_blocker.unblock(), databases.own_database(thousand_units) as (name, _):  # type: ignore[attr-defined]
        with databases._login(addresses.OWNER, name) as connection:
            yield connection
        assert isinstance(verify(), Verified)


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_owner_cannot(withstanding, attack):
    before = state(withstanding)
    with pytest.raises(REFUSED):
        run(withstanding, ATTACKS[attack])
    assert state(withstanding) == before


def test_an_honest_transaction_by_hand_is_all_that_raw_sql_can_record(registry: Beijing, owner):
    """The positive control: the shape of the attacks is right, and only their content is refused."""
    run(owner, f"{transaction()}; {serials(601, 651)}")
    run(
        owner,
        f'UPDATE registry_issuancecap SET "limit" = 2000; {_second(transaction("1-0", "NULL", ISS, cap=CAP))};'
        f"{_second(serials(1001, 1051, 'NULL', ISS))}",
    )
    assert isinstance(verify(), Verified)


def _second(statement: str) -> str:
    return statement.replace("000000000001'", "000000000002'")


@pytest.fixture
def retired(registry: Beijing) -> Beijing:
    """Surrender 601-650 for plant's obligation."""
    registry.move("ann", "plant", 50, (601, 651))
    registry.move("plant", "SUR", 50, type_code="10-2", obligation=registry.obligation("plant").pk)
    return registry


RETIRED = {
    "sending surrendered units to a trader": f"{transaction(sender=SUR)}; {serials(601, 651, SUR)}",
    "cancelling surrendered units": (
        f"{transaction('4-0', SUR, '(SELECT id FROM accounts_account WHERE name = $$CAN$$)')};"
        + serials(601, 651, SUR, "(SELECT id FROM accounts_account WHERE name = $$CAN$$)")
    ),
    "giving surrendered units away by hand": f"UPDATE registry_unitblock SET account_id = {ANN}, retired = false WHERE start_no = 601",
    "saying they are not retired": "UPDATE registry_unitblock SET retired = false WHERE start_no = 601",
}


@pytest.mark.parametrize("attack", RETIRED)
def test_surrendered_units_never_move_again(retired: Beijing, owner, attack):
    with pytest.raises(REFUSED):
        run(owner, RETIRED[attack])


def test_frozen_units_move_nowhere(registry: Beijing, owner):
    run(owner, freeze(601, 801))
    for attack in (f"{transaction()}; {serials(601, 651)}", f"{transaction(state='DELAYED')}; {serials(601, 651)}"):
        with pytest.raises(REFUSED):
            run(owner, attack)
    run(owner, RELEASE)
    run(owner, f"{transaction()}; {serials(601, 651)}")


@pytest.mark.parametrize("bounds", [(1, 2), (1, 601), (1, 1_001), (599, 603), (1_000, 1_001)])
def test_any_range_of_issued_serials_is_frozen_and_no_other(registry: Beijing, owner, bounds):
    run(owner, freeze(*bounds))
    found = owner.execute(
        "SELECT start_no, end_no FROM registry_unitblock WHERE frozen_by IS NOT NULL ORDER BY 1"
    ).fetchall()
    assert [serial for start, end in found for serial in range(start, end)] == list(range(*bounds))
    run(owner, RELEASE)
    assert owner.execute("SELECT count(*) FROM registry_unitblock WHERE frozen_by IS NOT NULL").fetchone() == (0,)


def test_what_a_waiting_transaction_reserves_is_nobody_elses_and_comes_back_whole(registry: Beijing, owner):
    run(owner, f"{transaction(state='DELAYED')}; {serials(601, 651)}")
    assert owner.execute("SELECT sum(reserved) FROM registry_holding").fetchone() == (50,)
    with pytest.raises(REFUSED):
        run(owner, _second(f"{transaction()}; {serials(641, 691)}"))
    run(owner, step("withdrawn", "DELAYED", "CANCELLED"))
    assert owner.execute("SELECT sum(reserved) FROM registry_holding").fetchone() == (0,)
    for before in ("DELAYED", "CANCELLED"):
        with pytest.raises(REFUSED):
            run(owner, step("due", before, "COMPLETED"))
    with pytest.raises(REFUSED):
        run(owner, f"UPDATE registry_transaction SET state = 'COMPLETED', completed_at = now() WHERE id = {NEW}")


# What is dropped, the attack that it alone held off, and what verify_ledger then says.
CONTROLS = {
    "the guard of blocks": (
        "ALTER TABLE registry_unitblock DISABLE TRIGGER blocks_change_by_rule",
        "another holder",
        "balance",
    ),
    "the guard of balances": (
        "ALTER TABLE registry_holding DISABLE TRIGGER balances_follow_blocks",
        "a higher balance",
        "balance",
    ),
    "the guard of transactions": (
        "ALTER TABLE registry_transaction DISABLE TRIGGER transactions_keep_to_their_states",
        "editing a completed transaction",
        "quantity",
    ),
    "the sum of ranges": (
        "ALTER TABLE registry_transactionblock DISABLE TRIGGER ranges_make_up_the_quantity",
        "ranges that do not sum up",
        "quantity",
    ),
    "the guard of caps": (
        "ALTER TABLE registry_issuancecap DISABLE TRIGGER caps_count_issues",
        "counting less under the cap",
        "cap",
    ),
}


@pytest.mark.parametrize("guard", CONTROLS)
def test_without_the_guard_the_attack_succeeds(owner, guard):
    drop, attack, equation = CONTROLS[guard]
    owner.execute(drop)
    run(owner, ATTACKS[attack])
    found = verify()
    assert isinstance(found, Difference)
    assert found.name == equation


def test_the_application_role_writes_no_table_of_the_ledger(registry: Beijing, as_application_role):
    tables = (
        "series", "recognition", "transactiontype", "transaction", "transactionblock", "issue", "unitblock", "holding", "answer",
        "transactionstep", "freeze",
    )  # fmt: skip
    for table in tables:
        for statement in (
            f"INSERT INTO registry_{table} DEFAULT VALUES",
            f"UPDATE registry_{table} SET {_last_column(as_application_role, table)} = NULL",
            f"DELETE FROM registry_{table}",
            f"TRUNCATE registry_{table}",
            f"ALTER TABLE registry_{table} DISABLE TRIGGER ALL",
        ):
            with pytest.raises(errors.InsufficientPrivilege):
                as_application_role.execute(statement)
    with pytest.raises(errors.InsufficientPrivilege):
        as_application_role.execute("UPDATE registry_issuancecap SET issued = 0")
    with pytest.raises(errors.InsufficientPrivilege):
        as_application_role.execute("SET session_replication_role = replica")


def _last_column(connection: psycopg.Connection[tuple], table: str) -> str:
    row = connection.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 ORDER BY attnum DESC",
        [f"registry_{table}"],
    ).fetchone()
    assert row
    return str(row[0])


CALLABLE = {
    "registry_facts", "registry_effect", "registry_record", "registry_series_of", "registry_open_serial_space", "registry_merge_neighbours",
    "registry_waiting", "registry_proceed", "registry_freeze_or_release", "registry_freezing", "registry_tally_turnovers",
    "registry_limits_of", "registry_set_holding_limits", "registry_holding_limits_are_stale",
    "registry_type_is_limited", "registry_period_of", "registry_keep_answer", "registry_holds",
}  # fmt: skip


def test_the_application_role_calls_what_is_listed_and_nothing_else(registry: Beijing, as_application_role):
    rows = as_application_role.execute(
        "SELECT proname, has_function_privilege(oid, 'EXECUTE'), prosecdef, proconfig FROM pg_proc"
        " WHERE pronamespace = 'public'::regnamespace AND proname LIKE 'registry\\_%'"
    ).fetchall()
    assert {name for name, may, _, _ in rows if may} == CALLABLE
    # Those compare a code with a list, and read rules that everybody reads.
    plain = {"registry_type_is_limited", "registry_period_of"}
    assert all(definer for name, _, definer, _ in rows if name in CALLABLE - plain)
    assert all("search_path=pg_catalog, public, pg_temp" in (config or []) for _, _, definer, config in rows if definer)


def test_the_auditor_reads_all_of_the_ledger_and_writes_nothing(registry: Beijing, as_auditor):
    assert as_auditor.execute("SELECT sum(quantity) FROM registry_holding").fetchone() == (1_000,)
    for statement in ("UPDATE registry_holding SET quantity = 0", "SELECT registry_record('{}')"):
        with pytest.raises(errors.InsufficientPrivilege):
            as_auditor.execute(statement)
