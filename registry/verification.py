"""Recomputes the ledger from its transactions and finds where it differs: tiling, custody, balances, conservation, caps.

Everything is derived anew from the recorded ranges; nothing that a trigger keeps is believed. Reads one snapshot, so it may run
while transactions go on. What differs is told as `ledger.<name>` of the translation files.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from django.db import connection, transaction

_FILE = Path(__file__).with_suffix(".sql")
# Equation: the query that finds where it is broken.
EQUATIONS: Mapping[str, str] = dict(
    re.findall(r"^-- equation: ([\w-]+)\n(.*?);$", _FILE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
)

# Boundaries of blocks and of completed ranges, in serial order; at one serial what ends comes before what begins.
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
    ORDER BY j.registry_code, at, begins, range_id NULLS FIRST"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the ledger is not what its transactions make it. `name` is the equation's, `params` fill its text."""

    name: str
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, when nothing differs."""

    registries: int
    transactions: int
    ranges: int
    blocks: int
    balances: int


def verify() -> Difference | Verified:
    """Return the first difference, or how much was verified. Reads one snapshot; locks nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for name, query in EQUATIONS.items():
            cursor.execute(f"{query} LIMIT 1")
            row = cursor.fetchone()
            if row is not None:
                return Difference(
                    name, {c.name: _plain(value) for c, value in zip(cursor.description, row, strict=True)}
                )
        with connection.chunked_cursor() as boundaries:
            boundaries.execute(_BOUNDARIES)
            difference = next(broken_custody(boundaries), None)
        if difference is not None:
            return difference
        cursor.execute(
            "SELECT (SELECT count(DISTINCT origin_id) FROM registry_unitblock), (SELECT count(*) FROM registry_transaction),"
            " (SELECT count(*) FROM registry_transactionblock), (SELECT count(*) FROM registry_unitblock),"
            " (SELECT count(*) FROM registry_holding)"
        )
        return Verified(*cursor.fetchone())


Boundary = tuple[str, int, bool, int | None, int | None, int | None]


def broken_custody(boundaries: Iterator[Boundary]) -> Iterator[Difference]:
    """Yield a difference for each serial from which the ranges do not hand units on, from issue to today's holder.

    `boundaries` as the query gives them: registry, serial, begins, range (None: a block), sender, acquirer. Between two
    boundaries the ranges over a serial are the same, so each such stretch is judged once, at its first serial.
    """
    registry, serial, holder = "", 0, None
    covering: dict[int, tuple[int | None, int | None]] = {}
    judged = True
    for code, at, begins, range_id, sender, acquirer in boundaries:
        if not judged and (code, at) != (registry, serial) and not _hands_on(covering, holder):
            yield Difference("custody", {"registry": registry, "serial": serial})
        if code != registry:
            covering, holder = {}, None
        registry, serial, judged = code, at, False
        if range_id is None:
            holder = acquirer
        elif begins:
            covering[range_id] = (sender, acquirer)
        else:
            del covering[range_id]
    if not judged and not _hands_on(covering, holder):
        yield Difference("custody", {"registry": registry, "serial": serial})


def _hands_on(covering: Mapping[int, tuple[int | None, int | None]], holder: int | None) -> bool:
    """Whether ranges in the order of their ids begin with an issue, hand on from acquirer to sender, and end at the holder."""
    last = None
    for range_id in sorted(covering):
        sender, acquirer = covering[range_id]
        if sender != last:
            return False
        last = acquirer
    return last == holder


def _plain(value: object) -> str | int:
    return int(str(value)) if isinstance(value, int) or str(value).isdigit() else str(value)
