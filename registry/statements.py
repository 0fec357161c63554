"""Statements of an account: what it held at an instant, and every movement of a period `[from, to)` in the order of completion.

Units count by completed transactions alone, at `completed_at`. A movement is a range seen from one of its sides, so a range with
the account on both (a change of recognition) is two: it leaves one series and recognition and enters another.

What an account took in and gave out until a place is read in `registry.turnovers`. Reads that must agree with one another
belong in one snapshot (`in_one_snapshot`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.models import Account
from registry.models import Recognition, Series
from registry.rules.serials import format_block
from registry.turnovers import PLACE, ROW, SIDES, Place, Product, Turnover, summed, turnovers, values_of

ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Total:
    """One series and recognition in a period: `opening + entered - left = closing`, in units of 1 t CO2e."""

    series: Series
    recognition: Recognition
    opening: int
    entered: int
    left: int

    @property
    def closing(self) -> int:
        """The balance at the end of the period."""
        return self.opening + self.entered - self.left


@dataclass(frozen=True, slots=True)
class Movement:
    """One line: serials that entered (`enters`) or left, and the balance of their series and recognition after it."""

    place: Place
    type: str
    enters: bool
    other_account: str | None
    series: Series
    recognition: Recognition
    first: int
    next: int
    balance: int
    reason: str
    client_reference: str

    @property
    def block(self) -> str:
        """The serials as they are printed."""
        series = self.series
        return format_block(series.origin.registry_code, series.unit_type.code, series.vintage, self.first, self.next)

    @property
    def entered(self) -> int:
        """Units that entered."""
        return self.next - self.first if self.enters else 0

    @property
    def left(self) -> int:
        """Units that left."""
        return 0 if self.enters else self.next - self.first


@dataclass(frozen=True, slots=True)
class PastHolding:
    """What an account held of a series and recognition at a past instant. What was reserved then is not kept: None."""

    series: Series
    recognition: Recognition
    quantity: int
    reserved: None = None


@contextmanager
def in_one_snapshot() -> Iterator[None]:
    """Let all reads see one state of the ledger. Inside a transaction of the caller's, that one's rules hold."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def holdings_as_of(account: Account, at: datetime) -> list[PastHolding]:
    """Return the balances at an instant that were not nought, in the order of `queries.holdings_of`, in four statements.

    What completed exactly then counts.
    """
    with in_one_snapshot():
        reached = summed(account, "t.completed_at <= %(at)s", {"at": at})
    return [
        PastHolding(series, recognition, reached[product].balance)
        for product, series, recognition in _named(reached)
        if reached[product].balance
    ]


def totals_of(account: Account, start: datetime, end: datetime) -> list[Total]:
    """Return the totals of a period `[start, end)` for every series and recognition that the account held or moved in it.

    By registry, type, vintage, project and recognition, in six statements.
    """
    before, until = turnovers(account, Place(start)), turnovers(account, Place(end))
    totals = []
    for product, series, recognition in _named(until):
        then, now = before.get(product, Turnover()), until[product]
        total = Total(series, recognition, then.balance, now.entered - then.entered, now.left - then.left)
        if total.opening or total.entered or total.left:
            totals.append(total)
    return totals


def movements_of(account: Account, start: Place, end: datetime, limit: int) -> list[Movement]:
    """Return the next movements from a place on, completed before `end`, oldest first; at most `limit`. In six statements."""
    with connection.cursor() as cursor:
        cursor.execute(*_movements(account, start, end, limit))
        rows = cursor.fetchall()
    return list(_Lines(account, start).print(rows)) if rows else []


def every_movement_of(account: Account, start: datetime, end: datetime) -> Iterator[Movement]:
    """Yield all movements of a period, oldest first, some thousand in memory at a time. To be read in one snapshot."""
    lines = _Lines(account, Place(start))
    with connection.chunked_cursor() as cursor:
        cursor.execute(*_movements(account, Place(start), end, None))
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            yield from lines.print(rows)


def _movements(account: Account, start: Place, end: datetime, limit: int | None) -> tuple[str, dict[str, Any]]:
    """Return the statement for the movements from a place on, and its values.

    Each side is sorted and cut on its own, so that PostgreSQL may walk `completed_transactions` no further than a page needs.
    """
    cut = "" if limit is None else " LIMIT %(limit)s"
    after = "t.completed_at >= %(at)s"
    if start.transaction_id is not None:
        after += f" AND {ROW} > {PLACE}"
    sides = " UNION ALL ".join(
        f"(SELECT t.completed_at, t.id, b.id, {enters}, t.type_id, b.{other}, {product}, b.first_no, b.next_no, t.reason,"  # noqa: S608
        f" t.client_reference FROM registry_transaction t JOIN registry_transactionblock b ON b.transaction_id = t.id"
        f" WHERE b.{side} = %(account)s AND {after.format(enters=enters)} AND t.completed_at < %(end)s"
        f" ORDER BY t.completed_at, t.id, b.id{cut})"
        for side, other, product, enters in SIDES
    )
    values = {**values_of(start), "account": account.pk, "end": end, "limit": limit}
    return f"{sides} ORDER BY 1, 2, 3, 4{cut}", values


class _Lines:
    """Makes lines of rows: knows the balances reached, and looks up each account and series once."""

    def __init__(self, account: Account, start: Place) -> None:
        self._balances = {product: reached.balance for product, reached in turnovers(account, start).items()}
        self._series: dict[int, Series] = {}
        self._recognitions: dict[int, Recognition] = {}
        self._accounts: dict[int, str] = {}

    def print(self, rows: Sequence[Sequence[Any]]) -> Iterator[Movement]:
        """Yield the lines of rows that follow those before."""
        self._look_up(rows)
        for (
            at,
            transaction_id,
            range_id,
            enters,
            type_,
            other,
            series,
            recognition,
            first,
            after,
            reason,
            reference,
        ) in rows:
            product = (series, recognition)
            change = after - first if enters else first - after
            self._balances[product] = self._balances.get(product, 0) + change
            yield Movement(
                place=Place(at, transaction_id, range_id, enters),
                type=type_,
                enters=bool(enters),
                other_account=self._accounts.get(other),
                series=self._series[series],
                recognition=self._recognitions[recognition],
                first=first,
                next=after,
                balance=self._balances[product],
                reason=reason,
                client_reference=reference,
            )

    def _look_up(self, rows: Sequence[Sequence[Any]]) -> None:
        if len(self._accounts) > ROWS_AT_ONCE:
            # An exchange's account meets everybody; what is remembered stays small.
            self._accounts = {}
        accounts = {row[5] for row in rows if row[5] is not None} - self._accounts.keys()
        if accounts:
            self._accounts |= dict(Account.objects.filter(pk__in=accounts).values_list("pk", "identifier"))
        if series := {row[6] for row in rows} - self._series.keys():
            self._series |= _series(series)
        if recognitions := {row[7] for row in rows} - self._recognitions.keys():
            self._recognitions |= Recognition.objects.in_bulk(recognitions)


def _series(ids: set[int]) -> dict[int, Series]:
    return Series.objects.select_related("unit_type", "origin").in_bulk(ids)


def _named(products: Mapping[Product, Turnover]) -> list[tuple[Product, Series, Recognition]]:
    """Return series and recognitions, each with its rows, by registry, type, vintage, series and recognition."""
    series = _series({product[0] for product in products})
    recognitions = Recognition.objects.in_bulk({product[1] for product in products})
    named = [(product, series[product[0]], recognitions[product[1]]) for product in products]
    return sorted(named, key=lambda row: (row[1].origin.registry_code, row[1].unit_type.code, row[1].vintage, *row[0]))
