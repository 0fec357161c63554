"""What a transaction would do on each corridor it uses, for an explanation: terms, worth, quotas before and after, imbalance."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from linking.recognition_queries import RecognitionNow, recognitions
from linking.rules import checks, reciprocity
from linking.rules.crossing import CorridorFacts, LinkFacts, Part, QuotaFacts
from linking.rules.quotas import binding_node, given_back, use_limit
from linking.rules.terms import Measure, Terms, digest_of, terms_from
from registry.rules.checks_of_form import is_quantity
from registry.rules.crossings import CrossingTold, QuotaTold, Recognised, UseTold
from registry.rules.facts import Context
from registry.rules.types import Effect


def crossings(context: Context, facts: LinkFacts) -> tuple[CrossingTold, ...]:
    """Return what a transaction does on each corridor: first what goes home off one, then what enters by one.

    Of accounts that the actor may not know of nothing is told. Where units go home, in three statements; else in none.
    """
    if context.type.effect is not Effect.CROSS:
        return ()
    parts = checks.known_parts(context)
    home: dict[int, list[Part]] = defaultdict(list)
    entering: dict[tuple[int, int], list[Part]] = defaultdict(list)
    for part in parts:
        if part.is_crossing and part.is_foreign:
            home[part.recognition_id].append(part)
        if part.enters:
            entering[part.origin_id, part.acquirer.jurisdiction_id].append(part)
    came_by = {row.recognition.pk: row for row in recognitions(home)} if home else {}
    return (
        *_returns(home, came_by),
        *(_entry(facts, facts.corridors.get(way), found) for way, found in entering.items()),
    )


def uses(context: Context, facts: LinkFacts) -> tuple[UseTold, ...]:
    """Return the parts of the use quota that a surrender counts under; one binds. Source: domain.md section 7, quotas nest."""
    parts = [part for part in checks.known_parts(context) if part.is_foreign]
    counted = [
        (node, base, checks.used_of(node, facts, []), checks.used_of(node, facts, parts))
        for node, base in facts.use_nodes
        if any(node.counts(part.issuer, part.unit_type) for part in parts)
    ]
    binding = binding_node(
        [node for node, *_ in counted],
        {node.name: base for node, base, *_ in counted},
        {node.name: before for node, _, before, _ in counted},
        max((after - before for *_, before, after in counted), default=0),
    )
    return tuple(
        UseTold(
            node=node.name,
            quantity=after - before,
            limit=use_limit(node, base),
            left_before=max(0, use_limit(node, base) - before),
            left_after=use_limit(node, base) - after,
            binds=binding is not None and binding.node == node.name,
        )
        for node, base, before, after in counted
    )


def _returns(home: Mapping[int, list[Part]], came_by: Mapping[int, RecognitionNow]) -> Iterator[CrossingTold]:
    for recognition_id, parts in home.items():
        found = came_by.get(recognition_id)
        if found is None or found.agreement is None:
            continue
        agreement, units = found.agreement, _units(parts)
        recognised = Recognised(recognition_id, found.recognition.rate_numerator, found.recognition.rate_denominator)
        yield CrossingTold(
            way="return",
            corridor_id=agreement.corridor_id,
            origin=agreement.corridor.origin.code,
            destination=agreement.corridor.destination.code,
            agreement_id=agreement.pk,
            version=agreement.version,
            digest=agreement.digest,
            rate=recognised,
            quantity=units,
            recognised=recognised.value_of(units),
            quotas=tuple(_given_back(found, terms_from(agreement.terms), units)),
        )


def _given_back(found: RecognitionNow, terms: Terms, units: int) -> Iterator[QuotaTold]:
    quota = found.quota
    if quota is None or terms.entry_quota is None:
        return
    back = given_back(units, terms.rate.rate, terms.entry_quota.measure)
    left = None if quota.limit is None else quota.limit - quota.reserved - quota.used
    yield QuotaTold(
        kind="entry",
        year=quota.year,
        vintage=None,
        measure=str(terms.entry_quota.measure),
        quantity=back,
        limit=quota.limit,
        left_before=None if left is None else max(0, left),
        # Never more than was used.
        left_after=None if left is None else max(0, left + min(back, quota.used)),
    )


def _entry(facts: LinkFacts, corridor: CorridorFacts | None, parts: list[Part]) -> CrossingTold:
    units = _units(parts)
    destination = parts[0].acquirer.jurisdiction
    if corridor is None or corridor.agreement is None:
        return CrossingTold(
            way="entry",
            corridor_id=None if corridor is None else corridor.id,
            origin=parts[0].issuer,
            destination=destination,
            agreement_id=None,
            version=None,
            digest=None,
            rate=None,
            quantity=units,
            recognised=None,
        )
    agreement = corridor.agreement
    terms, rate = agreement.terms, agreement.terms.rate.rate
    recognised = Recognised(_known_as(facts, parts), rate.numerator, rate.denominator)
    return CrossingTold(
        way="entry",
        corridor_id=corridor.id,
        origin=corridor.origin,
        destination=corridor.destination,
        agreement_id=agreement.id,
        version=agreement.version,
        digest=digest_of(terms),
        rate=recognised,
        quantity=units,
        recognised=recognised.value_of(units),
        quotas=tuple(_taken(facts, corridor, terms, parts)),
        imbalance_before=corridor.imbalance,
        imbalance_after=corridor.imbalance + units,
        level_before=str(reciprocity.level_at(terms.reciprocity, corridor.imbalance)),
        level_after=str(reciprocity.level_at(terms.reciprocity, corridor.imbalance + units)),
    )


def _known_as(facts: LinkFacts, parts: list[Part]) -> int | None:
    """The recognition that they get; None: it is made with the transaction, or there are several."""
    after = {
        facts.recognised_as.get((part.origin_id, part.acquirer.jurisdiction_id, part.recognition_id)) for part in parts
    }
    return after.pop() if len(after) == 1 else None


def _taken(facts: LinkFacts, corridor: CorridorFacts, terms: Terms, parts: list[Part]) -> Iterator[QuotaTold]:
    measure = Measure.UNITS if terms.entry_quota is None else terms.entry_quota.measure
    for (kind, _, year, vintage, holder), limit, asked in checks.quotas_asked(corridor, terms, parts):
        row = facts.quotas.get((kind, corridor.id, year, vintage, holder), QuotaFacts(0, 0))
        yield _told(kind, year, vintage, str(measure) if kind == "entry" else "units", asked, limit, row)
    row = facts.quotas.get(("net-flow", corridor.id, corridor.net_year, None, None), QuotaFacts(0, 0))
    yield _told("net-flow", corridor.net_year, None, "units", _units(parts), terms.net_flow_limit, row)


def _told(
    kind: str, year: int, vintage: int | None, measure: str, asked: int, limit: int | None, row: QuotaFacts
) -> QuotaTold:
    left = None if limit is None else limit + row.opposite - row.taken
    return QuotaTold(
        kind=kind,
        year=year,
        vintage=vintage,
        measure=measure,
        quantity=asked,
        limit=limit,
        left_before=None if left is None else max(0, left),
        left_after=None if left is None else left - asked,
    )


def _units(parts: list[Part]) -> int:
    return sum(part.quantity for part in parts if is_quantity(part.quantity))
