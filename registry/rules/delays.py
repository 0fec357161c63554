"""When a transaction that waits is executed: the delay rule of a jurisdiction, counted in its working calendar.

Two kinds, each a dated rule `transaction.delay` of JSON:

| value | what holds |
|---|---|
| `{"kind": "noon", "hour": 12}` | approved before the hour of a working day: at the hour of the next working day; at or after it, or on a day that does not work: at the hour of the second |
| `{"kind": "hours", "hours": 24, "opening_hour": 10, "closing_hour": 16}` | after so many elapsed hours, and then inside the opening hours of a working day |

Where no rule is recorded the first holds, at noon. Worked examples are in docs/delays.md. Nothing executes early: whatever is
unclear (an hour shown twice, calendars that differ) is decided for the later instant.

Source: Regulation (EU) 2019/1122, Article 35; domain.md section 5.
"""  # noqa: E501  # a table

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from accounts.rules.calendars import ONE_DAY, Calendar

KEY = "transaction.delay"
HOURS_OF_A_DAY = 24
# More would reach beyond the years that a calendar around an approval covers.
LONGEST_DELAY_HOURS = 60 * HOURS_OF_A_DAY


class DelayNotUnderstood(ValueError):
    """A dated rule's value is none of the two kinds. It is no reason to fall back on the default."""


@dataclass(frozen=True, slots=True)
class NoonRule:
    """At an hour of the next working day, or of the second when that day's hour has passed or the day does not work."""

    hour: int = 12


@dataclass(frozen=True, slots=True)
class HoursRule:
    """After elapsed hours, and then within `[opening_hour, closing_hour)` of a working day; 24 is the end of the day."""

    hours: int
    opening_hour: int
    closing_hour: int


DelayRule = NoonRule | HoursRule
DEFAULT = NoonRule()


def delay_rule_of(value: object) -> DelayRule:
    """Return the rule that a dated rule's value says; None (no rule in force): the default.

    Raises: DelayNotUnderstood.
    """
    match value:
        case None:
            return DEFAULT
        case {"kind": "noon", "hour": hour, **others} if not others:
            return NoonRule(_integer(hour, 0, HOURS_OF_A_DAY - 1))
        case {"kind": "hours", "hours": hours, "opening_hour": opening, "closing_hour": closing, **others} if (
            not others
        ):
            first = _integer(opening, 0, HOURS_OF_A_DAY - 1)
            return HoursRule(
                _integer(hours, 1, LONGEST_DELAY_HOURS), first, _integer(closing, first + 1, HOURS_OF_A_DAY)
            )
    raise DelayNotUnderstood(f"{KEY} cannot be {value!r}")


def value_of(rule: DelayRule) -> Mapping[str, str | int]:
    """Return the value of the dated rule that says a rule: what `delay_rule_of` reads."""
    if isinstance(rule, NoonRule):
        return {"kind": "noon", "hour": rule.hour}
    return {
        "kind": "hours",
        "hours": rule.hours,
        "opening_hour": rule.opening_hour,
        "closing_hour": rule.closing_hour,
    }


def executes_at(
    approved_at: datetime, rule: DelayRule, sending: Calendar, acquiring: Calendar | None = None
) -> datetime:
    """Return the instant, in UTC, at which a transaction approved at an instant is executed.

    Across a link both calendars count. Noon rule: each calendar gives a day; the later of them, or else the first day after it
    that works in both, and on it the later of the two noons. Hours rule: the first instant, once the hours have elapsed, at
    which both are open on a date that works in both (on a date when their hours do not meet: when the one that opens later is).

    Raises: OutsideCalendar when a calendar does not reach so far.
    """
    if approved_at.tzinfo is None:
        raise ValueError("an instant is aware of its zone")
    calendars = (sending,) if acquiring is None else (sending, acquiring)
    if isinstance(rule, NoonRule):
        return _by_noon(approved_at, time(rule.hour), calendars)
    return _by_hours(approved_at, rule, calendars)


def _by_noon(approved_at: datetime, noon: time, calendars: tuple[Calendar, ...]) -> datetime:
    day = _working_in_all(max(_day_by_noon(approved_at, noon, calendar) for calendar in calendars), calendars)
    return max(calendar.at(day, noon) for calendar in calendars)


def _day_by_noon(approved_at: datetime, noon: time, calendar: Calendar) -> date:
    day = calendar.day_of(approved_at)
    is_early = calendar.is_working(day) and approved_at < calendar.at(day, noon)
    return calendar.working_day_after(day, 1 if is_early else 2)


def _by_hours(approved_at: datetime, rule: HoursRule, calendars: tuple[Calendar, ...]) -> datetime:
    # Elapsed hours are counted in UTC: a day on which the clocks change has 23 or 25 of them.
    due = approved_at.astimezone(UTC) + timedelta(hours=rule.hours)
    day = min(calendar.day_of(due) for calendar in calendars)
    while True:
        day = _working_in_all(day, calendars)
        opens, closes = _opening(day, rule, calendars)
        if due < closes:
            return max(due, opens)
        day += ONE_DAY


def _opening(day: date, rule: HoursRule, calendars: tuple[Calendar, ...]) -> tuple[datetime, datetime]:
    hours = [
        (_hour_of(calendar, day, rule.opening_hour), _hour_of(calendar, day, rule.closing_hour))
        for calendar in calendars
    ]
    opens, closes = max(first for first, _ in hours), min(last for _, last in hours)
    return (opens, closes) if opens < closes else max(hours)


def _hour_of(calendar: Calendar, day: date, hour: int) -> datetime:
    if hour == HOURS_OF_A_DAY:
        return calendar.at(day + ONE_DAY, time())
    return calendar.at(day, time(hour))


def _working_in_all(day: date, calendars: tuple[Calendar, ...]) -> date:
    """The day itself, or the first after it, that works in every calendar."""
    while not all(calendar.is_working(day) for calendar in calendars):
        day += ONE_DAY
    return day


def _integer(value: object, least: int, most: int) -> int:
    # A truth value is an integer to Python, not to a rule.
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise DelayNotUnderstood(f"{value!r} is no integer of {least}..{most}")
    return value
