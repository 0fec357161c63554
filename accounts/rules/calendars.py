from dataclasses import dataclass
from datetime import datetime, UTC
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Calendar:
    zone: str

    def day_of(self, instant):
        return instant.astimezone(ZoneInfo(self.zone)).date()

    def at(self, day, t):
        return datetime.combine(day, t, ZoneInfo(self.zone)).astimezone(UTC)
