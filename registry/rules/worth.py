"""What surrendered units count: those that a host registry recognised at a rate count by their sum, rounded down once.

Units without a rate, and those at 1/1, count one for one. Source: linking.md section 4.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recognised:
    """So many units (1 t CO2e at home) of one issuing registry that count `numerator / denominator` each, for one obligation."""

    obligation_id: int
    origin_id: int
    numerator: int
    denominator: int
    quantity: int


def value_of(quantity: int, numerator: int, denominator: int) -> int:
    """Return the t CO2e that all units of one issuer and rate count for one obligation: `floor(quantity * n / d)`."""
    return quantity * numerator // denominator


def differences(parts: Iterable[Recognised]) -> dict[int, int]:
    """Return by obligation what its recognised units count more (or, below nought, less) than their number, t CO2e.

    Parts of one obligation, issuer and rate are summed before the one rounding: five surrenders of one unit at 4/5 count as
    much as one of five. Never for a block, nor for a surrender.
    """
    sums: dict[tuple[int, int, int, int], int] = defaultdict(int)
    for part in parts:
        sums[part.obligation_id, part.origin_id, part.numerator, part.denominator] += part.quantity
    found: dict[int, int] = defaultdict(int)
    for (obligation, _, numerator, denominator), quantity in sums.items():
        found[obligation] += value_of(quantity, numerator, denominator) - quantity
    return dict(found)
