"""Reads of what has crossed and what is under way: sums by month and direction, and the transfers that wait.

A flow is an aggregate of completed transfers and names nobody. What waits is listed for the staff of its two sides alone.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db import connection

from linking.rules.rates import Rate, value_of

# A transfer takes from, or gives back to, the net flow of each corridor that it uses, so the uses of that quota find it.
_LEGS = """
    FROM registry_transaction t
        JOIN registry_transactionblock b ON b.transaction_id = t.id
        CROSS JOIN LATERAL (VALUES ('entry', b.to_recognition_id), ('return', b.recognition_id)) leg (way, recognition_id)
        JOIN registry_recognition r ON r.id = leg.recognition_id
        JOIN linking_agreement g ON g.id = r.agreement_id
        JOIN linking_corridor c ON c.id = g.corridor_id
        JOIN accounts_jurisdiction o ON o.id = c.origin_id
        JOIN accounts_jurisdiction d ON d.id = c.destination_id
    WHERE t.type_id IN ('3-0', '3-55') AND c.id = ANY (%(corridors)s) AND t.id IN (
        SELECT u.transaction_id FROM linking_quotause u JOIN linking_quota q ON q.id = u.quota_id
        WHERE q.kind = 'net-flow' AND q.corridor_id = ANY (%(corridors)s))
"""
_WAITING = "('AWAITING_APPROVAL', 'DELAYED', 'ON_HOLD')"


@dataclass(frozen=True, slots=True)
class Flow:
    """What crossed a corridor in a month of its destination's calendar: units of 1 t CO2e, and recognised tonnes.

    Recognised tonnes are rounded down once for each rate in the month.
    """

    corridor_id: int
    origin: str
    destination: str
    month: date
    entered: int = 0
    entered_recognised: int = 0
    returned: int = 0
    returned_recognised: int = 0


@dataclass(frozen=True, slots=True)
class OpenTransfer:
    """A transfer that waits: which way it goes on the corridor, how many units, and for how long it has waited."""

    transaction_id: UUID
    state: str
    way: str
    units: int
    proposed_at: datetime
    age: timedelta


@dataclass(frozen=True, slots=True)
class OpenTransfers:
    """What waits on a corridor, the oldest first."""

    rows: tuple[OpenTransfer, ...] = ()

    @property
    def count(self) -> int:
        """How many transactions."""
        return len({row.transaction_id for row in self.rows})

    @property
    def units(self) -> int:
        """Units of 1 t CO2e."""
        return sum(row.units for row in self.rows)

    @property
    def oldest_at(self) -> datetime | None:
        """When the oldest was proposed."""
        return self.rows[0].proposed_at if self.rows else None


NOTHING_OPEN = OpenTransfers()


def open_transfers(corridors: Sequence[int], *, now: datetime) -> Mapping[int, OpenTransfers]:
    """Return what waits, by corridor, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, t.id, t.state, leg.way, t.proposed_at, sum(b.next_no - b.first_no)::bigint"
            + _LEGS
            + f"AND t.state IN {_WAITING} GROUP BY 1, 2, 3, 4, 5 ORDER BY t.proposed_at, t.id, leg.way, c.id",
            {"corridors": list(corridors)},
        )
        rows = cursor.fetchall()
    found: dict[int, list[OpenTransfer]] = defaultdict(list)
    for corridor_id, transaction_id, state, way, proposed_at, units in rows:
        age = max(timedelta(0), now - proposed_at)
        found[corridor_id].append(OpenTransfer(transaction_id, state, way, units, proposed_at, age))
    return {corridor_id: OpenTransfers(tuple(listed)) for corridor_id, listed in found.items()}


def flows(corridors: Sequence[int], *, as_of: datetime, since: datetime | None = None) -> list[Flow]:
    """Return what crossed by corridor and month, by completed transfers, in one statement. What completed exactly then counts.

    `since`: what completed earlier is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, o.code, d.code, date_trunc('month', t.completed_at AT TIME ZONE d.time_zone)::date, leg.way,"
            " r.rate_numerator, r.rate_denominator, sum(b.next_no - b.first_no)::bigint"
            + _LEGS
            + "AND t.state = 'COMPLETED' AND t.completed_at BETWEEN coalesce(%(since)s, '-infinity'::timestamptz) AND %(as_of)s"
            " GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY 4, 1, 5, 6, 7",
            {"corridors": list(corridors), "as_of": as_of, "since": since},
        )
        rows = cursor.fetchall()
    sums: dict[tuple[int, str, str, date], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for corridor_id, origin, destination, month, way, numerator, denominator, units in rows:
        name = "entered" if way == "entry" else "returned"
        found = sums[corridor_id, origin, destination, month]
        found[name] += units
        found[f"{name}_recognised"] += value_of(units, Rate(numerator, denominator))
    names = ("entered", "entered_recognised", "returned", "returned_recognised")
    return [Flow(*key, *(found[name] for name in names)) for key, found in sums.items()]
