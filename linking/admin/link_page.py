"""A link's page: how it stands, as `linking.queries` reads it, with its texts and drawings, as the template prints it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from accounts.models import Jurisdiction
from accounts.rules.access import Actor
from accounts.texts import text
from linking import admin_queries, queries
from linking.admin import drawing
from linking.admin.base import SHORT_DIGEST, caveats_of
from linking.admin.link_books import figures_shown
from linking.admin.link_history import history_shown, instruments_shown
from linking.admin.link_steps import steps_shown
from linking.flow_queries import Flow, flows
from linking.models import Link
from linking.operations.sides import side_for
from linking.queries import CorridorNow, LinkNow, MarginNow
from linking.quota_list_queries import holder_quotas
from linking.quota_queries import QuotaNow
from linking.rules.degrees import Degree, step_after
from linking.rules.reciprocity import thresholds_of
from registry.admin.deciding import page_of_transaction

MONTHS = 12


def shown(link: Link, actor: Actor, *, now: datetime, readable: frozenset[str] | None) -> dict[str, Any]:
    """Return what the page of a link prints. `readable`: the jurisdictions whose holders the reader may know, None for all."""
    (found,) = queries.links_now([link], now=now)
    transfers, more = admin_queries.open_transfers(found, readable)
    own = side_for(actor, link)
    degree = Degree(link.degree)
    read = [row for row in found.corridors if readable is None or row.corridor.destination.code in readable]
    holders, more_holders = holder_quotas(read, most=admin_queries.MOST_SHOWN)
    return {
        "caveats": caveats_of(link),
        "degree": degree,
        "degree_name": text(f"degree.{degree}"),
        "degree_lets": text(f"degree-lets.{degree}"),
        "continuum": drawing.continuum(degree),
        "continuum_narrow": drawing.continuum(degree, columns=4),
        "open_corridor": next(
            (str(row.corridor) for row in found.corridors if row.corridor.pk == link.open_corridor_id), ""
        ),
        "mechanisms": [str(row.unit_type) for row in link.mechanism_units.select_related("unit_type")],
        "side": own,
        "corridors": [_corridor(row, holders.get(row.corridor.pk, ()), own, now) for row in found.corridors],
        "more_holders": more_holders,
        **_flows(found, now),
        "transfers": [_transfer(row, now) for row in transfers],
        "more_transfers": more,
        "margins": [_margin(row) for row in found.margins],
        **steps_shown(link, own, now),
        "next_degree": step_after(degree),
        "may_lower": degree is not Degree.NONE,
        "instruments": instruments_shown(link),
        "history": history_shown(link),
        **figures_shown(link, readable=readable),
    }


def standings_shown(corridor: CorridorNow) -> SafeString:
    """Return how a corridor stands: open, or everything that is in the way."""
    rows = ((row, text(f"corridor-standing.{row}")) for row in corridor.standings)
    return format_html_join(" ", '<span class="corridor-state corridor-{}">{}</span>', rows)


def _corridor(
    row: CorridorNow, holders: Sequence[tuple[str, QuotaNow]], own: Jurisdiction | None, now: datetime
) -> dict[str, Any]:
    terms, meter, leave = row.terms, row.meter, row.leave
    thresholds = () if terms is None or terms.reciprocity is None else thresholds_of(terms.reciprocity)
    until = text(f"reciprocity-level.{meter.next_level}") if meter.next_level else ""
    return {
        "now": row,
        "name": str(row.corridor),
        "pk": row.corridor.pk,
        "states": standings_shown(row),
        "ends": row.delinking if row.delinking is not None and row.delinking.takes_effect_at > now else None,
        "digest": "" if row.agreement is None else row.agreement.digest[:SHORT_DIGEST],
        "rate": None if terms is None else f"{terms.rate.numerator}/{terms.rate.denominator}",
        "bars": [_bar(*bar) for bar in _quotas(row, holders)],
        "meter": drawing.imbalance_meter(meter.imbalance, thresholds) if thresholds else None,
        "imbalance": f"{meter.imbalance:,}",
        "level": text(f"reciprocity-level.{meter.level}"),
        "until_next": text("link.until-next", units=f"{meter.until_next:,}", level=until) if until else "",
        "thresholds": [(text(f"reciprocity-level.{level}"), f"{at:,}") for at, level in thresholds],
        "margin": "" if terms is None else text(f"link.margin-{terms.margin}"),
        "suspended_by_us": any(suspension.side == own for suspension in row.suspensions),
        "is_origin": row.corridor.origin == own,
        "leave_limit": "" if leave is None or leave.limit is None else f"{leave.limit:,}",
    }


def _quotas(row: CorridorNow, holders: Sequence[tuple[str, QuotaNow]]) -> Iterator[tuple[str, QuotaNow, int | None]]:
    """Yield the quotas that the terms and the leave set: of whom or what, the quota, and what was agreed where that differs."""
    for quota in row.quotas:
        if quota.limit is None and not (quota.kind == "leave" and row.leave is not None):
            continue
        agreed = None
        if quota.kind == "entry" and row.meter.agreed_limit != quota.limit:
            agreed = row.meter.agreed_limit
        if quota.opposite:
            # What came the other way makes room, so the limit as it holds now is the agreed one and that.
            agreed = quota.limit
        yield str(quota.vintage or ""), quota, agreed
    for name, quota in holders:
        yield name, quota, None


def _bar(of: str, quota: QuotaNow, agreed: int | None) -> dict[str, Any]:
    limit = None if quota.limit is None else quota.limit + quota.opposite
    return {
        "name": f"{text(f'quota.{quota.kind}')} {of}".strip(),
        "window": str(quota.year) if quota.year else text("link.whole-life"),
        "measure": text(f"link.measure.{quota.measure}"),
        # Without a limit there is nothing that a bar could be a part of.
        "drawn": "" if limit is None else drawing.quota_bar(limit, quota.reserved, quota.used),
        "used": f"{quota.used:,}",
        "reserved": f"{quota.reserved:,}",
        "left": "" if quota.left is None else f"{quota.left:,}",
        "limit": text("link.no-limit") if limit is None else f"{limit:,}",
        "agreed": "" if agreed is None else f"{agreed:,}",
        "kind": quota.kind,
    }


def _flows(found: LinkNow, now: datetime) -> dict[str, Any]:
    """What crossed in the last months, each of its destination's calendar; the one that is ahead says which month it is."""
    corridors = [row.corridor for row in found.corridors]
    last = max(now.astimezone(ZoneInfo(row.destination.time_zone)).date() for row in corridors)
    numbers = range(last.year * 12 + last.month - MONTHS, last.year * 12 + last.month)
    months = [date(number // 12, number % 12 + 1, 1) for number in numbers]
    # A day earlier than the first month begins in UTC, since it begins earlier here.
    since = datetime.combine(months[0], time(), UTC) - timedelta(days=1)
    read = flows([row.pk for row in corridors], as_of=now, since=since)
    by_month = {(row.corridor_id, row.month): row for row in read}
    nothing = Flow(0, "", "", last)
    told = [[by_month.get((row.pk, month), nothing) for month in months] for row in corridors]
    names = [str(row) for row in corridors]
    series = [
        [(f"{month:%Y-%m}", row.entered, row.returned) for month, row in zip(months, rows, strict=True)]
        for rows in told
    ]
    return {
        "flow_names": names,
        "flows_drawn": drawing.flows_chart((names[0], series[0]), (names[1], series[1])),
        "flow_rows": [
            {
                "month": f"{month:%Y-%m}",
                "units": [f"{units:,}" for row in rows for units in (row.entered, row.returned)],
            }
            for month, *rows in zip(months, *told, strict=True)
        ],
        "flow_sums": [
            f"{total:,}"
            for rows in told
            for total in (sum(row.entered for row in rows), sum(row.returned for row in rows))
        ],
    }


def _transfer(found: admin_queries.OpenTransfer, now: datetime) -> dict[str, Any]:
    row = found.row
    return {
        "id": row.pk,
        "address": page_of_transaction(row.pk) if found.may_be_opened else "",
        "state": text(f"transaction-state.{row.state}"),
        "legs": [f"{corridor}, {text(f'link.way-{way}')}: {units:,}" for corridor, way, units in found.legs],
        "proposed_at": row.proposed_at,
        "age": text("link.age", days=(now - row.proposed_at).days, hours=(now - row.proposed_at).seconds // 3600),
        "until": row.expires_at if row.state == "AWAITING_APPROVAL" else row.due_at,
    }


def _margin(row: MarginNow) -> dict[str, str]:
    numbers = {name: f"{getattr(row, name):,}" for name in ("quantity", "value", "margin", "retired", "pooled")}
    return {"origin": row.origin, "place": row.destination, **numbers}
