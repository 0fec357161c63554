"""What raw SQL cannot do to a list of trusted accounts, as the tables' owner and as the application, and what holds it off.

Every attack is refused with all guards in place; in a database transaction of its own that drops the guard named beside it, and
is then rolled back, the same attack succeeds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import psycopg
import pytest
from psycopg import errors

from accounts.models import Account, User, UserRole
from accounts.operations.change_account_status import change_account_status
from accounts.rules.access import Role
from accounts.rules.account_types import HolderKind
from accounts.rules.identifiers import format_account_identifier
from accounts.rules.statuses import AccountStatus
from accounts.rules.trusted import TRUSTED_TRANSITIONS, TrustedAccountState
from config.embedded import addresses
from tests import conftest as databases
from tests.accounts import samples
from tests.trusted.people import ABROAD, NOW, Trust, open_for, trust

REFUSED = (errors.IntegrityError, errors.RaiseException)
TABLE = "accounts_trustedaccount"
TRIGGER = f"ALTER TABLE {TABLE} DISABLE TRIGGER trusted_account_may_change"
OTHER_ABROAD = format_account_identifier("JP99", "TRA", 1_000_042)
# An account that nobody opened.
UNLISTED = format_account_identifier("CNBJ", "TRA", 1_000_009)


def user(name: str) -> str:
    return f"(SELECT id FROM accounts_user WHERE username = '{name}')"


def account(name: str) -> str:
    return f"(SELECT id FROM accounts_account WHERE name = '{name}')"


def constraint(name: str) -> str:
    return f"ALTER TABLE {TABLE} DROP CONSTRAINT {name}"


def insert(by: str = "ini", of: str = "ann", trusted: str = UNLISTED, state: str = "REQUESTED") -> str:
    return (
        f"INSERT INTO {TABLE} (account_id, trusted_identifier, note, state, requested_by_id, requested_at, removal_reason)"
        f" VALUES ({account(of)}, '{trusted}', '', '{state}', {user(by)}, now(), '')"
    )


# The rows: `ini` asked for bob, `both` for cid; ABROAD was approved for ann; `closed` waits in an account that then closed.
WAITING = f"account_id = {account('ann')} AND requested_by_id = {user('ini')} AND state = 'REQUESTED'"
OWN = f"requested_by_id = {user('both')} AND state = 'REQUESTED'"
ACTIVE = f"trusted_identifier = '{ABROAD}' AND state = 'APPROVED'"


def approve(by: str = "app", where: str = WAITING, decided: str = "now()", active: str = "now()") -> str:
    return (
        f"UPDATE {TABLE} SET state = 'APPROVED', decided_by_id = {user(by)}, decided_at = {decided},"
        f" active_from = {active} WHERE {where}"
    )


def end(by: str, state: str, where: str, at: str = "now()", reason: str = "") -> str:
    return (
        f"UPDATE {TABLE} SET state = '{state}', removed_by_id = {user(by)}, removed_at = {at},"
        f" removal_reason = '{reason}' WHERE {where}"
    )


@dataclass(frozen=True)
class Attack:
    """Statements, and what must be dropped for them to succeed."""

    statement: str
    guards: tuple[str, ...] = (TRIGGER,)


BY_ANOTHER = constraint("trusted_account_is_approved_by_another")
DECIDED = constraint("decided_trusted_account_says_by_whom_and_when")
ATTACKS = {
    # four eyes
    "approving one's own request": Attack(approve("both", OWN), (BY_ANOTHER,)),
    "rejecting one's own request": Attack(
        f"UPDATE {TABLE} SET state = 'REJECTED', decided_by_id = {user('both')}, decided_at = now() WHERE {OWN}",
        (BY_ANOTHER,),
    ),
    "approved from the beginning": Attack(
        insert(state="APPROVED"), (TRIGGER, DECIDED, constraint("approved_trusted_account_says_from_when"))
    ),
    "approved by nobody": Attack(
        f"UPDATE {TABLE} SET state = 'APPROVED', active_from = now() WHERE {WAITING}", (TRIGGER, DECIDED)
    ),
    # rights
    "an approval by who may only initiate": Attack(approve("both-initiate")),
    "an approval by who may only read": Attack(approve("reader")),
    "an approval by who may only surrender": Attack(approve("surrenderer")),
    "an approval by a stranger": Attack(approve("stranger")),
    "an approval by a suspended representative": Attack(
        f"UPDATE accounts_representative SET state = 'SUSPENDED' WHERE user_id = {user('app')}; {approve()}"
    ),
    "an approval by another account's representative": Attack(approve("bobs")),
    "an approval by a senior administrator": Attack(approve("senior")),
    "a rejection by a stranger": Attack(
        f"UPDATE {TABLE} SET state = 'REJECTED', decided_by_id = {user('stranger')}, decided_at = now() WHERE {WAITING}"
    ),
    "a request by who may only approve": Attack(insert("app")),
    "a request by a stranger": Attack(insert("stranger")),
    "a request by an administrator": Attack(insert("senior")),
    "a withdrawal by who may only approve": Attack(end("app", "WITHDRAWN", WAITING)),
    "a withdrawal by an administrator": Attack(end("senior", "WITHDRAWN", WAITING, reason="order 7")),
    "a removal by who may only approve": Attack(end("app", "REMOVED", ACTIVE)),
    "a removal by an administrator without an order": Attack(end("senior", "REMOVED", ACTIVE)),
    "a removal by another city's administrator": Attack(end("senior-elsewhere", "REMOVED", ACTIVE, reason="order 7")),
    "a removal by a compliance authority": Attack(end("authority", "REMOVED", ACTIVE, reason="order 7")),
    "an administrative request by a representative": Attack(insert("ini", "auction")),
    "an administrative request by another city's administrator": Attack(insert("senior-elsewhere", "auction")),
    "an administrative approval by a junior": Attack(approve("junior-two", "requested_by_id = " + user("junior"))),
    # a closed account
    "a request of a closed account": Attack(insert("ini", "closed")),
    "an approval in a closed account": Attack(approve("app", f"account_id = {account('closed')}")),
    # what a row says
    "active before it is approved": Attack(
        approve(active="now() - interval '1 second'"), (constraint("trusted_account_is_active_after_its_approval"),)
    ),
    "approved and never active": Attack(
        approve(active="NULL"), (constraint("approved_trusted_account_says_from_when"),)
    ),
    "approved at no time": Attack(approve(decided="NULL"), (DECIDED,)),
    "decided before it was asked": Attack(
        approve(decided="requested_at - interval '1 second'"),
        (constraint("trusted_account_is_decided_after_its_request"),),
    ),
    "removed at no time": Attack(
        end("ini", "REMOVED", ACTIVE, at="NULL"), (constraint("ended_trusted_account_says_by_whom_and_when"),)
    ),
    "removed before it was approved": Attack(
        end("ini", "REMOVED", ACTIVE, at="decided_at - interval '1 second'"),
        (constraint("trusted_account_ends_after_it_began"),),
    ),
    "withdrawn before it was asked": Attack(
        end("ini", "WITHDRAWN", WAITING, at="requested_at - interval '1 second'"),
        (constraint("trusted_account_ends_after_it_began"),),
    ),
    "a state of no table": Attack(
        insert(state="TRUSTED"), (TRIGGER, constraint("trusted_account_state_is_known"))
    ),
    "the same account twice": Attack(insert(trusted=ABROAD), ("DROP INDEX account_is_trusted_once",)),
    "another's check digits": Attack(
        insert(trusted=ABROAD[:-2] + "00"), (constraint("trusted_identifier_has_its_check_digits"),)
    ),
    "no identifier": Attack(insert(trusted="bob"), (constraint("trusted_identifier_has_its_check_digits"),)),
    "an identifier with something behind it": Attack(
        insert(trusted=f"{ABROAD}' || chr(10) || '"),
        (constraint("trusted_identifier_has_its_check_digits"),),
    ),
    # what was asked and decided
    "another account in a request": Attack(f"UPDATE {TABLE} SET trusted_identifier = '{UNLISTED}' WHERE {WAITING}"),
    "another list of a request": Attack(f"UPDATE {TABLE} SET account_id = {account('bob')} WHERE {WAITING}"),
    "another account while approving": Attack(
        approve().replace("SET state", f"SET trusted_identifier = '{UNLISTED}', state"),
    ),
    "another requester while approving": Attack(
        approve("both", OWN).replace("SET state", f"SET requested_by_id = {user('ini')}, state")
    ),
    "another note": Attack(f"UPDATE {TABLE} SET note = 'x' WHERE {WAITING}"),
    "another time of the request": Attack(f"UPDATE {TABLE} SET requested_at = requested_at - interval '1 day' WHERE {WAITING}"),
    "active sooner": Attack(f"UPDATE {TABLE} SET active_from = decided_at WHERE {ACTIVE}"),
    "another approver": Attack(f"UPDATE {TABLE} SET decided_by_id = {user('both-two')} WHERE {ACTIVE}"),
    "another approver while removing": Attack(
        end("ini", "REMOVED", ACTIVE).replace("SET state", f"SET decided_by_id = {user('both-two')}, state")
    ),
    "a request approved once more": Attack(approve("both-two", ACTIVE)),
    "a row deleted": Attack(f"DELETE FROM {TABLE} WHERE {WAITING}"),
    "all rows deleted": Attack(f"DELETE FROM {TABLE}"),
    "the table emptied": Attack(
        f"TRUNCATE {TABLE}", (f"ALTER TABLE {TABLE} DISABLE TRIGGER trusted_accounts_are_never_emptied",)
    ),
}  # fmt: skip


def make() -> Trust:
    """Make the rows that are attacked."""
    made = trust()
    cid = open_for(made.home, samples.holder(name="Eastern Glass"), "cid")
    made.request("ini")
    made.request("both", trusted=cid.identifier)
    made.decide(made.request(trusted=ABROAD))
    represent(made, "ann", "both-initiate", "INITIATE")
    represent(made, "bob", "bobs", "INITIATE_AND_APPROVE")
    ann = made.account
    made.account = open_for(made.home, samples.holder(name="Western Paper"), "closed")
    represent(made, "closed", "ini", "INITIATE")
    represent(made, "closed", "app", "APPROVE")
    made.request("ini")
    for status in (AccountStatus.CLOSURE_PENDING, AccountStatus.CLOSED):
        change_account_status(
            identifier=made.account.identifier, status=status, reason="", actor=samples.REGISTRY, now=NOW
        )
    made.account = open_for(made.home, samples.holder(HolderKind.AUTHORITY, "The city"), "auction", "AUC")
    made.request("junior", trusted=ABROAD)
    UserRole.objects.create(
        user=samples.user("junior-two"), role=Role.JUNIOR_REGISTRY_ADMINISTRATOR, jurisdiction=made.home
    )
    made.account = ann
    return made


def represent(made: Trust, name: str, who: str, rights: str) -> None:
    person, _ = User.objects.get_or_create(username=who)
    Account.objects.get(name=name).representatives.create(user=person, rights=rights, state="ACTIVE")


@pytest.fixture(scope="module")
def attacked(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[str]:
    """One database for all attacks, since each leaves everything as it was."""
    with django_db_blocker.unblock(), databases.own_database(make) as (name, _):  # type: ignore[attr-defined]
        yield name


@pytest.fixture(scope="module")
def roles(attacked: str) -> Iterator[dict[str, psycopg.Connection[tuple]]]:
    with (
        databases._login(addresses.OWNER, attacked) as owner,
        databases._login(addresses.APPLICATION, attacked) as application,
    ):
        yield {"owner": owner, "application": application}


def run(connection: psycopg.Connection[tuple], statements: str) -> int:
    """Run statements in one database transaction; return how many rows the last one changed."""
    with connection.transaction():
        count = 0
        for statement in statements.split(";"):
            count = connection.execute(statement).rowcount
        return count


def rows(connection: psycopg.Connection[tuple]) -> list[tuple]:
    return connection.execute(f"SELECT * FROM {TABLE} ORDER BY id").fetchall()


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_owner_cannot(roles, attack):
    before = rows(roles["owner"])
    with pytest.raises(REFUSED):
        run(roles["owner"], ATTACKS[attack].statement)
    assert rows(roles["owner"]) == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_application_cannot(roles, attack):
    before = rows(roles["owner"])
    with pytest.raises((*REFUSED, errors.InsufficientPrivilege)):
        run(roles["application"], ATTACKS[attack].statement)
    assert rows(roles["owner"]) == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_the_guard_the_attack_succeeds(roles, attack):
    owner = roles["owner"]
    with owner.transaction(force_rollback=True):
        for guard in ATTACKS[attack].guards:
            owner.execute(guard)
        assert run(owner, ATTACKS[attack].statement) != 0


HONEST = {
    "a request": insert(),
    "an approval": approve(),
    "an approval by another who may both": approve("both-two", OWN),
    "a withdrawal by another who may initiate": end("both", "WITHDRAWN", WAITING),
    "a removal by a representative": end("both", "REMOVED", ACTIVE),
    "a removal by order": end("junior", "REMOVED", ACTIVE, reason="order 7"),
    "an administrative request": insert("junior", "auction"),
    "an administrative approval": approve("senior", "requested_by_id = " + user("junior")),
}


@pytest.mark.parametrize("role", ["owner", "application"])
@pytest.mark.parametrize("act", HONEST)
def test_what_is_allowed_passes_every_guard(roles, act, role):
    """The positive control: the shape of the attacks is right, and only their content is refused."""
    with roles[role].transaction(force_rollback=True):
        assert run(roles[role], HONEST[act]) == 1


def columns_of(state: str) -> str:
    """The columns of a row in a state, as an assignment."""
    decided = state in {"APPROVED", "REJECTED", "REMOVED"}
    active = state in {"APPROVED", "REMOVED"}
    ended = state in {"WITHDRAWN", "REMOVED"}
    return ", ".join(
        (
            f"state = '{state}'",
            f"decided_by_id = {user('app') if decided else 'NULL'}",
            f"decided_at = {'requested_at' if decided else 'NULL'}",
            f"active_from = {'requested_at' if active else 'NULL'}",
            f"removed_by_id = {user('ini') if ended else 'NULL'}",
            f"removed_at = {'requested_at' if ended else 'NULL'}",
        )
    )


def test_the_triggers_copy_of_the_states_is_the_table(committed: Trust, owner: psycopg.Connection[tuple]) -> None:
    committed.request()
    found = set()
    for before, after in product(TrustedAccountState, TrustedAccountState):
        owner.execute(TRIGGER)
        owner.execute(f"UPDATE {TABLE} SET {columns_of(before)}")
        owner.execute(TRIGGER.replace("DISABLE", "ENABLE"))
        try:
            owner.execute(f"UPDATE {TABLE} SET {columns_of(after)}")
            found.add((before, after))
        except errors.IntegrityError as refused:
            assert "does not go from" in str(refused)  # noqa: PT017 - the pairs that pass are collected too
    assert found == {(before, after) for before, following in TRUSTED_TRANSITIONS.items() for after in following}


def test_raw_sql_too_waits_for_who_changes_the_accounts_rights(
    committed: Trust, owner: psycopg.Connection[tuple], as_application_role: psycopg.Connection[tuple]
) -> None:
    committed.request()
    as_application_role.execute("SET lock_timeout = '200ms'")
    with owner.transaction(force_rollback=True):
        owner.execute("SELECT FROM accounts_account WHERE name = 'ann' FOR NO KEY UPDATE")
        for statement in (approve(), insert()):
            with pytest.raises(errors.LockNotAvailable):
                as_application_role.execute(statement)
    with owner.transaction():
        owner.execute("SELECT FROM accounts_account WHERE name = 'ann' FOR NO KEY UPDATE")
        owner.execute(f"UPDATE accounts_representative SET state = 'SUSPENDED' WHERE user_id = {user('app')}")
    with pytest.raises(errors.IntegrityError, match="has the right"):
        as_application_role.execute(approve())


def test_trust_is_one_look_up_by_a_unique_index_however_long_the_list(roles) -> None:
    owner = roles["owner"]
    with owner.transaction(force_rollback=True):
        owner.execute(TRIGGER)
        owner.execute(
            f"INSERT INTO {TABLE} (account_id, trusted_identifier, note, state, requested_by_id, requested_at, removal_reason)"
            f" SELECT {account('bob')}, body || '-' || accounts_check_digits(body), '', 'REQUESTED', {user('ini')}, now(), ''"
            " FROM (SELECT 'CNBJ-TRA-' || n AS body FROM generate_series(1, 2000) n) AS bodies"
        )
        owner.execute(f"ANALYZE {TABLE}")
        plan = owner.execute(
            f"EXPLAIN SELECT FROM {TABLE} t WHERE t.account_id = {account('bob')} AND t.trusted_identifier = '{ABROAD}'"
            " AND t.state = 'APPROVED' AND t.active_from <= now()"
        ).fetchall()
    assert any("using account_is_trusted_once" in line for (line,) in plan), plan


def test_who_may_ask_the_database_whether_an_account_is_trusted(roles, attacked) -> None:
    named = "accounts_trusted(bigint, text, timestamptz)"
    found = roles["owner"].execute(
        "SELECT provolatile, proconfig, prosecdef FROM pg_proc WHERE oid = %s::regprocedure", [named]
    )
    volatility, config, definer = found.fetchone()
    assert (volatility, definer) == ("s", False)
    assert "search_path=pg_catalog, public, pg_temp" in config
    for role, may in ((addresses.APPLICATION, True), (addresses.AUDITOR, False)):
        asked = "SELECT has_function_privilege(%s, %s, 'EXECUTE')"
        assert roles["owner"].execute(asked, [role, named]).fetchone() == (may,)
    ann, at = account("ann"), "now() + interval '9 years'"
    for other, trusted in ((ABROAD, True), (OTHER_ABROAD, False), ("CNBJ-TRA-1000001-10", True)):
        answer = roles["application"].execute(f"SELECT accounts_trusted({ann}, %s, {at})", [other]).fetchone()
        assert answer == (trusted,), other
