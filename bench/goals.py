"""The figures to reach: each a ratio within one run, or a count. One table, which the report prints."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Result = Mapping[str, Any]
# Values by the number of clients (or another condition), as they are printed: {"1": 0.45, "4": 0.41}.
Found = dict[str, float]


@dataclass(frozen=True, slots=True)
class Goal:
    """One row: what is compared, and the bound that every value must keep."""

    figure: str
    bound: float
    at_least: bool
    found: Callable[[Result], Found]

    def reached(self, values: Found) -> bool:
        """Return whether every value keeps to the bound."""
        return all(value >= self.bound if self.at_least else value <= self.bound for value in values.values())

    @property
    def printed_bound(self) -> str:
        """The bound as a reader sees it."""
        return f"{'≥' if self.at_least else '≤'} {self.bound:g}"


def ratio(upper: str, lower: str, *clients: str) -> Callable[[Result], Found]:
    """Return the ratio of two subjects' rates at numbers of clients that were measured."""

    def found(result: Result) -> Found:
        rates = result["rates"]
        return {
            count: rates[upper][count]["per_second"] / rates[lower][count]["per_second"]
            for count in clients
            if count in rates.get(upper, {}) and count in rates.get(lower, {})
        }

    return found


def number(*names: str) -> Callable[[Result], Found]:
    """Return figures that were measured as they are."""
    return lambda result: {name: result["numbers"][name] for name in names if name in result["numbers"]}


def quotient(upper: str, lower: str) -> Callable[[Result], Found]:
    """Return the ratio of two numbers."""

    def found(result: Result) -> Found:
        numbers = result["numbers"]
        return {"": numbers[upper] / numbers[lower]} if numbers.get(lower) and upper in numbers else {}

    return found


GOALS = (
    Goal("SQL statements of a transfer through the operation", 3, False, number("statements, operation")),
    Goal("SQL statements of a transfer through the API", 5, False, number("statements, API")),
    Goal("operation / bare function", 0.4, True, ratio("operation", "bare function", "1", "4")),
    Goal("HTTP API / bare function", 0.2, True, ratio("HTTP API", "bare function", "1", "4")),
    Goal("operation / hordak with lock and check", 3, True, ratio("operation", "hordak, locked", "1", "4")),
    Goal("operation / hordak transfer_to", 1.2, True, ratio("operation", "hordak", "1", "4")),
    Goal("bare function / bare commit", 0.2, True, ratio("bare function", "bare commit", "1", "4")),
    Goal("bare function / pgbench -N", 0.33, True, ratio("bare function", "pgbench -N", "1", "4")),
    Goal("cost with 1M blocks / 1k", 1.1, False, quotient("cost, 1M blocks", "cost, 1k blocks")),
    Goal("cost with 100k blocks / 1k", 1.1, False, quotient("cost, 100k blocks", "cost, 1k blocks")),
    Goal("cost with 10 billion units / 10 million", 1.1, False, quotient("cost, 1k blocks", "cost, 10M units")),
    Goal("blocks per transfer after 200k, round amounts", 1.1, False, number("blocks per transfer, round")),
    Goal("blocks per transfer after 200k, log-uniform", 2.5, False, number("blocks per transfer, log-uniform")),
    Goal("log on / log off, 16 clients", 0.95, True, ratio("operation, log on", "operation, log off", "16")),
    # Two decisions instead of one: half of one decision's rate is what no design can pass.
    Goal("approved by another / at once", 0.25, True, ratio("operation, approved by another", "operation", "1", "4")),
    # A statement more, the corridor's quotas, a second log. All clients take from one quota, so more of them are no quicker.
    Goal("across a link / within a registry, both at once", 0.33, True, ratio("external transfer", "operation", "1")),
    Goal(
        "100 per batch / single, one hot account", 3, True, quotient("batches, transfers/s", "hot account, transfers/s")
    ),
    Goal(
        "surrenders into one account, 8 clients / 1",
        1,
        True,
        quotient("surrenders/s, 8 clients", "surrenders/s, 1 client"),
    ),
    Goal("statement of 1M movements, first page (ms)", 50, False, number("statement, ms")),
    Goal("life of a serial among 1M ranges (ms)", 10, False, number("life of a serial, ms")),
    Goal("deadlocks", 0, False, number("deadlocks")),
    Goal("errors shown to a client", 0, False, number("errors")),
    Goal("broken invariants (verify_ledger)", 0, False, number("broken invariants")),
)
