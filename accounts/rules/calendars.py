"""Working calendars: which days count in a jurisdiction, and which instant an hour of such a day is.

A day works when it is a weekday that is no holiday, or a weekend day that was moved to work (Beijing's working Saturdays).
Days belong to the jurisdiction's zone, instants are aware and handed back in UTC. A calendar answers for the days it covers
and for no others: a day past its end would otherwise look like a working day only because nobody loaded its holidays.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)
SATURDAY = 5
NOON = time(12)


class OutsideCalendar(LookupError):
    """A calendar was asked for a day that it does not cover."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """The working days of a jurisdiction from `since` to `until`, both included.

    `zone` is an IANA name; `holidays` do not work, whatever day of the week they are; `working` work although they fall on a
    weekend. A day in both works.
    """

    zone: str
    holidays: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()
    since: date = date.min
    until: date = date.max

    def is_working(self, day: date) -> bool:
        """Return whether a day works. Raises: OutsideCalendar."""
        if isinstance(day, datetime):
            # A datetime is a date to Python but equals none of the holidays.
            raise TypeError("a calendar is asked for a day, not for an instant")
        if not self.since <= day <= self.until:
            raise OutsideCalendar(f"{day} is not within {self.since}..{self.until}")
        return day in self.working or (day.weekday() < SATURDAY and day not in self.holidays)

    def working_day_after(self, day: date, n: int = 1) -> date:
        """Return the n-th working day strictly after a day. Raises: OutsideCalendar."""
        if n < 1:
            raise ValueError("counting begins with the first working day after")
        while n:
            day += ONE_DAY
            n -= self.is_working(day)
        return day

    def next_working_day(self, day: date) -> date:
        """Return the day itself where it works, else the first working day after it. Raises: OutsideCalendar."""
        return day if self.is_working(day) else self.working_day_after(day)

    def previous_working_day(self, day: date) -> date:
        """Return the day itself where it works, else the last working day before it. Raises: OutsideCalendar."""
        while not self.is_working(day):
            day -= ONE_DAY
        return day

    def day_of(self, instant: datetime) -> date:
        """Return the day on which an instant falls in the jurisdiction."""
        return self.wall_clock(instant).date()

    def wall_clock(self, instant: datetime) -> datetime:
        """Return an instant as the jurisdiction's clocks show it."""
        if instant.tzinfo is None:
            raise ValueError("an instant is aware of its zone")
        return instant.astimezone(ZoneInfo(self.zone))

    def at(self, day: date, time_of_day: time) -> datetime:
        """Return the instant, in UTC, at which the jurisdiction's clocks show a time of a day.

        A time that is shown twice (clocks set back) is the later one; a time that is never shown (clocks set forward) is the
        first instant after the jump. So nothing that waits for a time happens before it has passed for good.
        """
        zone = ZoneInfo(self.zone)
        wall = datetime.combine(day, time_of_day)
        earlier, later = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if later.astimezone(zone).replace(tzinfo=None) == wall:
            return later
        # In a gap fold 0 reads the old offset and lands after the jump, fold 1 the new one and lands before it.
        return _first_after_jump(later, earlier, zone)


def trusted_from(approved_at: datetime, calendar: Calendar, *, working_days: int = 4, hour: int = 12) -> datetime:
    """Return the instant from which an approved trusted account is active: an hour of the n-th working day after approval.

    The day of the approval, in the jurisdiction's zone, is day 0 at whatever hour of it and whether it works or not; counting
    starts with the next working day. Raises: OutsideCalendar. Source: domain.md section 3.
    """
    return calendar.at(calendar.working_day_after(calendar.day_of(approved_at), working_days), time(hour))


def _first_after_jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The first whole second, between two instants of different offsets, that has the offset of the second one."""
    offset = after.astimezone(zone).utcoffset()
    before, after = before.replace(microsecond=0), after.replace(microsecond=0)
    while after - before > timedelta(seconds=1):
        middle = (before + (after - before) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
