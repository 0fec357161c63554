"""A link's page: what `admin_queries` reads, with its texts and drawings, as the template prints it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from accounts.rules.access import Actor
from accounts.texts import text
from linking import admin_queries, corridor_queries, signing_queries
from linking.admin import drawing
from linking.admin.base import caveats_of, page_of_instrument
from linking.admin.link_books import figures_shown
from linking.admin_queries import MonthFlow
from linking.corridor_queries import CorridorView, QuotaBar
from linking.degree_queries import missing
from linking.models import Instrument, Link
from linking.rules.degrees import Degree, Ticker, conditions_of, step_after
from linking.rules.reciprocity import thresholds_of
from linking.rules.terms import Direction
from registry.admin.deciding import page_of_transaction

SHORT_DIGEST = 12
LONGEST_LIST = 50


def shown(
    link: Link, actor: Actor, *, now: datetime, everything: bool, names_holders_of: frozenset[str] | None
) -> dict[str, Any]:
    """Return what the page of a link of `with_corridors` prints."""
    views = corridor_queries.views_of(link, now=now, names_holders_of=names_holders_of)
    flows = admin_queries.flows_of(link, now=now)
    transfers, more = admin_queries.open_transfers(link, actor, everything=everything)
    own = signing_queries.sides_of(link, actor)
    degree = Degree(link.degree)
    instruments = signing_queries.signed_by(Instrument.objects.filter(link=link).order_by("-id"))[:LONGEST_LIST]
    return {
        "caveats": caveats_of(link),
        "degree": degree,
        "degree_name": text(f"degree.{degree}"),
        "degree_lets": text(f"degree-lets.{degree}"),
        "continuum": drawing.continuum(degree),
        "continuum_narrow": drawing.continuum(degree, columns=4),
        "open_corridor": next((str(row) for row in link.corridors.all() if row.pk == link.open_corridor_id), ""),
        "mechanisms": [str(row.unit_type) for row in link.mechanism_units.all()],
        "side": own[0] if own else None,
        "corridors": [_corridor(view, own) for view in views],
        **_flows(views, [flows[view.corridor.pk] for view in views], now),
        "transfers": [_transfer(row, now) for row in transfers],
        "more_transfers": more,
        "margins": [_margin(row) for row in admin_queries.margins_of(link)],
        "steps": list(_steps(link, now)),
        "next_degree": step_after(degree),
        "may_lower": degree is not Degree.NONE,
        "instruments": [_instrument(row) for row in instruments],
        "history": _history(link),
        **figures_shown(link, readable=names_holders_of),
    }


def _corridor(view: CorridorView, own: Sequence[Any]) -> dict[str, Any]:
    corridor, meter = view.corridor, view.meter
    thresholds = () if view.terms is None or view.terms.reciprocity is None else thresholds_of(view.terms.reciprocity)
    return {
        "view": view,
        "name": view.name,
        "pk": corridor.pk,
        "state": view.state,
        "state_name": text(f"corridor-state.{view.state}"),
        "digest": "" if view.agreement is None else view.agreement.digest[:SHORT_DIGEST],
        "rate": None if view.terms is None else f"{view.terms.rate.numerator}/{view.terms.rate.denominator}",
        "bars": [_bar(bar) for bar in view.bars],
        "meter": None if meter is None or not thresholds else drawing.imbalance_meter(meter.imbalance, thresholds),
        "imbalance": None if meter is None else f"{meter.imbalance:,}",
        "level": None if meter is None else text(f"reciprocity-level.{meter.level}"),
        "until_next": None
        if meter is None or meter.next_level is None
        else text(
            "link.until-next", units=f"{meter.until_next:,}", level=text(f"reciprocity-level.{meter.next_level}")
        ),
        "thresholds": [(text(f"reciprocity-level.{level}"), f"{at:,}") for at, level in thresholds],
        "margin": "" if view.terms is None else text(f"link.margin-{view.terms.margin}"),
        "suspended_by_us": any(row.side in own for row in view.suspensions),
        "is_origin": corridor.origin in own,
        "leave_limit": "" if view.leave is None or view.leave.limit is None else f"{view.leave.limit:,}",
    }


def _bar(bar: QuotaBar) -> dict[str, Any]:
    window = text("link.whole-life") if bar.window == "life" else bar.window
    return {
        "name": f"{text(f'quota.{bar.kind}')} {bar.of}".strip(),
        "window": window,
        "measure": text(f"link.measure.{bar.measure}"),
        # Without a limit there is nothing that a bar could be a part of.
        "drawn": "" if bar.limit is None else drawing.quota_bar(bar.limit, bar.reserved, bar.used),
        "used": f"{bar.used:,}",
        "reserved": f"{bar.reserved:,}",
        "left": "" if bar.left is None else f"{bar.left:,}",
        "limit": text("link.no-limit") if bar.limit is None else f"{bar.limit:,}",
        "agreed": "" if bar.agreed is None else f"{bar.agreed:,}",
        "kind": bar.kind,
    }


def _flows(views: Sequence[CorridorView], flows: Sequence[Sequence[MonthFlow]], now: datetime) -> dict[str, Any]:
    months = [f"{month:%Y-%m}" for month in admin_queries.months_before(now)]
    series = [[(month, row.entered, row.went_home) for month, row in zip(months, rows, strict=True)] for rows in flows]
    names = [view.name for view in views]
    return {
        "flow_names": names,
        "flows_drawn": drawing.flows_chart((names[0], series[0]), (names[1], series[1])),
        "flow_rows": [
            {"month": month, "units": [f"{units:,}" for row in rows for units in (row.entered, row.went_home)]}
            for month, *rows in zip(months, *flows, strict=True)
        ],
        "flow_sums": [
            f"{total:,}"
            for rows in flows
            for total in (sum(row.entered for row in rows), sum(row.went_home for row in rows))
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


def _margin(row: admin_queries.MarginSum) -> dict[str, str]:
    numbers = {name: f"{getattr(row, name):,}" for name in ("quantity", "value", "margin", "retired", "pooled")}
    return {"origin": row.origin, "place": row.place, **numbers}


def _steps(link: Link, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield what the next step asks for: once, or for each corridor that could be the one that a step to *unilateral* opens."""
    step = step_after(Degree(link.degree))
    if step is None:
        return
    ticks = admin_queries.last_ticks(link)
    ways = [Direction(row.origin.code, row.destination.code) for row in link.corridors.all()]
    for way in ways if step is Degree.UNILATERAL else [None]:
        lacking = {(row.condition.code, row.side): row for row in missing(link, step, way, now=now)}
        rows = []
        for condition in conditions_of(step):
            for side in _who_ticks(condition.ticked_by, link, way):
                tick = None if side is None else ticks.get((condition.code, side.pk))
                if side is None:
                    # What the registry computes may rest on what somebody found, whichever side that was.
                    found = [row for (code, _), row in ticks.items() if code == condition.code]
                    tick = max(found, key=lambda row: row.pk, default=None)
                code = None if side is None else side.code
                is_missing = (condition.code, code) in lacking
                rows.append(
                    {
                        "code": condition.code,
                        "name": text(f"condition.{condition.code}"),
                        "asks": text(f"condition-evidence.{condition.code}"),
                        "side": code,
                        "tick": tick,
                        "is_missing": is_missing,
                        "has_expired": is_missing and tick is not None and tick.expires_at is not None,
                        "ticked_by": text(f"condition-ticked-by.{condition.ticked_by}"),
                    }
                )
        yield {
            "step": step,
            "name": text(f"degree.{step}"),
            "way": "" if way is None else f"{way.origin} -> {way.destination}",
            "rows": rows,
            "is_complete": not lacking,
        }


def _who_ticks(ticker: Ticker, link: Link, way: Direction | None) -> tuple[Any, ...]:
    sides = {link.first.code: link.first, link.second.code: link.second}
    origin = sides[way.origin] if way is not None else link.first
    destination = sides[way.destination] if way is not None else link.second
    return {
        Ticker.BOTH: (origin, destination),
        Ticker.ORIGIN: (origin,),
        Ticker.DESTINATION: (destination,),
        Ticker.SYSTEM: (None,),
    }[ticker]


def _instrument(row: Instrument) -> dict[str, Any]:
    return {
        "row": row,
        "kind": text(f"instrument.{row.kind}"),
        "address": page_of_instrument(row),
        "state": text(f"instrument-state.{state_of(row)}"),
        "signed": [f"{signature.user} ({signature.jurisdiction})" for signature in row.signatures.all()],
        "digest": row.digest[:SHORT_DIGEST],
    }


def state_of(row: Instrument) -> str:
    """Return how far an instrument has come: open, concluded or withdrawn."""
    if row.concluded_at is not None:
        return "concluded"
    return "open" if row.withdrawn_at is None else "withdrawn"


def _history(link: Link) -> list[dict[str, Any]]:
    """Return what was done, the latest first."""
    found = admin_queries.history_of(link)
    rows: list[dict[str, Any]] = []
    for change in found["degrees"]:
        told = f"{text(f'degree.{change.from_degree}')} → {text(f'degree.{change.to_degree}')}"
        reason = str(change.instrument.content.get("reason", ""))
        rows.append(
            {
                "at": change.at,
                "what": text("link.degree"),
                "told": told,
                "reason": reason,
                "address": page_of_instrument(change.instrument_id),
            }
        )
    for row in found["suspensions"]:
        told = f"{row.corridor}, {text('link.by')} {row.side} ({row.by})"
        rows.append({"at": row.at, "what": text("link.suspended"), "told": told, "reason": row.reason, "address": ""})
        if row.resumed_at is not None:
            rows.append(
                {
                    "at": row.resumed_at,
                    "what": text("link.resumed"),
                    "told": f"{row.corridor}, {row.side}",
                    "reason": "",
                    "address": page_of_instrument(row.resume_instrument_id),
                }
            )
    for row in found["delinkings"]:
        told = (
            f"{row.corridor}, {row.instrument.side}, {text('link.takes-effect')} {row.takes_effect_at:%Y-%m-%d %H:%M}"
        )
        rows.append(
            {
                "at": row.noticed_at,
                "what": text("link.notice-given"),
                "told": told,
                "reason": str(row.instrument.content.get("reason", "")),
                "address": page_of_instrument(row.instrument_id),
            }
        )
    return sorted(rows, key=lambda row: row["at"], reverse=True)
