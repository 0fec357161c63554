"""What an account took in and gave out until a place among its movements, in units of 1 t CO2e.

Summed from its ranges, beginning with the last tally before the place (registry/migrations/sql/0014_turnovers.sql); without
one, from the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.models import Account
from registry.identity import EPOCH

# A series and a recognition: what has a balance of its own.
Product = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A place among an account's movements: after all that completed before `at`, and of those at that instant up to a row.

    Without a row: before everything that completed at the instant.
    """

    at: datetime
    transaction_id: UUID | None = None
    range_id: int = 0
    enters: int = 0


@dataclass(frozen=True, slots=True)
class Turnover:
    """What entered and what left until a place, in units of 1 t CO2e."""

    entered: int = 0
    left: int = 0

    @property
    def balance(self) -> int:
        """What remained."""
        return self.entered - self.left


def turnovers(account: Account, place: Place) -> Mapping[Product, Turnover]:
    """Return what entered and left until a place, for each series and recognition, in two statements."""
    condition, values = _until(place)
    return summed(account, condition, values)


# A range leaves what it names and enters the same, but for one that is carried over: that enters another recognition.
_ENTERS, _LEAVES = "b.series_id, coalesce(b.to_recognition_id, b.recognition_id)", "b.series_id, b.recognition_id"
SIDES = (
    ("to_account_id", "from_account_id", _ENTERS, 1),
    ("from_account_id", "to_account_id", _LEAVES, 0),
)
# The latest turnover of each product, up to a tally.
_TALLIED = (
    "(SELECT DISTINCT ON (o.series_id, o.recognition_id) o.series_id, o.recognition_id, o.entered, o.gone"
    " FROM registry_turnover o WHERE o.account_id = %(account)s AND o.at <= %(tally)s"
    " ORDER BY o.series_id, o.recognition_id, o.at DESC)"
)
ROW, PLACE = "(t.completed_at, t.id, b.id, {enters})", "(%(at)s, %(transaction)s, %(range)s, %(enters)s)"


def _until(place: Place) -> tuple[str, dict[str, Any]]:
    """Return the condition that a movement lies before a place, or is the one it names."""
    if place.transaction_id is None:
        return "t.completed_at < %(at)s", values_of(place)
    # PostgreSQL compares columns of two tables without an index; the first comparison alone has one.
    return f"t.completed_at <= %(at)s AND {ROW} <= {PLACE}", values_of(place)


def values_of(place: Place) -> dict[str, Any]:
    return {
        "at": place.at,
        "transaction": place.transaction_id,
        "range": place.range_id,
        "enters": place.enters,
    }


def summed(account: Account, condition: str, values: Mapping[str, Any]) -> Mapping[Product, Turnover]:
    """Return what entered and left by the transactions `t` of a condition, whose values say the instant `at`.

    In two statements.
    """
    sides = " UNION ALL ".join(
        f"SELECT {product}, sum(b.next_no - b.first_no) * {enters}, sum(b.next_no - b.first_no) * {1 - enters}"  # noqa: S608
        f" FROM registry_transactionblock b JOIN registry_transaction t ON t.id = b.transaction_id"
        f" WHERE b.{side} = %(account)s AND t.completed_at >= %(tally)s AND {condition.format(enters=enters)}"
        f" GROUP BY 1, 2"
        for side, _, product, enters in SIDES
    )
    with connection.cursor() as cursor:
        # Asked for first, so that PostgreSQL knows how little there is to sum.
        cursor.execute("SELECT max(at) FROM registry_tally WHERE summed AND at <= %(at)s", values)
        (tally,) = cursor.fetchone()
        cursor.execute(
            f"SELECT s.a, s.b, sum(s.c), sum(s.d) FROM ({_TALLIED} UNION ALL {sides}) AS s (a, b, c, d) GROUP BY 1, 2",  # noqa: S608
            {**values, "account": account.pk, "tally": tally or EPOCH},
        )
        return {(series, recognition): Turnover(int(i), int(o)) for series, recognition, i, o in cursor.fetchall()}
