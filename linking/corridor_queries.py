"""What the corridors of links are at, as pages show it: state, terms, leave, quotas as they stand now, the imbalance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.db.models import Prefetch, Q, QuerySet

from linking.models import Agreement, Corridor, Delinking, Leave, Link, Quota, Suspension
from linking.rules.degrees import Degree, corridor_is_open
from linking.rules.quotas import year_of
from linking.rules.reciprocity import Meter, meter_of
from linking.rules.terms import Terms, Window, terms_from


class CorridorState(StrEnum):
    """What a corridor is at, at a glance. Texts: `corridor-state.<state>`."""

    OPEN = "open"
    SUSPENDED = "suspended"
    ENDED = "ended"
    NO_TERMS = "no-terms"
    NO_LEAVE = "no-leave"
    DEGREE = "degree"
    MECHANISMS = "mechanisms"


@dataclass(frozen=True, slots=True)
class QuotaBar:
    """One quota as it is drawn. `limit` as it holds now, None: there is none. `agreed`: before taper, where that differs."""

    kind: str
    of: str
    window: str
    measure: str
    limit: int | None
    agreed: int | None
    reserved: int
    used: int

    @property
    def left(self) -> int | None:
        """What may still be reserved; never below nought."""
        return None if self.limit is None else max(0, self.limit - self.reserved - self.used)


@dataclass(frozen=True, slots=True)
class CorridorView:
    """One corridor as its page shows it."""

    corridor: Corridor
    state: CorridorState
    suspensions: tuple[Suspension, ...]
    agreement: Agreement | None
    coming: Agreement | None
    terms: Terms | None
    leave: Leave | None
    ends: Delinking | None
    bars: tuple[QuotaBar, ...]
    meter: Meter | None
    year: int

    @property
    def name(self) -> str:
        """The corridor by its codes."""
        return str(self.corridor)


def with_corridors(links: QuerySet[Link], *, now: datetime) -> QuerySet[Link]:
    """Return links with what their corridors are at, in seven statements however many there are."""
    corridors = Corridor.objects.select_related("origin", "destination").prefetch_related(
        Prefetch("agreements", Agreement.objects.exclude(superseded_at__lte=now).order_by("version")),
        Prefetch("leaves", Leave.objects.filter(_in_force("valid_from", "valid_to", now)).order_by("id")),
        Prefetch("suspensions", Suspension.objects.filter(resumed_at=None).select_related("side", "by")),
        Prefetch("delinkings", Delinking.objects.select_related("instrument__side").order_by("id")),
    )
    return links.select_related("first", "second").prefetch_related(
        Prefetch("corridors", corridors.order_by("id")), "mechanism_units__unit_type"
    )


def _in_force(begins: str, ends: str, now: datetime) -> Q:
    return Q(**{f"{begins}__lte": now}) & (Q(**{f"{ends}__isnull": True}) | Q(**{f"{ends}__gt": now}))


def state_of(link: Link, corridor: Corridor, *, now: datetime) -> CorridorState:
    """Return what a corridor of `with_corridors` is at; of several reasons why nothing enters, the first to be mended."""
    in_force = [row for row in corridor.agreements.all() if row.effective_from <= now]
    if corridor.suspended_by_origin or corridor.suspended_by_destination:
        return CorridorState.SUSPENDED
    if not in_force:
        ended = any(row.takes_effect_at <= now for row in corridor.delinkings.all())
        return CorridorState.ENDED if ended else CorridorState.NO_TERMS
    if not corridor.leaves.all():
        return CorridorState.NO_LEAVE
    degree, is_named = Degree(link.degree), link.open_corridor_id == corridor.pk
    if corridor_is_open(degree, is_the_unilateral_one=is_named, of_listed_mechanism=False):
        return CorridorState.OPEN
    listed = any(row.unit_type.jurisdiction_id == corridor.origin_id for row in link.mechanism_units.all())
    if corridor_is_open(degree, is_the_unilateral_one=is_named, of_listed_mechanism=listed):
        return CorridorState.MECHANISMS
    return CorridorState.DEGREE


def views_of(link: Link, *, now: datetime, names_holders_of: frozenset[str] | None) -> tuple[CorridorView, ...]:
    """Return both corridors of a link of `with_corridors`, with their quotas. In one statement more.

    `names_holders_of`: the jurisdictions whose holders the reader may know, None: of all.
    """
    corridors = list(link.corridors.all())
    quotas = list(
        Quota.objects.filter(corridor__in=corridors).select_related("holder").order_by("kind", "vintage", "id")
    )
    return tuple(_view(link, corridor, quotas, now, names_holders_of) for corridor in corridors)


def _view(
    link: Link, corridor: Corridor, quotas: Sequence[Quota], now: datetime, names_holders_of: frozenset[str] | None
) -> CorridorView:
    agreements = list(corridor.agreements.all())
    agreement = next((row for row in agreements if row.effective_from <= now), None)
    terms = None if agreement is None else terms_from(agreement.terms)
    leave = next(iter(corridor.leaves.all()), None)
    year = year_of(now, ZoneInfo(corridor.destination.time_zone))
    meter: Meter | None = None
    bars: tuple[QuotaBar, ...] = ()
    if terms is not None:
        opposite = sum(row.used for row in quotas if _is(row, "net-flow", year) and row.corridor_id != corridor.pk)
        own = [row for row in quotas if row.corridor_id == corridor.pk]
        entered = sum(row.reserved + row.used for row in own if _is(row, "net-flow", year))
        limit = None if terms.entry_quota is None else terms.entry_quota.limit
        meter = meter_of(terms.reciprocity, entered - opposite, limit)
        names = names_holders_of is None or corridor.destination.code in names_holders_of
        bars = tuple(_bars(terms, leave, own, meter, year, opposite, names))
    return CorridorView(
        corridor=corridor,
        state=state_of(link, corridor, now=now),
        suspensions=tuple(corridor.suspensions.all()),
        agreement=agreement,
        coming=next((row for row in agreements if row.effective_from > now), None),
        terms=terms,
        leave=leave,
        ends=next((row for row in reversed(corridor.delinkings.all()) if row.takes_effect_at > now), None),
        bars=bars,
        meter=meter,
        year=year,
    )


def _is(row: Quota, kind: str, year: int) -> bool:
    return row.kind == kind and row.year == year


def _bars(
    terms: Terms, leave: Leave | None, rows: Sequence[Quota], meter: Meter, year: int, opposite: int, names: bool
) -> Iterator[QuotaBar]:
    """Yield the quotas that the terms and the leave set, as they stand now: also those that nothing was taken from yet."""
    quota = terms.entry_quota
    of_life = quota is not None and quota.window is Window.LIFE
    window = 0 if of_life else year
    shown = str(year) if window else "life"
    counted = {(row.kind, row.vintage, row.holder_id): row for row in rows if row.year == window}

    def bar(kind: str, limit: int | None, vintage: int | None = None, agreed: int | None = None) -> QuotaBar:
        row = counted.get((kind, vintage, None))
        measure = str(quota.measure) if kind == "entry" and quota is not None else "units"
        reserved, used = (0, 0) if row is None else (row.reserved, row.used)
        return QuotaBar(kind, str(vintage or ""), shown, measure, limit, agreed, reserved, used)

    if quota is not None:
        agreed = meter.agreed_limit if meter.agreed_limit != meter.entry_limit else None
        yield bar("entry", meter.entry_limit, agreed=agreed)
    if leave is not None:
        yield bar("leave", leave.limit)
    for limited in terms.vintage_limits:
        yield bar("vintage", limited.limit, limited.vintage)
    if terms.net_flow_limit is not None:
        net = next((row for row in rows if _is(row, "net-flow", year)), None)
        reserved, used = (0, 0) if net is None else (net.reserved, net.used)
        # What came the other way makes room, so the limit as it holds now is the agreed one and that.
        limit = terms.net_flow_limit + opposite
        agreed = terms.net_flow_limit if opposite else None
        yield QuotaBar("net-flow", "", str(year), "units", limit, agreed, reserved, used)
    if terms.rate.rate.exceeds_one:
        added = next((row for row in rows if _is(row, "reserve", 0)), None)
        reserved, used = (0, 0) if added is None else (added.reserved, added.used)
        yield QuotaBar("reserve", "", "life", "recognised", terms.rate.reserve, None, reserved, used)
    if terms.holder_limit is not None and names:
        for row in rows:
            if row.kind == "holder" and row.year == window and row.holder is not None and row.reserved + row.used:
                yield QuotaBar(
                    "holder", row.holder.name, shown, "units", terms.holder_limit, None, row.reserved, row.used
                )
