"""Reads of links and corridors as they stand, for the API and the administration. Each says in how many statements it answers.

Links, corridors, agreements and the quotas of corridors are for everybody with a key; what is of one holder or operator is for
whoever may know of it (`linking.quota_queries`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum

from linking.flow_queries import NOTHING_OPEN, OpenTransfers, open_transfers
from linking.models import Agreement, Corridor, Delinking, Leave, Link, Margin, MechanismUnit, Quota, Suspension
from linking.quota_queries import QuotaNow, quotas_now
from linking.rules.degrees import Degree
from linking.rules.quotas import year_of
from linking.rules.reciprocity import Meter, meter_of
from linking.rules.standing import Standing, standings
from linking.rules.terms import Terms, Window, terms_from


@dataclass(frozen=True, slots=True)
class CorridorNow:
    """A corridor as it stands. `standings`: all that is in the way, or open; `agreement`: in force now; `following`: later.

    `year`: of its quotas now, in the destination's zone, 0 for its whole life; `net_year`: of its net flow and leave.
    `leave`: the origin's, in force now; `delinking`: the last notice of its end.
    """

    corridor: Corridor
    standings: tuple[Standing, ...]
    suspensions: tuple[Suspension, ...]
    agreement: Agreement | None
    terms: Terms | None
    following: Agreement | None
    leave: Leave | None
    delinking: Delinking | None
    year: int
    net_year: int
    meter: Meter
    quotas: tuple[QuotaNow, ...]
    open: OpenTransfers


@dataclass(frozen=True, slots=True)
class MarginNow:
    """The margin of an issuer's units surrendered at the other side, t CO2e: `margin = retired + pooled`.

    After a reversal more may lie in the pool than is booked, by its rounding: then so much fewer are retired than were counted,
    and `retired` is below nought.
    """

    origin: str
    destination: str
    quantity: int
    value: int
    margin: int
    pooled: int

    @property
    def retired(self) -> int:
        """What of the margin is retired with the units."""
        return self.margin - self.pooled


@dataclass(frozen=True, slots=True)
class LinkNow:
    """A link as it stands, with its corridors in the order of their ids."""

    link: Link
    corridors: tuple[CorridorNow, ...]
    margins: tuple[MarginNow, ...]


def links() -> QuerySet[Link]:
    """Return the links with their two sides, in one statement."""
    return Link.objects.select_related("first", "second").order_by("pk")


def corridors() -> QuerySet[Corridor]:
    """Return the corridors with their links and sides, in one statement."""
    return Corridor.objects.select_related("link", "origin", "destination").order_by("pk")


def links_now(rows: Iterable[Link], *, now: datetime) -> list[LinkNow]:
    """Return links as they stand, in nine statements beside the caller's, however many there are."""
    found = list(rows)
    by_link: dict[int, list[CorridorNow]] = defaultdict(list)
    for row in corridors_now(corridors().filter(link__in=found), now=now):
        by_link[row.corridor.link_id].append(row)
    margins = _margins()
    return [
        LinkNow(
            link,
            tuple(by_link[link.pk]),
            tuple(
                margins[way]
                for row in by_link[link.pk]
                if (way := (row.corridor.origin_id, row.corridor.destination_id)) in margins
            ),
        )
        for link in found
    ]


def corridors_now(rows: Iterable[Corridor], *, now: datetime) -> list[CorridorNow]:
    """Return corridors as they stand, in seven statements beside the caller's, however many there are."""
    found = list(rows)
    ids = [row.pk for row in found]
    agreements = _by_corridor(Agreement.objects.filter(corridor__in=ids).order_by("corridor_id", "version"))
    leaves = _by_corridor(Leave.objects.filter(_holds("valid_from", "valid_to", now), corridor__in=ids))
    suspensions = _by_corridor(
        Suspension.objects.filter(corridor__in=ids, resumed_at=None).select_related("side", "by").order_by("pk")
    )
    delinkings = _by_corridor(
        Delinking.objects.filter(corridor__in=ids).select_related("instrument__side").order_by("pk")
    )
    mechanisms = set(
        MechanismUnit.objects.filter(link__in={row.link_id for row in found})
        .order_by()
        .values_list("link_id", "unit_type__jurisdiction_id")
    )
    rows_of_quotas = list(
        Quota.objects.filter(corridor__link__in={row.link_id for row in found}, kind__in=QUOTAS_SHOWN)
        .select_related("corridor")
        .order_by("pk")
    )
    under_way = open_transfers(ids, now=now)
    return [
        _now(
            row,
            agreements.get(row.pk, ()),
            next(iter(leaves.get(row.pk, ())), None),
            suspensions.get(row.pk, ()),
            next(iter(reversed(delinkings.get(row.pk, ()))), None),
            (row.link_id, row.origin_id) in mechanisms,
            rows_of_quotas,
            under_way.get(row.pk, NOTHING_OPEN),
            now,
        )
        for row in found
    ]


QUOTAS_SHOWN = ("entry", "leave", "vintage", "net-flow", "reserve")


def _now(
    corridor: Corridor,
    agreements: Sequence[Agreement],
    leave: Leave | None,
    suspensions: Sequence[Suspension],
    delinking: Delinking | None,
    lists_mechanisms: bool,
    rows: Sequence[Quota],
    under_way: OpenTransfers,
    now: datetime,
) -> CorridorNow:
    agreement = next((row for row in agreements if is_in_force(row, now)), None)
    terms = None if agreement is None else terms_from(agreement.terms)
    net_year = year_of(now, ZoneInfo(corridor.destination.time_zone))
    is_for_life = terms is not None and terms.entry_quota is not None and terms.entry_quota.window is Window.LIFE
    year = 0 if is_for_life else net_year
    flow = next((row for row in rows if _is(row, "net-flow", corridor.pk, net_year)), None)
    opposite = next(
        (
            row.used
            for row in rows
            if row.kind == "net-flow"
            and row.year == net_year
            and row.corridor is not None
            and row.corridor.link_id == corridor.link_id
            and row.corridor_id != corridor.pk
        ),
        0,
    )
    imbalance = (0 if flow is None else flow.reserved + flow.used) - opposite
    agreed = None if terms is None or terms.entry_quota is None else terms.entry_quota.limit
    meter = meter_of(None if terms is None else terms.reciprocity, imbalance, agreed)
    return CorridorNow(
        corridor=corridor,
        standings=standings(
            has_terms=agreement is not None,
            has_ended=bool(agreements) and agreements[-1].effective_from <= now,
            has_leave=leave is not None,
            suspended_by=[row.side.code for row in suspensions],
            degree=Degree(corridor.link.degree),
            is_the_open_one=corridor.link.open_corridor_id == corridor.pk,
            lists_mechanisms=lists_mechanisms,
        ),
        suspensions=tuple(suspensions),
        agreement=agreement,
        terms=terms,
        following=next((row for row in agreements if row.effective_from > now), None),
        leave=leave,
        delinking=delinking,
        year=year,
        net_year=net_year,
        meter=meter,
        quotas=quotas_now(corridor, terms, leave, meter, rows, year=year, net_year=net_year, opposite=opposite),
        open=under_way,
    )


def _is(row: Quota, kind: str, corridor_id: int, year: int) -> bool:
    return (row.kind, row.corridor_id, row.year) == (kind, corridor_id, year)


def is_in_force(agreement: Agreement, at: datetime) -> bool:
    """Return whether terms are in force at an instant."""
    return agreement.effective_from <= at and (agreement.superseded_at is None or at < agreement.superseded_at)


def _margins() -> Mapping[tuple[int, int], MarginNow]:
    """Return the margins of all links by (issuer, where it was surrendered), in one statement."""
    rows = (
        Margin.objects.order_by()
        .values("origin_id", "origin__code", "obligation__jurisdiction_id", "obligation__jurisdiction__code")
        .annotate(quantities=Sum("quantity"), values_=Sum("value"), margins=Sum("margin"), pools=Sum("pooled"))
    )
    return {
        (row["origin_id"], row["obligation__jurisdiction_id"]): MarginNow(
            row["origin__code"],
            row["obligation__jurisdiction__code"],
            int(row["quantities"]),
            int(row["values_"]),
            int(row["margins"]),
            int(row["pools"]),
        )
        for row in rows
    }


def _by_corridor(rows: QuerySet) -> Mapping[int, list]:  # type: ignore[type-arg]
    found: dict[int, list] = defaultdict(list)  # type: ignore[type-arg]
    for row in rows:
        found[row.corridor_id].append(row)
    return found


def _holds(begins: str, ends: str, at: datetime) -> Q:
    return Q(**{f"{begins}__lte": at}) & (Q(**{f"{ends}__isnull": True}) | Q(**{f"{ends}__gt": at}))
