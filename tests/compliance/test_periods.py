"""Excess credits from application to delivery, the status of a period, and what PostgreSQL refuses by itself."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from random import Random
from threading import Event

import psycopg
import pytest
from django.db import IntegrityError

from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit.models import Entry
from registry.compliance_queries import obligations_of
from registry.models import (
    Allocation,
    ExcessApplication,
    Holding,
    IssuanceCap,
    RecordedBase,
    StatusSnapshot,
    Transaction,
)
from registry.operations.apply_for_excess_credits import apply_for_excess_credits
from registry.operations.approve import approve
from registry.operations.deliver_excess_credits import deliver_excess_credits
from registry.operations.issue_excess_credits import issue_excess_credits
from registry.operations.load_allocation_table import (
    approve_allocation_table,
    load_allocation_table,
    withhold_allocation,
)
from registry.operations.load_compliance import load_obligations
from registry.operations.propose import propose
from registry.operations.record_base import record_base
from registry.operations.reverse import reverse
from registry.operations.run_due import run_due
from registry.period_queries import periods_of, positions, regimes_of
from registry.rules.cover_the_excess import Period, Position
from registry.rules.proposal import Line, Proposal
from registry.tabular import FileRefused
from tests.build import NOW, REGISTRY
from tests.compliance.tokyo import END, Tokyo, tokyo
from tests.conftest import Own, begun_in, shared_by_module

DAY = timedelta(days=1)
tokyo_database = shared_by_module(tokyo)


@pytest.fixture
def home(tokyo_database: Own[Tokyo], db: None) -> Tokyo:
    return begun_in(tokyo_database)


@pytest.fixture
def world() -> Callable[[], Tokyo]:
    return verified


def verified() -> Tokyo:
    """Two years are verified: 600 issuable to the tower."""
    made = tokyo()
    made.emitted(8_500, 7_500)
    return made


def position(made: Tokyo, name: str = "tower", now=NOW) -> Position:
    period = regimes_of(made.home).period_of(2025)
    assert period is not None
    return positions([made.place(name)], period, at=now)[made.place(name)]


def apply(made: Tokyo, actor: Actor | None = None, **said) -> ExcessApplication:
    told = {"installation": made.place(), "year": 2026, "source": "application 1", "now": NOW} | said
    return apply_for_excess_credits(**told, actor=actor or made.junior)


def approved(made: Tokyo, **said) -> ExcessApplication:
    made_one = apply(made, **said)
    approve_allocation_table(table=made_one.allocation.table, actor=made.senior, now=NOW)
    return made_one


def cap(made: Tokyo, vintage: int = 2026, limit: int = 10_000) -> None:
    IssuanceCap.objects.create(
        unit_type=made.unit_type, vintage=vintage, limit=limit, valid_from=date(2026, 1, 1), source="test"
    )


def delivered(made: Tokyo, **said) -> ExcessApplication:
    application = approved(made, **said)
    if not IssuanceCap.objects.filter(vintage=application.through_year).exists():
        cap(made, application.through_year)
    proposed = issue_excess_credits(application=application, actor=made.junior, now=NOW)
    approve(proposed.transaction_id, actor=made.senior, now=NOW)
    found = deliver_excess_credits(application=application, actor=made.junior, now=NOW)
    assert (found.delivered, found.refused, found.without_account) == (1, {}, [])
    return application


def refused(code: str, call: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        call()
    assert refusal.value.code == code
    return refusal.value


def sold(made: Tokyo, quantity: int) -> None:
    line = Line(made["tower"], made["trader"], quantity, registry="JP13", unit_type="TER")
    propose(Proposal("10-50", (line,)), actor=made.representative, now=NOW)


def test_the_worked_example_from_the_first_year_to_the_last(home):
    home.emitted(8_500)
    early = refused("excess-too-early", lambda: apply(home))
    assert early.params == {"year": 2026}
    home.emitted(7_500, since=2026)
    application = delivered(home)
    assert (application.through_year, application.issuable, application.allocation.quantity) == (2026, 600, 600)
    assert Holding.objects.get(account=home.accounts["tower"]).quantity == 600
    assert [series.period for series in {block.series for block in unit_blocks(home)}] == ["2025-2029"]
    assert (position(home).issuable, position(home).issued, position(home).shortfall) == (0, 600, 0)
    home.owes()
    sold(home, 600)
    home.emitted(8_500, 8_500, 8_500, since=2027)
    [stood] = obligations_of(home.place(), at=NOW)
    assert stood.position is not None
    assert (stood.status, stood.cumulative_emissions, stood.position.cap, stood.position.shortfall) == (
        "B", 41_500, 41_500, 600,
    )  # fmt: skip
    run_due(actor=REGISTRY, now=END)
    found = StatusSnapshot.objects.get(installation=home.place())
    assert (found.year, found.status, found.emissions, found.surrendered) == (2029, "B", 41_500, 0)
    assert StatusSnapshot.objects.get(installation=home.place("depot")).status == "C"


def unit_blocks(made: Tokyo):
    return made.accounts["tower"].unit_blocks.select_related("series")


def test_what_is_surrendered_for_the_period_covers_it(home):
    home.emitted(8_500, 7_500)
    delivered(home)
    owed = home.owes()
    home.emitted(8_500, 8_500, 8_500, since=2027)
    line = Line(home["tower"], home["SUR"], 600, registry="JP13", unit_type="TER")
    propose(Proposal("10-2", (line,), obligation=owed.pk), actor=home.representative, now=NOW)
    run_due(actor=REGISTRY, now=END)
    found = StatusSnapshot.objects.get(installation=home.place())
    assert (found.status, found.surrendered) == ("A", 600)


def test_a_later_year_gives_more_or_takes_back_nothing(home):
    home.emitted(8_500, 7_500)
    delivered(home)
    home.emitted(9_000, since=2027)
    assert (position(home).entitled, position(home).issuable, position(home).shortfall) == (0, 0, 700)
    refused("excess-not-issuable", lambda: apply(home))
    home.emitted(5_000, since=2028)
    # 1,500 + 2,500 + 1,000 + 5,000 less 4 x 1,700; 600 of it are issued.
    again = delivered(home)
    assert (again.through_year, again.allocation.quantity) == (2028, 10_000 - 6_800 - 600)
    assert (position(home).issued, position(home).shortfall) == (3_200, 0)


def test_part_of_it_may_be_applied_for_and_the_rest_after_the_next_year(home):
    home.emitted(8_500, 7_500)
    refused("excess-not-issuable", lambda: apply(home, quantity=601))
    refused("excess-not-issuable", lambda: apply(home, quantity=0))
    approved(home, quantity=100)
    assert position(home).issuable == 500
    refused("excess-granted-already", lambda: apply(home))
    home.emitted(8_300, since=2027)
    assert approved(home).allocation.quantity == 500


def test_an_application_waits_alone_and_is_withdrawn_by_withholding_it(home):
    home.emitted(8_500, 7_500)
    first = apply(home)
    refused("excess-application-waits", lambda: apply(home))
    withhold_allocation(allocation=first.allocation, withheld=True, actor=home.junior, now=NOW)
    second = approved(home, quantity=599, now=NOW + DAY)
    assert Allocation.objects.get(pk=second.allocation_id).state == "READY"
    with pytest.raises(Refusal):
        approve_allocation_table(table=second.allocation.table, actor=home.senior, now=NOW)


def test_it_is_logged_with_what_was_issuable_and_why(home):
    home.emitted(8_500, 7_500)
    apply(home)
    body = bytes(Entry.objects.get(event="excess-credits.applied").body).decode().replace(" ", "")
    assert '"years":[[2025,10000,17,100,8500],[2026,10000,17,100,7500]]' in body
    assert '"issuable":600' in body


def test_a_second_person_who_is_a_senior_administrator_approves(home):
    home.emitted(8_500, 7_500)
    own = apply(home, actor=home.senior)
    refused(
        "approver-is-initiator",
        lambda: approve_allocation_table(table=own.allocation.table, actor=home.senior, now=NOW),
    )
    for actor in (home.authority, home.junior):
        with pytest.raises(NotPermitted) as refusal:
            approve_allocation_table(table=own.allocation.table, actor=actor, now=NOW)
        assert refusal.value.params == {"act": Act.APPROVE_EXCESS_CREDITS}


def test_who_may_not_apply_or_record_does_not(home):
    home.emitted(8_500, 7_500)
    for actor in (home.representative, REGISTRY):
        with pytest.raises(NotPermitted):
            apply(home, actor=actor)
    told = {"installation": home.place(), "year": 2025, "base": 1, "factor_numerator": 1, "factor_denominator": 2}
    with pytest.raises(NotPermitted):
        record_base(**told, source="x", actor=home.senior, now=NOW)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"base": -1}, "base-out-of-bounds"),
        ({"base": 10**15}, "base-out-of-bounds"),
        ({"year": 1989}, "base-out-of-bounds"),
        ({"factor_numerator": 3}, "factor-out-of-bounds"),
        ({"factor_numerator": -1}, "factor-out-of-bounds"),
        ({"factor_denominator": 10**6 + 1}, "factor-out-of-bounds"),
        ({"factor_numerator": 0, "factor_denominator": 0}, "factor-out-of-bounds"),
        ({"source": " "}, "source-missing"),
    ],
)
def test_a_base_out_of_bounds_is_not_recorded(home, changed, code):
    told = {"installation": home.place(), "year": 2025, "base": 1, "factor_numerator": 1, "factor_denominator": 2}
    told |= {"source": "x", "actor": home.authority, "now": NOW} | changed
    before = RecordedBase.objects.count()
    refused(code, lambda: record_base(**told))
    assert RecordedBase.objects.count() == before


def test_a_revised_base_corrects_and_what_was_known_before_can_be_asked_for(home):
    home.emitted(8_500, 7_500)
    record_base(
        installation=home.place(), year=2026, base=9_000, factor_numerator=34, factor_denominator=200,
        source="revision", actor=home.authority, now=NOW + DAY,
    )  # fmt: skip
    found = list(RecordedBase.objects.filter(installation=home.place(), year=2026).order_by("id"))
    assert [(row.base, row.factor_numerator, row.factor_denominator) for row in found] == [
        (10_000, 17, 100), (9_000, 17, 100),
    ]  # fmt: skip
    assert found[1].corrects == found[0]
    # 1,500 + 1,500 less 1,700 + 1,530.
    assert (position(home).entitled, position(home, now=NOW + DAY).entitled) == (600, 0)


def test_what_became_less_after_the_application_is_neither_approved_nor_delivered(home):
    home.emitted(8_500, 7_500)
    waiting = apply(home)
    home.emitted(7_501, since=2026, now=NOW + DAY)
    with pytest.raises(Refusal) as refusal:
        approve_allocation_table(table=waiting.allocation.table, actor=home.senior, now=NOW + DAY)
    assert refusal.value.params == {"installation": "tower", "quantity": 600, "most": 599}
    home.emitted(7_500, since=2026, now=NOW + 2 * DAY)
    approve_allocation_table(table=waiting.allocation.table, actor=home.senior, now=NOW + 2 * DAY)
    home.emitted(7_501, since=2026, now=NOW + 3 * DAY)
    told = {"application": waiting, "actor": home.junior, "now": NOW + 3 * DAY}
    assert refused("excess-not-issuable", lambda: deliver_excess_credits(**told)).params["most"] == 599


def test_a_table_from_a_file_grants_no_more_than_is_issuable_either(home):
    home.emitted(8_500, 7_500)
    told = {"jurisdiction": home.home, "name": "t.csv", "actor": home.junior, "now": NOW}
    header = b"installation,unit_type,vintage,quantity\n"
    for rows in (b"tower,TER,2026,601\n", b"tower,TER,2025,300\ntower,TER,2026,301\n", b"depot,TER,2026,1\n"):
        table = load_allocation_table(header + rows, **told)
        refused(
            "excess-not-issuable", lambda table=table: approve_allocation_table(table=table, actor=home.senior, now=NOW)
        )
    # Vintages outside the period are not of it.
    other = load_allocation_table(header + b"tower,TER,2030,9\n", **told)
    assert approve_allocation_table(table=other, actor=home.senior, now=NOW).state == "APPROVED"


def test_units_are_issued_once_under_a_cap_after_approval(home):
    home.emitted(8_500, 7_500)
    waiting = apply(home)
    told = {"application": waiting, "actor": home.junior, "now": NOW}
    refused("excess-credits-not-approved", lambda: issue_excess_credits(**told))
    approve_allocation_table(table=waiting.allocation.table, actor=home.senior, now=NOW)
    refused("no-cap-in-force", lambda: issue_excess_credits(**told))
    cap(home)
    found = deliver_excess_credits(**told)
    assert [[failure.code for failure in each.failures] for each in found.refused.values()] == [[4010]]
    issue_excess_credits(**told)
    refused("excess-credits-issued-already", lambda: issue_excess_credits(**told))
    with pytest.raises(NotPermitted):
        issue_excess_credits(**told | {"actor": home.authority})
    assert Transaction.objects.get(type_id="1-0").state == "AWAITING_APPROVAL"


def test_a_reversed_delivery_is_issuable_again_after_the_next_year(home):
    home.emitted(8_500, 7_500)
    application = delivered(home)
    [moved] = Transaction.objects.filter(allocation_id=application.allocation_id)
    back = reverse(moved.pk, reason="an order", actor=home.junior, now=NOW)
    approve(back.transaction_id, actor=home.senior, now=NOW)
    assert (position(home).granted, position(home).issued, position(home).issuable) == (0, 0, 600)
    home.emitted(8_300, since=2027)
    assert approved(home).allocation.quantity == 600


def test_an_obligation_for_a_period_is_of_its_last_year(home):
    told = {"jurisdiction": home.home, "name": "o.csv", "actor": home.authority, "now": NOW}
    header = b"installation,year,opens_at,due_at,closes_at,eligible_until_vintage\n"
    with pytest.raises(FileRefused) as refusal:
        load_obligations(header + b"tower,2027,,2031-09-30T15:00:00Z,,2029\n", **told)
    [fault] = refusal.value.faults
    assert (fault.code, fault.params) == ("not-the-last-of-a-period", {"year": 2029})
    assert load_obligations(header + b"tower,2029,,2031-09-30T15:00:00Z,,2029\n", **told).rows == 1


def test_periods_are_told_up_to_the_present_one_with_their_operators(home):
    assert [each.position.period for each in periods_of(home.place(), at=NOW)] == [Period(2025, 2029, (4, 1), "TER")]
    assert periods_of(home.place(), at=NOW - 600 * DAY) == []


def test_many_facilities_cost_as_many_statements_as_one(home, django_assert_num_queries):
    home.emitted(8_500, 7_500)
    home.owes()
    period = regimes_of(home.home).period_of(2025)
    for names in (["tower"], ["tower", "depot"]):
        places = [home.place(name) for name in names]
        with django_assert_num_queries(6):
            positions(places, period, at=NOW)


def draw_facilities(made: Tokyo, sql: psycopg.Connection[tuple], how_many: int) -> None:
    """Record facilities at random: odd bases, factors of every denominator, excluded and missing years, late and early ends."""
    draw = Random(7)
    for number in range(how_many):
        name, first, last = f"drawn-{number}", draw.choice((2020, 2020, 2025, 2026)), draw.choice((None, None, 2028))
        [place] = sql.execute(
            "INSERT INTO accounts_installation (jurisdiction_id, number, name, authority, sector, first_year, last_year)"
            " VALUES (%s, %s, %s, '', '', %s, %s) RETURNING id",
            (made.home.pk, name, name, first, last),
        ).fetchone()
        for year in range(2025, 2025 + draw.randint(1, 5)):
            kind, denominator, excluded = draw.random(), draw.randint(1, 1_000), draw.random() < 0.1
            factor, emissions = draw.randint(0, denominator // 2), None if excluded else draw.randint(0, 6 * 10**5)
            if kind > 0.05:
                sql.execute(
                    "INSERT INTO registry_recordedbase (installation_id, year, base, factor_numerator, factor_denominator,"
                    " source, recorded_at) VALUES (%s, %s, %s, %s, %s, 'drawn', now())",
                    (place, year, draw.randint(0, 10**6), factor, denominator),
                )
            if kind < 0.95:
                sql.execute(
                    "INSERT INTO registry_recordedemissions (installation_id, year, quantity, excluded, source, recorded_at)"
                    " VALUES (%s, %s, %s, %s, 'drawn', now())",
                    (place, year, emissions, excluded),
                )


def test_postgresql_computes_the_same_entitlement(begun, owner):
    with owner.transaction():
        draw_facilities(begun, owner, 100)
    places = begun.home.installations.filter(number__startswith="drawn").order_by("id")
    period = regimes_of(begun.home).period_of(2025)
    entitled = [stood.entitled for stood in positions(places, period, at=END).values()]
    told = owner.execute(
        "SELECT registry_excess_entitled(id, 2025, 2029) FROM accounts_installation WHERE number LIKE 'drawn%' ORDER BY id"
    )
    assert [int(row[0]) for row in told] == entitled
    # Neither nothing everywhere nor something everywhere.
    assert 20 < sum(each > 0 for each in entitled) < 80


GRANT = (
    "INSERT INTO registry_allocation (table_id, installation_id, unit_type_id, vintage, quantity, state)"
    " SELECT t.id, i.id, u.id, {vintage}, {quantity}, 'LOADED' FROM registry_allocationtable t, accounts_installation i,"
    " registry_unittype u WHERE t.name = '{table}' AND i.number = '{name}' AND u.code = 'TER'"
)
APPROVAL = (
    "UPDATE registry_allocationtable SET state = 'APPROVED', approved_by_id = %s, approved_at = now() WHERE name = %s"
)


def load(made: Tokyo, sql: psycopg.Connection[tuple], table: str, *rows: tuple[str, int, int]) -> None:
    """Load a table by hand, as the application, in the name of one who may."""
    sql.execute(
        "INSERT INTO registry_allocationtable (jurisdiction_id, name, sha256, state, loaded_by_id, loaded_at)"
        " VALUES (%s, %s, %s, 'LOADED', %s, now())",
        (made.home.pk, table, table, made.junior.user_id),
    )
    for name, vintage, quantity in rows:
        grant = GRANT.format(table=table, name=name, vintage=vintage, quantity=quantity)
        assert sql.execute(grant).rowcount == 1


def forge(made: Tokyo, sql: psycopg.Connection[tuple], *rows: tuple[str, int, int]) -> None:
    """Load and approve a table by hand, in the names of two who may."""
    load(made, sql, "forged", *rows)
    sql.execute(APPROVAL, (made.senior.user_id, "forged"))


def until_it_waits(sql: psycopg.Connection[tuple], other: psycopg.Connection[tuple]) -> None:
    """Return once another session waits for a lock."""
    for _ in range(500):
        if sql.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", [other.info.backend_pid]).fetchone() == (True,):
            return
        Event().wait(0.02)
    raise AssertionError("it does not wait")


def test_two_who_grant_at_once_do_not_grant_the_same_twice(begun, owner, as_application_role):
    load(begun, owner, "first", ("tower", 2026, 600))
    load(begun, owner, "second", ("tower", 2027, 600))

    def approve_second() -> str:
        with pytest.raises(psycopg.errors.CheckViolation) as refusal:
            as_application_role.execute(APPROVAL, (begun.senior.user_id, "second"))
        return refusal.value.diag.constraint_name or ""

    with ThreadPoolExecutor(1) as pool:
        with owner.transaction():
            owner.execute(APPROVAL, (begun.senior.user_id, "first"))
            answer = pool.submit(approve_second)
            until_it_waits(owner, as_application_role)
        assert answer.result() == "excess_is_issuable"
    assert Allocation.objects.get(state="READY").vintage == 2026


ATTACKS = {
    "a unit too many": [("tower", 2026, 601)],
    "in two vintages": [("tower", 2026, 600), ("tower", 2027, 1)],
    "in an earlier vintage": [("tower", 2025, 601)],
    "to a facility with nothing verified": [("depot", 2026, 1)],
    "hidden behind another": [("tower", 2026, 600), ("depot", 2029, 1)],
}


@pytest.mark.parametrize("case", ATTACKS)
def test_postgresql_alone_refuses_to_grant_more_than_is_issuable(begun, as_application_role, case):
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        forge(begun, as_application_role, *ATTACKS[case])
    assert refusal.value.diag.constraint_name == "excess_is_issuable"
    assert not Allocation.objects.filter(state="READY").exists()


def test_postgresql_grants_what_is_issuable_and_nothing_after_it(begun, as_application_role):
    forge(begun, as_application_role, ("tower", 2026, 600))
    as_application_role.execute("UPDATE registry_allocation SET state = 'WITHHELD'")
    approved(begun, quantity=1)
    with pytest.raises(psycopg.errors.IntegrityError):
        as_application_role.execute("UPDATE registry_allocation SET state = 'READY' WHERE quantity = 600")


def test_a_withheld_grant_is_not_released_beyond_what_is_issuable_by_then(begun, as_application_role):
    forge(begun, as_application_role, ("tower", 2026, 600))
    as_application_role.execute("UPDATE registry_allocation SET state = 'WITHHELD'")
    begun.emitted(7_501, since=2026, now=NOW + DAY)
    row = Allocation.objects.select_related("table__jurisdiction").get()
    told = {"allocation": row, "withheld": False, "actor": begun.junior, "now": NOW + DAY}
    refused("excess-not-issuable", lambda: withhold_allocation(**told))
    with pytest.raises(psycopg.errors.CheckViolation, match="no more excess credits"):
        as_application_role.execute("UPDATE registry_allocation SET state = 'READY'")


def test_postgresql_alone_has_a_senior_administrator_approve_what_was_applied_for(begun, as_application_role):
    apply(begun)
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        as_application_role.execute(
            "UPDATE registry_allocationtable SET state = 'APPROVED', approved_by_id = %s, approved_at = now()",
            (begun.authority.user_id,),
        )
    assert refusal.value.diag.constraint_name == "approver_has_the_right"


RECORDS = {
    "rewriting a base": "UPDATE registry_recordedbase SET base = 1",
    "deleting a base": "DELETE FROM registry_recordedbase",
    "a second first base of a year": (
        "INSERT INTO registry_recordedbase (installation_id, year, base, factor_numerator, factor_denominator, source,"
        " recorded_at) SELECT installation_id, year, 1, 1, 2, 'sql', now() FROM registry_recordedbase LIMIT 1"
    ),
    "a correction of another year's base": (
        "INSERT INTO registry_recordedbase (installation_id, year, base, factor_numerator, factor_denominator, source,"
        " recorded_at, corrects_id) SELECT installation_id, year + 1, 1, 1, 2, 'sql', now(), id FROM registry_recordedbase"
        " WHERE year = 2025 LIMIT 1"
    ),
    "a factor above one": (
        "INSERT INTO registry_recordedbase (installation_id, year, base, factor_numerator, factor_denominator, source,"
        " recorded_at) SELECT installation_id, 2030, 1, 3, 2, 'sql', now() FROM registry_recordedbase LIMIT 1"
    ),
    "rewriting an application": "UPDATE registry_excessapplication SET issuable = 9000",
    "deleting an application": "DELETE FROM registry_excessapplication",
    "emptying the bases": "TRUNCATE registry_recordedbase CASCADE",
    "emptying the applications": "TRUNCATE registry_excessapplication",
    "an obligation within the period": (
        "INSERT INTO registry_obligation (jurisdiction_id, installation_id, year, due_at, eligible_until_vintage)"
        " SELECT jurisdiction_id, id, 2028, now(), 2029 FROM accounts_installation WHERE number = 'tower'"
    ),
    "an application for another's allocation": (
        "INSERT INTO registry_excessapplication (installation_id, first_year, last_year, through_year, issuable, allocation_id,"
        " source, applied_by_id, applied_at) SELECT i.id, 2025, 2029, 2026, 600, a.id, 'x', t.loaded_by_id, now()"
        " FROM registry_allocation a JOIN registry_allocationtable t ON t.id = a.table_id, accounts_installation i"
        " WHERE i.number = 'depot'"
    ),
}


@pytest.mark.parametrize("case", RECORDS)
def test_the_owner_too_is_refused(begun, owner, case):
    apply(begun)
    with pytest.raises(psycopg.errors.IntegrityError):
        owner.execute(RECORDS[case])


def test_the_application_rewrites_no_record_and_the_auditor_only_reads(begun, as_application_role, as_auditor):
    apply(begun)
    for name in ("registry_recordedbase", "registry_excessapplication"):
        assert as_auditor.execute(f"SELECT count(*) > 0 FROM {name}").fetchone() == (True,)
        for role, statement in (
            (as_application_role, f"DELETE FROM {name}"),
            (as_application_role, f"UPDATE {name} SET id = id"),
            (as_auditor, f"INSERT INTO {name} SELECT * FROM {name}"),
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                role.execute(statement)


def test_a_snapshot_sums_what_was_surrendered_for_its_period_alone(begun, as_application_role):
    """Python alone would not notice: PostgreSQL sums by the period's obligations."""
    begun.owes()
    insert = (
        "INSERT INTO registry_statussnapshot (installation_id, year, status, emissions, surrendered, determined_at, recorded_at)"
        " SELECT installation_id, year, 'A', 0, {}, due_at, due_at FROM registry_obligation"
    )
    with pytest.raises(psycopg.errors.CheckViolation):
        as_application_role.execute(insert.format(1))
    assert as_application_role.execute(insert.format(0)).rowcount == 1


def test_an_approval_that_postgresql_refuses_leaves_nothing(begun):
    """Where the operation did not ask."""
    table = apply(begun).allocation.table
    begun.emitted(7_501, since=2026, now=NOW + DAY)
    table.state, table.approved_by_id, table.approved_at = "APPROVED", begun.senior.user_id, NOW
    with pytest.raises(IntegrityError, match="no more excess credits"):
        table.save(update_fields=["state", "approved_by", "approved_at"])
    assert Allocation.objects.get().state == "LOADED"
