"""Pages by cursor: the place of a page is the key of the row it follows, so rows that come meanwhile shift nothing.

A list is ordered by unique columns. A cursor is those columns' values for one row and the direction, in base64url: opaque to
clients, and checked like any other input.
"""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet

from accounts.api.errors import invalid_query

PAGE_SIZE = 20
LARGEST_PAGE = 100
LONGEST_CURSOR = 200

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class Order:
    """How a list is ordered: unique columns, all up or all down, and how each column's value is read from a cursor.

    A reader raises ValueError for what no row's column could be.
    """

    columns: tuple[str, ...]
    readers: tuple[Callable[[Any], Any], ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows in the list's order, and the cursors of the pages around them (None: there is none)."""

    rows: Sequence[Row]
    next: str | None
    previous: str | None


def page(
    rows: QuerySet[Row], order: Order, cursor: str | None, size: int, among: Sequence[QuerySet[Row]] = ()
) -> Page[Row]:
    """Return one page, in one query.

    With `among`, a row belongs to the list when one of those has it. Each is then read in the list's order as far as this page
    needs, each by an index of its own; no planner is asked to find that way through one long condition.

    Raises: RequestRefused for a cursor that this list never gave.
    """
    place, backward = _read(cursor, order) if cursor is not None else (None, False)
    down = order.descending != backward
    by = [f"-{column}" if down else column for column in order.columns]
    beyond = Q() if place is None else _beyond(order.columns, place, down)
    ordered = rows.order_by(*by).filter(beyond)
    if among:
        reached = [part.order_by(*by).filter(beyond).values("pk").distinct()[: size + 1] for part in among]
        ordered = ordered.filter(pk__in=reached[0].union(*reached[1:], all=True))
    found = list(ordered[: size + 1])
    more = len(found) > size
    found = found[:size]
    if backward:
        found.reverse()
    has_previous, has_next = (more, True) if backward else (place is not None, more)
    if not found:
        return Page(found, None, None)
    return Page(
        found,
        _print(found[-1], order, "next") if has_next else None,
        _print(found[0], order, "previous") if has_previous else None,
    )


def _beyond(columns: Sequence[str], place: Sequence[Any], down: bool) -> Q:
    """Return the condition that a row comes after a place: (a, b) > (x, y) in the order's direction."""
    comparison = "lt" if down else "gt"
    condition = Q(**{f"{columns[-1]}__{comparison}": place[-1]})
    for column, value in zip(reversed(columns[:-1]), reversed(place[:-1]), strict=True):
        condition = Q(**{f"{column}__{comparison}": value}) | (Q(**{column: value}) & condition)
    return condition


def _print(row: Model, order: Order, direction: str) -> str:
    place = [value if isinstance(value := getattr(row, column), int) else str(value) for column in order.columns]
    return base64.urlsafe_b64encode(json.dumps([direction, *place]).encode()).decode().rstrip("=")


def _read(cursor: str, order: Order) -> tuple[tuple[Any, ...], bool]:
    try:
        padded = cursor[:LONGEST_CURSOR] + "=" * (-len(cursor) % 4)
        direction, *values = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        place = tuple(read(value) for read, value in zip(order.readers, values, strict=True))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise invalid_query("unknown-cursor", "cursor") from None
    if direction not in ("next", "previous"):
        raise invalid_query("unknown-cursor", "cursor")
    return place, direction == "previous"


def read_integer(value: Any) -> int:
    """Return a column's integer from a cursor. Raises: ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError("no integer of a row")
    return value


def read_text(value: Any) -> str:
    """Return a column's text from a cursor. Raises: ValueError."""
    if not isinstance(value, str) or not value.isprintable() or not value.isascii():
        raise ValueError("no text of a row")
    return value


def read_uuid(value: Any) -> UUID:
    """Return a column's UUID from a cursor. Raises: ValueError."""
    return UUID(read_text(value))
