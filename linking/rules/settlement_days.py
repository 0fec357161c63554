"""On which days what crosses a link settles: any, working days of both registries, or the days that the terms list.

A listed day is one of the destination's zone; a working day works in the calendars of both sides, each on its own date at that
instant. Source: linking.md section 3, settlement windows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from accounts.rules.calendars import ONE_DAY, Calendar
from linking.rules.terms import Settling


@dataclass(frozen=True, slots=True)
class Way:
    """A corridor that is entered: the days of its terms, and its destination's IANA zone, in which listed days are dates."""

    days: Settling | tuple[date, ...]
    zone: str


def settles_at(instant: datetime, ways: Sequence[Way], calendars: Sequence[Calendar]) -> bool:
    """Return whether every corridor settles on the day of an instant. `calendars`: of both sides. Raises: OutsideCalendar."""
    return all(_settles(instant, way, calendars) for way in ways)


def settles_from(instant: datetime, ways: Sequence[Way], calendars: Sequence[Calendar]) -> datetime | None:
    """Return the instant, or the same hour of the first day after it on which every corridor settles; None: there is none.

    Raises: OutsideCalendar where the working days of a side are not known so far ahead.
    """
    while not settles_at(instant, ways, calendars):
        if any(_is_over(instant, way) for way in ways):
            return None
        instant += ONE_DAY
    return instant


def _settles(instant: datetime, way: Way, calendars: Sequence[Calendar]) -> bool:
    if isinstance(way.days, tuple):
        return _day(instant, way) in way.days
    if way.days is Settling.ANY:
        return True
    return all(calendar.is_working(calendar.day_of(instant)) for calendar in calendars)


def _is_over(instant: datetime, way: Way) -> bool:
    return isinstance(way.days, tuple) and not any(day >= _day(instant, way) for day in way.days)


def _day(instant: datetime, way: Way) -> date:
    return instant.astimezone(ZoneInfo(way.zone)).date()
