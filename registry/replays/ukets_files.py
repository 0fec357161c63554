"""Reads the two public files of the UK ETS: the compliance report and the allocation table, as they were published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from openpyxl import load_workbook

REPORT = "20250611_Compliance_Report_Emissions_and_Surrenders.xlsx"
TABLE = "ukets-allocation-table-december-2025.xlsx"
YEARS = (2021, 2022, 2023, 2024)
ALLOCATION_YEARS = (2021, 2022, 2023, 2024, 2025, 2026)
EXCLUDED = "EXCLUDED"


@dataclass(frozen=True, slots=True)
class Operator:
    """One line of the compliance report. `emissions` by year: t CO2e, or EXCLUDED; years left blank are absent.

    `status` is the official static status of 2024, "" where the report gives none.
    """

    number: str
    first_year: int
    last_year: int | None
    emissions: Mapping[int, int | str]
    cumulative_emissions: int
    cumulative_surrenders: int
    status: str

    @property
    def obligation_year(self) -> int:
        """The year of the obligation that its surrenders are for here: its last up to 2024 (only their sum is published)."""
        return min(self.last_year or YEARS[-1], YEARS[-1])


def read_report(folder: Path) -> list[Operator]:
    """Return the operators of the compliance report, in its order."""
    rows = _rows(folder / REPORT, "Data")
    column = {str(name).strip(): place for place, name in enumerate(next(rows)) if name}

    def operator(row: Sequence[object]) -> Operator:
        emissions: dict[int, int | str] = {}
        for year in YEARS:
            value = row[column[f"Recorded emissions {year}"]]
            if value not in (None, ""):
                emissions[year] = EXCLUDED if str(value).upper().startswith(EXCLUDED) else int(str(value))
        last = row[column["Last Year of Operation"]]
        return Operator(
            number=str(row[column["Operator ID"]]),
            first_year=int(str(row[column["First Year of Operation"]])),
            last_year=None if last in (None, "") else int(str(last)),
            emissions=emissions,
            cumulative_emissions=int(str(row[column["Cumulative emissions"]] or 0)),
            cumulative_surrenders=int(str(row[column["Cumulative surrenders"]] or 0)),
            status=str(row[column["Static surrender status 2024"]] or "").strip(),
        )

    return [operator(row) for row in rows if any(row)]


def read_allocations(folder: Path) -> dict[int, dict[str, int]]:
    """Return the total allocation of each installation by year, t CO2e; rows of zero are left out."""
    rows = _rows(folder / TABLE, "Sheet1")
    column = {str(name).strip(): place for place, name in enumerate(next(rows)) if name}
    found: dict[int, dict[str, int]] = {year: {} for year in ALLOCATION_YEARS}
    for row in rows:
        if not any(row):
            continue
        for year in ALLOCATION_YEARS:
            quantity = int(str(row[column[f"(C) Allocation (Total) {year}"]] or 0))
            if quantity:
                found[year][str(row[column["Installation ID"]])] = quantity
    return found


def _rows(file: Path, sheet: str) -> Iterator[tuple[object, ...]]:
    book = load_workbook(file, read_only=True)
    try:
        yield from book[sheet].iter_rows(values_only=True)
    finally:
        book.close()
