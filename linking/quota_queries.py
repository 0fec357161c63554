"""Reads of quotas: what is limited, reserved, used and left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet, Sum

from accounts import queries as people
from accounts.rules.access import Actor
from linking.models import Corridor, Leave, Quota
from linking.rules.reciprocity import Meter
from linking.rules.terms import Measure, Terms


@dataclass(frozen=True, slots=True)
class QuotaNow:
    """A quota, in its `measure`. `limit` None: there is none, and `left` is None.

    `year`: of the destination's calendar, 0 for the corridor's whole life. `opposite`: of a net flow, the units that came the
    other way, which make room; else 0.
    """

    kind: str
    year: int
    vintage: int | None
    measure: str
    limit: int | None
    reserved: int
    used: int
    opposite: int = 0

    @property
    def left(self) -> int | None:
        """What may still be reserved, never below nought."""
        return None if self.limit is None else max(0, self.limit + self.opposite - self.reserved - self.used)


def quotas_now(
    corridor: Corridor,
    terms: Terms | None,
    leave: Leave | None,
    meter: Meter,
    rows: Sequence[Quota],
    *,
    year: int,
    net_year: int,
    opposite: int,
) -> tuple[QuotaNow, ...]:
    """Return the quotas of a corridor in the windows of now, as the terms in force, the leave and the clause limit them.

    Also those of which nothing was used yet. `rows`: the quotas that were used, of this corridor among others.
    """
    taken = {
        (row.kind, row.year, row.vintage): (row.reserved, row.used) for row in rows if row.corridor_id == corridor.pk
    }

    def shown(kind: str, of_year: int, limit: int | None, vintage: int | None = None, **more: object) -> QuotaNow:
        reserved, used = taken.get((kind, of_year, vintage), (0, 0))
        measure = str(more.get("measure", Measure.UNITS))
        return QuotaNow(kind, of_year, vintage, measure, limit, reserved, used, opposite if kind == "net-flow" else 0)

    return (
        shown("entry", year, meter.entry_limit, measure=measure_of(terms)),
        # A leave lets out so many a calendar year, also where the entry quota is for the corridor's whole life.
        shown("leave", net_year, None if leave is None else leave.limit),
        *(shown("vintage", year, row.limit, row.vintage) for row in (() if terms is None else terms.vintage_limits)),
        shown("net-flow", net_year, None if terms is None else terms.net_flow_limit),
        # What a rate above one adds; also less where the destination has set less aside (check 6005).
        *([shown("reserve", 0, terms.rate.reserve)] if terms is not None and terms.rate.rate.exceeds_one else ()),
    )


def measure_of(terms: Terms | None) -> Measure:
    """Return what the entry quota of terms counts; units where there is none."""
    return Measure.UNITS if terms is None or terms.entry_quota is None else terms.entry_quota.measure


def visible_quotas(actor: Actor) -> QuerySet[Quota]:
    """Return the quotas that an actor may know of, in one statement. The order is the caller's.

    Those of corridors are for everybody; that of a holder for who may know of one of its accounts where the units came to, that
    of an operator for who may know of an account of its installation.
    """
    visible = people.visible_accounts(actor).order_by()
    of_holder = visible.filter(holder=OuterRef("holder"), jurisdiction=OuterRef("corridor__destination"))
    of_operator = visible.filter(installation=OuterRef("obligation__installation"))
    return Quota.objects.filter(
        ~Q(kind__in=("holder", "use")) | Q(Exists(of_holder), kind="holder") | Q(Exists(of_operator), kind="use")
    ).select_related(
        "corridor__origin", "corridor__destination", "holder", "obligation__installation", "obligation__jurisdiction"
    )


def opposite_used(rows: Sequence[Quota]) -> Mapping[int, int]:
    """Return what came the other way in the year of each net flow among quotas, by its id, in one statement at most."""
    flows = [row for row in rows if row.kind == "net-flow" and row.corridor is not None]
    if not flows:
        return {}
    used = {
        (row["corridor__origin_id"], row["corridor__destination_id"], row["year"]): int(row["sum"])
        for row in Quota.objects.filter(kind="net-flow", corridor__link__in=set(_links_of(flows)))
        .order_by()
        .values("corridor__origin_id", "corridor__destination_id", "year")
        .annotate(sum=Sum("used"))
    }
    return {
        row.pk: used.get((row.corridor.destination_id, row.corridor.origin_id, row.year), 0)
        for row in flows
        if row.corridor is not None
    }


def _links_of(rows: Sequence[Quota]) -> Iterator[int]:
    yield from (row.corridor.link_id for row in rows if row.corridor is not None)
