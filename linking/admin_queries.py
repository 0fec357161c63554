"""What the administration's pages show of links: read here, drawn and told elsewhere. Statements do not grow with what is there.

Links, and all that belongs to one, are read by whoever may read everything in one of its two jurisdictions; a third city's staff
do not see them. What names a holder is for the readers of the destination.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q, Sum
from django.db.models.functions import TruncMonth

from accounts.queries import readable_jurisdictions
from accounts.rules.access import Actor
from linking.models import (
    Condition,
    Delinking,
    Link,
    Margin,
    Quota,
    QuotaUse,
    Suspension,
)
from registry.models import Transaction
from registry.rules.states import State

OPEN_STATES = (State.AWAITING_APPROVAL, State.DELAYED, State.ON_HOLD, State.PROPOSED, State.ACCEPTED)
MONTHS = 12
# As many as a person looks through.
MOST_SHOWN = 100


@dataclass(frozen=True, slots=True)
class MonthFlow:
    """Units of one month (UTC) by one corridor: that entered by it, and that went home off it."""

    entered: int = 0
    went_home: int = 0


@dataclass(frozen=True, slots=True)
class OpenTransfer:
    """A transfer under way on a link. `legs`: by which corridor, which way, how many units."""

    row: Transaction
    legs: tuple[tuple[str, str, int], ...]
    may_be_opened: bool


@dataclass(frozen=True, slots=True)
class MarginSum:
    """What surrenders of one origin's units in another jurisdiction came to. Units; `value`: recognised t CO2e."""

    origin: str
    place: str
    quantity: int
    value: int
    margin: int
    pooled: int

    @property
    def retired(self) -> int:
        """What of the margin was retired with the units; what is pooled beyond it lies in whole units."""
        return max(0, self.margin - self.pooled)


def readable(actor: Actor, *, everything: bool, way: str = "") -> Q:
    """Return the condition that a reader may read a link that is found by `way`: everything of one of its sides."""
    codes = None if everything else readable_jurisdictions(actor)
    if codes is None:
        return Q()
    return Q(**{f"{way}first__code__in": codes}) | Q(**{f"{way}second__code__in": codes})


def months_before(now: datetime, count: int = MONTHS) -> tuple[datetime, ...]:
    """Return the first instants of the last months (UTC), the present one last."""
    last = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month - 1
    return tuple(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in range(last - count + 1, last + 1))


def flows_of(link: Link, *, now: datetime) -> Mapping[int, tuple[MonthFlow, ...]]:
    """Return what completed transfers moved in each of the last months, by corridor: one entry a month. In one statement."""
    months = months_before(now)
    rows = (
        # The net flow counts units, whatever the entry quota measures.
        QuotaUse.objects.filter(
            quota__corridor__link=link,
            quota__kind="net-flow",
            transaction__state=State.COMPLETED,
            transaction__completed_at__gte=months[0],
            transaction__completed_at__lte=now,
        )
        .annotate(month=TruncMonth("transaction__completed_at", tzinfo=UTC))
        .order_by()
        .values_list("quota__corridor_id", "month", "way")
        .annotate(total=Sum("units"))
    )
    found = {(corridor, month, way): int(total) for corridor, month, way, total in rows}
    return {
        corridor.pk: tuple(
            MonthFlow(found.get((corridor.pk, month, "take"), 0), found.get((corridor.pk, month, "back"), 0))
            for month in months
        )
        for corridor in link.corridors.all()
    }


def open_transfers(link: Link, actor: Actor, *, everything: bool) -> tuple[tuple[OpenTransfer, ...], int]:
    """Return the transfers under way on a link, the oldest first, and how many there are beside these. In three statements.

    A transfer's own page is for the readers of its sending registry.
    """
    uses = QuotaUse.objects.filter(quota__corridor__link=link, quota__kind="net-flow")
    rows = (
        Transaction.objects.filter(
            Exists(uses.filter(transaction=OuterRef("pk"))), state__in=OPEN_STATES, completed_at=None
        )
        .select_related("jurisdiction")
        .order_by("proposed_at", "id")
    )
    shown = list(rows[:MOST_SHOWN])
    legs: dict[object, list[tuple[str, str, int]]] = {row.pk: [] for row in shown}
    corridors = {row.pk: str(row) for row in link.corridors.all()}
    for transaction_id, corridor, way, units in (
        uses.filter(transaction__in=shown)
        .order_by("id")
        .values_list("transaction_id", "quota__corridor_id", "way", "units")
    ):
        legs[transaction_id].append((corridors[corridor], way, units))
    codes = None if everything else readable_jurisdictions(actor)
    found = tuple(
        OpenTransfer(row, tuple(legs[row.pk]), codes is None or row.jurisdiction.code in codes) for row in shown
    )
    return found, rows.count() - len(shown) if len(shown) == MOST_SHOWN else 0


def margins_of(link: Link) -> tuple[MarginSum, ...]:
    """Return what surrenders abroad came to between the two sides, by origin. In one statement."""
    sides = (link.first_id, link.second_id)
    rows = (
        Margin.objects.filter(origin__in=sides, obligation__jurisdiction__in=sides)
        .order_by("origin__code", "obligation__jurisdiction__code")
        .values_list("origin__code", "obligation__jurisdiction__code")
        .annotate(Sum("quantity"), Sum("value"), Sum("margin"), Sum("pooled"))
    )
    return tuple(MarginSum(origin, place, *map(int, sums)) for origin, place, *sums in rows if origin != place)


def last_ticks(link: Link) -> Mapping[tuple[str, int], Condition]:
    """Return the last tick of each condition by each side. In one statement."""
    rows = Condition.objects.filter(link=link).select_related("ticked_by", "side").order_by("id")
    return {(row.code, row.side_id): row for row in rows}


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
