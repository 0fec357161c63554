"""The figures of a corridor's final statement, added up from what has moved by it: per year of the destination, and in total.

`entered = returned + held + surrendered + pooled + cancelled`, in units of 1 t CO2e: every unit that came in is somewhere. What
was surrendered counts `value` recognised tonnes, rounded down once for each obligation and rate; `margin_retired` is what was
retired beyond that, `pooled` what lies in the margin account. PostgreSQL adds up the same by itself, and refuses other figures
(linking/migrations/sql/0003_final_statements.sql). Source: linking.md section 3, delinking.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from linking.rules.rates import Rate, value_of

Content = dict[str, object]


class Place(StrEnum):
    """Where units of a corridor lie. `ELSEWHERE`: not in its destination's registry."""

    ELSEWHERE = "elsewhere"
    HELD = "held"
    SURRENDERED = "surrendered"
    POOLED = "pooled"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Flow:
    """Units that went from one place to another in a year. `surrendered_for`: the obligation and rate that they count for."""

    year: int
    before: Place
    after: Place
    units: int
    surrendered_for: tuple[int, Rate] | None = None
    is_reversal: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums of a corridor, in units of 1 t CO2e, `value` in recognised t CO2e. Of a year they are changes, and may be negative."""

    entered: int = 0
    returned: int = 0
    surrendered: int = 0
    pooled: int = 0
    cancelled: int = 0
    value: int = 0

    @property
    def held(self) -> int:
        """What is still abroad, on the accounts of holders."""
        return self.entered - self.returned - self.surrendered - self.pooled - self.cancelled

    @property
    def margin_retired(self) -> int:
        """Units retired by surrender beyond what they counted; negative where the rate exceeds one."""
        return self.surrendered - self.value

    @property
    def net(self) -> int:
        """What entered and did not return."""
        return self.entered - self.returned

    def less(self, other: "Figures") -> "Figures":
        """Return what has been added since other figures."""
        return Figures(
            self.entered - other.entered,
            self.returned - other.returned,
            self.surrendered - other.surrendered,
            self.pooled - other.pooled,
            self.cancelled - other.cancelled,
            self.value - other.value,
        )

    def content(self) -> Content:
        """Return the figures as a statement says them."""
        names = ("entered", "returned", "held", "surrendered", "pooled", "cancelled", "value", "margin_retired")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class End:
    """One direction at the end of a notice. `under_way`: units that waited to enter then."""

    origin: str
    destination: str
    years: Mapping[int, Figures]
    total: Figures
    under_way: int

    def content(self) -> Content:
        """Return the direction as a statement says it."""
        return {
            "origin": self.origin,
            "destination": self.destination,
            "years": [{"year": year, **figures.content()} for year, figures in self.years.items()],
            "total": self.total.content(),
            "under_way": self.under_way,
        }


def end_of(origin: str, destination: str, flows: Iterable[Flow], under_way: int) -> End:
    """Return one direction from all its flows; years in which nothing changed are left out."""
    flows = list(flows)
    years: dict[int, Figures] = {}
    before = Figures()
    for year in sorted({flow.year for flow in flows}):
        after = _figures(flow for flow in flows if flow.year <= year)
        if after != before:
            years[year] = after.less(before)
        before = after
    return End(origin, destination, years, before, under_way)


def content_of(own: End, opposite: End) -> Content:
    """Return what a final statement says: the direction that ended, the opposite one, and the imbalance between them."""
    net: dict[int, int] = defaultdict(int)
    for year, figures in own.years.items():
        net[year] += figures.net
    for year, figures in opposite.years.items():
        net[year] -= figures.net
    return {
        "directions": [own.content(), opposite.content()],
        "imbalance": {
            "total": own.total.net - opposite.total.net,
            "years": [{"year": year, "units": units} for year, units in sorted(net.items()) if units],
        },
    }


def _figures(flows: Iterable[Flow]) -> Figures:
    places: dict[Place, int] = defaultdict(int)
    worth: dict[tuple[int, Rate], int] = defaultdict(int)
    entered = returned = 0
    for flow in flows:
        places[flow.before] -= flow.units
        places[flow.after] += flow.units
        entered += flow.units if flow.before is Place.ELSEWHERE else 0
        returned += flow.units if flow.after is Place.ELSEWHERE else 0
        if flow.surrendered_for is not None:
            worth[flow.surrendered_for] += -flow.units if flow.is_reversal else flow.units
    value = sum(value_of(units, rate) for (_, rate), units in worth.items())
    return Figures(entered, returned, places[Place.SURRENDERED], places[Place.POOLED], places[Place.CANCELLED], value)
