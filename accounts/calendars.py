"""Where working calendars come from: the public holidays of the `holidays` package, overridden by the recorded days.

The package knows the days that China moves (a weekend day that works for a bridge day that does not) of the years whose notice
was published when it was made; what it does not know yet, or knows wrongly, is recorded as a `CalendarDay`, and the latest
record of a day wins. A jurisdiction of no country that the package knows has weekends alone until its days are recorded.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import holidays

from accounts import database
from accounts.models import CalendarDay, Jurisdiction
from accounts.rules.calendars import ONE_DAY, Calendar

# Who says so of a day that was not recorded here.
SOURCE = f"holidays {version('holidays')}"


class Why(StrEnum):
    """Why a day works or does not."""

    WEEKDAY = "weekday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    MOVED = "moved"
    RECORDED = "recorded"


@dataclass(frozen=True, slots=True)
class DescribedDay:
    """A day of a calendar. `name`: of the holiday, or as it was recorded; `source`: the package, or the record's own."""

    day: date
    is_working: bool
    why: Why
    name: str = ""
    source: str = ""
    confidence: str | None = None


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """What the package says of one country and year: the names of its holidays, and the weekend days that work."""

    names: Mapping[date, str]
    moved: frozenset[date]


def calendar_of(jurisdiction: Jurisdiction, *, years: range, known_at: datetime | None = None) -> Calendar:
    """Return the working calendar of some years, as recorded by `known_at` (None: by now), in one query."""
    first, last = date(years[0], 1, 1), date(years[-1], 12, 31)
    return _of_records(jurisdiction, years, recorded_days(jurisdiction, first, last, known_at=known_at))


def calendar_around(jurisdiction: Jurisdiction, instant: datetime, *, known_at: datetime | None = None) -> Calendar:
    """Return the calendar that a delay or an activation from an instant on needs: its year and the ones beside it."""
    return calendar_of(jurisdiction, years=range(instant.year - 1, instant.year + 2), known_at=known_at)


def calendar_and_rules(jurisdiction_id: int, instant: datetime, keys: Sequence[str]) -> tuple[Calendar, dict[str, Any]]:
    """Return `calendar_around` and the values of the dated rules of these keys in force on its day, in one statement.

    It is asked for everything that waits: four statements of the ORM took as long as all else that a proposal does.
    """
    years = range(instant.year - 1, instant.year + 2)
    found = json.loads(
        database.ask(
            _CALENDAR_AND_RULES.format(
                jurisdiction=database.literal(jurisdiction_id),
                instant=database.literal(instant.isoformat()),
                first=database.literal(f"{years[0]}-01-01"),
                last=database.literal(f"{years[-1]}-12-31"),
                keys=database.literal(json.dumps(list(keys))),
            )
        )
        or "null"
    )
    recorded = {date.fromisoformat(day): is_working for day, is_working in found["days"] or ()}
    return _calendar(found["code"], found["time_zone"], years, recorded), found["rules"] or {}


# As `recorded_days` and `accounts.queries.rule_in_force` ask; a test compares.
_CALENDAR_AND_RULES = """
SELECT jsonb_build_object('code', j.code, 'time_zone', j.time_zone,
    'days', (SELECT jsonb_agg(jsonb_build_array(d.day, d.is_working)) FROM (
        SELECT DISTINCT ON (c.day) c.day, c.is_working FROM accounts_calendarday c
        WHERE c.jurisdiction_id = j.id AND c.day BETWEEN {first} AND {last} ORDER BY c.day, c.recorded_at DESC, c.id DESC) d),
    'rules', (SELECT jsonb_object_agg(r.key, r.value) FROM accounts_datedrule r
        WHERE r.jurisdiction_id = j.id AND r.key IN (SELECT jsonb_array_elements_text({keys}))
            AND r.valid_from <= ({instant}::timestamptz AT TIME ZONE j.time_zone)::date
            AND coalesce(({instant}::timestamptz AT TIME ZONE j.time_zone)::date < r.valid_to, true)))
FROM accounts_jurisdiction j WHERE j.id = {jurisdiction}"""


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


def described_days(jurisdiction: Jurisdiction, first: date, last: date) -> tuple[DescribedDay, ...]:
    """Return every day between two, both included, with why it works or does not and who says so."""
    recorded = recorded_days(jurisdiction, first, last)
    calendar = _of_records(jurisdiction, range(first.year, last.year + 1), recorded)
    days = (first + n * ONE_DAY for n in range((last - first).days + 1))
    return tuple(_described(day, calendar, jurisdiction, recorded.get(day)) for day in days)


def _described(day: date, calendar: Calendar, jurisdiction: Jurisdiction, record: CalendarDay | None) -> DescribedDay:
    works = calendar.is_working(day)
    if record is not None:
        return DescribedDay(day, works, Why.RECORDED, record.name, record.source, record.confidence)
    said = public_holidays(jurisdiction.code[:2], day.year)
    if day in said.moved:
        return DescribedDay(day, works, Why.MOVED, "", SOURCE)
    if day in said.names:
        return DescribedDay(day, works, Why.HOLIDAY, said.names[day], SOURCE)
    return DescribedDay(day, works, Why.WEEKDAY if works else Why.WEEKEND)


def _of_records(jurisdiction: Jurisdiction, years: range, recorded: Mapping[date, CalendarDay]) -> Calendar:
    works = {day: record.is_working for day, record in recorded.items()}
    return _calendar(jurisdiction.code, jurisdiction.time_zone, years, works)


def _calendar(code: str, time_zone: str, years: range, recorded: Mapping[date, bool]) -> Calendar:
    """`recorded`: whether the days on record work."""
    off: set[date] = set()
    moved: set[date] = set()
    for year in years:
        said = public_holidays(code[:2], year)
        off.update(said.names)
        moved.update(said.moved)
    for day, is_working in recorded.items():
        off.discard(day)
        moved.discard(day)
        (moved if is_working else off).add(day)
    return Calendar(time_zone, frozenset(off), frozenset(moved), date(years[0], 1, 1), date(years[-1], 12, 31))
