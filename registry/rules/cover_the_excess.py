"""Cover-the-excess (Tokyo): what a facility may be issued for reducing more than it had to, and what it is short of at the end.

A facility complies with a period when, over its years, `sum(emissions) + excess credits issued to it from this period - value
surrendered <= sum(base * (1 - factor))`. What it was issued it may have sold, and so counts against it.

Tonnes are whole; factors, and what follows from them, are exact fractions. Two roundings, each at the end of a sum: what is
issuable and the cap are rounded down. All else in the inequality is whole, so rounding the cap down changes no answer.
Source: domain.md section 7.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import floor

from registry.rules.compliance import Status

RULE_KEY, PERIOD_KEY, UNIT_KEY = "compliance.rule", "compliance.period", "compliance.excess-unit-type"
SURRENDER_ALL, COVER_THE_EXCESS = "surrender-all", "cover-the-excess"
# A year's reduction above this share of its base does not count towards what may be issued.
MOST_COUNTED = Fraction(1, 2)
# Excess credits are issued when the second year of the period has been verified, and not before.
YEARS_BEFORE_ISSUE = 2
MOST_DENOMINATOR = 1_000_000


class RuleNotUnderstood(ValueError):
    """A dated rule's value does not say which rule of compliance holds, or for which years."""


@dataclass(frozen=True, slots=True)
class Period:
    """The fiscal years of a period, both included, each called by the calendar year in which it begins.

    `begins`: month and day of that. `unit_type`: the code of the period's excess credits.
    """

    first_year: int
    last_year: int
    begins: tuple[int, int]
    unit_type: str

    def last_day_of(self, year: int) -> date:
        """Return the last day of a fiscal year."""
        return date(year + 1, *self.begins) - timedelta(days=1)

    def of_facility(self, first_year: int, last_year: int | None) -> range:
        """Return the years of the period in which a facility was there."""
        last = self.last_year if last_year is None else min(self.last_year, last_year)
        return range(max(self.first_year, first_year), last + 1)


def period_by_rules(rule: object, period: object, unit_type: object) -> Period | None:
    """Return the period that the values of three dated rules say; None: it is surrender-all, as where no rule says anything.

    Raises: RuleNotUnderstood.
    """
    if rule in (None, SURRENDER_ALL):
        return None
    if rule != COVER_THE_EXCESS:
        raise RuleNotUnderstood(f"a rule of compliance cannot be {rule!r}")
    if not isinstance(period, Mapping) or period.keys() != {"first_year", "last_year", "begins"}:
        raise RuleNotUnderstood(f"a period cannot be {period!r}")
    first, last, begins = period["first_year"], period["last_year"], period["begins"]
    if type(first) is not int or type(last) is not int or not 1990 <= first <= last <= 2200:
        raise RuleNotUnderstood(f"a period cannot be {period!r}")
    if not isinstance(unit_type, str) or not isinstance(begins, str) or not re.fullmatch(r"[0-9]{2}-[0-9]{2}", begins):
        raise RuleNotUnderstood(f"a period cannot begin {begins!r}, nor its credits be {unit_type!r}")
    try:
        # A year that has no 29 February, so that it is a day of every year.
        day = date(2001, int(begins[:2]), int(begins[3:]))
    except ValueError:
        raise RuleNotUnderstood(f"a period cannot begin {begins!r}") from None
    return Period(first, last, (day.month, day.day), unit_type)


def understands(key: str, value: object) -> bool:
    """Return whether the value of one dated rule can be read, whatever the others say; of rules that are none of these, yes.

    `accounts.operations.set_rule` asks this before a rule holds (settings.RULE_READERS).
    """
    said: dict[str, object] = {
        RULE_KEY: COVER_THE_EXCESS,
        PERIOD_KEY: {"first_year": 2025, "last_year": 2029, "begins": "04-01"},
        UNIT_KEY: "EXC",
    }
    if key not in said:
        return True
    said[key] = value
    try:
        period_by_rules(said[RULE_KEY], said[PERIOD_KEY], said[UNIT_KEY])
    except RuleNotUnderstood:
        return False
    return True


@dataclass(frozen=True, slots=True)
class FacilityYear:
    """What is recorded of a facility's fiscal year: base and verified emissions (t CO2e), factor; None: not recorded.

    Of an excluded year nothing counts, and nothing is missing.
    """

    year: int
    base: int | None = None
    factor: Fraction | None = None
    emissions: int | None = None
    excluded: bool = False

    @property
    def is_known(self) -> bool:
        """Whether nothing is missing of it."""
        return self.excluded or None not in (self.base, self.factor, self.emissions)

    @property
    def required(self) -> Fraction | None:
        """The reduction required, t CO2e: base x factor."""
        return None if self.base is None or self.factor is None else self.base * self.factor

    @property
    def reduction(self) -> int | None:
        """The reduction, t CO2e: base - emissions, below nought where it emitted more than its base."""
        return None if self.base is None or self.emissions is None else self.base - self.emissions

    @property
    def counted(self) -> Fraction | None:
        """The reduction that counts towards excess credits, t CO2e: none above half the base."""
        if self.base is None or self.reduction is None:
            return None
        return min(Fraction(self.reduction), self.base * MOST_COUNTED)


@dataclass(frozen=True, slots=True)
class Position:
    """How a facility stands in a period. `years`: its own of the period, in order.

    Units of 1 t CO2e: `granted` is what was approved to be issued to it from this period, of which `issued` was delivered;
    neither counts what was taken back. `surrendered` is the value of what it surrendered for this period.
    """

    period: Period
    years: Sequence[FacilityYear]
    granted: int
    issued: int
    surrendered: int

    @property
    def verified(self) -> Sequence[FacilityYear]:
        """The years from its first on, up to the first of which something is missing, that count."""
        missing = next((place for place, each in enumerate(self.years) if not each.is_known), len(self.years))
        return [each for each in self.years[:missing] if not each.excluded]

    @property
    def through(self) -> int | None:
        """The last of the verified years."""
        return self.verified[-1].year if self.verified else None

    @property
    def emissions(self) -> int:
        """Emissions of the verified years, t CO2e."""
        return sum(each.emissions or 0 for each in self.verified)

    @property
    def cap(self) -> int:
        """What the verified years may emit together, t CO2e: the sum of base x (1 - factor), rounded down."""
        return floor(sum(((each.base or 0) - (each.required or 0) for each in self.verified), Fraction()))

    @property
    def is_too_early(self) -> bool:
        """Whether the second year of the period is yet to be verified."""
        return self.through is None or self.through < self.period.first_year + YEARS_BEFORE_ISSUE - 1

    @property
    def entitled(self) -> int:
        """The units that may be granted from the verified years in all: counted less required reduction, rounded down.

        None while it is too early.
        """
        if self.is_too_early:
            return 0
        excess = sum(((each.counted or 0) - (each.required or 0) for each in self.verified), Fraction())
        return max(0, floor(excess))

    @property
    def issuable(self) -> int:
        """The units that may still be granted."""
        return max(0, self.entitled - self.granted)

    @property
    def shortfall(self) -> int:
        """What is still to be surrendered for the verified years, t CO2e; of a whole period, what it is short of."""
        return max(0, self.emissions + self.issued - self.surrendered - self.cap)


def cover_the_excess_status(position: Position, first_year: int, last_year: int | None) -> Status:
    """Return the status of a facility, there from `first_year` to `last_year`, for a whole period.

    A covered, B short, C where a year's emissions or base are missing. Source: domain.md section 7.
    """
    if first_year > position.period.last_year:
        return Status.NOT_APPLICABLE
    if last_year is not None and last_year < position.period.first_year:
        return Status.ENDED
    if all(each.excluded for each in position.years):
        return Status.EXCLUDED
    if not all(each.is_known for each in position.years):
        return Status.C
    return Status.B if position.shortfall else Status.A
