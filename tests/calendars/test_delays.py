"""The delay rule: the worked examples of the documentation, and that nothing executes early."""

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from accounts.rules.calendars import Calendar
from registry.rules.delays import (
    DEFAULT,
    DelayNotUnderstood,
    HoursRule,
    NoonRule,
    delay_rule_of,
    executes_at,
    value_of,
)
from tests.calendars.samples import ZONES, calendar

FORM = "%a %Y-%m-%d %H:%M:%S %z"
EXAMPLES = [
    [cell.strip() for cell in line.strip("| \n").split("|")]
    for line in (settings.BASE_DIR / "docs" / "delays.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d+ \|", line)
]


def instant(written: str) -> datetime:
    found = datetime.strptime(written, FORM)  # noqa: DTZ007  # it ends with its offset
    assert found.strftime(FORM) == written, "the day of the week is another"
    return found


def test_there_are_at_least_twelve_worked_examples():
    assert [row[0] for row in EXAMPLES] == [str(n + 1) for n in range(len(EXAMPLES))]
    assert len(EXAMPLES) >= 12


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: row[1])
def test_the_documentations_examples_are_what_happens(db, row):
    _, _, registries, rule, approved, executed = row
    hours = re.fullmatch(r"(\d+) h, (\d+)-(\d+)", rule)
    said = HoursRule(*map(int, hours.groups())) if hours else {"noon": NoonRule()}[rule]
    found = executes_at(instant(approved), said, *map(calendar, registries.split(" to ")))
    assert (found, found.tzinfo) == (instant(executed), UTC)


def test_what_no_rule_says_is_the_noon_rule_and_every_rule_is_read_as_written():
    assert delay_rule_of(None) == DEFAULT == NoonRule(12)
    for rule in (NoonRule(9), HoursRule(24, 10, 16), HoursRule(1, 0, 24)):
        assert delay_rule_of(value_of(rule)) == rule


@pytest.mark.parametrize(
    "value",
    [
        {},
        "noon",
        12,
        [],
        {"kind": "noon"},
        {"kind": "noon", "hour": 24},
        {"kind": "noon", "hour": True},
        {"kind": "noon", "hour": "12"},
        {"kind": "noon", "hour": 12, "hours": 1},
        {"kind": "hours", "hours": 0, "opening_hour": 9, "closing_hour": 17},
        {"kind": "hours", "hours": 24, "opening_hour": 17, "closing_hour": 17},
        {"kind": "hours", "hours": 24, "opening_hour": 9, "closing_hour": 25},
        {"kind": "hours", "hours": 10_000, "opening_hour": 9, "closing_hour": 17},
        {"kind": "days", "days": 1},
    ],
)
def test_a_value_that_is_no_rule_is_refused_and_not_replaced_by_the_default(value):
    with pytest.raises(DelayNotUnderstood):
        delay_rule_of(value)


def test_registries_whose_hours_never_meet_wait_for_the_one_that_opens_later():
    beijing, london = Calendar("Asia/Shanghai"), Calendar("Europe/London")
    found = executes_at(datetime(2026, 1, 6, 2, tzinfo=UTC), HoursRule(24, 9, 12), beijing, london)
    assert found == datetime(2026, 1, 7, 9, tzinfo=UTC)


def test_an_approval_without_a_zone_is_no_instant():
    for rule in (DEFAULT, HoursRule(1, 0, 24)):
        with pytest.raises(ValueError):
            executes_at(datetime(2026, 1, 6), rule, Calendar("Asia/Tokyo"))  # noqa: DTZ001  # the point


ODD_ZONES = [*ZONES.values(), "America/Los_Angeles", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Australia/Lord_Howe"]
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
calendars = st.builds(
    Calendar, st.sampled_from(ODD_ZONES), st.frozensets(days, max_size=60), st.frozensets(days, max_size=20)
)
instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
hours_rules = st.builds(
    lambda hours, opening, length: HoursRule(hours, opening, min(opening + length, 24)),
    st.integers(1, 100), st.integers(0, 23), st.integers(1, 24),
)  # fmt: skip
rules = st.builds(NoonRule, st.integers(0, 23)) | hours_rules
links = st.tuples(calendars) | st.tuples(calendars, calendars)


@given(instants, st.timedeltas(timedelta(0), timedelta(days=9)), rules, links)
def test_a_later_approval_never_executes_earlier(approved, wait, rule, link):
    assert executes_at(approved, rule, *link) <= executes_at(approved + wait, rule, *link)


@given(instants, st.builds(NoonRule, st.integers(0, 23)), links)
def test_by_noon_nothing_executes_before_the_hour_of_a_later_working_day_of_either_registry(approved, rule, link):
    found = executes_at(approved, rule, *link)
    assert any(found == c.at(c.day_of(found), time(rule.hour)) for c in link)
    for registry in link:
        first = registry.working_day_after(registry.day_of(approved))
        noon_of_first = registry.at(first, time(rule.hour))
        assert found >= noon_of_first
        is_early = registry.is_working(registry.day_of(approved)) and approved < registry.at(
            registry.day_of(approved), time(rule.hour)
        )
        if not is_early:
            assert found >= registry.at(registry.working_day_after(first), time(rule.hour))
    # One registry alone: exactly one of these two.
    if len(link) == 1:
        assert found in (noon_of_first, registry.at(registry.working_day_after(first), time(rule.hour)))


@given(instants, hours_rules, links)
def test_by_hours_nothing_executes_before_they_have_elapsed_nor_while_closed(approved, rule, link):
    found = executes_at(approved, rule, *link)
    assert found >= approved + timedelta(hours=rule.hours)
    shown = [(registry, registry.wall_clock(found)) for registry in link]
    assert any(
        registry.is_working(wall.date()) and rule.opening_hour <= wall.hour < rule.closing_hour
        for registry, wall in shown
    )


@given(instants, rules, calendars, calendars)
def test_a_link_never_executes_before_either_registry_alone(approved, rule, sending, acquiring):
    found = executes_at(approved, rule, sending, acquiring)
    for registry in (sending, acquiring):
        assert found >= executes_at(approved, rule, registry) or isinstance(rule, HoursRule)
    assert found == executes_at(approved, rule, acquiring, sending)
