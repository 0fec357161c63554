"""What is known about units that cross a link or are abroad: read once, under locks, then judged without another look."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from accounts.rules.identifiers import jurisdiction_of
from linking.rules.rates import Rate
from linking.rules.terms import Terms, UseQuotaNode
from registry.rules.facts import AccountFacts, Context, LineFacts, units_of


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    """A version of a corridor's terms, in force in `[effective_from, superseded_at)`, UTC."""

    id: int
    version: int
    effective_from: datetime
    superseded_at: datetime | None
    last_settlement_at: datetime | None
    terms: Terms


@dataclass(frozen=True, slots=True)
class CorridorFacts:
    """A corridor as it stands under lock. `agreement`: in force now or, of what waits, the one it was proposed under.

    `year`: of its quotas, 0 for a whole life; `net_year`: of the net flow. `imbalance`: units that came in by it in that year,
    those that wait included, less what has come in by the opposite one. `leave`: whether the origin lets units out, and how many
    a year (None: no limit). `time_zone`: the destination's, in which years and settlement days are counted.
    `reserve_held`: the destination's units set aside to cover rates above one, less what other corridors take.
    """

    id: int
    origin: str
    destination: str
    degree: str
    is_the_open_one: bool
    suspended_by: tuple[str, ...]
    mechanisms: frozenset[str]
    agreement: AgreementFacts | None
    has_leave: bool
    leave_limit: int | None
    year: int
    net_year: int
    imbalance: int
    time_zone: str
    reserve_held: int = 0


@dataclass(frozen=True, slots=True)
class QuotaFacts:
    """One quota row. `opposite`: units that have come the other way, of a net flow."""

    reserved: int
    used: int
    opposite: int = 0

    @property
    def taken(self) -> int:
        """What is reserved and used."""
        return self.reserved + self.used


@dataclass(frozen=True, slots=True)
class RecognitionFacts:
    """What units count as. Abroad: by which agreement they came, and what binds them on the way home and here, or None."""

    rate: Rate
    agreement_id: int | None
    origin_id: int | None
    destination_id: int | None
    pools_margin: bool
    bound_home: str | None
    bound_within: str | None


@dataclass(frozen=True, slots=True)
class SurrenderedFacts:
    """Foreign units that were, or are about to be, surrendered for the obligation before this one."""

    origin_id: int
    origin: str
    unit_type: str
    rate: Rate
    units: int


# A quota: kind, corridor, year, vintage, acquiring holder.
QuotaName = tuple[str, int, int, int | None, int | None]


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """Everything about links that the checks may look at. `corridors` by (issuing, acquiring) jurisdiction.

    `recognised_as`: what units of an issuer count as once they are in a registry, by (issuer, acquirer, recognition before).
    `frozen_at_home`: serials that cross, as they are printed, which their issuer has frozen.
    `closed_days`: jurisdictions of which today is no working day, where some terms ask for it.
    """

    corridors: Mapping[tuple[int, int], CorridorFacts] = field(default_factory=dict)
    quotas: Mapping[QuotaName, QuotaFacts] = field(default_factory=dict)
    recognitions: Mapping[int, RecognitionFacts] = field(default_factory=dict)
    recognised_as: Mapping[tuple[int, int, int], int] = field(default_factory=dict)
    surrendered: tuple[SurrenderedFacts, ...] = ()
    use_nodes: tuple[tuple[UseQuotaNode, int], ...] = ()
    # Its id and identifier.
    margin_account: tuple[int, str] | None = None
    closed_days: frozenset[str] = frozenset()
    frozen_at_home: tuple[str, ...] = ()


NOTHING = LinkFacts()


@dataclass(frozen=True, slots=True)
class Part:
    """Units of one issuer, type, vintage and recognition that go from one account to another.

    `vintage` None: no units were found, and the order names none.
    """

    registry: str
    origin_id: int
    unit_type: str
    vintage: int | None
    recognition_id: int
    quantity: int
    sender: AccountFacts
    acquirer: AccountFacts

    @property
    def issuer(self) -> str:
        """The jurisdiction that issued the units."""
        return jurisdiction_of(self.registry)

    @property
    def is_crossing(self) -> bool:
        """Whether it leaves its sender's registry."""
        return self.sender.jurisdiction_id != self.acquirer.jurisdiction_id

    @property
    def enters(self) -> bool:
        """Whether it comes into a registry that is not its issuer's: by the corridor from its issuer."""
        return self.is_crossing and self.acquirer.jurisdiction_id != self.origin_id

    @property
    def is_foreign(self) -> bool:
        """Whether it is abroad before it moves."""
        return self.sender.jurisdiction_id != self.origin_id


def parts_of(context: Context) -> Iterator[Part]:
    """Yield what the lines move, in their order. Lines whose accounts or issuer are not known move nothing."""
    for found in context.lines:
        sender = context.accounts.get(found.line.transferring or "")
        acquirer = context.accounts.get(found.line.acquiring)
        if sender is not None and acquirer is not None:
            yield from _parts_of_line(context, found, sender, acquirer)


def _parts_of_line(context: Context, found: LineFacts, sender: AccountFacts, acquirer: AccountFacts) -> Iterator[Part]:
    is_empty = True
    for registry, unit_type, piece in units_of(found):
        is_empty = False
        yield Part(
            registry,
            piece.origin_id,
            unit_type,
            piece.vintage,
            piece.recognition_id,
            piece.quantity,
            sender,
            acquirer,
        )
    known = context.unit_types.get((found.line.registry, found.line.unit_type))
    if is_empty and known is not None and not found.line.serials:
        # Too few were found; the corridor is judged all the same, so that every failure is told at once.
        line = found.line
        yield Part(
            line.registry,
            known.origin_id,
            line.unit_type,
            line.vintage,
            line.recognition or 0,
            line.quantity,
            sender,
            acquirer,
        )
