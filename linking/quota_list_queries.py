"""Quotas row by row, as a list shows them: each with its limit of now where its window is now's, else as it last was."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_

from django.db.models import Q

from linking.models import Quota
from linking.queries import CorridorNow, corridors, corridors_now
from linking.quota_queries import QuotaNow, measure_of, opposite_used


@dataclass(frozen=True, slots=True)
class ListedQuota:
    """A row with what it limits. `is_current`: whether its window is the one that is used now."""

    row: Quota
    quota: QuotaNow
    is_current: bool


def listed_quotas(rows: Sequence[Quota], *, now: datetime) -> list[ListedQuota]:
    """Return rows of `visible_quotas` as a list shows them, in nine statements at most beside the caller's."""
    ids = {row.corridor_id for row in rows if row.corridor_id is not None}
    standing = {row.corridor.pk: row for row in corridors_now(corridors().filter(pk__in=ids), now=now)} if ids else {}
    opposite = opposite_used(rows)
    return [_listed(row, standing, opposite.get(row.pk, 0)) for row in rows]


def holder_quotas(
    corridors: Sequence[CorridorNow], *, most: int
) -> tuple[Mapping[int, list[tuple[str, QuotaNow]]], int]:
    """Return what holders have taken of their quotas now, by corridor and with the holder's name, and how many there are beside.

    Those that used most first; where terms in force set no limit of a holder, none. In two statements at most.
    """
    by_id = {row.corridor.pk: row for row in corridors if row.terms is not None and row.terms.holder_limit is not None}
    now = reduce(or_, (Q(corridor=pk, year=row.year) for pk, row in by_id.items()), Q(pk__in=()))
    rows = Quota.objects.filter(now, kind="holder").exclude(reserved=0, used=0).select_related("holder")
    shown = list(rows.order_by("-used", "-reserved", "id")[:most])
    found: dict[int, list[tuple[str, QuotaNow]]] = defaultdict(list)
    for row in shown:
        listed = _listed(row, by_id, 0)
        found[row.corridor_id or 0].append(("" if row.holder is None else row.holder.name, listed.quota))
    return found, rows.count() - len(shown) if len(shown) == most else 0


def _listed(row: Quota, standing: Mapping[int, CorridorNow], opposite: int) -> ListedQuota:
    corridor = standing.get(row.corridor_id or 0)
    is_current = corridor is None or row.year == _window(row, corridor)
    limit = row.limit if corridor is None or not is_current else _limit(row, corridor)
    measure = "recognised" if row.kind == "use" else "units"
    if row.kind == "entry":
        measure = str(measure_of(None if corridor is None else corridor.terms))
    quota = QuotaNow(row.kind, row.year, row.vintage, measure, limit, row.reserved, row.used, opposite)
    return ListedQuota(row, quota, is_current)


def _window(row: Quota, corridor: CorridorNow) -> int:
    """The year of the quota's kind that is used now."""
    if row.kind == "reserve":
        return 0
    return corridor.net_year if row.kind in ("net-flow", "leave") else corridor.year


def _limit(row: Quota, corridor: CorridorNow) -> int | None:
    """The limit of now: as terms in force and leave say; as it last was where they have ended."""
    if row.kind == "holder":
        return row.limit if corridor.terms is None else corridor.terms.holder_limit
    shown = {(quota.kind, quota.vintage): quota.limit for quota in corridor.quotas}
    if row.kind == "leave":
        return row.limit if corridor.leave is None else corridor.leave.limit
    return row.limit if corridor.terms is None else shown.get((row.kind, row.vintage), row.limit)
