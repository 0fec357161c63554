"""What a service that is no longer ours could do with the functions it may call: plans that no check has judged.

It may move units, since moving them is its work, but only by a transaction that keeps every rule of the ledger and leaves its
log entry. docs/ledger.md says what that does and does not prevent.
"""

# ruff: noqa: E501 - a statement broken over lines is harder to read than a long one

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors

from audit.models import Entry
from registry.models import Holding, Obligation
from registry.verification import Verified, verify
from tests.accounts import samples
from tests.build import NOW, Beijing
from tests.ledger.conftest import thousand_units
from tests.ledger.standing import Standing, standing
from tests.ledger.test_raw_sql import REFUSED, state
from tests.ledger.test_ways_around import Guard, take_out

ID = "01900000-0000-7000-8000-000000000001"
Forgery = Callable[[Beijing, dict], object]


def market() -> Beijing:
    """The thousand units, 20 of them with each of two plants, 10 surrendered."""
    made = thousand_units()
    made.open("mill", type_code="OHA")
    made.move("ann", "plant", 20, (701, 721))
    made.move("ann", "mill", 20, (721, 741))
    made.obligation("plant")
    made.obligation("mill")
    made.move("plant", "SUR", 10, (701, 711), type_code="10-2", obligation=obligation(made, "plant"))
    elsewhere = Beijing(samples.jurisdiction("JP-13"), made.user, made.second, made.unit_type, made.accounts)
    elsewhere.open("tokyo")
    elsewhere.open("tokyo ISS", type_code="ISS")
    made.open("shut")
    return made


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return market


@pytest.fixture(scope="module")
def withstanding(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[Standing]:
    """One database for all that is refused."""
    with standing(django_db_blocker, market) as all_attempts:
        yield all_attempts


def obligation(made: Beijing, name: str) -> int:
    return Obligation.objects.values_list("pk", flat=True).get(installation=made.accounts[name].installation)


def plan_of(made: Beijing, kind: str, sender: str | None, acquirer: str, first: int, following: int) -> dict:
    """An honest plan of one range."""
    series = Holding.objects.values_list("series", flat=True).first()
    from_id = None if sender is None else made.accounts[sender].pk
    to_id, home = made.accounts[acquirer].pk, made.home.pk
    at = NOW.isoformat()
    return {
        "transactions": [
            {
                "id": ID,
                "type_id": kind,
                "state": "COMPLETED",
                "jurisdiction_id": home,
                "transferring_id": from_id,
                "acquiring_id": to_id,
                "quantity": following - first,
                "cap_id": made.caps[2026].pk if sender is None else None,
                "series_id": series if sender is None else None,
                "reason": "",
                "beneficiary": "",
                "client_reference": "",
                "proposed_at": at,
                "completed_at": at,
            }
        ],
        "ranges": [[0, home, first, following, series, 0, from_id, to_id]],
        "entries": [
            {
                "registry": "CN-BJ",
                "event": "transaction.transfer",
                "part": 1,
                "parts": 1,
                "occurred_at": at,
                "actor": "user:1",
                "subject": ID,
                "body": "{}",
            }
        ],
    }


def ask(role: psycopg.Connection[tuple], plan: dict, *before: str) -> None:
    with role.transaction():
        for statement in before:
            role.execute(statement)
        role.execute("SELECT registry_effect(%s::jsonb)", [json.dumps(plan)])


def say(**columns: object) -> Forgery:
    return lambda made, plan: plan["transactions"][0].update(columns)


def also(*ranges: tuple[str, str, int, int]) -> Forgery:
    """Move more, within the quantity told or not."""

    def add(made: Beijing, plan: dict) -> None:
        _, home, _, _, series, *_ = plan["ranges"][0]
        for sender, acquirer, first, following in ranges:
            plan["ranges"].append(
                [0, home, first, following, series, 0, made.accounts[sender].pk, made.accounts[acquirer].pk]
            )

    return add


HONEST = ("10-50", "ann", "bob", 601, 611)
MINT = ("1-0", None, "ISS", 1001, 1051)
SURRENDER = ("10-2", "plant", "SUR", 711, 721)


def owed_by(name: str) -> Forgery:
    return lambda made, plan: plan["transactions"][0].update(obligation_id=obligation(made, name))


FORGED: dict[str, tuple[tuple, list[Forgery], tuple[str, ...]]] = {
    "another's units": (("10-50", "ann", "cid", 801, 811), [], ()),
    "units of nobody": (("10-50", "ann", "bob", 1001, 1011), [], ()),
    "more than is told": (HONEST, [say(quantity=5)], ()),
    "less than is told": (HONEST, [say(quantity=50)], ()),
    "a second range, over the sum": (HONEST, [also(("ann", "bob", 611, 621))], ()),
    "nothing between those it names": (HONEST, [lambda made, plan: plan["ranges"].__setitem__(0, [*plan["ranges"][0][:6], made.accounts["bob"].pk, made.accounts["cid"].pk])], ()),
    "no log entry": (HONEST, [lambda made, plan: plan.update(entries=[])], ()),
    "no entries at all": (HONEST, [lambda made, plan: plan.pop("entries")], ()),
    "the log entry of something else": (HONEST, [lambda made, plan: plan["entries"][0].update(subject="installation:1")], ()),
    "a transfer into the surrender account": (("10-50", "ann", "SUR", 601, 611), [], ()),
    "a transfer out of the surrender account": (("10-50", "SUR", "ann", 701, 711), [], ()),
    "a transfer out of the issuance account to itself": (("10-50", "ISS", "ISS", 1, 11), [], ()),
    "a transfer to another registry": (("10-50", "ann", "tokyo", 601, 611), [], ()),
    "an issue beyond the cap": (("1-0", None, "ISS", 1001, 10**12 + 1002), [], ()),
    "an issue without a cap": (MINT, [say(cap_id=None)], ()),
    "an issue out of turn": (("1-0", None, "ISS", 2001, 2051), [], ()),
    "an issue of serials in use": (("1-0", None, "ISS", 951, 1001), [], ()),
    "an issue into a trading account": (("1-0", None, "ann", 1001, 1051), [], ()),
    "an issue into another registry": (MINT, [lambda made, plan: plan["transactions"][0].update(jurisdiction_id=made.accounts["tokyo ISS"].jurisdiction_id, acquiring_id=made.accounts["tokyo ISS"].pk), lambda made, plan: plan["ranges"][0].__setitem__(7, made.accounts["tokyo ISS"].pk)], ()),
    "a surrender for nobody's obligation": (SURRENDER, [], ()),
    "a surrender for another's obligation": (SURRENDER, [owed_by("mill")], ()),
    "a surrender for another's obligation, asked about early": (SURRENDER, [owed_by("mill")], ("SET CONSTRAINTS ALL IMMEDIATE",)),
    "a surrender of another's units": (("10-2", "plant", "SUR", 721, 731), [owed_by("plant")], ()),
    "an allocation of no table": (("10-40", "ISS", "plant", 1, 11), [say(allocation_id=1)], ()),
    "a transaction that begins ended": (HONEST, [say(state="CANCELLED", completed_at=None)], ()),
    "a transaction that begins accepted": (HONEST, [say(state="ACCEPTED", completed_at=None)], ()),
    "a type that is not open": (HONEST, [say(type_id="10-55")], ()),
    "the units of a waiting transaction, spent": (HONEST, [say(state="DELAYED", completed_at=None, due_at=NOW.isoformat()), lambda made, plan: (plan["transactions"].append(plan["transactions"][0] | {"id": ID[:-1] + "2", "state": "COMPLETED", "completed_at": NOW.isoformat()}), plan["ranges"].append([1, *plan["ranges"][0][1:]]), plan["entries"].append(plan["entries"][0] | {"subject": ID[:-1] + "2"}))], ()),
    "a range for no transaction": (HONEST, [lambda made, plan: plan.update(transactions=[])], ()),
    "half a unit": (HONEST, [lambda made, plan: plan["ranges"][0].__setitem__(3, 610.5)], ()),
    "a quantity that is null": (HONEST, [say(quantity=None)], ()),
    "an endless time": (HONEST, [say(completed_at="infinity")], ()),
    "a time before it was proposed": (HONEST, [say(completed_at="2020-01-01T00:00:00Z")], ()),
    # the ground moved under the functions
    "tables of its own in front": (("10-50", "ann", "cid", 801, 811), [], (
        "CREATE TEMP TABLE registry_unitblock AS SELECT * FROM public.registry_unitblock",
        "UPDATE pg_temp.registry_unitblock SET account_id = (SELECT id FROM accounts_account WHERE name = 'ann')",
        "CREATE TEMP TABLE accounts_account AS SELECT * FROM public.accounts_account",
        "SET LOCAL search_path = pg_temp, public",
    )),
    "operators of its own in front": (("10-50", "ann", "cid", 801, 811), [], (
        "CREATE FUNCTION pg_temp.never(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
        "CREATE OPERATOR pg_temp.<> (FUNCTION = pg_temp.never, LEFTARG = bigint, RIGHTARG = bigint)",
        "SET LOCAL search_path = pg_temp, pg_catalog, public",
    )),
}  # fmt: skip


@pytest.mark.parametrize("forged", FORGED)
def test_a_plan_that_breaks_a_rule_is_refused(withstanding, forged):
    plan, before = forge(withstanding.made, forged)
    was = everything(withstanding.owner)
    with pytest.raises(REFUSED):
        ask(withstanding.service, plan, *before)
    assert everything(withstanding.owner) == was


def forge(made: Beijing, name: str) -> tuple[dict, tuple[str, ...]]:
    """The plan of that name, and what is done before it is handed in."""
    honest, forgeries, before = FORGED[name]
    plan = plan_of(made, *honest)
    for forgery in forgeries:
        forgery(made, plan)
    return plan, before


def everything(owner: psycopg.Connection[tuple]) -> list[object]:
    """All that the ledger and the log say."""
    return [*state(owner), owner.execute("SELECT count(*) FROM audit_entry").fetchone()]


@pytest.mark.parametrize("honest", [HONEST, MINT, SURRENDER], ids=["transfer", "issue", "surrender"])
def test_a_plan_that_keeps_every_rule_is_carried_out_whoever_made_it(begun, as_application_role, honest):
    """The positive control, and the plain truth: the database knows rules, not people. It leaves its record and log entry."""
    plan = plan_of(begun, *honest)
    if honest == SURRENDER:
        owed_by("plant")(begun, plan)
    ask(as_application_role, plan)
    assert isinstance(verify(), Verified)
    assert Entry.objects.filter(subject=ID).count() == 1


ENTRY_OF_EACH: Guard = ("registry_effect", "IF NOT jsonb_path_query_array", "IF false AND NOT jsonb_path_query_array")
CONTROLS: dict[str, Guard] = {
    "the units of a waiting transaction, spent": ("registry_rehouse", "AND b.held_for IS NOT DISTINCT FROM from_hold", ""),
    "no log entry": ("registry_record", "coalesce(jsonb_array_length(plan -> 'entries'), 0) = 0", "false"),
    "the log entry of something else": ENTRY_OF_EACH,
    "another's units": ("registry_rehouse", "AND b.account_id = part.from_account_id", ""),
    "a transfer into the surrender account": ("registry_range_takes_effect", "NOT parent.to_type = ANY (parent.to_types)", "false"),
    "a transfer to another registry": ("registry_range_takes_effect", "parent.to_registry <> parent.jurisdiction_id", "false"),
    "more than is told": ("registry_ranges_make_up_the_quantity", "s.total <> t.quantity", "false"),
    "a transaction that begins accepted": ("registry_transaction_keeps_to_its_states", "NOT IN ('AWAITING_APPROVAL', 'DELAYED', 'PROPOSED', 'COMPLETED')", "IS NULL"),
    "an issue out of turn": ("registry_mint", "open_block.start_no IS DISTINCT FROM part.first_no", "false"),
}  # fmt: skip


@pytest.mark.parametrize("forged", CONTROLS)
def test_a_forged_plan_gets_past_the_guard_once_it_is_taken_out(withstanding, forged):
    """The negative control. What gets further may still meet another guard; then that one speaks, with another sentence."""
    plan, before = forge(withstanding.made, forged)
    guarded = told(withstanding.service, plan, before)
    guards: list[Guard] = [CONTROLS[forged], *([ENTRY_OF_EACH] if forged == "no log entry" else [])]
    with without(withstanding.owner, guards):
        unguarded = told(withstanding.service, plan, before)
    assert guarded is not None
    assert unguarded != guarded


@contextmanager
def without(owner: psycopg.Connection[tuple], guards: list[Guard]) -> Iterator[None]:
    """Take guards of functions out for a while."""
    whole = [owner.execute("SELECT pg_get_functiondef(%s::regproc)", [guard[0]]).fetchone() for guard in guards]
    for guard in guards:
        take_out(owner, guard)
    try:
        yield
    finally:
        for definition in whole:
            assert definition
            owner.execute(definition[0])


def told(role: psycopg.Connection[tuple], plan: dict, before: tuple[str, ...]) -> str | None:
    """What PostgreSQL says of a plan, as late as COMMIT; None when it would be carried out, which it is not in the end."""
    try:
        with role.transaction(force_rollback=True):
            ask(role, plan, *before)
            role.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except REFUSED as error:
        return str(error.diag.message_primary)
    return None


def test_reading_facts_from_within_a_trigger_of_its_own_gives_no_power(withstanding):
    """Guards that ask how deep in triggers they are look at what the ledger's own triggers do, not at who called first."""
    was, service = everything(withstanding.owner), withstanding.service
    home, ann = withstanding.made.home.pk, withstanding.made.accounts["ann"].pk
    with service.transaction():
        service.execute("CREATE TEMP TABLE lever (n integer)")
        service.execute(
            "CREATE FUNCTION pg_temp.pull() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" PERFORM public.registry_open_serial_space({home}); PERFORM public.registry_merge_neighbours({ann});"
            " RETURN NEW; END $$"
        )
        service.execute("CREATE TRIGGER pull BEFORE INSERT ON lever FOR EACH ROW EXECUTE FUNCTION pg_temp.pull()")
        service.execute("INSERT INTO lever VALUES (1)")
    assert everything(withstanding.owner) == was
    for statement in (
        "UPDATE public.registry_unitblock SET account_id = 1; RETURN NEW",
        "PERFORM public.registry_rehouse(NULL, 1, 0, false, NULL, NULL); RETURN NEW",
    ):
        service.execute(
            f"CREATE OR REPLACE FUNCTION pg_temp.pull() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; END $$"
        )
        with pytest.raises(errors.InsufficientPrivilege):
            service.execute("INSERT INTO lever VALUES (1)")


def test_the_ledgers_triggers_cannot_be_borrowed(withstanding):
    service = withstanding.service
    service.execute("CREATE TEMP TABLE borrowed (LIKE registry_transactionblock)")
    with pytest.raises(errors.InsufficientPrivilege):
        service.execute(
            "CREATE TRIGGER lever AFTER INSERT ON borrowed REFERENCING NEW TABLE AS added"
            " FOR EACH STATEMENT EXECUTE FUNCTION registry_ranges_make_up_the_quantity()"
        )


# What the service may write by itself, beside reading: tables of the registry that are not the ledger.
WRITES = {
    "registry_unittype": {"INSERT"},
    "registry_issuancecap": {"INSERT", "UPDATE"},
    "registry_limit": {"INSERT", "UPDATE"},
    "registry_obligation": {"INSERT", "UPDATE"},
    "registry_allocationtable": {"INSERT", "UPDATE"},
    "registry_allocation": {"INSERT", "UPDATE"},
    "registry_allocationexcess": {"INSERT", "UPDATE"},
    "registry_unitvalidity": {"INSERT"},
    "registry_recordedemissions": {"INSERT"},
    "registry_recordedbase": {"INSERT"},
    "registry_excessapplication": {"INSERT"},
    "registry_statussnapshot": {"INSERT"},
}


def test_the_service_writes_by_itself_what_is_listed_and_nothing_else(committed_db, as_application_role, as_auditor):
    """From the catalogue, so that a new table is in here from its first day."""
    asked = (
        "SELECT relname, has_any_column_privilege(oid, 'INSERT'), has_any_column_privilege(oid, 'UPDATE'),"
        " has_table_privilege(oid, 'DELETE'), has_table_privilege(oid, 'TRUNCATE'), has_table_privilege(oid, 'TRIGGER'),"
        " has_table_privilege(oid, 'REFERENCES') FROM pg_class"
        " WHERE relkind = 'r' AND relname LIKE 'registry\\_%' AND relnamespace = 'public'::regnamespace"
    )
    verbs = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES")
    rows = as_application_role.execute(asked).fetchall()
    assert len(rows) >= 16
    may = {name: {verb for verb, granted in zip(verbs, given, strict=True) if granted} for name, *given in rows}
    assert {name: given for name, given in may.items() if given} == WRITES
    assert not [row for row in as_auditor.execute(asked).fetchall() if any(row[1:])]
