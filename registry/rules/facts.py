"""What the ledger knows about a proposal: read once, under locks, then judged by the checks without another look."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from accounts.rules.access import Actor
from registry.rules.deadlines import Counts
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.types import TransactionType


@dataclass(frozen=True, slots=True)
class LimitFacts:
    """What may leave an account by one level's limit (account, jurisdiction, system), units of 1 t CO2e; None: no limit."""

    level: str
    per_transaction: int | None
    per_day: int | None


@dataclass(frozen=True, slots=True)
class LimitsFacts:
    """The limits of an account on a day of its jurisdiction, and what counts against those per day: what waits is in it."""

    day: date
    used: int
    levels: tuple[LimitFacts, ...]


@dataclass(frozen=True, slots=True)
class HoldingLimitFacts:
    """What an account's holder may hold in its jurisdiction, holds, and has coming from others, units of 1 t CO2e."""

    limit: int
    held: int
    pending: int


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """An account as it stands under lock. `jurisdiction` is CN-BJ, `registry` CNBJ.

    `right` is the actor's active right as its representative, or None; `other_approvers`: whether another active representative
    may approve; `trusts`: which of the accounts named it trusts now, those of the same holder among them.
    """

    id: int
    identifier: str
    type: str
    status: str
    jurisdiction_id: int
    jurisdiction: str
    registry: str
    retires: bool
    holder_id: int | None
    installation_id: int | None
    right: str | None
    frozen: bool = False
    one_person_surrender: bool = False
    one_person_trusted_transfer: bool = False
    trusted_only: bool = False
    other_approvers: bool = True
    trusts: frozenset[str] = frozenset()
    # None: nothing limits it.
    limits: LimitsFacts | None = None
    holding_limit: HoldingLimitFacts | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """Serials `[first, next)` that lie in one block and move as one."""

    origin_id: int
    first: int
    next: int
    series_id: int
    recognition_id: int
    vintage: int

    @property
    def quantity(self) -> int:
        """Units, t CO2e."""
        return self.next - self.first


@dataclass(frozen=True, slots=True)
class NamedPiece:
    """The part of a named range that lies in one block, and how that block stands. `account_id` None: never issued."""

    piece: Piece | None
    serials: SerialRange
    account_id: int | None
    bound: bool
    retired: bool
    unit_type: str | None
    valid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LineFacts:
    """What was found for one line: free and eligible units of its selector, the pieces chosen, or the named pieces."""

    line: Line
    free: int
    pieces: tuple[Piece, ...]
    named: tuple[NamedPiece, ...] = ()


def units_of(found: LineFacts) -> Iterator[tuple[str, str, Piece]]:
    """Yield the pieces of a line, each with its issuing registry and unit type."""
    if not found.named:
        yield from ((found.line.registry, found.line.unit_type, piece) for piece in found.pieces)
    for named in found.named:
        if named.piece is not None:
            yield named.serials.registry, named.unit_type or "", named.piece


@dataclass(frozen=True, slots=True)
class UnitTypeFacts:
    """A unit type of one issuing registry."""

    code: str
    registry: str
    kind: str
    origin_id: int


@dataclass(frozen=True, slots=True)
class ObligationFacts:
    """An installation's duty to surrender for one compliance year; surrenders are taken in `[opens_at, closes_at]`, UTC.

    A surrender after the year's deadline is late and still counts, until the calendar closes (None: never). `counts`: the instant
    of it that must not be later; `determined_at`: the latest deadline at which a status of the installation is determined.
    """

    id: int
    jurisdiction_id: int
    installation_id: int
    year: int
    opens_at: datetime | None
    closes_at: datetime | None
    eligible_until_vintage: int
    due_at: datetime | None = None
    counts: str = Counts.COMPLETED
    determined_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReturnFacts:
    """A delivered allocation of which some was too much, t CO2e; `returned` counts what waits to be returned, too."""

    id: int
    installation_id: int
    unit_type: str
    registry: str
    vintage: int
    excess: int
    returned: int


@dataclass(frozen=True, slots=True)
class OriginalFacts:
    """The transaction that a reversal or correction undoes. `limit_days`: how long after its completion it may be undone.

    `ranges`: (transferring, acquiring, registry, first, next) of every serial range it moved; `reversed`: whether it was, or is
    about to be, undone by another. `one_holder`: whether both sides of every range have the same holder.
    """

    id: str
    type: str
    state: str
    completed_at: datetime | None
    quantity: int
    jurisdiction: str
    ranges: frozenset[tuple[str | None, str, str, int, int]]
    reversed: bool
    one_holder: bool
    limit_days: int


@dataclass(frozen=True, slots=True)
class CarryOverFacts:
    """A banking rule: which vintages of a unit type, both ends among them, may be carried over, and into which period."""

    first_vintage: int
    last_vintage: int
    to_period: str


@dataclass(frozen=True, slots=True)
class ConversionFacts:
    """A conversion rule: into which type of the same issuer, until the end of the `years`th year after the vintage.

    `year` is the issuing jurisdiction's now; `left` what the caps of that type leave now, by vintage, t CO2e (none: no cap).
    """

    to: str
    years: int
    year: int
    left: Mapping[int, int]
    next_serial: int | None


@dataclass(frozen=True, slots=True)
class AllocationFacts:
    """One row of an allocation table: what an installation is entitled to for a year."""

    id: int
    installation_id: int
    unit_type: str
    registry: str
    vintage: int
    quantity: int
    approved: bool
    withheld: bool
    delivered: bool


@dataclass(frozen=True, slots=True)
class CapFacts:
    """An issuance cap as it stands under lock, units of 1 t CO2e; issuing is allowed while `valid`."""

    id: int
    jurisdiction_id: int
    jurisdiction: str
    registry: str
    unit_type: str
    vintage: int
    limit: int
    issued: int
    valid: bool
    next_serial: int | None


class Moment(StrEnum):
    """When a transaction is judged: all checks run at each, and some ask something else of who acts."""

    PROPOSAL = "proposal"
    APPROVAL = "approval"
    EXECUTION = "execution"


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a check may look at. `accounts` has only those that exist, by identifier; `registries` the issuing
    registries that exist among those named; `unit_types` the unit types among those named, by (registry, code)."""

    now: datetime
    actor: Actor
    proposal: Proposal
    type: TransactionType
    accounts: Mapping[str, AccountFacts]
    lines: tuple[LineFacts, ...]
    registries: frozenset[str]
    unit_types: Mapping[tuple[str, str], UnitTypeFacts]
    obligation: ObligationFacts | None = None
    allocation: AllocationFacts | None = None
    cap: CapFacts | None = None
    returns: ReturnFacts | None = None
    original: OriginalFacts | None = None
    # Where units may be carried over: the rules in force by (registry, unit type), and every recognition's applicable period.
    carry_overs: Mapping[tuple[str, str], CarryOverFacts] = field(default_factory=dict)
    periods: Mapping[int, str] = field(default_factory=dict)
    # Where units may be converted: by (registry, unit type).
    conversions: Mapping[tuple[str, str], ConversionFacts] = field(default_factory=dict)
    # What the settlement knows beyond this (registry/settlement.py), which alone reads it.
    settled_by: object = None
    # The id of a transaction that waits, where one is judged.
    own: str | None = None
    moment: Moment = Moment.PROPOSAL
    # Who proposed what is approved now.
    initiator_id: int | None = None
    # Whether the registry itself may act without a second person, as it does where everything is an exercise.
    exercise: bool = False
    # Client references of this proposal that its account has used.
    used_references: frozenset[tuple[str | None, str]] = frozenset()
    # What proposals before it in the same batch send and bring, which the facts do not know yet: units by account, by holder.
    sent_before: Mapping[str, int] = field(default_factory=dict)
    brought_before: Mapping[tuple[int | None, int], int] = field(default_factory=dict)
