"""What a decision writes: made by the operations, handed to PostgreSQL by `registry.ledger`."""

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Plan:
    """What `registry_effect` and `registry_proceed` write: rows by column name, ranges by position."""

    transactions: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    ranges: list[list[Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    # Acquiring accounts that retire units, which the facts did not lock.
    sinks: set[int] = field(default_factory=set)

    def as_json(self) -> str:
        """Return the plan as the JSON that the SQL functions read.

        Ranges stay in the order of the plan, since a later one may send on what an earlier one brought; but those into sinks
        come last and sorted, so that two plans that fill the same sinks lock their balance rows in one order.
        """
        filling = [row for row in self.ranges if row[7] in self.sinks]
        if filling:
            # By acquiring account, series and recognition: the key of the balance row.
            filling.sort(key=lambda row: (row[7], row[4], row[5]))
            self.ranges = [row for row in self.ranges if row[7] not in self.sinks] + filling
        return json.dumps(
            {
                "transactions": self.transactions,
                "steps": self.steps,
                "ranges": self.ranges,
                "entries": self.entries,
                "answers": self.answers,
            }
        )
