"""Deadlines: an instant in the jurisdiction's zone, one second on either side of it, and days that do not work."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from accounts.rules.calendars import Calendar
from registry.rules.deadlines import (
    Counts,
    DeadlineNotUnderstood,
    DeadlineRule,
    Moves,
    deadline_of,
    deadline_rule_of,
    is_in_time,
)

BEIJING = Calendar("Asia/Shanghai", holidays=frozenset({date(2027, 1, 1)}))
SECOND = timedelta(seconds=1)
PROPOSED = datetime(2026, 10, 1, tzinfo=UTC)


def test_a_day_alone_ends_at_midnight_of_the_jurisdiction_and_counts_completion():
    rule = deadline_rule_of("10-31")
    assert rule == DeadlineRule(10, 31, None, Counts.COMPLETED, Moves.STAYS)
    assert deadline_of(2026, rule, BEIJING) == datetime(2026, 10, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize("counts", Counts)
@pytest.mark.parametrize(("seconds", "in_time"), [(-1, True), (0, True), (1, False)])
@pytest.mark.parametrize("clock", ["24:00", "17:00"])
def test_one_second_before_and_exactly_at_the_deadline_are_in_time_and_one_after_is_not(
    counts, seconds, in_time, clock
):
    rule = deadline_rule_of({"month_day": "10-31", "time": clock, "counts": str(counts)})
    deadline = deadline_of(2026, rule, BEIJING)
    late = deadline + timedelta(days=1)
    instants = {"proposed_at": late, "approved_at": late, "completed_at": late}
    instants[f"{counts}_at"] = deadline + seconds * SECOND
    assert is_in_time(rule.counts, deadline, **instants) == in_time


def test_what_never_came_is_not_in_time():
    late = datetime(2030, 1, 1, tzinfo=UTC)
    for counts, expected in ((Counts.PROPOSED, True), (Counts.APPROVED, False), (Counts.COMPLETED, False)):
        assert is_in_time(counts, late, proposed_at=PROPOSED, approved_at=None, completed_at=None) == expected


@pytest.mark.parametrize(
    ("month_day", "year", "moves", "day"),
    [
        ("10-31", 2026, "stays", date(2026, 10, 31)),  # a Saturday
        ("10-31", 2026, "next", date(2026, 11, 2)),
        ("10-31", 2026, "previous", date(2026, 10, 30)),
        ("10-30", 2026, "next", date(2026, 10, 30)),
        ("12-31", 2023, "next", date(2024, 1, 1)),  # a Sunday, into the next year
        ("01-01", 2027, "previous", date(2026, 12, 31)),  # a holiday, into the year before
        ("01-01", 2027, "next", date(2027, 1, 4)),
    ],
)
def test_a_deadline_on_a_day_that_does_not_work_goes_where_its_rule_says(month_day, year, moves, day):
    rule = deadline_rule_of({"month_day": month_day, "time": "17:00", "on_non_working_day": moves})
    assert rule.time_of_day == time(17)
    assert deadline_of(year, rule, BEIJING) == datetime.combine(day, time(9), tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        None, 10, "", "31-10", "2026-10-31", "02-29", "02-30", "1-1", [], {}, {"time": "24:00"},
        {"month_day": 1031}, {"month_day": "10-31", "time": "24:01"}, {"month_day": "10-31", "time": "5 pm"},
        {"month_day": "10-31", "time": 17}, {"month_day": "10-31", "counts": "asked"}, {"month_day": "10-31", "counts": []},
        {"month_day": "10-31", "on_non_working_day": "moves"}, {"month_day": "10-31", "day": 1},
    ],
)  # fmt: skip
def test_a_value_that_is_no_deadline_is_refused(value):
    with pytest.raises(DeadlineNotUnderstood):
        deadline_rule_of(value)
