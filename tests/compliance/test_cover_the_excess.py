"""The cover-the-excess rule, case by case and by its properties."""

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.rules.compliance import Status
from registry.rules.cover_the_excess import (
    FacilityYear,
    Period,
    Position,
    RuleNotUnderstood,
    cover_the_excess_status,
    period_by_rules,
)

PERIOD = Period(2025, 2029, (4, 1), "TER")
SEVENTEEN = Fraction(17, 100)


def facility_year(
    year: int, emissions: int | None, base: int | None = 10_000, factor: Fraction = SEVENTEEN
) -> FacilityYear:
    return FacilityYear(year, base, factor, emissions)


def position(*emissions: int | None, granted: int = 0, issued: int = 0, surrendered: int = 0) -> Position:
    """A facility of the worked example with these emissions from 2025 on; what is left out is not recorded."""
    known = [facility_year(2025 + place, emitted) for place, emitted in enumerate(emissions)]
    unknown = [facility_year(year, None) for year in range(2025 + len(known), 2030)]
    return Position(PERIOD, (*known, *unknown), granted, issued, surrendered)


def test_the_worked_example_of_tokyos_guide() -> None:
    """Base 10,000, 17 %: none after the first year; 600 after the second; sold, and 8,500 a year after: 600 short."""
    first = position(8_500)
    assert (first.years[0].reduction, first.years[0].required) == (1_500, Fraction(1_700))
    assert first.issuable == 0
    second = position(8_500, 7_500)
    assert sum(each.counted for each in second.verified) == 4_000
    assert sum(each.required for each in second.verified) == 3_400
    assert second.issuable == 600
    issued = {"granted": 600, "issued": 600}
    assert (position(8_500, 7_500, **issued).issuable, position(8_500, 7_500, **issued).shortfall) == (0, 0)
    end = position(8_500, 7_500, 8_500, 8_500, 8_500, **issued)
    assert (end.emissions, end.cap, end.shortfall) == (41_500, 41_500, 600)
    assert cover_the_excess_status(end, 2020, None) is Status.B
    kept = position(8_500, 7_500, 8_500, 8_500, 8_500, surrendered=600, **issued)
    assert cover_the_excess_status(kept, 2020, None) is Status.A


CASES = {
    "nothing recorded": (position(), 2020, None, Status.C),
    "the last year's emissions are missing": (position(1, 1, 1, 1), 2020, None, Status.C),
    "it emits its cap": (position(*[8_300] * 5), 2020, None, Status.A),
    "it emits a tonne more": (position(*[8_300] * 4, 8_301), 2020, None, Status.B),
    "and surrenders a tonne": (position(*[8_300] * 4, 8_301, surrendered=1), 2020, None, Status.A),
    "it was issued a tonne": (position(*[8_300] * 5, issued=1), 2020, None, Status.B),
    "granted and not issued": (position(*[8_300] * 5, granted=1), 2020, None, Status.A),
    "it comes after the period": (position(), 2030, None, Status.NOT_APPLICABLE),
    "it went before the period": (position(), 2020, 2024, Status.ENDED),
}


@pytest.mark.parametrize("case", CASES)
def test_the_status_of_a_period_when(case: str) -> None:
    stood, first, last, status = CASES[case]
    assert cover_the_excess_status(stood, first, last) is status


def test_a_facility_that_is_there_for_two_years_is_judged_by_those() -> None:
    assert PERIOD.of_facility(2028, None) == range(2028, 2030)
    years = tuple(facility_year(year, 8_300) for year in PERIOD.of_facility(2028, None))
    assert cover_the_excess_status(Position(PERIOD, years, 0, 0, 0), 2028, None) is Status.A
    assert list(PERIOD.of_facility(2020, 2026)) == [2025, 2026]


def test_an_excluded_year_counts_nothing_and_lacks_nothing() -> None:
    out = FacilityYear(2026, excluded=True)
    years = (facility_year(2025, 8_000), out, *(facility_year(year, 8_300) for year in range(2027, 2030)))
    stood = Position(PERIOD, years, 0, 0, 0)
    assert (cover_the_excess_status(stood, 2020, None), stood.cap, stood.entitled) == (Status.A, 4 * 8_300, 300)
    only = Position(PERIOD, tuple(FacilityYear(year, excluded=True) for year in range(2025, 2030)), 0, 0, 0)
    assert cover_the_excess_status(only, 2020, None) is Status.EXCLUDED


def test_a_year_without_a_base_or_without_emissions_ends_what_is_verified() -> None:
    years = (facility_year(2025, 0), facility_year(2026, 5, base=None), facility_year(2027, 0))
    assert Position(PERIOD, years, 0, 0, 0).verified == [years[0]]
    assert Position(PERIOD, years, 0, 0, 0).entitled == 0


@pytest.mark.parametrize(
    ("base", "emissions", "counted"), [(10_000, 4_999, 5_000), (10_000, 5_001, 4_999), (9_999, 0, Fraction(9_999, 2)), (5, 9, -4)]
)  # fmt: skip
def test_a_reduction_above_half_the_base_does_not_count(base: int, emissions: int, counted: Fraction) -> None:
    assert facility_year(2025, emissions, base).counted == counted


def test_what_is_issuable_is_rounded_down_once_for_all_years() -> None:
    """Of each year 5 t count (half the base of 10) less 11/3 t: 1 1/3 twice is 2 2/3, and 2. The cap, 6 1/3 twice, is 12."""
    years = tuple(facility_year(year, 3, 10, Fraction(11, 30)) for year in (2025, 2026))
    stood = Position(PERIOD, years, 0, 0, 0)
    assert (stood.entitled, stood.cap) == (2, 12)


tonnes = st.integers(0, 10**6)
factors = st.builds(lambda a, b: Fraction(min(a, b), max(a, b, 1)), st.integers(0, 1_000), st.integers(0, 1_000))
years = st.lists(st.tuples(tonnes, factors, tonnes), min_size=1, max_size=5).map(
    lambda rows: tuple(FacilityYear(2025 + place, *row) for place, row in enumerate(rows))
)


@given(years, tonnes, tonnes)
def test_rounding_the_cap_changes_no_answer(known, issued, surrendered) -> None:
    stood = Position(PERIOD, known, issued, issued, surrendered)
    exact = sum((each.base * (1 - each.factor) for each in known), Fraction())
    left = sum(each.emissions for each in known) + issued - surrendered
    assert (stood.shortfall == 0) == (left <= exact)
    assert stood.shortfall == max(0, ceil(left - exact))


@given(years)
def test_whoever_is_granted_all_that_is_issuable_is_not_short_yet_and_is_granted_no_more(known) -> None:
    entitled = Position(PERIOD, known, 0, 0, 0).entitled
    stood = Position(PERIOD, known, entitled, entitled, 0)
    assert stood.issuable == 0
    if entitled:
        assert stood.shortfall == 0


@given(years, tonnes)
def test_granting_in_parts_grants_no_more_than_at_once(known, part) -> None:
    whole = Position(PERIOD, known, 0, 0, 0).issuable
    first = min(part, whole)
    assert first + Position(PERIOD, known, first, 0, 0).issuable == whole


@given(years)
def test_nothing_is_issuable_before_the_second_year_nor_above_half_the_bases(known) -> None:
    entitled = Position(PERIOD, known, 0, 0, 0).entitled
    assert 0 <= entitled <= floor(Fraction(sum(each.base for each in known), 2))
    assert Position(PERIOD, known[:1], 0, 0, 0).entitled == 0


SAID = {"first_year": 2025, "last_year": 2029, "begins": "04-01"}


def test_rules_say_a_period_or_surrender_all() -> None:
    assert period_by_rules("cover-the-excess", SAID, "TER") == PERIOD
    assert period_by_rules(None, SAID, "TER") is None
    assert period_by_rules("surrender-all", None, None) is None
    assert f"{PERIOD.last_day_of(2025)}" == "2026-03-31"


@pytest.mark.parametrize(
    ("rule", "period", "unit_type"),
    [
        ("cover", SAID, "TER"),
        (["cover-the-excess"], SAID, "TER"),
        ("cover-the-excess", None, "TER"),
        ("cover-the-excess", SAID, None),
        ("cover-the-excess", {**SAID, "more": 1}, "TER"),
        ("cover-the-excess", {**SAID, "first_year": "2025"}, "TER"),
        ("cover-the-excess", {**SAID, "first_year": True}, "TER"),
        ("cover-the-excess", {**SAID, "first_year": 2030}, "TER"),
        ("cover-the-excess", {**SAID, "begins": "02-29"}, "TER"),
        ("cover-the-excess", {**SAID, "begins": "4-1"}, "TER"),
        ("cover-the-excess", {**SAID, "begins": 4}, "TER"),
    ],
)
def test_a_rule_that_nobody_understands_is_no_guess(rule, period, unit_type) -> None:
    with pytest.raises(RuleNotUnderstood):
        period_by_rules(rule, period, unit_type)
