"""Working days: what a calendar answers, and instants of days on which clocks change."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.rules.calendars import NOON, Calendar, OutsideCalendar, trusted_from
from tests.calendars.samples import ZONES, calendar, day

LONDON = Calendar("Europe/London")
# Real days, by the notices of the State Council: off, and worked in exchange.
CHINA_OFF = (
    "2024-02-12 2024-02-16 2024-10-07 2025-01-28 2025-02-04 2025-10-08"
    " 2026-01-02 2026-02-16 2026-02-23 2026-05-05 2026-10-07"
)
CHINA_WORKS = (
    "2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12"
    " 2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11"
    " 2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10"
)


@pytest.mark.parametrize("text", CHINA_OFF.split())
def test_beijing_rests_on_its_holidays_and_bridge_days(db, text):
    assert not calendar().is_working(day(text))


@pytest.mark.parametrize("text", CHINA_WORKS.split())
def test_beijing_works_on_the_weekend_days_that_were_moved(db, text):
    assert day(text).weekday() >= 5
    assert calendar().is_working(day(text))


def test_no_other_weekend_day_works(db):
    found = {found for found in calendar().working if found.year < 2027}
    assert found == {day(text) for text in CHINA_WORKS.split()}
    assert calendar("JP-13").working == calendar("KR-11").working == frozenset()


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("JP-13", "2026-05-06"),  # substitute holiday
        ("JP-13", "2026-09-22"),  # between two holidays
        ("KR-11", "2025-01-27"),  # declared at short notice
        ("KR-11", "2025-06-03"),  # presidential election
        ("KR-11", "2026-02-17"),  # Seollal
    ],
)
def test_tokyo_and_seoul_rest_on_their_own_days(db, code, text):
    assert not calendar(code).is_working(day(text))
    assert calendar("GB-LND").is_working(day(text))


def test_counting_goes_over_holidays_and_takes_the_working_saturday(db):
    beijing = calendar()
    assert beijing.working_day_after(day("2026-02-13")) == day("2026-02-14")
    assert beijing.working_day_after(day("2026-02-13"), 2) == day("2026-02-24")
    assert beijing.next_working_day(day("2026-02-14")) == day("2026-02-14")
    assert beijing.next_working_day(day("2026-02-15")) == day("2026-02-24")
    assert beijing.previous_working_day(day("2026-02-23")) == day("2026-02-14")


def test_a_day_that_was_not_loaded_is_an_error_and_no_working_day():
    short = Calendar("Asia/Tokyo", since=date(2026, 1, 1), until=date(2026, 12, 31))
    for ask in (
        lambda: short.is_working(date(2027, 1, 1)),
        lambda: short.working_day_after(date(2026, 12, 30), 2),
        lambda: short.previous_working_day(date(2025, 12, 31)),
    ):
        with pytest.raises(OutsideCalendar):
            ask()


def test_an_instant_is_no_day_and_a_time_without_zone_no_instant():
    with pytest.raises(TypeError):
        LONDON.is_working(datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ValueError):
        LONDON.day_of(datetime(2026, 1, 1))  # noqa: DTZ001  # the point
    with pytest.raises(ValueError):
        LONDON.working_day_after(date(2026, 1, 1), 0)


@pytest.mark.parametrize(
    ("zone", "text", "clock", "utc"),
    [
        ("Europe/London", "2026-03-29", time(0, 59, 59), "2026-03-29T00:59:59"),
        ("Europe/London", "2026-03-29", time(1), "2026-03-29T01:00:00"),  # skipped: the first instant after
        ("Europe/London", "2026-03-29", time(1, 30, 7), "2026-03-29T01:00:00"),
        ("Europe/London", "2026-03-29", time(2), "2026-03-29T01:00:00"),
        ("Europe/London", "2026-10-25", time(1, 30), "2026-10-25T01:30:00"),  # shown twice: the later
        ("Europe/London", "2026-10-25", time(0, 59), "2026-10-24T23:59:00"),
        ("Asia/Seoul", "1987-05-10", time(2, 30), "1987-05-09T17:00:00"),  # Seoul had summer time once
        ("Pacific/Apia", "2011-12-30", NOON, "2011-12-30T10:00:00"),  # a day that never was
    ],
)
def test_a_time_shown_twice_is_the_later_and_one_that_is_skipped_the_first_after(zone, text, clock, utc):
    assert Calendar(zone).at(day(text), clock) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@given(
    st.sampled_from([*ZONES.values(), "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia"]),
    st.dates(date(1980, 1, 1), date(2037, 12, 31)),
    st.times(),
)
def test_no_clock_shows_less_at_an_instant_and_none_shows_it_again_later(zone, on, clock):
    found = Calendar(zone)
    instant = found.at(on, clock)
    wall = datetime.combine(on, clock)
    shown = found.wall_clock(instant).replace(tzinfo=None)
    assert shown >= wall
    for minutes in range(15, 150, 15):
        assert found.wall_clock(instant + timedelta(minutes=minutes)).replace(tzinfo=None) > wall


@pytest.mark.parametrize(
    ("approved", "active"),
    [
        ("2026-03-09T00:00:00+08:00", "2026-03-13T12:00:00+08:00"),
        ("2026-03-09T23:59:59+08:00", "2026-03-13T12:00:00+08:00"),
        ("2026-03-07T12:00:00+08:00", "2026-03-12T12:00:00+08:00"),  # Saturday: Monday is the first
        ("2026-03-08T12:00:00+08:00", "2026-03-12T12:00:00+08:00"),
        ("2026-02-12T12:00:00+08:00", "2026-02-25T12:00:00+08:00"),  # 13, 14 (Saturday), 24, 25
    ],
)
def test_a_trusted_account_is_active_at_noon_of_the_fourth_working_day(db, approved, active):
    assert trusted_from(datetime.fromisoformat(approved), calendar()) == datetime.fromisoformat(active)
