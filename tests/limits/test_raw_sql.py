"""Plans that no check has judged, and statements by the tables' owner: refused by a guard each, and let through without it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import pytest
from django.db import connection
from psycopg import errors

from accounts.models import Account
from registry.models import Limit
from registry.rules.types import TYPES
from tests.build import NOW, Beijing
from tests.ledger.standing import Standing, standing
from tests.ledger.test_forged_plans import ask, plan_of, without
from tests.ledger.test_raw_sql import REFUSED
from tests.ledger.test_ways_around import Guard, take_out
from tests.limits.conftest import holding_rule, limit, three_holders

LATER = "2026-06-15T12:00:00+00:00"
SECOND = "01900000-0000-7000-8000-000000000002"
# Statements name an account by what stands here.
ANN = "(SELECT id FROM accounts_account WHERE name = 'ann')"
CID = "(SELECT holder_id FROM accounts_account WHERE name = 'cid')"
HOME = "(SELECT id FROM accounts_jurisdiction WHERE code = 'CN-BJ')"


def limited() -> Beijing:
    """Ann may send 20 a transaction and 40 a day, anybody 90 a day; holders may hold 310. Ten left ann today."""
    made = three_holders()
    limit(made, per_day=90)
    limit(made, "ann", per_transaction=20, per_day=40)
    holding_rule(made, 310)
    ask_as_a_person(made, plan_of(made, "10-50", "ann", "cid", 701, 711), SECOND.replace("2", "9"))
    return made


def ask_as_a_person(made: Beijing, plan: dict, name: str) -> None:
    """Carry out a waiting transaction as the application does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT registry_effect(%s::jsonb)", [json.dumps(waiting(made, plan, name))])


def waiting(made: Beijing, plan: dict, name: str = "") -> dict:
    """The same plan, proposed by a person and waiting for approval, under another id if one is given."""
    row = plan["transactions"][0]
    row |= {"state": "AWAITING_APPROVAL", "completed_at": None, "expires_at": LATER, "initiator_id": made.user.pk}
    if name:
        row["id"] = plan["entries"][0]["subject"] = name
    return plan


def both(first: dict, second: dict) -> dict:
    """One plan of two transactions."""
    ranges = [*first["ranges"], *([1, *row[1:]] for row in second["ranges"])]
    parts = {part: [*first[part], *second[part]] for part in ("transactions", "entries")}
    return {**parts, "ranges": ranges}


@dataclass(frozen=True)
class Forged:
    """A plan that asks too much, the condition that refuses it, and the name it is refused by."""

    plan: Callable[[Beijing], dict]
    guard: Guard
    constraint: str


PER_TRANSACTION = ("registry_count_for_senders", "part.units > least_limit.per_transaction", "false")
PER_DAY = ("registry_count_for_senders", "total > least_limit.per_day", "false")
HOLDING = ("registry_count_for_holders", "part.is_bound AND", "false AND")


def from_ann(first: int, following: int, to: str = "cid") -> Callable[[Beijing], dict]:
    return lambda made: waiting(made, plan_of(made, "10-50", "ann", to, first, following))


def from_bob(quantity: int, to: str = "cid") -> Callable[[Beijing], dict]:
    return lambda made: waiting(made, plan_of(made, "10-50", "bob", to, 401, 401 + quantity))


FORGED = {
    "more than one transaction may": Forged(from_ann(711, 732), PER_TRANSACTION, "limits_are_kept"),
    "more than a day may, in two at once": Forged(
        lambda made: both(
            from_ann(711, 731)(made), waiting(made, plan_of(made, "10-50", "ann", "cid", 731, 742), SECOND)
        ),
        PER_DAY,
        "limits_are_kept",
    ),
    "more than the jurisdiction lets a day": Forged(from_bob(91), PER_DAY, "limits_are_kept"),
    "more than the acquirer may hold, some day": Forged(from_bob(11, "ann"), HOLDING, "holding_limit_is_kept"),
    "more than the acquirer may hold, at once": Forged(
        lambda made: plan_of(made, "10-50", "bob", "ann", 401, 412), HOLDING, "holding_limit_is_kept"
    ),
}


@pytest.fixture(scope="module")
def withstanding(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Standing]:
    """One database for all that is refused; its ledger is verified at the end."""
    with standing(django_db_blocker, limited) as all_attempts:
        yield all_attempts


def carry_out_and_undo(connection: psycopg.Connection[tuple], plan: dict) -> None:
    """Show that a plan is carried out, and leave nothing of it."""
    with connection.transaction():
        connection.execute("SELECT registry_effect(%s::jsonb)", [json.dumps(plan)])
        raise psycopg.Rollback


def everything(connection: psycopg.Connection[tuple]) -> list[object]:
    tables = ("limit", "dailyuse", "holdinglimit", "transaction", "holding")
    return [connection.execute(f"SELECT * FROM registry_{table} ORDER BY 1, 2").fetchall() for table in tables]


@pytest.mark.parametrize("name", FORGED)
def test_a_plan_beyond_a_limit_is_refused_and_only_by_its_guard(withstanding, name):
    forged, was = FORGED[name], everything(withstanding.owner)
    plan = forged.plan(withstanding.made)
    with pytest.raises(errors.CheckViolation) as refused:
        ask(withstanding.service, plan)
    assert refused.value.diag.constraint_name == forged.constraint
    assert everything(withstanding.owner) == was
    with without(withstanding.owner, [forged.guard]):
        carry_out_and_undo(withstanding.service, plan)
    assert everything(withstanding.owner) == was


@pytest.mark.parametrize("plan", [from_ann(711, 731), from_bob(90), from_bob(10, "ann")])
def test_a_plan_within_every_limit_is_carried_out(withstanding, plan):
    """The positive control, undone."""
    carry_out_and_undo(withstanding.service, plan(withstanding.made))


def trigger(table: str, name: str) -> str:
    return f"ALTER TABLE registry_{table} DISABLE TRIGGER {name}"


LIMITS, USE, HOLDINGS = (
    trigger("limit", "limits_are_kept_in_order"),
    trigger("dailyuse", "daily_use_follows_ranges"),
    trigger("holdinglimit", "holding_limits_follow_the_ledger"),
)


def new_limit(columns: str, *values: object) -> str:
    return f"INSERT INTO registry_limit ({columns}, source) VALUES ({', '.join(map(str, values))}, 'test')"


# Attack: the statement, and what must go for it to succeed.
BY_THE_OWNER: dict[str, tuple[str, list[str]]] = {
    "less used than was": ("UPDATE registry_dailyuse SET used = 0", [USE]),
    "a day forgotten": ("DELETE FROM registry_dailyuse", [USE]),
    "a day invented": (f"INSERT INTO registry_dailyuse VALUES ({ANN}, '2026-06-02', 0)", [USE]),
    "less than nothing used": (
        "UPDATE registry_dailyuse SET used = -1",
        [USE, "ALTER TABLE registry_dailyuse DROP CONSTRAINT daily_use_is_not_negative"],
    ),
    "less held than is": ("UPDATE registry_holdinglimit SET held = 0", [HOLDINGS]),
    "less pending than is": ("UPDATE registry_holdinglimit SET pending = 0", [HOLDINGS]),
    "another's holding limit": (
        f"UPDATE registry_holdinglimit SET jurisdiction_id = -1 WHERE holder_id = {CID}",
        [HOLDINGS, "ALTER TABLE registry_holdinglimit DROP CONSTRAINT registry_holdinglimit_jurisdiction_id_fkey"],
    ),
    "a limit deleted": ("DELETE FROM registry_limit", [LIMITS]),
    "a limit raised": ("UPDATE registry_limit SET per_day = 1000", [LIMITS]),
    "a limit that begins later than it did": ("UPDATE registry_limit SET valid_from = '2026-07-01'", [LIMITS]),
    "an ended limit prolonged": (
        "UPDATE registry_limit SET valid_to = '2026-07-01'; UPDATE registry_limit SET valid_to = '2026-08-01'",
        [LIMITS],
    ),
    "a second limit of one level and day": (
        new_limit("jurisdiction_id, valid_from, per_day", HOME, "'2026-08-01'", 1),
        ["ALTER TABLE registry_limit DROP CONSTRAINT one_limit_per_scope_and_day"],
    ),
    "an account's limit above its jurisdiction's": (
        new_limit("account_id, valid_from, per_day", ANN.replace("ann", "bob"), "'2026-06-01'", 91),
        [LIMITS],
    ),
    "an administrative account's limit": (
        new_limit("account_id, valid_from, per_day", ANN.replace("ann", "ISS"), "'2026-06-01'", 1),
        [LIMITS],
    ),
    "a limit of two levels": (
        new_limit("account_id, jurisdiction_id, valid_from", ANN.replace("ann", "bob"), HOME, "'2026-06-01'"),
        ["ALTER TABLE registry_limit DROP CONSTRAINT limit_is_of_one_level"],
    ),
    "a limit below nought": (
        new_limit("valid_from, per_day", "'2026-06-01'", -1),
        ["ALTER TABLE registry_limit DROP CONSTRAINT limit_per_day_is_not_negative"],
    ),
    "a limit that ends before it begins": (
        new_limit("valid_from, valid_to", "'2026-06-01'", "'2026-06-01'"),
        ["ALTER TABLE registry_limit DROP CONSTRAINT limit_is_valid_for_a_time"],
    ),
}


@pytest.mark.parametrize("attack", BY_THE_OWNER)
def test_the_owner_is_refused_and_only_by_the_guards_that_are_named(withstanding, attack):
    statement, guards = BY_THE_OWNER[attack]
    was = everything(withstanding.owner)
    with pytest.raises(REFUSED):
        withstanding.owner.execute(statement)
    assert everything(withstanding.owner) == was
    with withstanding.owner.transaction():
        for guard in guards:
            take_out(withstanding.owner, guard)
        withstanding.owner.execute(statement)
        raise psycopg.Rollback


@pytest.mark.parametrize("statement", [
    "UPDATE registry_dailyuse SET used = 0", "UPDATE registry_holdinglimit SET held = 0", "DELETE FROM registry_holdinglimit",
    "UPDATE registry_limit SET per_day = NULL", "DELETE FROM registry_limit",
    "INSERT INTO registry_limit (account_id, valid_from, source, id) VALUES (1, '2026-06-01', 'test', 1)",
])  # fmt: skip
def test_the_service_has_no_right_to_it(withstanding, statement):
    with pytest.raises((errors.InsufficientPrivilege, errors.GeneratedAlways)):
        withstanding.service.execute(statement)


def test_holding_limits_are_set_with_a_log_entry_or_not_at_all(withstanding):
    asked = json.dumps({"jurisdiction": withstanding.made.home.pk, "day": "2026-06-01", "others": 10**9})
    with pytest.raises(errors.IntegrityError):
        withstanding.service.execute("SELECT registry_set_holding_limits(%s)", [asked])


def test_the_databases_limited_types_are_the_tables(withstanding):
    for code, row in TYPES.items():
        found = withstanding.owner.execute("SELECT registry_type_is_limited(%s)", [code]).fetchone()
        assert found == (row.limited,)


def test_a_limit_above_ones_jurisdiction_is_refused_without_the_operation(registry):
    """And a lower one is not, by the same way."""
    limit(registry, per_day=100)
    bob = Account.objects.get(name="bob")
    Limit.objects.create(account=bob, per_day=100, valid_from=NOW.date(), source="test")
