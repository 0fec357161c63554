"""Where working calendars come from: the public holidays of the `holidays` package, overridden by the recorded days.

The package knows the days that China moves (a weekend day that works for a bridge day that does not) of the years whose notice
was published when it was made; what it does not know yet, or knows wrongly, is recorded as a `CalendarDay`, and the latest
record of a day wins. A jurisdiction of no country that the package knows has weekends alone until its days are recorded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

import holidays

from accounts.models import CalendarDay, Jurisdiction
from accounts.rules.calendars import SATURDAY, Calendar


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """What the package says of one country and year: the names of its holidays, and the weekend days that work."""

    names: Mapping[date, str]
    moved: frozenset[date]


def calendar_of(jurisdiction: Jurisdiction, *, years: range, known_at: datetime | None = None) -> Calendar:
    """Return the working calendar of some years, as recorded by `known_at` (None: by now), in one query."""
    first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
    off: set[date] = set()
    moved: set[date] = set()
    for year in years:
        said = public_holidays(jurisdiction.code[:2], year)
        off.update(said.names)
        moved.update(said.moved)
    for row in recorded_days(jurisdiction, first, last, known_at=known_at).values():
        off.discard(row.day)
        moved.discard(row.day)
        (moved if row.is_working else off).add(row.day)
    return Calendar(jurisdiction.time_zone, frozenset(off), frozenset(moved), first, last)


def calendar_around(jurisdiction: Jurisdiction, instant: datetime, *, known_at: datetime | None = None) -> Calendar:
    """Return the calendar that a delay or an activation from an instant on needs: its year and the ones beside it."""
    return calendar_of(jurisdiction, years=range(instant.year - 1, instant.year + 2), known_at=known_at)


def recorded_days(
    jurisdiction: Jurisdiction, first: date, last: date, *, known_at: datetime | None = None
) -> Mapping[date, CalendarDay]:
    """Return the latest record of each day between two, both included, as known at an instant (None: now)."""
    rows = CalendarDay.objects.filter(jurisdiction=jurisdiction, day__range=(first, last))
    if known_at is not None:
        rows = rows.filter(recorded_at__lte=known_at)
    return {row.day: row for row in rows.order_by("day", "recorded_at", "id")}


@lru_cache(maxsize=512)
def public_holidays(country: str, year: int) -> PublicHolidays:
    """Return what the package says of a country (ISO 3166-1) and year; of one it does not know, nothing."""
    if country not in holidays.list_supported_countries(include_aliases=False):
        return PublicHolidays({}, frozenset())
    # Names in English where the package has them; it answers in the country's own language otherwise.
    languages = holidays.list_localized_countries(include_aliases=False).get(country, [])
    language = "en_US" if "en_US" in languages else None
    # A holiday moves days across the end of a year, and the package books them to the year of the holiday.
    said = holidays.country_holidays(country, years=(year - 1, year, year + 1), language=language)
    names = {day: name for day, name in said.items() if day.year == year}
    moved = frozenset(day for day in getattr(said, "weekend_workdays", ()) if day.year == year)
    return PublicHolidays(names, moved)


def days_between(first: date, last: date) -> tuple[date, ...]:
    """Return every day between two, both included."""
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


def is_weekend(day: date) -> bool:
    """Return whether a day is a Saturday or a Sunday, the weekend of every jurisdiction hosted so far."""
    return day.weekday() >= SATURDAY
