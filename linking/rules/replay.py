"""Plays recorded flows under given conditions: what would be let in, or refused and why, and its worth (linking.md section 6).

It assumes that nobody behaves differently: whoever was refused does not try again, with less or elsewhere, and nobody who never
asked does. What was never let in neither goes home nor is surrendered. Pure: it changes nothing anywhere.

Judged: the degree (6001), terms in force (6002), unit types (6003), vintages (6004), quotas (6005), settlement days (6009), the
reciprocity clause and net flow (6013), the origin's leave (6015) and account types (6017). Not judged, since they do not follow
from these terms: suspensions, operators' use quotas, and whether a reserve lay ready.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from linking.rules.degrees import Degree, corridor_is_open
from linking.rules.quotas import Quota, counted, give_back, given_back, reserve, use, year_of
from linking.rules.rates import Rate
from linking.rules.reciprocity import imbalance_of, tapered_limit
from linking.rules.recorded_flows import (
    Conditions,
    Event,
    Flow,
    Phase,
    Piece,
    Standing,
    Surrender,
    Way,
    events_of,
    in_force,
)
from linking.rules.replayed import Imbalance, Judged, QuotaName, QuotaUsed, Replayed
from linking.rules.terms import Measure, Settling, Terms, Window

NOTHING = Quota(None)
# A quota that an entry takes from: its limit at that moment (None: none), and how much it takes in the quota's measure.
Asked = tuple[QuotaName, int | None, int]


@dataclass(frozen=True, slots=True)
class Entered:
    """What was let in: under which terms, in which window (0: the corridor's life), and what it took of which quotas."""

    terms: Terms
    window: int
    takes: tuple[tuple[QuotaName, int], ...]
    is_judged: bool


def play(
    flows: Iterable[Flow], surrenders: Sequence[Surrender], conditions: Conditions, *, since: datetime | None = None
) -> Replayed:
    """Play flows in the order of the log and return what became of those proposed from `since` on; those before fill quotas."""
    player = Player(conditions, since)
    for event in events_of(flows):
        player.take(event)
    return player.result(surrenders)


class Player:
    """The state of a replay: quotas, what was let in, and what was judged."""

    def __init__(self, conditions: Conditions, since: datetime | None = None) -> None:
        self._conditions = conditions
        self._zone = ZoneInfo(conditions.time_zone)
        self._since = since
        self._rows: dict[QuotaName, Quota] = {}
        self._opposite: dict[int, int] = defaultdict(int)
        self._entered: dict[int, Entered] = {}
        self._judged: list[Judged] = []
        self._let_in: dict[Rate, int] = defaultdict(int)
        self._imbalances: list[Imbalance] = []

    def take(self, event: Event) -> None:
        """Let the next event happen; events come in their order."""
        flow = event.flow
        if event.phase is Phase.IS_PROPOSED:
            self._propose(flow)
        elif flow.way is Way.ENTRY:
            self._complete(flow)
        elif flow.way is Way.HOME:
            self._go_home(flow)
        else:
            self._go_the_other_way(flow)
        self._note_imbalance(flow.proposed_at if event.phase is Phase.IS_PROPOSED else flow.completed_at)

    def result(self, surrenders: Iterable[Surrender]) -> Replayed:
        """Return what was played, with what came of what was surrendered."""
        surrendered: dict[tuple[int, Rate], int] = defaultdict(int)
        for row in surrenders:
            for number, units in row.came_by:
                entered = self._entered.get(number)
                if entered is not None and entered.is_judged:
                    surrendered[row.obligation_id, entered.terms.rate.rate] += units
        return Replayed(
            judged=tuple(self._judged),
            let_in=tuple(sorted(self._let_in.items(), key=lambda item: (item[0].numerator, item[0].denominator))),
            surrendered=tuple((*key, units) for key, units in surrendered.items()),
            quotas=tuple(
                QuotaUsed(name, row.limit, row.reserved, row.used) for name, row in sorted(self._rows.items())
            ),
            imbalances=tuple(self._imbalances),
        )

    def _propose(self, flow: Flow) -> None:
        spell = in_force(self._conditions.terms, flow.proposed_at)
        is_judged = self._since is None or flow.proposed_at >= self._since
        if spell is None:
            codes: tuple[int, ...] = (6002,)
        else:
            codes = tuple(sorted(set(self._refusals(flow, spell.value))))
        if is_judged:
            self._judged.append(Judged(flow, 0 if codes else flow.units, codes))
        if spell is None or codes:
            return
        takes = tuple((name, amount) for name, _, amount in self._asked(flow, spell.value) if amount > 0)
        for name, limit, amount in self._asked(flow, spell.value):
            if amount > 0:
                row = self._rows.get(name, NOTHING)
                self._rows[name] = reserve(Quota(limit, row.reserved, row.used), amount)
        self._entered[flow.number] = Entered(spell.value, self._window(flow, spell.value), takes, is_judged)
        if is_judged:
            self._let_in[spell.value.rate.rate] += flow.units

    def _refusals(self, flow: Flow, terms: Terms) -> Iterator[int]:
        """Yield the code of every check that fails; the reasons are those of linking/rules/checks.py."""
        spell = in_force(self._conditions.standing, flow.proposed_at)
        standing = Standing(Degree.NONE, False) if spell is None else spell.value
        listed = in_force(self._conditions.mechanisms, flow.proposed_at)
        for piece in flow.pieces:
            if not corridor_is_open(
                standing.degree,
                is_the_unilateral_one=standing.is_the_open_one,
                of_listed_mechanism=listed is not None and piece.unit_type in listed.value,
            ):
                yield 6001
            if piece.unit_type not in terms.unit_types:
                yield 6003
            if not terms.recognises_vintage(piece.vintage):
                yield 6004
            if piece.account_type not in terms.account_types:
                yield 6017
        if not self._settles(flow, terms):
            yield 6009
        if in_force(self._conditions.leaves, flow.proposed_at) is None:
            yield 6015
        for name, limit, amount in self._asked(flow, terms):
            left = Quota(limit, *self._counts(name)).left
            if left is not None and amount > left:
                yield 6013 if name.kind == "net-flow" else 6005
        if terms.reciprocity is not None and flow.units > max(0, terms.reciprocity.suspend - self._imbalance(flow)):
            yield 6013

    def _settles(self, flow: Flow, terms: Terms) -> bool:
        if isinstance(terms.settlement_days, tuple):
            return flow.completed_at.astimezone(self._zone).date() in terms.settlement_days
        return terms.settlement_days is not Settling.WORKING or not flow.closed_in

    def _asked(self, flow: Flow, terms: Terms) -> Iterator[Asked]:
        """Yield what an entry takes, as `checks.quotas_asked` and PostgreSQL have it."""
        window, measure = self._window(flow, terms), Measure.UNITS
        rate, agreed = terms.rate.rate, None
        if terms.entry_quota is not None:
            measure, agreed = terms.entry_quota.measure, terms.entry_quota.limit
        entry = tapered_limit(agreed, terms.reciprocity, self._imbalance(flow))
        yield QuotaName("entry", window), entry, sum(counted(row.units, rate, measure) for row in flow.pieces)
        leave = in_force(self._conditions.leaves, flow.proposed_at)
        yield QuotaName("leave", window), None if leave is None else leave.value, flow.units
        year = self._year(flow.proposed_at)
        opposite = self._opposite[year]
        # The limit holds for the net: what came the other way makes room.
        net = None if terms.net_flow_limit is None else terms.net_flow_limit + opposite
        yield QuotaName("net-flow", year), net, flow.units
        if rate.exceeds_one:
            added = sum(counted(row.units, rate, Measure.RECOGNISED) - row.units for row in flow.pieces)
            yield QuotaName("reserve", 0), terms.rate.reserve, added
        for vintage in dict.fromkeys(row.vintage for row in flow.pieces):
            limit = terms.limit_of_vintage(vintage)
            if limit is not None:
                units = sum(row.units for row in flow.pieces if row.vintage == vintage)
                yield QuotaName("vintage", window, vintage=vintage), limit, units
        if terms.holder_limit is not None:
            for holder in dict.fromkeys(row.holder_id for row in flow.pieces):
                units = sum(row.units for row in flow.pieces if row.holder_id == holder)
                yield QuotaName("holder", window, holder_id=holder), terms.holder_limit, units

    def _complete(self, flow: Flow) -> None:
        entered = self._entered.get(flow.number)
        for name, amount in () if entered is None else entered.takes:
            self._rows[name] = use(self._rows[name], amount)

    def _go_home(self, flow: Flow) -> None:
        """Give back what was used, for each kind of units as PostgreSQL does; what was never let in falls away."""
        legs: dict[tuple[int, Terms, str, int, int, str], int] = defaultdict(int)
        for piece in flow.pieces:
            for number, units in piece.came_by:
                entered = self._entered.get(number)
                if entered is not None:
                    legs[_kind_of(entered, piece)] += units
        for (window, terms, _, vintage, holder, _), units in legs.items():
            self._give_back(flow, window, terms, vintage, holder, units)
        if self._since is None or flow.proposed_at >= self._since:
            self._judged.append(Judged(flow, sum(legs.values()), ()))

    def _give_back(self, flow: Flow, window: int, terms: Terms, vintage: int, holder: int, units: int) -> None:
        rate = terms.rate.rate
        measure = Measure.UNITS if terms.entry_quota is None else terms.entry_quota.measure
        self._back(QuotaName("entry", window), given_back(units, rate, measure))
        self._back(QuotaName("leave", window), units)
        self._back(QuotaName("net-flow", window or self._year(flow.proposed_at)), units)
        if rate.exceeds_one:
            self._back(QuotaName("reserve", 0), given_back(units, rate, Measure.RECOGNISED) - units)
        if terms.limit_of_vintage(vintage) is not None:
            self._back(QuotaName("vintage", window, vintage=vintage), units)
        self._back(QuotaName("holder", window, holder_id=holder), units)

    def _back(self, name: QuotaName, amount: int) -> None:
        row = self._rows.get(name)
        if row is not None:
            self._rows[name] = give_back(row, min(amount, row.used))

    def _go_the_other_way(self, flow: Flow) -> None:
        signed = flow.units if flow.way is Way.OPPOSITE_ENTRY else -flow.units
        self._opposite[flow.net_year] = max(0, self._opposite[flow.net_year] + signed)

    def _note_imbalance(self, at: datetime) -> None:
        year = self._year(at)
        units = imbalance_of(self._rows.get(QuotaName("net-flow", year), NOTHING), self._opposite[year])
        before = self._imbalances[-1].units if self._imbalances else 0
        if units != before and (self._since is None or at >= self._since):
            self._imbalances.append(Imbalance(at, units))

    def _imbalance(self, flow: Flow) -> int:
        year = self._year(flow.proposed_at)
        return imbalance_of(self._rows.get(QuotaName("net-flow", year), NOTHING), self._opposite[year])

    def _counts(self, name: QuotaName) -> tuple[int, int]:
        row = self._rows.get(name, NOTHING)
        return row.reserved, row.used

    def _window(self, flow: Flow, terms: Terms) -> int:
        whole_life = terms.entry_quota is not None and terms.entry_quota.window is Window.LIFE
        return 0 if whole_life else self._year(flow.proposed_at)

    def _year(self, at: datetime) -> int:
        return year_of(at, self._zone)


def _kind_of(entered: Entered, piece: Piece) -> tuple[int, Terms, str, int, int, str]:
    return entered.window, entered.terms, piece.unit_type, piece.vintage, piece.holder_id, piece.account_type
