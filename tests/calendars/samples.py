"""Jurisdictions with their real zones, and calendars made for them; London stands for clocks that change."""

from datetime import date

from accounts.calendars import calendar_of
from accounts.models import Jurisdiction
from accounts.rules.calendars import Calendar

ZONES = {"CN-BJ": "Asia/Shanghai", "JP-13": "Asia/Tokyo", "KR-11": "Asia/Seoul", "GB-LND": "Europe/London"}
CURRENCIES = {"CN-BJ": "CNY", "JP-13": "JPY", "KR-11": "KRW", "GB-LND": "GBP"}
YEARS = range(2024, 2028)


def place(code: str = "CN-BJ") -> Jurisdiction:
    """Return the jurisdiction, made where it is missing."""
    return Jurisdiction.objects.get_or_create(
        code=code,
        defaults={
            "registry_code": code.replace("-", ""),
            "currency": CURRENCIES[code],
            "time_zone": ZONES[code],
            "language": "en",
        },
    )[0]


def calendar(code: str = "CN-BJ") -> Calendar:
    """Return its calendar of 2024 to 2027."""
    return calendar_of(place(code), years=YEARS)


def day(text: str) -> date:
    return date.fromisoformat(text)
