"""What the administration's pages show of links beside `linking.queries`. Statements do not grow with what is there.

Links, and all that belongs to one, are read by whoever may read everything in one of its two jurisdictions; a third city's staff
do not see them. What names a holder is for the readers of the destination.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from linking.models import Delinking, Link, Quota, Suspension
from linking.queries import LinkNow
from registry.models import Transaction

# As many as a person looks through.
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class OpenTransfer:
    """A transfer under way on a link. `legs`: by which corridor, which way, how many units."""

    row: Transaction
    legs: tuple[tuple[str, str, int], ...]
    may_be_opened: bool


def open_transfers(link: LinkNow, readable: frozenset[str] | None) -> tuple[tuple[OpenTransfer, ...], int]:
    """Return the transfers under way on a link, the oldest first, and how many there are beside these. In one statement.

    A transfer's own page is for the readers of its sending registry. `readable` None: everywhere.
    """
    legs: dict[UUID, list[tuple[str, str, int]]] = defaultdict(list)
    for corridor in link.corridors:
        for leg in corridor.open.rows:
            legs[leg.transaction_id].append((str(corridor.corridor), leg.way, leg.units))
    rows = Transaction.objects.filter(pk__in=legs).select_related("jurisdiction").order_by("proposed_at", "id")
    found = tuple(
        OpenTransfer(row, tuple(legs[row.pk]), readable is None or row.jurisdiction.code in readable)
        for row in rows[:MOST_SHOWN]
    )
    return found, len(legs) - len(found)


def history_of(link: Link) -> Mapping[str, Iterable[Any]]:
    """Return what was done about a link, the latest first: steps of its degree, suspensions, ends. In three statements."""
    return {
        "degrees": link.degree_changes.select_related("instrument").order_by("-id")[:MOST_SHOWN],
        "suspensions": Suspension.objects.filter(corridor__link=link)
        .select_related("corridor__origin", "corridor__destination", "side", "by")
        .order_by("-id")[:MOST_SHOWN],
        "delinkings": Delinking.objects.filter(corridor__link=link)
        .select_related("corridor__origin", "corridor__destination", "instrument__side")
        .order_by("-id")[:MOST_SHOWN],
    }


def use_quotas_of(link: Link, readable: frozenset[str] | None) -> tuple[tuple[Quota, ...], int]:
    """Return what operators may use of foreign units on the sides that a reader reads, and how many rows there are beside.

    In two statements at most. `readable` None: everywhere.
    """
    codes = [side.code for side in (link.first, link.second) if readable is None or side.code in readable]
    rows = (
        Quota.objects.filter(kind="use", obligation__jurisdiction__code__in=codes)
        # A node is called by the origin of its corridor first.
        .filter(Q(node__startswith=f"{link.first.code} ") | Q(node__startswith=f"{link.second.code} "))
        .select_related("obligation__installation", "obligation__jurisdiction")
        .order_by("obligation__jurisdiction__code", "-obligation__year", "obligation_id", "node")
    )
    found = tuple(rows[:MOST_SHOWN])
    return found, rows.count() - len(found) if len(found) == MOST_SHOWN else 0
