"""Replays real unit-block movements of the EU Transaction Log, 2005 to 2012: each transaction as one, in order of time.

The data have no serials; the replay issues them. Every account is opened as a trading account of one test registry and every
movement is an internal transfer (the log's own types are of registries that this one is not).
"""

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path

from django.db import transaction
from django.db.models import Max, Min, Sum

from registry.models import Holding, Transaction, TransactionBlock, UnitType
from registry.operations.issue import issue
from registry.operations.propose import propose
from registry.operations.set_cap import set_cap
from registry.replays.figures import Figure, Report
from registry.replays.world import REGISTRY, World, make_world
from registry.rules.proposal import MOST_RANGES, Line, Proposal

CODE = "XX-EU"
# Code of the file: code here, vintage (the first year of its period).
UNIT_TYPES = {
    "EUA2005": ("EUA2005", "allowance", 2005),
    "EUA_2008": ("EUA2008", "allowance", 2008),
    "CER": ("CER", "offset", 2008),
    "ERU": ("ERU", "offset", 2008),
    "AAU": ("AAU", "allowance", 2008),
}
BEGINNING = datetime(2005, 1, 1, tzinfo=UTC)
Progress = Callable[[str, int], object]


@dataclass(frozen=True, slots=True)
class Movement:
    """One row of the log: units (t CO2e) of one type from one account to another."""

    transaction: str
    completed_at: datetime
    sender: str
    acquirer: str
    unit_type: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Source:
    """The files, read: movements in order of time, and the opening balance of each (account, unit type)."""

    movements: Sequence[Movement]
    opening: Mapping[tuple[str, str], int]

    @property
    def accounts(self) -> list[str]:
        """Every account of the log, sorted by number."""
        names = {name for row in self.movements for name in (row.sender, row.acquirer)}
        return sorted(names | {account for account, _ in self.opening}, key=int)


def read(folder: Path) -> Source:
    """Read both files of the folder."""
    movements = [
        Movement(
            row["transaction_id"],
            datetime.fromisoformat(row["completed_at"]).replace(tzinfo=UTC),
            row["from_account"],
            row["to_account"],
            row["unit_type"],
            int(row["amount"]),
        )
        for row in _rows(folder / "transaction_blocks.csv.gz")
    ]
    opening = {
        (row["account"], row["unit_type"]): int(row["opening_amount"])
        for row in _rows(folder / "derived_opening_balances.csv.gz")
    }
    return Source(movements, opening)


def replay(source: Source, progress: Progress) -> Report:
    """Open the accounts, issue the opening balances, apply every transaction, and compare totals and every balance."""
    world = make_world(CODE, currency="EUR", time_zone="Europe/Brussels", now=BEGINNING)
    accounts = _open_accounts(world, source, progress)
    _issue_opening_balances(world, source, accounts)
    applied, rows, skipped = _apply(source, accounts, world, progress)
    return _report(source, accounts, applied, rows, skipped)


def _rows(file: Path) -> Iterator[dict[str, str]]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        yield from csv.DictReader(text)


def _open_accounts(world: World, source: Source, progress: Progress) -> dict[str, str]:
    accounts = {}
    names = source.accounts
    # In commits of a hundred: one for each would wait for the disk, one for all piles up versions of the counter's row.
    for place in range(0, len(names), 100):
        with transaction.atomic():
            for name in names[place : place + 100]:
                accounts[name] = world.open("TRA", f"account {name} of the log", BEGINNING).identifier
                progress("accounts", 1)
    return accounts


def _issue_opening_balances(world: World, source: Source, accounts: Mapping[str, str]) -> None:
    """Issue each unit type at once and give every account its opening balance, one transaction for a type."""
    registry, issuance = world.jurisdiction.registry_code, world.administrative["ISS"]
    for name, (code, kind, vintage) in UNIT_TYPES.items():
        shares = [(account, amount) for (account, of), amount in source.opening.items() if of == name and amount > 0]
        total = sum(amount for _, amount in shares)
        cap = set_cap(
            unit_type=UnitType.objects.create(jurisdiction=world.jurisdiction, code=code, kind=kind),
            vintage=vintage,
            limit=total,
            valid_from=date(2005, 1, 1),
            source="derived: the least stock with which every movement applies",
            actor=REGISTRY,
            now=BEGINNING,
        )
        issue(cap_id=cap.pk, acquiring=issuance, quantity=total, actor=REGISTRY, now=BEGINNING)
        lines = tuple(
            Line(issuance, accounts[account], amount, registry=registry, unit_type=code, vintage=vintage)
            for account, amount in shares
        )
        propose(Proposal("10-50", lines, client_reference=f"opening {code}"), actor=REGISTRY, now=BEGINNING)


def _apply(
    source: Source, accounts: Mapping[str, str], world: World, progress: Progress
) -> tuple[int, int, list[Movement]]:
    """Apply the transactions; return how many, their rows, and the rows skipped (one account on both sides)."""
    applied = applied_rows = 0
    skipped: list[Movement] = []
    for name, group in groupby(source.movements, key=lambda row: row.transaction):
        rows = list(group)
        skipped += [row for row in rows if row.sender == row.acquirer]
        moving = [row for row in rows if row.sender != row.acquirer]
        progress("rows", len(rows))
        if not moving:
            continue
        lines = tuple(
            Line(
                accounts[row.sender],
                accounts[row.acquirer],
                row.quantity,
                registry=world.jurisdiction.registry_code,
                unit_type=UNIT_TYPES[row.unit_type][0],
            )
            for row in moving
        )
        order = Proposal("10-50", lines, client_reference=name)
        propose(order, actor=world.representative, now=moving[0].completed_at)
        applied, applied_rows = applied + 1, applied_rows + len(moving)
    return applied, applied_rows, skipped


def expected_balances(source: Source) -> dict[tuple[str, str], int]:
    """Return the closing balance of each (account, unit type), computed from the files alone."""
    balances: defaultdict[tuple[str, str], int] = defaultdict(int, source.opening)
    for row in source.movements:
        balances[row.sender, row.unit_type] -= row.quantity
        balances[row.acquirer, row.unit_type] += row.quantity
    return {key: amount for key, amount in balances.items() if amount}


def _found_balances(accounts: Mapping[str, str]) -> dict[tuple[str, str], int]:
    name_of = {identifier: name for name, identifier in accounts.items()}
    type_of = {code: name for name, (code, _, _) in UNIT_TYPES.items()}
    rows = Holding.objects.filter(account__identifier__in=name_of, quantity__gt=0).values_list(
        "account__identifier", "series__unit_type__code", "quantity"
    )
    return {(name_of[identifier], type_of[code]): quantity for identifier, code, quantity in rows}


def _report(
    source: Source, accounts: Mapping[str, str], applied: int, rows: int, skipped: Sequence[Movement]
) -> Report:
    expected, found = expected_balances(source), _found_balances(accounts)
    differing = [key for key in expected.keys() | found.keys() if expected.get(key, 0) != found.get(key, 0)]
    total = Holding.objects.aggregate(total=Sum("quantity"), least=Min("quantity"))
    replayed = Transaction.objects.filter(type_id="10-50").exclude(client_reference__startswith="opening")
    blocks = TransactionBlock.objects.filter(transaction__in=replayed)
    skipped_units = sum(row.quantity for row in skipped)
    moved = replayed.aggregate(total=Sum("quantity"))["total"]
    most = (
        blocks.values("transaction")
        .annotate(first=Min("id"), last=Max("id"))
        .order_by("transaction")
        .values_list("first", "last")
    )
    figures = (
        Figure("rows of the log", 16_418, rows + len(skipped)),
        Figure("of them with one account on both sides, skipped", 224, len(skipped)),
        Figure("transactions of the log", 3_423, applied + len({row.transaction for row in skipped})),
        Figure("transactions recorded", len({row.transaction for row in source.movements}) - 224, replayed.count()),
        Figure("accounts", 2_863, len(accounts)),
        Figure("units of all rows", 5_962_790_911, moved + skipped_units),
        Figure("units issued as opening balances", 5_436_316_306, sum(source.opening.values())),
        Figure("units held at the end", 5_436_316_306, total["total"]),
        Figure("negative balances", 0, Holding.objects.filter(quantity__lt=0).count()),
        Figure("balances that differ from the files", 0, len(differing)),
    )
    return Report(
        "EU Transaction Log, 2005-12, in the test registry XX-EU",
        figures,
        (
            "The data have no serials: the replay issued them, and accounts and holders are opened for it.",
            f"Skipped: {len(skipped)} rows ({skipped_units:,} units) that have the same account on both sides.",
            f"Recorded {blocks.count():,} serial ranges, at most {max(last - first + 1 for first, last in most):,} in one"
            f" transaction (the limit is {MOST_RANGES:,}).",
        ),
    )
