"""What a service that is no longer ours cannot make of a conversion: more or less than it retires, elsewhere, twice.

Plans that no check has judged are handed to the functions that the service may call, as its role, in an exercise, where the
registry itself may complete at once. What PostgreSQL makes by itself is tried by the tables' owner, with its guards in place and
without them.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import psycopg
import pytest

from registry.models import IssuanceCap, TransactionBlock, UnitBlock, UnitType
from registry.verification import Verified, verify
from tests.build import NOW
from tests.types.offsets import Office, convert, make_office, rule

ID = "01900000-0000-7000-8000-000000000001"
Plan = dict[str, Any]
Connection = psycopg.Connection[tuple]


def convertible() -> Office:
    """Offsets that may be converted."""
    made = make_office()
    rule(made)
    made.types["BED"] = UnitType.objects.create(jurisdiction=made.made.home, code="BED", kind="offset")
    made.cap("BED", 2025)
    return made


@pytest.fixture
def world() -> Callable[[], Office]:
    return convertible


@pytest.fixture
def office(begun: Office) -> Iterator[Office]:
    """The offsets, in commits of their own; whatever was tried, the ledger holds afterwards."""
    yield begun
    assert isinstance(verify(), Verified), verify()


def entry(subject: str) -> Plan:
    return {
        "registry": "CN-BJ", "event": "transaction.conversion", "part": 1, "parts": 1, "occurred_at": NOW.isoformat(),
        "actor": "user:1", "subject": subject, "body": "{}",
    }  # fmt: skip


def plan_of(office: Office, first: int = 1, following: int = 11) -> Plan:
    """An honest conversion that completes at once."""
    made, at = office.made, NOW.isoformat()
    plant, can = made.accounts["plant"].pk, made.accounts["CAN"].pk
    series = UnitBlock.objects.get(start_no=first).series_id if first == 1 else 0
    return {
        "transactions": [
            {
                "id": ID, "type_id": "2-0", "state": "COMPLETED", "jurisdiction_id": made.home.pk, "transferring_id": plant,
                "acquiring_id": can, "quantity": following - first, "reason": "", "beneficiary": "", "client_reference": "",
                "proposed_at": at, "completed_at": at,
            }
        ],
        "ranges": [[0, made.home.pk, first, following, series, 0, plant, can, None, "BEC"]],
        "entries": [entry(ID)],
    }  # fmt: skip


def ask(role: Connection, plan: Plan, *before: str, function: str = "registry_effect") -> None:
    with role.transaction():
        for statement in before:
            role.execute(statement)
        role.execute(f"SELECT {function}(%s::jsonb)", [json.dumps(plan)])


def told(error: pytest.ExceptionInfo[psycopg.errors.IntegrityError]) -> str:
    return error.value.diag.constraint_name or str(error.value.diag.message_primary)


def weaken(owner: Connection, name: str, condition: str, weaker: str) -> None:
    """Take one condition out of a function of the database."""
    (source,) = owner.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", [name]).fetchone()
    assert source.count(condition) == 1, (name, condition)
    owner.execute(source.replace(condition, weaker))


@pytest.mark.parametrize("before", [(), ("SET CONSTRAINTS ALL DEFERRED",)])
def test_whoever_completes_a_conversion_makes_exactly_what_it_retires(office: Office, as_application_role, before):
    """The plan names only what is retired; nobody can leave out, or choose, what is made."""
    ask(as_application_role, plan_of(office), *before)
    retired, made = TransactionBlock.objects.filter(transaction=ID).order_by("id")
    assert (made.made_from_id, made.first_no, made.next_no) == (retired.pk, 901, 911)
    assert (made.series.unit_type.code, made.to_account_id) == ("BEC", office.made.accounts["plant"].pk)
    block = UnitBlock.objects.get(start_no=901)
    assert (block.account_id, block.retired) == (office.made.accounts["plant"].pk, False)
    assert UnitBlock.objects.get(start_no=1).retired


def say(**columns: Any) -> Callable[[Office, Plan], Any]:
    return lambda office, plan: plan["transactions"][0].update(columns)


def put(place: int, value: Any) -> Callable[[Office, Plan], Any]:
    """Another value in the range: 5 its recognition, 6 and 7 its accounts, 9 what it becomes."""

    def change(office: Office, plan: Plan) -> None:
        known = office.made.accounts
        plan["ranges"][0][place] = known[value].pk if value in known else value

    return change


def also_mint(office: Office, plan: Plan) -> None:
    plan["ranges"].append([0, office.made.home.pk, 901, 911, plan["ranges"][0][4], 0, None, plan["ranges"][0][6]])


def from_ann(office: Office, plan: Plan) -> None:
    office.stock(10, 2025, "ann")
    ann = office.made.accounts["ann"].pk
    plan["transactions"][0]["transferring_id"] = ann
    first = UnitBlock.objects.get(account_id=ann).start_no
    plan["ranges"][0][2:4] = [first, first + 10]
    plan["ranges"][0][6] = ann


def to(name: str) -> Callable[[Office, Plan], Any]:
    def change(office: Office, plan: Plan) -> None:
        plan["transactions"][0]["acquiring_id"] = plan["ranges"][0][7] = office.made.accounts[name].pk

    return change


def late(office: Office, plan: Plan) -> None:
    """A vintage of 2025 is converted until the end of 2030; proposed in time, completed after it."""
    plan["transactions"][0]["completed_at"] = NOW.replace(year=2031, month=1).isoformat()


def full(office: Office, plan: Plan) -> None:
    IssuanceCap.objects.filter(pk=office.caps["BEC", 2025].pk).update(limit=9)


def over(office: Office, plan: Plan) -> None:
    IssuanceCap.objects.filter(pk=office.caps["BEC", 2025].pk).update(valid_to=date(2026, 6, 1))


def without_rule(office: Office, plan: Plan) -> None:
    plan["transactions"][0] |= {"proposed_at": NOW.replace(year=2025).isoformat()}


def by_one(office: Office, plan: Plan) -> None:
    plan["transactions"][0]["initiator_id"] = office.made.user.pk


RULED, MEANT = "units_are_converted_by_rule", "lacks what its type needs"
FORGERIES: dict[str, tuple[Callable[[Office, Plan], Any], str]] = {
    "retired and nothing made": (put(9, None), MEANT),
    "something made by a cancellation": (say(type_id="4-0"), MEANT),
    "something made by a transfer": (say(type_id="10-50"), MEANT),
    "new units named in the plan": (also_mint, MEANT),
    "another type than the rule's": (put(9, "BED"), RULED),
    "the same type again": (put(9, "PHR"), RULED),
    "a type of nobody": (put(9, "NONE"), "no type NONE of that issuer"),
    "on a day without a rule": (without_rule, RULED),
    "after the window": (late, RULED),
    "out of a trader's account": (from_ann, "does not go from TRA to CAN"),
    "into another operator's account": (to("mill"), "does not go from OHA to OHA"),
    "into another account that retires": (to("MCN"), "does not go from OHA to MCN"),
    "more than was told": (say(quantity=11), "says 11 units, its ranges 10"),
    "less than was told": (say(quantity=9), "says 9 units, its ranges 10"),
    "more than the cap of what is made": (full, "issued_within_the_cap"),
    "under a cap that is over": (over, "under a cap of their own type"),
    "by one person": (by_one, "approval_is_given"),
}  # fmt: skip


@pytest.mark.parametrize("case", FORGERIES)
def test_a_forged_conversion_is_refused(office: Office, as_application_role, case):
    change, reason = FORGERIES[case]
    plan = plan_of(office)
    change(office, plan)
    with pytest.raises(psycopg.errors.IntegrityError) as refusal:
        ask(as_application_role, plan)
    assert reason in told(refusal)
    assert not TransactionBlock.objects.filter(transaction=ID).exists()


# The function's condition without which the forgery of that name passes.
GUARDS = {
    "another type than the rule's": ("registry_range_converts", "ON rule.to_type = made.unit_type_id", "ON true"),
    "after the window": ("registry_range_converts", "<= s.vintage + rule.years", "IS NOT NULL"),
    "under a cap that is over": ("registry_mint", "< c.valid_to", "IS NOT NULL"),
    "retired and nothing made": (
        "registry_range_takes_effect",
        "OR (parent.effect = 'convert') <> (NEW.to_series_id IS NOT NULL)",
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", GUARDS)
def test_only_for_its_guard(office: Office, owner, as_application_role, case):
    weaken(owner, *GUARDS[case])
    if case.startswith("retired"):
        # A conversion that names nothing to make would pass there; the rule and the whole still refuse it, each alone.
        weaken(owner, "registry_range_converts", "IF part.recognition_id <> 0", "IF false AND part.recognition_id <> 0")
        weaken(
            owner,
            "registry_range_converts",
            "OR NOT EXISTS (SELECT FROM registry_series s",
            "AND NOT EXISTS (SELECT FROM registry_series s",
        )
    plan = plan_of(office)
    FORGERIES[case][0](office, plan)
    if case.startswith("retired"):
        with pytest.raises(psycopg.errors.CheckViolation) as refusal:
            ask(as_application_role, plan)
        assert told(refusal) == "conversion_is_whole"
        owner.execute("DROP TRIGGER conversions_are_whole ON registry_transaction")
        # Undone, since such a ledger does not hold.
        with as_application_role.transaction(force_rollback=True):
            ask(as_application_role, plan)
        return
    ask(as_application_role, plan)
    assert TransactionBlock.objects.filter(transaction=ID, made_from__isnull=False).count() == 1


def test_ranges_are_not_added_with_the_step_that_completes_it(office: Office, as_application_role):
    waiting = convert(office, 10, (1, 11))
    row = TransactionBlock.objects.get(transaction=waiting.transaction_id)
    step = {
        "id": str(waiting.transaction_id), "event": "approved", "from_state": "AWAITING_APPROVAL", "to_state": "COMPLETED",
        "user_id": office.made.second.pk, "at": NOW.isoformat(), "reason": "", "failures": [], "due_at": None,
    }  # fmt: skip
    more = [0, row.origin_id, 911, 921, row.to_series_id, 0, None, row.from_account_id]
    plan = {"steps": [step], "ranges": [more], "entries": [entry(str(waiting.transaction_id))]}
    with pytest.raises(psycopg.errors.IntegrityError) as refusal:
        ask(as_application_role, plan, function="registry_proceed")
    assert "recorded with it" in told(refusal)
    ask(as_application_role, plan | {"ranges": []}, function="registry_proceed")
    assert list(TransactionBlock.objects.filter(made_from=row.pk).values_list("first_no", "next_no")) == [(901, 911)]


MADE = (
    "INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, made_from_id, to_account_id)"
    " SELECT b.transaction_id, b.origin_id, s.start_no, s.start_no + {length}, {series}, b.id, {account}"
    " FROM registry_transactionblock b, registry_unitblock s WHERE b.transaction_id = %(id)s AND b.made_from_id IS NULL"
    " AND s.origin_id = b.origin_id AND s.end_no IS NULL"
)
HONEST = {"length": "b.next_no - b.first_no", "series": "b.to_series_id", "account": "b.from_account_id"}
# What is made by hand for a completed conversion, where completion itself made nothing and may be played by anybody.
WRONGS = {
    "more": HONEST | {"length": "b.next_no - b.first_no + 1"},
    "less": HONEST | {"length": "b.next_no - b.first_no - 1"},
    "elsewhere": HONEST | {"account": "(SELECT id FROM accounts_account WHERE name = 'mill')"},
    "of the type that was retired": HONEST | {"series": "b.series_id"},
}


@pytest.mark.parametrize("wrong", [*WRONGS, "twice", "honest"])
def test_the_owner_makes_nothing_else_even_without_the_guard_on_who_makes(office: Office, owner, wrong):
    weaken(owner, "registry_range_is_well_formed", "pg_trigger_depth() < 2", "false")
    weaken(owner, "registry_convert", "ORDER BY b.series_id, b.first_no", "AND false")
    made = MADE.format(**WRONGS.get(wrong, HONEST))
    times = 2 if wrong == "twice" else 1

    def attempt() -> None:
        with owner.transaction():
            owner.execute("SELECT registry_effect(%s::jsonb)", [json.dumps(plan_of(office))])
            for _ in range(times):
                owner.execute(made, {"id": ID})

    if wrong == "honest":
        attempt()
        return
    with pytest.raises(psycopg.errors.IntegrityError) as refusal:
        attempt()
    assert told(refusal) == ("ranges_are_converted_once" if wrong == "twice" else "units_are_made_for_retired_ones")


def test_nobody_makes_units_by_hand(office: Office, owner):
    """Not for a conversion that waits, nor again for one that is complete; with or without the guard on who makes them."""
    waiting = {"id": convert(office, 10, (21, 31)).transaction_id}
    owner.execute("SELECT registry_effect(%s::jsonb)", [json.dumps(plan_of(office))])
    made = MADE.format(**HONEST)
    for guarded in (True, False):
        if not guarded:
            weaken(owner, "registry_range_is_well_formed", "pg_trigger_depth() < 2", "false")
        for which, without in ((waiting, "units_are_made_for_retired_ones"), ({"id": ID}, "ranges_are_converted_once")):
            with pytest.raises(psycopg.errors.IntegrityError) as refusal:
                owner.execute(made, which)
            assert told(refusal) == ("completion_alone_converts" if guarded else without)


@pytest.mark.parametrize("guarded", [True, False])
def test_nothing_is_made_in_place_of_what_was_not_retired(office: Office, owner, guarded):
    weaken(owner, "registry_range_takes_effect", "parent.retires, NULL, NULL", "false, NULL, NULL")
    plan = json.dumps(plan_of(office))
    if not guarded:
        weaken(owner, "registry_range_is_converted", "AND u.retired AND u.account_id = b.to_account_id", "")
        # Undone, since such a ledger does not hold.
        with owner.transaction(force_rollback=True):
            owner.execute("SELECT registry_effect(%s::jsonb)", [plan])
        return
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        owner.execute("SELECT registry_effect(%s::jsonb)", [plan])
    assert told(refusal) == "units_are_made_for_retired_ones"


def test_a_conversion_that_made_nothing_is_refused_at_commit(office: Office, owner):
    weaken(owner, "registry_convert", "ORDER BY b.series_id, b.first_no", "AND false")
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        owner.execute("SELECT registry_effect(%s::jsonb)", [json.dumps(plan_of(office))])
    assert told(refusal) == "conversion_is_whole"


def test_the_service_writes_no_range_by_itself(office: Office, as_application_role):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_application_role.execute(MADE.format(**HONEST), {"id": ID})
    for function in ("registry_convert(%(id)s)", "registry_converted(1, 'BEC')"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_application_role.execute(f"SELECT {function}", {"id": ID})
