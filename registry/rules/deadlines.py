"""Deadlines are instants: which day and time of a year, and which instant of a transaction must not be later.

The value of a dated rule is a month and day alone (`"10-31"`, as the facts give it), or says more:
`{"month_day": "10-31", "years_after": 1, "time": "24:00", "counts": "completed", "on_non_working_day": "stays"}`, of which all
but the first may be left out; these are what is meant then. The day is one of so many years after the year of the obligation.
24:00 is the end of the day. What happens exactly at the deadline is in time.

The deadline of surrenders for a year is the rule `calendar.surrender` in force on the last day of that year: a calendar is set
for years of obligation. Where there is none, an obligation keeps the instant it was recorded with, and the completion counts.

Source: domain.md sections 5 and 7.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum

from accounts.rules.calendars import ONE_DAY, Calendar

KEY = "calendar.surrender"


class DeadlineNotUnderstood(ValueError):
    """A dated rule's value does not say a deadline."""


class Counts(StrEnum):
    """The instant of a transaction that must not be later than the deadline."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    COMPLETED = "completed"


class Moves(StrEnum):
    """What becomes of a deadline on a day that does not work."""

    STAYS = "stays"
    NEXT = "next"
    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """A day of every year, and a time of it in the jurisdiction's zone; no time is the end of the day.

    `years_after`: how many years after the year of an obligation its surrenders are due.
    """

    month: int
    day: int
    time_of_day: time | None = None
    counts: Counts = Counts.COMPLETED
    moves: Moves = Moves.STAYS
    years_after: int = 1


def deadline_rule_of(value: object) -> DeadlineRule:
    """Return the rule that a dated rule's value says. Raises: DeadlineNotUnderstood."""
    members = {"month_day": value} if isinstance(value, str) else value
    if not isinstance(members, dict) or not {"month_day"} <= members.keys() <= _DEFAULTS.keys():
        raise DeadlineNotUnderstood(f"a deadline cannot be {value!r}")
    said = {**_DEFAULTS, **members}
    try:
        month, day = _month_and_day(said["month_day"])
        return DeadlineRule(
            month,
            day,
            _time_of_day(said["time"]),
            Counts(said["counts"]),
            Moves(said["on_non_working_day"]),
            _years_after(said["years_after"]),
        )
    except (TypeError, ValueError):
        raise DeadlineNotUnderstood(f"a deadline cannot be {value!r}") from None


def deadline_of(year: int, rule: DeadlineRule, calendar: Calendar) -> datetime:
    """Return the deadline of a year as an instant in UTC. Moved from the end of a year it may fall into the next.

    Raises: OutsideCalendar.
    """
    day = date(year, rule.month, rule.day)
    if rule.moves is Moves.NEXT:
        day = calendar.next_working_day(day)
    elif rule.moves is Moves.PREVIOUS:
        day = calendar.previous_working_day(day)
    if rule.time_of_day is None:
        return calendar.at(day + ONE_DAY, time())
    return calendar.at(day, rule.time_of_day)


def is_in_time(
    counts: Counts,
    deadline: datetime,
    *,
    proposed_at: datetime,
    approved_at: datetime | None,
    completed_at: datetime | None,
) -> bool:
    """Return whether the instant of a transaction that counts is at or before the deadline; one that never came is not.

    Where a transaction needs no approval, it is approved when it is proposed: the caller says so.
    """
    counted = {Counts.PROPOSED: proposed_at, Counts.APPROVED: approved_at, Counts.COMPLETED: completed_at}[counts]
    return counted is not None and counted <= deadline


_DEFAULTS: dict[str, object] = {
    "month_day": "",
    "time": "24:00",
    "counts": "completed",
    "on_non_working_day": "stays",
    "years_after": 1,
}
MOST_YEARS_AFTER = 9
# A year that has no 29 February, so that a rule names a day of every year.
_ANY_YEAR = 2001


def _month_and_day(written: str) -> tuple[int, int]:
    if not re.fullmatch(r"[0-9]{2}-[0-9]{2}", written):
        raise ValueError
    found = date(_ANY_YEAR, int(written[:2]), int(written[3:]))
    return found.month, found.day


def _years_after(written: object) -> int:
    if type(written) is not int or not 0 <= written <= MOST_YEARS_AFTER:
        raise ValueError
    return written


def _time_of_day(written: str) -> time | None:
    if not re.fullmatch(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?", written):
        raise ValueError
    return None if written in {"24:00", "24:00:00"} else time.fromisoformat(written)
