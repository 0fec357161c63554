"""What somebody asks for: the frozen request of a transaction, before anything is known about it."""

from dataclasses import dataclass

# Ranges of one transaction at most (check 2009); a draw never selects more.
MOST_RANGES = 3_000


@dataclass(frozen=True, slots=True)
class SerialRange:
    """Serials `[first, next)` of one issuing registry (`CNBJ`)."""

    registry: str
    first: int
    next: int

    @property
    def quantity(self) -> int:
        """Units in the range, t CO2e."""
        return self.next - self.first


@dataclass(frozen=True, slots=True)
class Line:
    """One movement: so many units of one type from one account to another.

    `serials` names them; without it the ledger selects: the oldest eligible vintage first, within it best fit. `recognition` says
    of which product they are; None: whichever where serials are named, else 0, units as they were issued. `transferring` is None
    only where units are issued. `quantity` is in units of 1 t CO2e. `becomes` is known of what waits: what was recorded at its
    proposal, the period that its units will count in or the type that they are converted into.
    """

    transferring: str | None
    acquiring: str
    quantity: int
    registry: str = ""
    unit_type: str = ""
    vintage: int | None = None
    recognition: int | None = None
    serials: tuple[SerialRange, ...] = ()
    becomes: str = ""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed transaction: a type code of `registry.rules.types` and one line, or several in one transaction.

    `returns` is the allocation that was too much; `case` the decided case of theft that a restitution carries out; `reverses` the
    id of the transaction that a reversal or correction undoes; `reference` the consent or order it rests on.
    """

    type: str
    lines: tuple[Line, ...]
    obligation: int | None = None
    allocation: int | None = None
    cap: int | None = None
    returns: int | None = None
    case: int | None = None
    reverses: str | None = None
    reference: str = ""
    reason: str = ""
    beneficiary: str = ""
    client_reference: str = ""

    @property
    def quantity(self) -> int:
        """Units over all lines, t CO2e."""
        return sum(line.quantity for line in self.lines)
