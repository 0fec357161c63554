"""The pilot's unit types, and the demo's stock of units. Types are from the facts file; caps and quantities are invented.

A code of the facts file that is not plain letters and digits is written so (`i-KCU` is IKCU). Which codes were read in a source
and which were given here is told by the dated rules `unit.<code>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from accounts.rules.account_types import UnitKind


@dataclass(frozen=True, slots=True)
class DemoIssue:
    """What the demo issues of one unit type, how much of it goes to each operator and the trader, and what waits, in t CO2e.

    With nothing issued there is a cap alone: what is made of other units counts under it.
    """

    unit_type: str
    limit: int
    issued: int = 0
    to_each_operator: int = 0
    to_the_trader: int = 0
    # What waits when the demo begins.
    awaits_issuance: int = 0
    awaits_approval: int = 0
    awaits_its_delay: int = 0


# By jurisdiction and code: the kind that decides which accounts may hold it and which quotas count it.
UNIT_TYPES: Mapping[str, Mapping[str, UnitKind]] = {
    "CN-BJ": {
        "BEA": UnitKind.ALLOWANCE,
        "CCER": UnitKind.OFFSET,
        "PHR": UnitKind.OFFSET,
        "FCER": UnitKind.OFFSET,
    },
    "JP-13": {
        "TER": UnitKind.CREDIT,
        "TSM": UnitKind.OFFSET,
        "TRE": UnitKind.OFFSET,
        "TOT": UnitKind.OFFSET,
        "TSA": UnitKind.CREDIT,
        "TOG": UnitKind.OFFSET,
    },
    "KR-11": {
        "KAU": UnitKind.ALLOWANCE,
        "KCU": UnitKind.OFFSET,
        "IKCU": UnitKind.OFFSET,
        "KOC": UnitKind.OFFSET,
        "IKOC": UnitKind.OFFSET,
    },
}

# What waits is of the first of each.
DEMO_ISSUES: Mapping[str, tuple[DemoIssue, ...]] = {
    "CN-BJ": (DemoIssue("BEA", 46_000_000, 1_000_000, 120_000, 40_000, 5_000, 500, 250),),
    "JP-13": (DemoIssue("TER", 500_000, 60_000, 12_000, 8_000, 1_000, 80, 40),),
    # KOC to be converted into KCU.
    "KR-11": (
        DemoIssue("KAU", 20_000_000, 800_000, 90_000, 30_000, 4_000, 300, 150),
        DemoIssue("KOC", 50_000, 10_000, 2_000, 1_000),
        DemoIssue("KCU", 50_000),
    ),
}

# Tokyo's own worked example (docs/compliance.md), for the first facility where cover-the-excess holds: base and emissions in t
# CO2e a year, the factor as two integers; emissions of the years to come are not known yet.
DEMO_BASE = 10_000
DEMO_FACTOR = (17, 100)
DEMO_EMISSIONS = (8_500, 7_500)
