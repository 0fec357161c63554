"""What the administration's pages show of links: read here, drawn and told elsewhere. Statements do not grow with what is there.

Links, and all that belongs to one, are read by whoever may read everything in one of its two jurisdictions; a third city's staff
do not see them. What names a holder is for the readers of the destination.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, OuterRef, Prefetch, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth

from accounts.models import Jurisdiction
from accounts.queries import readable_jurisdictions
from accounts.rules.access import EVERYWHERE, Actor, role_name
from linking.models import (
    Agreement,
    Condition,
    Corridor,
    Delinking,
    Instrument,
    Leave,
    Link,
    Margin,
    Quota,
    QuotaUse,
    Signature,
    Suspension,
)
from linking.operations.sides import ADMINISTRATORS, acts_for, is_senior
from linking.rules.degrees import Degree, corridor_is_open
from linking.rules.quotas import year_of
from linking.rules.reciprocity import Meter, meter_of
from linking.rules.terms import Terms, Window, terms_from
from registry.models import Transaction
from registry.rules.states import State

OPEN_STATES = (State.AWAITING_APPROVAL, State.DELAYED, State.ON_HOLD, State.PROPOSED, State.ACCEPTED)
OF_EACH_SIDE = 2
MONTHS = 12
# As many as a person looks through.
MOST_SHOWN = 100


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


def _in_force(begins: str, ends: str, now: datetime) -> Q:
    return Q(**{f"{begins}__lte": now}) & (Q(**{f"{ends}__isnull": True}) | Q(**{f"{ends}__gt": now}))


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


def signed_by(instruments: QuerySet[Instrument]) -> QuerySet[Instrument]:
    """Return instruments with their link, who proposed and who signed: in two statements however many there are."""
    signatures = Signature.objects.select_related("user", "jurisdiction").order_by("id")
    return instruments.select_related(
        "link__first", "link__second", "corridor__origin", "corridor__destination", "side", "proposed_by"
    ).prefetch_related(Prefetch("signatures", signatures))


def sides_of(link: Link, actor: Actor) -> tuple[Jurisdiction, ...]:
    """Return the side of a link that a person may act for; whoever could for both, or everywhere, acts for neither."""
    found = tuple(side for side in (link.first, link.second) if acts_for(actor, side.code))
    return found if len(found) == 1 and not _administers_everywhere(actor) else ()


def _administers_everywhere(actor: Actor) -> bool:
    return any(role_name(role, EVERYWHERE) in actor.roles for role in ADMINISTRATORS)


def awaiting_signature(actor: Actor) -> QuerySet[Instrument]:
    """Return the instruments that a person could sign now, the oldest first. In one statement.

    The second signature of a side is a senior administrator's, and nobody signs twice, or ever for both sides of a link.
    """
    rows = Instrument.objects.filter(concluded_at=None, withdrawn_at=None)
    if actor.user_id is None or _administers_everywhere(actor):
        return rows.none()
    homes = {role.rpartition("@")[2] for role in actor.roles}
    mine = [code for code in homes if acts_for(actor, code)]
    given = Signature.objects.filter(instrument=OuterRef("pk"))
    wanted = Q(pk__in=[])
    for code in mine:
        others = Signature.objects.filter(user_id=actor.user_id, instrument__link=OuterRef("link")).exclude(
            jurisdiction__code=code
        )
        of_side = given.filter(jurisdiction__code=code).order_by().values("instrument")
        signed = of_side.annotate(count=Count("pk")).values("count")
        few = ~Exists(signed.filter(count__gte=OF_EACH_SIDE if is_senior(actor, code) else 1))
        is_side = Q(side__code=code) | Q(side=None) & (Q(link__first__code=code) | Q(link__second__code=code))
        wanted |= is_side & few & ~Exists(others)
    # Who may act for both sides of a link acts for neither.
    both = Q(link__first__code__in=mine, link__second__code__in=mine)
    return rows.filter(wanted & ~both & ~Exists(given.filter(user_id=actor.user_id))).order_by("proposed_at", "id")


def may_be_signed(instrument: Instrument, actor: Actor) -> bool:
    """Return whether a person could sign an instrument of `signed_by` now, as `awaiting_signature` has it."""
    return awaiting_signature(actor).filter(pk=instrument.pk).exists()


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
