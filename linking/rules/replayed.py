"""What a replay found: what became of each flow, quotas at the end, worth, margin and imbalance."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from linking.rules.rates import Rate, value_of
from linking.rules.recorded_flows import Flow, Way


@dataclass(frozen=True, slots=True, order=True)
class QuotaName:
    """Which quota of the corridor. `year` 0: its whole life; `vintage` and `holder_id` 0: of none in particular."""

    kind: str
    year: int
    vintage: int = 0
    holder_id: int = 0


@dataclass(frozen=True, slots=True)
class QuotaUsed:
    """A quota at the end, in its measure. `limit`: as it was when it was last taken from; None: there was none."""

    name: QuotaName
    limit: int | None
    reserved: int
    used: int


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a flow. `units`: let in, or gone home; `codes`: why it was refused.

    The rest of a flow that goes home was never let in.
    """

    flow: Flow
    units: int
    codes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Imbalance:
    """Units that came in and wait, less those that came in the other way, in the year of an instant, from that instant on."""

    at: datetime
    units: int


@dataclass(frozen=True, slots=True)
class Replayed:
    """A replay. `let_in`: units by rate; `surrendered`: units by obligation and rate. Units are of 1 t CO2e at home."""

    judged: tuple[Judged, ...]
    let_in: tuple[tuple[Rate, int], ...]
    surrendered: tuple[tuple[int, Rate, int], ...]
    quotas: tuple[QuotaUsed, ...]
    imbalances: tuple[Imbalance, ...]

    @property
    def entries(self) -> tuple[Judged, ...]:
        """The flows that asked to be let in."""
        return tuple(row for row in self.judged if row.flow.way is Way.ENTRY)

    @property
    def admitted(self) -> tuple[Judged, ...]:
        """Those that were let in."""
        return tuple(row for row in self.entries if not row.codes)

    @property
    def refused(self) -> tuple[Judged, ...]:
        """Those that were not."""
        return tuple(row for row in self.entries if row.codes)

    @property
    def refused_by_code(self) -> Mapping[int, tuple[int, int]]:
        """How many flows, and how many units, each code refused; a flow that several refused counts under each."""
        found: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for row in self.refused:
            for code in row.codes:
                flows, units = found[code]
                found[code] = flows + 1, units + row.flow.units
        return dict(sorted(found.items()))

    @property
    def units_let_in(self) -> int:
        """Units let in."""
        return sum(row.units for row in self.admitted)

    @property
    def units_refused(self) -> int:
        """Units that were not let in."""
        return sum(row.flow.units for row in self.refused)

    @property
    def units_gone_home(self) -> int:
        """Units that were let in and went home, or on."""
        return sum(row.units for row in self.judged if row.flow.way is Way.HOME)

    @property
    def units_fallen_away(self) -> int:
        """Units of returns that fall away, since they were never let in."""
        return sum(row.flow.units - row.units for row in self.judged if row.flow.way is Way.HOME)

    @property
    def worth_let_in(self) -> int:
        """Recognised t CO2e of what was let in, rounded down once for each rate."""
        return sum(value_of(units, rate) for rate, units in self.let_in)

    @property
    def units_surrendered(self) -> int:
        """Units surrendered of what was let in."""
        return sum(units for _, _, units in self.surrendered)

    @property
    def worth_surrendered(self) -> int:
        """Recognised t CO2e of what was surrendered, rounded down once for each obligation and rate."""
        return sum(value_of(units, rate) for _, rate, units in self.surrendered)

    @property
    def margin(self) -> int:
        """The atmospheric margin: what surrendered units are at home less what they count; negative where rates exceed one."""
        return self.units_surrendered - self.worth_surrendered

    @property
    def greatest_imbalance(self) -> int:
        """The greatest imbalance that was reached, nought at least."""
        return max((row.units for row in self.imbalances), default=0)

    @property
    def last_imbalance(self) -> int:
        """The imbalance at the end."""
        return self.imbalances[-1].units if self.imbalances else 0
