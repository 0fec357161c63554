"""What is told of units that cross a link or are abroad: plain values, which a settlement fills in (`registry.settlement`).

The registry prints them and knows no more of links than this.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recognised:
    """What units count as abroad, `numerator`/`denominator` in lowest terms. `id` None: it is made with the transaction."""

    id: int | None
    numerator: int
    denominator: int

    def value_of(self, quantity: int) -> int:
        """Return the recognised tonnes of units, rounded down."""
        return quantity * self.numerator // self.denominator


@dataclass(frozen=True, slots=True)
class QuotaTold:
    """A quota that a transaction takes from (`quantity`) or, on the way home, gives back to, in the quota's `measure`.

    `year`: of the corridor's destination, 0 for its whole life; `limit` None: there is none, and nothing is left of it.
    """

    kind: str
    year: int
    vintage: int | None
    measure: str
    quantity: int
    limit: int | None
    left_before: int | None
    left_after: int | None


@dataclass(frozen=True, slots=True)
class CrossingTold:
    """What a transaction does on one corridor: it enters by it (`entry`), or goes home off it (`return`).

    `quantity`: units of 1 t CO2e; `recognised`: recognised tonnes, rounded down. `agreement` and what follows from it are None
    where no terms are in force. `imbalance`: units, of the year of the corridor's destination; `level`: of the reciprocity
    clause. On the way home imbalance and level are not told: None.
    """

    way: str
    corridor_id: int | None
    origin: str
    destination: str
    agreement_id: int | None
    version: int | None
    digest: str | None
    rate: Recognised | None
    quantity: int
    recognised: int | None
    quotas: tuple[QuotaTold, ...] = ()
    imbalance_before: int | None = None
    imbalance_after: int | None = None
    level_before: str | None = None
    level_after: str | None = None


@dataclass(frozen=True, slots=True)
class UseTold:
    """A part of the use quota that a surrender counts under, in recognised tonnes: what it adds, and what is left.

    `binds`: of all parts it leaves least room for this surrender, so it says how much more could be surrendered.
    """

    node: str
    quantity: int
    limit: int
    left_before: int
    left_after: int
    binds: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What an explanation says of links. `worth`: what a surrender adds to the recognised tonnes of its obligation, else None.

    `uses`: of a surrender, the parts of the use quota that its foreign units count under.
    `is_external`: whether units cross a link or are abroad, so that the checks of links are judged.
    """

    is_external: bool = False
    crossings: tuple[CrossingTold, ...] = ()
    worth: int | None = None
    uses: tuple[UseTold, ...] = ()


NOTHING_TOLD = Told()
