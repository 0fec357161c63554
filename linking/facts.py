"""What PostgreSQL knows about a link's corridors and quotas, asked in one round trip (`linking_facts`), as frozen facts."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from accounts.calendars import calendar_and_rules
from accounts.rules.calendars import Calendar
from linking.rules.crossing import (
    NOTHING,
    AgreementFacts,
    CorridorFacts,
    LinkFacts,
    Part,
    QuotaFacts,
    QuotaName,
    RecognitionFacts,
    SurrenderedFacts,
    parts_of,
)
from linking.rules.rates import Rate
from linking.rules.strict import Faults, read_part
from linking.rules.terms import Settling, Terms, UseQuotaNode, terms_from
from registry.database_transaction import DatabaseTransaction
from registry.facts import instant
from registry.models import Freeze
from registry.rules.checks_of_form import printed
from registry.rules.facts import Context, units_of
from registry.rules.proposal import SerialRange


def read(database: DatabaseTransaction, context: Context, *, lock: bool) -> LinkFacts:
    """Lock the corridors and quotas that a transaction bears on and return what is known; with `lock` false, only look.

    The accounts are locked already: corridors come after them, then quotas, each by id.
    """
    parts = tuple(parts_of(context))
    if not parts:
        return NOTHING
    request: dict[str, Any] = {
        "now": context.now.isoformat(),
        "pieces": [list(row) for row in dict.fromkeys(map(_asked, parts))],
        "home": parts[0].sender.jurisdiction_id,
    }
    if context.own is not None:
        request["own"] = context.own
    if context.type.needs_obligation and context.proposal.obligation is not None:
        request["obligation"] = context.proposal.obligation
    answer = json.loads(database.ask("linking_facts", json.dumps(request), lock) or "{}")
    return replace(facts_from(answer, context, parts), frozen_at_home=tuple(_frozen_at_home(context, parts)))


def _frozen_at_home(context: Context, parts: Iterable[Part]) -> Iterator[str]:
    """Yield what goes onward although its issuer has frozen it; asked only of what goes onward, since at home it is marked."""
    if not any(part.enters and part.is_foreign for part in parts):
        return
    for registry, piece in dict.fromkeys(
        (registry, piece) for found in context.lines for registry, _, piece in units_of(found)
    ):
        overlapping = Freeze.objects.filter(
            origin_id=piece.origin_id,
            jurisdiction_id=piece.origin_id,
            released_at=None,
            first_no__lt=piece.next,
            next_no__gt=piece.first,
        )
        if overlapping.exists():
            yield printed(SerialRange(registry, piece.first, piece.next))


def _asked(part: Part) -> tuple[Any, ...]:
    return (
        part.origin_id,
        part.sender.jurisdiction_id,
        part.acquirer.jurisdiction_id,
        part.vintage,
        part.recognition_id,
        part.sender.holder_id,
        part.acquirer.holder_id,
    )


def facts_from(answer: Mapping[str, Any], context: Context, parts: Iterable[Part]) -> LinkFacts:
    """Turn the answer of `linking_facts` into frozen facts."""
    corridors: dict[tuple[int, int], CorridorFacts] = {}
    for row in answer["corridors"].values():
        corridors[row["origin_id"], row["destination_id"]] = _corridor(row)
    return LinkFacts(
        corridors=corridors,
        quotas={_quota_name(row): _quota(row) for row in answer["quotas"]},
        recognitions={int(name): _recognition(row) for name, row in answer["recognitions"].items()},
        recognised_as={
            (origin, acquirer, before): after
            for origin, acquirer, before, after in answer["after"]
            if after is not None
        },
        surrendered=tuple(
            SurrenderedFacts(origin_id, origin, unit_type, Rate(numerator, denominator), units)
            for origin_id, origin, unit_type, numerator, denominator, units in answer.get("surrendered") or ()
        ),
        use_nodes=tuple((_node(name, node), base) for name, node, base in answer.get("nodes") or ()),
        margin_account=None if answer.get("margin_account") is None else tuple(answer["margin_account"]),
        closed_days=_closed_days(corridors.values(), context, parts),
    )


def _corridor(row: Mapping[str, Any]) -> CorridorFacts:
    sides = ((row["origin"], row["suspended_by_origin"]), (row["destination"], row["suspended_by_destination"]))
    leave = row["leave"]
    return CorridorFacts(
        id=row["id"],
        origin=row["origin"],
        destination=row["destination"],
        degree=row["degree"],
        is_the_open_one=row["open_corridor_id"] == row["id"],
        suspended_by=tuple(side for side, is_suspended in sides if is_suspended),
        mechanisms=frozenset(row["mechanisms"] or ()),
        agreement=None if row["agreement_id"] is None else _agreement(row),
        has_leave=leave is not None,
        leave_limit=None if leave is None else leave["limit"],
        year=row["year"] or 0,
        net_year=row["net_year"],
        imbalance=row["imbalance"],
        time_zone=row["time_zone"],
        reserve_held=row["reserve_held"],
    )


def _agreement(row: Mapping[str, Any]) -> AgreementFacts:
    return AgreementFacts(
        id=row["agreement_id"],
        version=row["version"],
        effective_from=datetime.fromisoformat(row["effective_from"]),
        superseded_at=instant(row["superseded_at"]),
        last_settlement_at=instant(row["last_settlement_at"]),
        terms=terms_from(row["terms"]),
    )


def _quota_name(row: Mapping[str, Any]) -> QuotaName:
    return row["kind"], row["corridor_id"], row["year"], row["vintage"], row["holder_id"]


def _quota(row: Mapping[str, Any]) -> QuotaFacts:
    return QuotaFacts(row["reserved"], row["used"], row["opposite"] or 0)


def _recognition(row: Mapping[str, Any]) -> RecognitionFacts:
    return RecognitionFacts(
        rate=Rate(row["numerator"], row["denominator"]),
        agreement_id=row["agreement"],
        origin_id=row["origin"],
        destination_id=row["destination"],
        pools_margin=row["margin"] == "pooled",
        bound_home=row["home"],
        bound_within=row["within"],
    )


def _node(name: str, node: Mapping[str, Any]) -> UseQuotaNode:
    """A part of the use quota under its whole name, which begins with the issuer's code: two corridors may use one name."""
    faults: Faults = []
    read_node = read_part(UseQuotaNode, node, "", faults)
    assert read_node is not None, faults
    return replace(read_node, name=name)


def calendars_of(context: Context, parts: Iterable[Part]) -> dict[str, Calendar]:
    """Return the working calendars around now of the jurisdictions that send and acquire, by code."""
    sides = {row.jurisdiction: row.jurisdiction_id for part in parts for row in (part.sender, part.acquirer)}
    return {code: calendar_and_rules(place, context.now, ())[0] for code, place in sorted(sides.items())}


def _closed_days(corridors: Iterable[CorridorFacts], context: Context, parts: Iterable[Part]) -> frozenset[str]:
    """The jurisdictions of both sides where today is no working day, asked only where some terms settle on working days."""
    terms: list[Terms] = [row.agreement.terms for row in corridors if row.agreement is not None]
    if not any(one.settlement_days is Settling.WORKING for one in terms):
        return frozenset()
    calendars = calendars_of(context, parts)
    return frozenset(code for code, row in calendars.items() if not row.is_working(row.day_of(context.now)))
