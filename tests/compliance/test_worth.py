"""What recognised units count: the sum by obligation, issuing registry and rate, rounded down once, in Python and PostgreSQL."""

from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction

import psycopg
import pytest
from django.urls import reverse as address_of
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Installation
from accounts.rules.access import Role
from registry import ledger
from registry.compliance_queries import obligations_of, standings
from registry.models import Obligation, RecordedEmissions, StatusSnapshot, Transaction, UnitType
from registry.operations.approve import approve
from registry.operations.outcome import Outcome
from registry.operations.propose import propose
from registry.operations.reverse import reverse
from registry.operations.run_due import run_due
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.worth import Recognised, differences, value_of
from tests.accounts import samples
from tests.build import DUE, NOW, REGISTRY, Beijing, beijing, official
from tests.limits.test_admin import signed_in

DAY = timedelta(days=1)
# First serial of a hundred of Beijing's: how they are recognised.
LOTS = {1: (4, 5), 101: (3, 5), 201: (1, 1), 301: (7, 3)}

rates = st.tuples(st.integers(1, 30), st.integers(1, 30))
parts = st.lists(
    st.builds(
        Recognised, st.integers(1, 2), st.integers(1, 2), st.just(4), st.sampled_from([5, 7]), st.integers(1, 50)
    ),
    max_size=12,
)


@pytest.mark.parametrize(("quantity", "value"), [(0, 0), (1, 0), (4, 3), (5, 4), (9, 7), (10**15, 8 * 10**14)])
def test_units_at_four_fifths_count(quantity: int, value: int) -> None:
    assert value_of(quantity, 4, 5) == value


@given(parts)
def test_parts_are_summed_by_obligation_issuer_and_rate_before_the_one_rounding(given_parts: list[Recognised]) -> None:
    found = differences(given_parts)
    for obligation in {part.obligation_id for part in given_parts}:
        groups = {(p.origin_id, p.denominator) for p in given_parts if p.obligation_id == obligation}
        expected = 0
        for origin, denominator in groups:
            units = sum(
                p.quantity
                for p in given_parts
                if (p.obligation_id, p.origin_id, p.denominator) == (obligation, origin, denominator)
            )
            expected += int(Fraction(units * 4, denominator)) - units
        assert found[obligation] == expected


@given(parts, st.data())
def test_no_order_and_no_splitting_changes_what_they_count(given_parts: list[Recognised], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(given_parts))
    single = [
        Recognised(part.obligation_id, part.origin_id, part.numerator, part.denominator, 1)
        for part in shuffled
        for _ in range(part.quantity)
    ]
    assert differences(single) == differences(given_parts)


@given(st.integers(0, 10**15), rates)
def test_units_at_a_rate_of_one_count_one_for_one(quantity: int, rate: tuple[int, int]) -> None:
    assert value_of(quantity, rate[0], rate[0]) == quantity


def recognised() -> Beijing:
    """An operator with a hundred units of each lot and a hundred of Tokyo's at 4/5, which emitted 8 t and owes for 2025."""
    made = beijing(operators=("P-1",))
    for first in LOTS:
        made.issue(100)
        made.move("ISS", "P-1", 100, (first, first + 100))
    official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior")
    made.obligation("P-1", 2025)
    for year, emitted in ((2024, 0), (2025, 8)):
        RecordedEmissions.objects.create(
            installation=place(), year=year, quantity=emitted, source="test", recorded_at=NOW
        )
    tokyo = samples.jurisdiction("JP-13")
    unit_type = UnitType.objects.create(jurisdiction=tokyo, code="TER", kind="credit")
    elsewhere = Beijing(tokyo, made.user, made.second, unit_type)
    elsewhere.open("ISS", type_code="ISS")
    ledger.open_serial_space(tokyo.pk)
    elsewhere.issue(100)
    return made


def place() -> Installation:
    return Installation.objects.get(number="P-1")


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return recognised


@pytest.fixture
def operator(begun: Beijing, owner: psycopg.Connection[tuple]) -> Beijing:
    """The lots recognised, by the hand of the owner: what a link does is not of this floor."""
    home, tokyo = (samples.jurisdiction(code).pk for code in ("CN-BJ", "JP-13"))
    account = begun.accounts["P-1"].pk
    owner.execute("ALTER TABLE registry_unitblock DISABLE TRIGGER blocks_change_by_rule")
    for number, (first, rate) in enumerate(LOTS.items(), 7):
        # 1/1 in a later period: carried over, and still one for one.
        period = "2027" if rate == (1, 1) else ""
        owner.execute("INSERT INTO registry_recognition VALUES (%s, %s, %s, %s)", (number, *rate, period))
        change = "UPDATE registry_unitblock SET recognition_id = %s WHERE origin_id = %s AND start_no = %s"
        assert owner.execute(change, (number, home, first)).rowcount == 1
    change = "UPDATE registry_unitblock SET recognition_id = 7, account_id = %s WHERE origin_id = %s AND start_no = 1"
    assert owner.execute(change, (account, tokyo)).rowcount == 1
    owner.execute("ALTER TABLE registry_unitblock ENABLE TRIGGER blocks_change_by_rule")
    return begun


def surrender(made: Beijing, *ranges: tuple[int, int], registry: str = "CNBJ", now=NOW) -> Outcome:
    owed = Obligation.objects.get(year=2025)
    line = Line(
        made["P-1"],
        made["SUR"],
        sum(following - first for first, following in ranges),
        registry=registry,
        unit_type="BEA" if registry == "CNBJ" else "TER",
        serials=tuple(SerialRange(registry, *serials) for serials in ranges),
    )
    return propose(Proposal("10-2", (line,), obligation=owed.pk), actor=made.representative, now=now)


def counted(at=NOW) -> tuple[int, int, int]:
    """Units, what they count, and what of it was in time."""
    [row] = obligations_of(place(), at=at)
    [stood] = [each for each in standings(samples.jurisdiction("CN-BJ"), 2025, at=at) if each.installation == place()]
    assert stood.surrendered == row.surrendered == row.cumulative_surrendered
    return row.units_surrendered, row.surrendered, row.surrendered_in_time


def test_five_surrenders_of_one_unit_count_as_much_as_one_of_five(operator: Beijing):
    assert [
        (surrender(operator, (serial, serial + 1)), counted())[1] for serial in range(1, 6)
    ] == [(1, 0, 0), (2, 1, 1), (3, 2, 2), (4, 3, 3), (5, 4, 4)]  # fmt: skip
    surrender(operator, (11, 16))
    assert counted() == (10, 8, 8)


def test_blocks_of_one_surrender_are_not_rounded_each(operator: Beijing):
    surrender(operator, (1, 3), (5, 6), (9, 11))
    assert counted() == (5, 4, 4)


def test_rates_and_issuing_registries_are_each_rounded_by_themselves(operator: Beijing, owner):
    """floor(9 x 4/5) + floor(9 x 3/5) + 9 + floor(4 x 7/3); one of Tokyo's at 4/5 adds nothing to 9 of Beijing's."""
    surrender(operator, (1, 10), (101, 110), (201, 210), (301, 305))
    assert counted() == (31, 7 + 5 + 9 + 9, 30)
    # Nor is what a link asks of this floor; tests/linking has units that really came by one.
    owner.execute("CREATE OR REPLACE FUNCTION registry_linked_transaction(wanted uuid) RETURNS void LANGUAGE sql AS ''")
    surrender(operator, (1, 2), registry="JP13")
    assert counted() == (32, 30, 30)
    in_sql = "SELECT registry_surrendered_value(%s, 'completed', %s, 2025, 2025)"
    assert owner.execute(in_sql, (place().pk, NOW)).fetchone() == (30,)


def test_a_reversal_recomputes(operator: Beijing):
    """3 and 6 units count 2 and 4 alone, and 7 together."""
    first, second = surrender(operator, (1, 4)), surrender(operator, (11, 17))
    assert counted() == (9, 7, 7)
    senior = official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "chief")
    junior = official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior")
    back = reverse(first.transaction_id, reason="an order", actor=junior, now=NOW + DAY)
    approve(back.transaction_id, actor=senior, now=NOW + DAY)
    assert (counted(NOW + DAY), counted(NOW)) == ((6, 4, 4), (9, 7, 7))
    assert Transaction.objects.filter(pk=second.transaction_id, state="COMPLETED").exists()


@pytest.mark.parametrize(("late", "status", "value"), [(timedelta(), "A", 8), (timedelta(seconds=1), "B", 7)])
def test_a_status_is_determined_by_what_counts_in_time(operator: Beijing, late, status, value):
    """9 units at 4/5 count 7; the tenth, exactly at the deadline, makes them 8."""
    surrender(operator, (1, 10))
    surrender(operator, (10, 11), now=DUE + late)
    run_due(actor=REGISTRY, now=DUE + DAY)
    found = StatusSnapshot.objects.get(installation=place())
    assert (found.status, found.surrendered) == (status, value)
    assert counted(DUE + DAY) == (10, 8, value)


@pytest.mark.parametrize(
    ("claimed", "is_refused"),
    [("7", False), ("9", True), ("8", True), ("6", True)],
    ids=["value", "units", "up", "each"],
)
def test_postgresql_sums_what_was_recognised_by_itself(operator: Beijing, as_application_role, claimed, is_refused):
    """Not the 9 units, nor their value rounded up, nor that of each surrender (2 + 4) rounded by itself."""
    surrender(operator, (1, 4))
    surrender(operator, (11, 17))
    insert = (
        "INSERT INTO registry_statussnapshot (installation_id, year, status, emissions, surrendered, determined_at, recorded_at)"
        f" SELECT installation_id, year, 'A', 8, {claimed}, due_at, due_at FROM registry_obligation"
    )
    if not is_refused:
        assert as_application_role.execute(insert).rowcount == 1
        return
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        as_application_role.execute(insert)
    assert refusal.value.diag.constraint_name == "status_counts_what_was_in_time"


def test_the_page_of_an_obligation_says_the_units_and_what_they_count(operator: Beijing):
    client, owed = signed_in(operator, Role.AUDITOR), Obligation.objects.get()
    address = address_of("admin:registry_obligation_change", args=[owed.pk])
    surrender(operator, (201, 206))
    assert "5 t CO2e" in client.get(address).content.decode()
    surrender(operator, (1, 7))
    assert "11 units, which count 9 t CO2e" in client.get(address).content.decode()
