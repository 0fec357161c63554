"""Recomputes the ledger from its transactions and finds where it differs: tiling, custody, balances, conservation, caps.

Everything is derived anew from the recorded ranges; nothing that a trigger keeps is believed. Reads one snapshot, so it may run
while transactions go on. What differs is told as `ledger.<name>` of the translation files.

What belongs to higher floors is verified by those that `REGISTRY_VERIFIERS` names, in the same snapshot.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, transaction
from django.utils.module_loading import import_string


class Verifier(Protocol):
    """What a floor above adds to the verification."""

    def equations(self) -> Mapping[str, str]:
        """Return queries by the names of equations: each finds where one is broken, and nothing when it holds."""

    def counts(self) -> Mapping[str, str]:
        """Return queries by what they count, of what was looked at: one integer each."""


def equations_of(file: Path) -> Mapping[str, str]:
    """Return the queries of a file by the names of their equations, in its order."""
    found = re.findall(r"^-- equation: ([\w-]+)\n(.*?);$", file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return dict(found)


# Equation: the query that finds where it is broken.
EQUATIONS: Mapping[str, str] = equations_of(Path(__file__).with_suffix(".sql"))
# After it custody is looked at, which no query finds, before the equations of other floors.
LAST_BEFORE_CUSTODY = list(EQUATIONS)[-1]
# Places told of one broken equation.
MOST_PLACES = 20

# Is told the name of each equation once it was asked.
Progress = Callable[[str], object]

# Boundaries of blocks and of completed ranges, in serial order; at one serial what ends comes before what begins, and the last
# that began ends first.
_BOUNDARIES = """
    SELECT j.registry_code, at, begins, range_id, sender, acquirer FROM (
        SELECT origin_id, first_no AS at, true AS begins, r.id AS range_id, from_account_id AS sender, to_account_id AS acquirer
        FROM registry_transactionblock r JOIN registry_transaction t ON t.id = r.transaction_id WHERE t.state = 'COMPLETED'
        UNION ALL
        SELECT origin_id, next_no, false, r.id, from_account_id, to_account_id
        FROM registry_transactionblock r JOIN registry_transaction t ON t.id = r.transaction_id WHERE t.state = 'COMPLETED'
        UNION ALL
        SELECT origin_id, start_no, true, NULL, NULL, account_id FROM registry_unitblock) boundary
        JOIN accounts_jurisdiction j ON j.id = origin_id
    ORDER BY j.registry_code, at, begins, CASE WHEN begins THEN range_id ELSE -range_id END NULLS FIRST"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the ledger is not what its transactions make it. `name` is the equation's, `params` fill its text."""

    name: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, when nothing differs. `beyond`: what the verifiers of other floors looked at, where there is any."""

    registries: int
    transactions: int
    ranges: int
    blocks: int
    balances: int
    beyond: tuple[tuple[str, int], ...] = ()


def equations() -> Mapping[str, str]:
    """Return every equation that a query looks after: the registry's own, then those of the verifiers named in settings."""
    beyond = {name: query for row in _verifiers() for name, query in row.equations().items()}
    return {**EQUATIONS, **beyond}


def steps() -> int:
    """Return how many equations are looked at: those of queries, and custody."""
    return len(equations()) + 1


def verify(progress: Progress = str) -> Difference | Verified:
    """Return the first difference, or how much was verified. Reads one snapshot; locks nothing."""
    with _snapshot() as cursor:
        difference = next(_differences(cursor, 1, progress), None)
        return _verified(cursor) if difference is None else difference


def verify_all(progress: Progress = str) -> tuple[Difference, ...] | Verified:
    """Return every equation that is broken, each with up to MOST_PLACES places; or how much was verified. As `verify`."""
    with _snapshot() as cursor:
        return tuple(_differences(cursor, MOST_PLACES, progress)) or _verified(cursor)


@contextmanager
def _snapshot() -> Iterator[Any]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        # Long statements over everything, unlike a request's.
        cursor.execute("SET LOCAL max_parallel_workers_per_gather = 2")
        yield cursor


def _differences(cursor: Any, most: int, progress: Progress) -> Iterator[Difference]:
    """Yield up to `most` places where each equation is broken, equation by equation."""
    for name, query in equations().items():
        cursor.execute(f"{query} LIMIT {most}")
        columns = [column.name for column in cursor.description]
        for row in cursor.fetchall():
            yield Difference(name, {column: _plain(value) for column, value in zip(columns, row, strict=True)})
        progress(name)
        if name == LAST_BEFORE_CUSTODY:
            with connection.chunked_cursor() as boundaries:
                boundaries.execute(_BOUNDARIES)
                yield from islice(broken_custody(boundaries), most)
            progress("custody")


def _verified(cursor: Any) -> Verified:
    cursor.execute(
        "SELECT (SELECT count(DISTINCT origin_id) FROM registry_unitblock), (SELECT count(*) FROM registry_transaction),"
        " (SELECT count(*) FROM registry_transactionblock), (SELECT count(*) FROM registry_unitblock),"
        " (SELECT count(*) FROM registry_holding)"
    )
    registries, transactions, ranges, blocks, balances = cursor.fetchone()
    beyond = []
    for verifier in _verifiers():
        for what, query in verifier.counts().items():
            cursor.execute(query)
            beyond.append((what, cursor.fetchone()[0]))
    looked_at = tuple((what, count) for what, count in beyond if count)
    return Verified(registries, transactions, ranges, blocks, balances, looked_at)


@cache
def _verifiers() -> tuple[Verifier, ...]:
    return tuple(import_string(path)() for path in settings.REGISTRY_VERIFIERS)


Boundary = tuple[str, int, bool, int | None, int | None, int | None]


def broken_custody(boundaries: Iterator[Boundary]) -> Iterator[Difference]:
    """Yield a difference for each serial from which the ranges do not hand units on, from issue to today's holder.

    `boundaries` as the query gives them: registry, serial, begins, range (None: a block), sender, acquirer. Between two
    boundaries the ranges over a serial are the same, so each such stretch is judged once, at its first serial.
    """
    registry, serial, holder = "", 0, None
    custody = _Custody()
    judged = True
    for code, at, begins, range_id, sender, acquirer in boundaries:
        if not judged and (code, at) != (registry, serial) and not custody.ends_at(holder):
            yield Difference("custody", {"registry": registry, "serial": serial})
        if code != registry:
            custody, holder = _Custody(), None
        registry, serial, judged = code, at, False
        if range_id is None:
            holder = acquirer
        elif begins:
            custody.enter(range_id, sender, acquirer)
        else:
            custody.leave(range_id)
    if not judged and not custody.ends_at(holder):
        yield Difference("custody", {"registry": registry, "serial": serial})


class _Custody:
    """The ranges over one stretch of serials, in the order of their ids, which is that in which they took effect.

    Kept from stretch to stretch with the number of places where one does not hand on to the next, so that a boundary costs the
    same however often the units there have moved.
    """

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._sides: dict[int, tuple[int | None, int | None]] = {}
        self._breaks = 0

    def enter(self, range_id: int, sender: int | None, acquirer: int | None) -> None:
        """Take in a range that begins here."""
        place = bisect_left(self._ids, range_id)
        self._breaks -= self._broken(place - 1, place)
        self._ids.insert(place, range_id)
        self._sides[range_id] = (sender, acquirer)
        self._breaks += self._broken(place - 1, place) + self._broken(place, place + 1)

    def leave(self, range_id: int) -> None:
        """Let a range go that ends here."""
        place = bisect_left(self._ids, range_id)
        self._breaks -= self._broken(place - 1, place) + self._broken(place, place + 1)
        del self._ids[place], self._sides[range_id]
        self._breaks += self._broken(place - 1, place)

    def ends_at(self, holder: int | None) -> bool:
        """Whether the ranges begin with an issue, hand on from acquirer to sender, and end at the holder."""
        if not self._ids:
            return holder is None
        return not self._breaks and self._sides[self._ids[0]][0] is None and self._sides[self._ids[-1]][1] == holder

    def _broken(self, left: int, right: int) -> bool:
        inside = left >= 0 and right < len(self._ids)
        return inside and self._sides[self._ids[left]][1] != self._sides[self._ids[right]][0]


def _plain(value: object) -> str | int:
    return int(str(value)) if str(value).removeprefix("-").isdigit() else str(value)
