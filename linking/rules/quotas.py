"""Quotas of a corridor: what a transfer counts, what a return gives back, and what is left (linking.md section 3).

A quota is one row per window. It is reserved when a transfer is proposed, used when it completes, released when it ends
otherwise, and given back when the units go home. `reserved + used` never grows beyond the limit; a limit may be lowered below
it. The database keeps the rows by the same steps; here they say why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from linking.rules.rates import Rate
from linking.rules.terms import Measure, UseQuotaNode


class QuotaExceeded(ValueError):
    """A quota would grow beyond its limit; `left`: what it still lets through, in its measure."""

    def __init__(self, left: int) -> None:
        super().__init__(f"{left} left")
        self.left = left


class NotReserved(ValueError):
    """More would be used, released or given back than is reserved or used."""


def year_of(instant: datetime, zone: tzinfo) -> int:
    """Return the calendar year of an instant in the destination's zone: the window of a quota by year.

    Raises: ValueError for a time without a zone.
    """
    if instant.tzinfo is None:
        raise ValueError("a window needs an instant, and a time without a zone is none")
    return instant.astimezone(zone).year


def counted(units: int, rate: Rate, measure: Measure) -> int:
    """Return what units count on entry, in the quota's measure: recognised tonnes are rounded up, so splitting never gains."""
    return units if measure is Measure.UNITS else -(-units * rate.numerator // rate.denominator)


def given_back(units: int, rate: Rate, measure: Measure) -> int:
    """Return what a return of units gives back: recognised tonnes are rounded down, so going there and back never gains."""
    return units if measure is Measure.UNITS else units * rate.numerator // rate.denominator


@dataclass(frozen=True, slots=True)
class Quota:
    """One row: `limit` (None: none), what is reserved by transfers under way and what is used, in one measure."""

    limit: int | None
    reserved: int = 0
    used: int = 0

    @property
    def left(self) -> int | None:
        """What may still be reserved; None where there is no limit, never below nought."""
        return None if self.limit is None else max(self.limit - self.reserved - self.used, 0)


def reserve(quota: Quota, amount: int) -> Quota:
    """Return the quota with a proposed transfer's amount reserved. Raises: QuotaExceeded."""
    _positive(amount)
    if quota.left is not None and amount > quota.left:
        raise QuotaExceeded(quota.left)
    return replace(quota, reserved=quota.reserved + amount)


def use(quota: Quota, amount: int) -> Quota:
    """Return the quota with a reserved amount used: the transfer completed. Raises: NotReserved."""
    return replace(release(quota, amount), used=quota.used + amount)


def release(quota: Quota, amount: int) -> Quota:
    """Return the quota with a reserved amount free again: the transfer ended otherwise. Raises: NotReserved."""
    _positive(amount)
    if amount > quota.reserved:
        raise NotReserved(f"{amount} of {quota.reserved} reserved")
    return replace(quota, reserved=quota.reserved - amount)


def give_back(quota: Quota, amount: int) -> Quota:
    """Return the quota with a used amount free again: the units went home. Nought is given back too. Raises: NotReserved."""
    if not 0 <= amount <= quota.used:
        raise NotReserved(f"{amount} of {quota.used} used")
    return replace(quota, used=quota.used - amount)


def use_limit(node: UseQuotaNode, base: int) -> int:
    """Return an operator's limit under a node, for a base in t CO2e: `floor(base * n / d)`; no base below nought counts."""
    return max(base, 0) * node.numerator // node.denominator


def counting_nodes(nodes: Sequence[UseQuotaNode], origin: str, unit_type: str) -> tuple[UseQuotaNode, ...]:
    """Return the nodes under which units of an origin and type count: with each the one around it, since that counts more."""
    return tuple(node for node in nodes if node.counts(origin, unit_type))


@dataclass(frozen=True, slots=True)
class Binding:
    """The node that lets through least: its limit, what is used of it and what is left, in t CO2e."""

    node: str
    limit: int
    used: int
    left: int
    asked: int

    @property
    def fits(self) -> bool:
        """Whether what is asked for fits under this node, and so under every other."""
        return self.asked <= self.left


def binding_node(
    nodes: Sequence[UseQuotaNode], bases: Mapping[str, int], used: Mapping[str, int], asked: int
) -> Binding | None:
    """Return which of the nodes binds, the first of those with least left; None where there are none.

    `nodes`: those that count the units asked for (`counting_nodes`); `bases` and `used` by the name of the node, in t CO2e; a
    node that nothing was used of may be absent from `used`. Source: domain.md section 7, quotas nest.
    """
    found: Binding | None = None
    for node in nodes:
        limit, before = use_limit(node, bases[node.name]), used.get(node.name, 0)
        left = max(limit - before, 0)
        if found is None or left < found.left:
            found = Binding(node.name, limit, before, left, asked)
    return found


def _positive(amount: int) -> None:
    if amount < 1:
        raise ValueError(f"{amount} is no amount")
