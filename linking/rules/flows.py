"""Which way units go, by which corridors, and the sums that must come out (linking.md sections 1, 4 and 5, invariant I1).

Recognition is by issuer, never along a path: whatever way units come, the corridors concerned begin at their issuer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Flow(StrEnum):
    """What a transfer is to the units: out of their issuer's registry, home to it, onward between two others, or across none."""

    OUT = "out"
    HOME = "home"
    ONWARD = "onward"
    AT_HOME = "at-home"
    ABROAD = "abroad"


class Way(StrEnum):
    """What a leg does to the quotas of its corridor: takes from them or gives back to them."""

    TAKE = "take"
    BACK = "back"


Corridor = tuple[str, str]
"""Origin and destination."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One corridor that a transfer uses."""

    origin: str
    destination: str
    way: Way

    @property
    def corridor(self) -> Corridor:
        """The corridor concerned."""
        return self.origin, self.destination


@dataclass(frozen=True, slots=True)
class Route:
    """How units of one issuer go. Onward has two legs, in the order in which they happen, and is one act."""

    flow: Flow
    legs: tuple[Leg, ...] = ()


def legs(issuer: str, sending: str, acquiring: str) -> Route:
    """Return how units of an issuer go from one registry to another. Source: linking.md section 4."""
    if sending == acquiring:
        return Route(Flow.AT_HOME if issuer == sending else Flow.ABROAD)
    back = Leg(issuer, sending, Way.BACK)
    out = Leg(issuer, acquiring, Way.TAKE)
    if issuer == sending:
        return Route(Flow.OUT, (out,))
    if issuer == acquiring:
        return Route(Flow.HOME, (back,))
    return Route(Flow.ONWARD, (back, out))


@dataclass(frozen=True, slots=True)
class IssuerTotals:
    """Units of one issuer: all that it issued, and where they are now."""

    issued: int
    home: int
    abroad: int
    retired_at_home: int
    retired_abroad: int


@dataclass(frozen=True, slots=True)
class CorridorTotals:
    """Units by one corridor: all that entered and went back, and what of the issuer's units the destination has."""

    entered: int
    returned: int
    held: int
    retired: int


@dataclass(frozen=True, slots=True)
class Imbalanced:
    """A sum that does not come out: which equation (text `flow-equation.<code>`), of whom, and by how many units."""

    code: str
    issuer: str
    destination: str
    units: int


def units_missing(totals: IssuerTotals) -> int:
    """Return issued less what is found: `issued = home + abroad + retired at home + retired abroad`; nought is right."""
    return totals.issued - totals.home - totals.abroad - totals.retired_at_home - totals.retired_abroad


def units_missing_abroad(totals: CorridorTotals) -> int:
    """Return what a corridor brought less what is found there: `entered - returned = held + retired`; nought is right."""
    return totals.entered - totals.returned - totals.held - totals.retired


def imbalanced(
    issuers: Mapping[str, IssuerTotals], corridors: Mapping[Corridor, CorridorTotals]
) -> tuple[Imbalanced, ...]:
    """Return every sum that does not come out: per issuer, per corridor, and the corridors of an issuer against its totals."""
    found = [Imbalanced("issued", issuer, "", units_missing(totals)) for issuer, totals in sorted(issuers.items())]
    found += [
        Imbalanced("entered", origin, destination, units_missing_abroad(totals))
        for (origin, destination), totals in sorted(corridors.items())
    ]
    for issuer, totals in sorted(issuers.items()):
        there = [row for (origin, _), row in corridors.items() if origin == issuer]
        found.append(Imbalanced("abroad", issuer, "", totals.abroad - sum(row.held for row in there)))
        found.append(
            Imbalanced("retired-abroad", issuer, "", totals.retired_abroad - sum(row.retired for row in there))
        )
    return tuple(row for row in found if row.units != 0)
