"""What foreign units are worth: a rate of two positive integers, exactly, rounded down once and never for each block.

`linking.md` sections 3 and 4. Quantities are units of 1 t CO2e, a value is recognised t CO2e. What rounding and a discount leave
is the atmospheric margin: it is always booked, never lost and never anybody's gain.
"""

from dataclasses import dataclass
from math import gcd

GREATEST_TERM = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Rate:
    """`numerator / denominator` recognised tonnes for one unit, in lowest terms: a discount of 20 % is 4/5.

    Raises: ValueError where a term is not an integer from 1 to 2**31 - 1.
    """

    numerator: int
    denominator: int

    def __post_init__(self) -> None:
        """Bring it to lowest terms, so that equal rates are equal rows."""
        for term in (self.numerator, self.denominator):
            if isinstance(term, bool) or not isinstance(term, int) or not 1 <= term <= GREATEST_TERM:
                raise ValueError(f"{term!r} is not an integer from 1 to {GREATEST_TERM}")
        common = gcd(self.numerator, self.denominator)
        object.__setattr__(self, "numerator", self.numerator // common)
        object.__setattr__(self, "denominator", self.denominator // common)

    @property
    def exceeds_one(self) -> bool:
        """Whether a unit is worth more than the tonne it is at home: an exchange that needs a flag and a reserve of its own."""
        return self.numerator > self.denominator


AT_HOME = Rate(1, 1)


def value_of(quantity: int, rate: Rate) -> int:
    """Return the recognised tonnes of all units surrendered at one rate for one obligation: `floor(quantity * n / d)`."""
    return quantity * rate.numerator // rate.denominator


def worth_of(quantity: int, rate: Rate, surrendered_before: int) -> int:
    """Return what surrendering `quantity` more units adds to those surrendered before at this rate for the same obligation.

    It is the difference that they make, so five surrenders of one unit at 4/5 are worth as much as one of five.
    """
    return value_of(surrendered_before + quantity, rate) - value_of(surrendered_before, rate)


@dataclass(frozen=True, slots=True)
class Reissue:
    """What becomes of units offered for reissue: `leaves = arrives + margin`, and `leaves + stays` are those offered."""

    leaves: int
    arrives: int
    stays: int

    @property
    def margin(self) -> int:
        """Units of the origin that are cancelled without a new one in their place; negative where the rate exceeds one."""
        return self.leaves - self.arrives


def reissue_of(offered: int, rate: Rate) -> Reissue:
    """Return how many units the origin cancels and the destination issues, and how many stay since they would buy nothing.

    As many arrive as the offer is worth, rounded down, and no more leave than that many need: of 11 units at 9/10, 10 leave,
    9 arrive and 1 stays.
    """
    arrives = value_of(offered, rate)
    leaves = -(-arrives * rate.denominator // rate.numerator)
    return Reissue(leaves, arrives, offered - leaves)
