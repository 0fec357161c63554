"""The dated rule `holding.limit`: how many units a holder may hold in a jurisdiction, in units of 1 t CO2e.

`{"others": 1000000, "operators_above_allocation": 1000000}`: an operator may hold what is allocated to its installations for the
year, and so many more; any other holder `others`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

KEY = "holding.limit"


@dataclass(frozen=True, slots=True)
class HoldingRule:
    """The rule as it is read."""

    others: int
    operators_above_allocation: int


class MalformedRule(ValueError):
    """A recorded rule does not say what it must."""


def holding_rule_of(value: object) -> HoldingRule:
    """Return the rule that a recorded value says.

    Raises: MalformedRule.
    """
    members = {"others", "operators_above_allocation"}
    if not isinstance(value, Mapping) or set(value) != members or not all(map(_is_quantity, value.values())):
        raise MalformedRule(f"{KEY} says {value!r}")
    return HoldingRule(value["others"], value["operators_above_allocation"])


def left_of(limit: int | None, used: int) -> int | None:
    """Return what a limit leaves; nothing where more is used already, None where there is no limit."""
    return None if limit is None else max(0, limit - used)


def _is_quantity(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
