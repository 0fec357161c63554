"""The surrender-all rule: what an installation's compliance status is (domain.md section 7).

A when cumulative surrenders cover cumulative verified emissions, B when they do not, C when a year's emissions are missing.
Emissions of a year in which it was excluded do not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """A compliance status. ENDED: the installation's last year lies before the year judged, and nothing is determined."""

    A = "A"
    B = "B"
    C = "C"
    EXCLUDED = "EXCLUDED"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class YearRecord:
    """What is recorded of a year: verified emissions in t CO2e, or that the installation was excluded."""

    quantity: int
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class ComplianceFacts:
    """What an installation is judged by. `surrendered`: t CO2e over all its obligations. Years without a record are absent."""

    first_year: int
    last_year: int | None
    years: Mapping[int, YearRecord]
    surrendered: int

    def emissions_until(self, year: int) -> int:
        """Return the cumulative emissions of all recorded years up to `year`, t CO2e."""
        return sum(record.quantity for of, record in self.years.items() if of <= year and not record.excluded)


def surrender_all_status(facts: ComplianceFacts, year: int) -> Status:
    """Return the status for a compliance year. Source: domain.md section 7, surrender-all."""
    if facts.first_year > year:
        return Status.NOT_APPLICABLE
    if facts.last_year is not None and facts.last_year < year:
        return Status.ENDED
    records = [facts.years.get(of) for of in range(facts.first_year, year + 1)]
    if all(record is not None and record.excluded for record in records):
        return Status.EXCLUDED
    if any(record is None for record in records):
        return Status.C
    return Status.A if facts.surrendered >= facts.emissions_until(year) else Status.B
