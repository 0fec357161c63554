"""What was recorded of a corridor, as a replay takes it: flows in their order, what was surrendered, and what held when.

Plain values; `linking/replays.py` reads them, `linking/rules/replay.py` plays them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Generic, TypeVar

from linking.rules.degrees import Degree
from linking.rules.terms import Terms

T = TypeVar("T")


class Way(StrEnum):
    """Which way a flow goes: in by the corridor, home (or on to a third registry), or in by the opposite one and home by it."""

    ENTRY = "entry"
    HOME = "home"
    OPPOSITE_ENTRY = "opposite-entry"
    OPPOSITE_HOME = "opposite-home"


# Units of an earlier entry: the number of that flow, and how many of them.
CameBy = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """Units of one type, vintage, holder and account type: of who receives them on the way in, of who sends them on the way home.

    `came_by`: by which entries units came that go home.
    """

    unit_type: str
    vintage: int
    holder_id: int
    account_type: str
    units: int
    came_by: CameBy = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """One transfer on one corridor. `number`: its own. `proposed_turn` and `completed_turn`: places in the one order of the log.

    `closed_in`: jurisdictions in which the day that it completed on, at once, was no working day. `net_year`: of an opposite
    flow, the year of its net flow as the registry counted it.
    """

    number: int
    transaction: str
    way: Way
    proposed_at: datetime
    completed_at: datetime
    proposed_turn: int
    completed_turn: int
    pieces: tuple[Piece, ...]
    closed_in: tuple[str, ...] = ()
    net_year: int = 0

    @property
    def units(self) -> int:
        """All units of the flow."""
        return sum(piece.units for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Surrender:
    """Units that were surrendered for one obligation, and not restored since, by the entries that they came by."""

    obligation_id: int
    came_by: CameBy


@dataclass(frozen=True, slots=True)
class Spell(Generic[T]):
    """What held in `[since, until)`; None: it holds."""

    since: datetime
    until: datetime | None
    value: T


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the link is linked, and whether this corridor is the one that *unilateral* opens."""

    degree: Degree
    is_the_open_one: bool


@dataclass(frozen=True, slots=True)
class Conditions:
    """What held on a corridor, each in its spells. `leaves`: units a year that the origin lets go, None: no limit.

    `mechanisms`: unit types of common mechanisms. `time_zone`: the destination's, in which years and days are counted.
    """

    terms: tuple[Spell[Terms], ...]
    standing: tuple[Spell[Standing], ...]
    leaves: tuple[Spell[int | None], ...]
    mechanisms: tuple[Spell[frozenset[str]], ...]
    time_zone: str


def in_force(spells: Iterable[Spell[T]], at: datetime) -> Spell[T] | None:
    """Return the spell in which an instant lies; None: nothing held then. The later of two that do."""
    found = [row for row in spells if row.since <= at and (row.until is None or at < row.until)]
    return found[-1] if found else None


def changed(
    conditions: Conditions, since: datetime, *, terms: Terms | None = None, standing: Standing | None = None
) -> Conditions:
    """Return the same conditions with other terms, or another degree, from an instant on for good."""
    return replace(
        conditions,
        terms=conditions.terms if terms is None else _cut(conditions.terms, since, terms),
        standing=conditions.standing if standing is None else _cut(conditions.standing, since, standing),
    )


def _cut(spells: Sequence[Spell[T]], since: datetime, value: T) -> tuple[Spell[T], ...]:
    before = [row for row in spells if row.since < since]
    ended = [row if row.until is not None and row.until <= since else replace(row, until=since) for row in before]
    return (*ended, Spell(since, None, value))


class Phase(IntEnum):
    """What happens to a flow; of what happens in one turn of the log, in this order."""

    GOES_HOME = 0
    IS_PROPOSED = 1
    COMES_IN = 2


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happens to one flow."""

    turn: int
    phase: Phase
    flow: Flow


def events_of(flows: Iterable[Flow]) -> tuple[Event, ...]:
    """Return what happens to flows, in the order of the log: quotas are taken at the proposal, given back at the completion."""
    events = []
    for flow in flows:
        goes_home = flow.way in {Way.HOME, Way.OPPOSITE_HOME}
        if flow.way is Way.ENTRY:
            events.append(Event(flow.proposed_turn, Phase.IS_PROPOSED, flow))
        events.append(Event(flow.completed_turn, Phase.GOES_HOME if goes_home else Phase.COMES_IN, flow))
    return tuple(sorted(events, key=lambda row: (row.turn, row.phase, row.flow.number)))
