from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class DelayRule:
    hour: int = 12


def parse_delay_rule(value):
    return DelayRule()


def executes_at(at, rule, sending, acquiring=None):
    day = sending.day_of(at)
    n = 1 if at < sending.at(day, time(12)) else 2
    return sending.at(day + timedelta(days=n), time(12))
