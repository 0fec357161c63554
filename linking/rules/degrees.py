"""The degrees of a link and the conditions of each step: an ordered table that the rules read (linking.md section 2).

A degree is raised one step at a time, when the step's conditions are met and both sides have signed; it is lowered by any number
of steps at once. Which units may cross at a degree is said here; by which quota and at what rate, the corridor's terms say.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from linking.rules.rates import AT_HOME
from linking.rules.terms import Terms


class Degree(StrEnum):
    """How far two jurisdictions are linked, from the least on. Texts: `degree.<degree>` and `degree-lets.<degree>`."""

    NONE = "none"
    INDIRECT = "indirect"
    INCREMENTAL = "incremental"
    UNILATERAL = "unilateral"
    RESTRICTED = "restricted"
    RECIPROCAL = "reciprocal"
    FORMAL = "formal"

    @property
    def rank(self) -> int:
        """Its place in the order, from 0; degrees are compared by it and never by their names."""
        return _RANKS[self]


_RANKS = {degree: rank for rank, degree in enumerate(Degree)}


class Ticker(StrEnum):
    """Who says that a condition is met: each of the two sides, one of a corridor's, or the registry itself, which computes it."""

    BOTH = "both"
    ORIGIN = "origin"
    DESTINATION = "destination"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the step up to `step`. Texts: `condition.<code>` and the evidence asked for, `condition-evidence.<code>`.

    `valid_days`: how long a tick counts; None: until the link is lowered below the step.
    """

    step: Degree
    code: str
    ticked_by: Ticker
    valid_days: int | None = None

    @property
    def is_ticked(self) -> bool:
        """Whether people tick it: also what the registry finds where it is ticked, which either side then does."""
        return self.ticked_by is not Ticker.SYSTEM or self.code == BLOCKS


# Found by the registry from the facts of both sides at the moment when somebody ticks it (readiness).
BLOCKS = "nothing-blocks"

CONDITIONS: tuple[Condition, ...] = (
    Condition(Degree.INDIRECT, "mechanism-listed", Ticker.BOTH),
    Condition(Degree.INDIRECT, "mechanism-quota-set", Ticker.BOTH),
    Condition(Degree.INCREMENTAL, "contacts-named", Ticker.BOTH, 365),
    Condition(Degree.INCREMENTAL, "data-exchange-agreed", Ticker.BOTH),
    Condition(Degree.INCREMENTAL, "confidentiality-agreed", Ticker.BOTH),
    Condition(Degree.INCREMENTAL, "readiness-compared", Ticker.BOTH, 365),
    Condition(Degree.UNILATERAL, BLOCKS, Ticker.SYSTEM),
    Condition(Degree.UNILATERAL, "verifiers-accepted", Ticker.DESTINATION, 730),
    Condition(Degree.UNILATERAL, "drill-done", Ticker.BOTH, 365),
    Condition(Degree.UNILATERAL, "leave-signed", Ticker.SYSTEM),
    Condition(Degree.UNILATERAL, "terms-in-force", Ticker.SYSTEM),
    Condition(Degree.RESTRICTED, "restriction-agreed", Ticker.SYSTEM),
    Condition(Degree.RESTRICTED, "flows-reported", Ticker.BOTH, 365),
    Condition(Degree.RECIPROCAL, "both-corridors-in-force", Ticker.SYSTEM),
    Condition(Degree.RECIPROCAL, "both-leaves-signed", Ticker.SYSTEM),
    Condition(Degree.RECIPROCAL, "flows-reviewed", Ticker.BOTH, 365),
    Condition(Degree.FORMAL, "instrument-named", Ticker.BOTH),
    Condition(Degree.FORMAL, "one-to-one", Ticker.SYSTEM),
    Condition(Degree.FORMAL, "no-quota", Ticker.SYSTEM),
)


def step_after(degree: Degree) -> Degree | None:
    """Return the next degree; None after the last."""
    return next((row for row in Degree if row.rank == degree.rank + 1), None)


def may_raise(before: Degree, after: Degree) -> bool:
    """Whether a degree may be raised to another: one step only."""
    return after.rank == before.rank + 1


def may_lower(before: Degree, after: Degree) -> bool:
    """Whether a degree may be lowered to another: by any number of steps at once."""
    return after.rank < before.rank


def conditions_of(step: Degree) -> tuple[Condition, ...]:
    """Return the conditions of the step up to a degree."""
    return tuple(row for row in CONDITIONS if row.step is step)


@dataclass(frozen=True, slots=True)
class Tick:
    """That a condition is met, by one side (None: computed by the registry); it counts in `[ticked_at, expires_at)`."""

    code: str
    side: str | None
    ticked_at: datetime
    expires_at: datetime | None = None

    def counts_at(self, at: datetime) -> bool:
        """Whether the tick counts at an instant."""
        return self.ticked_at <= at and (self.expires_at is None or at < self.expires_at)


@dataclass(frozen=True, slots=True)
class Missing:
    """A condition that is not met, by which side (None: the registry computes it), and since when a tick no longer counts."""

    condition: Condition
    side: str | None
    expired_at: datetime | None = None


def expiry_of(condition: Condition, ticked_at: datetime) -> datetime | None:
    """Return until when a tick made now counts; None: it does not expire."""
    return None if condition.valid_days is None else ticked_at + timedelta(days=condition.valid_days)


def missing_conditions(
    step: Degree, ticked: Iterable[Tick], at: datetime, *, origin: str, destination: str
) -> tuple[Missing, ...]:
    """Return what the step up to a degree still needs, in the table's order.

    `origin` and `destination`: the corridor that the step is about (to *unilateral*: the named one); where it is about the link,
    its two sides. A side's tick never stands for the other's, nor for what the registry computes.
    """
    ticks = tuple(ticked)
    return tuple(
        Missing(condition, side, _last_expiry(ticks, condition.code, side, at))
        for condition in conditions_of(step)
        for side in _sides(condition.ticked_by, origin, destination)
        if not any((row.code, row.side) == (condition.code, side) and row.counts_at(at) for row in ticks)
    )


def lapsed_conditions(
    degree: Degree, ticked: Iterable[Tick], at: datetime, *, origin: str, destination: str
) -> tuple[Missing, ...]:
    """Return the ticks of a link's steps up to its degree that have expired and were not renewed.

    That is shown, and lowers nothing. What a step needed and the registry computes may well be otherwise later.
    """
    ticks = tuple(ticked)
    steps = [row for row in Degree if row.rank <= degree.rank]
    return tuple(
        found
        for step in steps
        for found in missing_conditions(step, ticks, at, origin=origin, destination=destination)
        if found.expired_at is not None
    )


def _sides(ticker: Ticker, origin: str, destination: str) -> tuple[str | None, ...]:
    sides: Mapping[Ticker, tuple[str | None, ...]] = {
        Ticker.BOTH: (origin, destination),
        Ticker.ORIGIN: (origin,),
        Ticker.DESTINATION: (destination,),
        Ticker.SYSTEM: (None,),
    }
    return sides[ticker]


def _last_expiry(ticks: tuple[Tick, ...], code: str, side: str | None, at: datetime) -> datetime | None:
    ended = [row.expires_at for row in ticks if (row.code, row.side) == (code, side) and row.expires_at is not None]
    return max((end for end in ended if end <= at), default=None)


def corridor_is_open(degree: Degree, *, is_the_unilateral_one: bool, of_listed_mechanism: bool) -> bool:
    """Whether units may enter by a corridor at a degree of its link, whatever its terms then say.

    Units of a listed common mechanism cross from *indirect* on; others by the one named
    corridor at *unilateral*, and by any above.
    """
    if degree is Degree.NONE:
        return False
    if of_listed_mechanism or degree.rank > Degree.UNILATERAL.rank:
        return True
    return degree is Degree.UNILATERAL and is_the_unilateral_one


@dataclass(frozen=True, slots=True)
class Misfit:
    """Why terms do not fit a degree (text `degree-misfit.<code>`), and of which corridor; None: of the link."""

    code: str
    corridor: tuple[str, str] | None = None


def terms_fit(degree: Degree, terms: Mapping[tuple[str, str], Terms]) -> tuple[Misfit, ...]:
    """Return every reason why the terms in force, by (origin, destination), do not fit a degree; none: they do."""
    return tuple(_misfits(degree, terms))


def _misfits(degree: Degree, terms: Mapping[tuple[str, str], Terms]) -> Iterator[Misfit]:
    if degree.rank < Degree.UNILATERAL.rank:
        return
    if not terms:
        yield Misfit("no-corridor")
    if degree is Degree.UNILATERAL and len(terms) > 1:
        yield Misfit("one-corridor-only")
    if degree.rank >= Degree.RECIPROCAL.rank and len(terms) == 1:
        yield Misfit("both-corridors")
    for corridor, row in sorted(terms.items()):
        if degree is Degree.RESTRICTED and not is_restricted(row):
            yield Misfit("restriction-missing", corridor)
        if degree is Degree.FORMAL:
            yield from _misfits_of_formal(corridor, row)
    if degree is Degree.FORMAL and len({row.instrument for row in terms.values()}) > 1:
        yield Misfit("instruments-differ")


def _misfits_of_formal(corridor: tuple[str, str], terms: Terms) -> Iterator[Misfit]:
    if terms.rate.rate != AT_HOME:
        yield Misfit("not-one-to-one", corridor)
    if has_quota(terms):
        yield Misfit("quota", corridor)
    if not terms.instrument:
        yield Misfit("instrument-missing", corridor)


def has_quota(terms: Terms) -> bool:
    """Whether terms limit how much may enter or be used. A clause that suspends at an imbalance is a net-flow limit."""
    limits = (terms.entry_quota, terms.net_flow_limit, terms.holder_limit, terms.reciprocity)
    return any(limit is not None for limit in limits) or bool(terms.vintage_limits or terms.use_quota)


def is_restricted(terms: Terms) -> bool:
    """Whether terms have a quota, a discount or an exchange rate."""
    return has_quota(terms) or terms.rate.rate != AT_HOME
