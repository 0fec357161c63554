"""Whether single terms agree with each other: what no field shows alone. Each rule yields what it found, and all of them run."""

from collections.abc import Iterator
from itertools import pairwise
from math import gcd

from linking.rules.strict import Fault, fault
from linking.rules.terms import Policy, RateKind, ReciprocityClause, Terms, UseQuotaNode


def inconsistencies(terms: Terms) -> Iterator[Fault]:
    """Yield every way in which terms, each of its form, do not agree. Source: linking.md section 3."""
    yield from _direction(terms)
    yield from _rate(terms)
    yield from _limits(terms)
    yield from _use_quota(terms)
    if terms.reciprocity is not None:
        yield from _clause(terms, terms.reciprocity)
    if terms.delinking.policy is Policy.SUNSET and terms.delinking.sunset_days == 0:
        yield fault("delinking.sunset_days", "sunset-without-days")


def _lowest(path: str, numerator: int, denominator: int) -> Iterator[Fault]:
    """A ratio is stored in lowest terms, so that equal ratios are equal documents."""
    common = gcd(numerator, denominator)
    if common != 1:
        yield fault(path, "not-lowest", numerator=numerator // common, denominator=denominator // common)


def _direction(terms: Terms) -> Iterator[Fault]:
    if terms.corridor.origin == terms.corridor.destination:
        yield fault("corridor.destination", "same-as-origin")
    first, last = terms.first_vintage, terms.last_vintage
    if first is not None and last is not None and first > last:
        yield fault("last_vintage", "before-first-vintage", first=first)


def _rate(terms: Terms) -> Iterator[Fault]:
    rate = terms.rate
    yield from _lowest("rate.numerator", rate.numerator, rate.denominator)
    for name, value in (("mitigation_value", rate.mitigation_value), ("compliance_value", rate.compliance_value)):
        yield from _lowest(f"rate.{name}.numerator", value.numerator, value.denominator)
    exceeds = rate.numerator > rate.denominator
    if exceeds and rate.kind is not RateKind.EXCHANGE:
        yield fault("rate.kind", "discount-above-one")
    if exceeds != rate.exceeds_one:
        yield fault("rate.exceeds_one", "flag-is-not-the-rate")
    if exceeds != (rate.reserve > 0):
        yield fault("rate.reserve", "reserve-missing" if exceeds else "reserve-for-nothing")


def _limits(terms: Terms) -> Iterator[Fault]:
    for row in terms.vintage_limits:
        if not terms.recognises_vintage(row.vintage):
            yield fault(f"vintage_limits.{row.vintage}", "vintage-not-recognised")
    if terms.entry_quota is None:
        # Both run in the window of the entry quota, and without one they have none.
        if terms.vintage_limits:
            yield fault("vintage_limits", "needs-entry-quota")
        if terms.holder_limit is not None:
            yield fault("holder_limit", "needs-entry-quota")


def _use_quota(terms: Terms) -> Iterator[Fault]:
    nodes = {node.name: node for node in terms.use_quota}
    named: set[str] = set()
    for place, node in enumerate(terms.use_quota):
        path = f"use_quota.{place}"
        yield from _lowest(f"{path}.numerator", node.numerator, node.denominator)
        if node.numerator > node.denominator:
            yield fault(f"{path}.numerator", "share-above-one")
        if node.name in named:
            yield fault(f"{path}.name", "named-twice")
        named.add(node.name)
        if terms.corridor.origin not in node.origins:
            yield fault(f"{path}.origins", "origin-not-counted", origin=terms.corridor.origin)
        if node.within is not None:
            yield from _nesting(f"{path}.within", node, nodes)


def _nesting(path: str, node: UseQuotaNode, nodes: dict[str, UseQuotaNode]) -> Iterator[Fault]:
    """A node lies in one that exists, counts all that it counts, and does not lie in itself."""
    assert node.within is not None
    around = nodes.get(node.within)
    if around is None:
        yield fault(path, "no-such-node")
        return
    seen, above = {node.name}, around
    while above.name not in seen and above.within is not None and above.within in nodes:
        seen.add(above.name)
        above = nodes[above.within]
    if above.name in seen:
        yield fault(path, "within-itself")
        return
    all_types = bool(node.unit_types) and set(node.unit_types) <= set(around.unit_types)
    if not set(node.origins) <= set(around.origins) or not (all_types or not around.unit_types):
        yield fault(path, "counts-less")


def _clause(terms: Terms, clause: ReciprocityClause) -> Iterator[Fault]:
    if clause.warn > clause.suspend:
        yield fault("reciprocity.suspend", "below-warn")
    if clause.taper and terms.entry_quota is None:
        yield fault("reciprocity.taper", "needs-entry-quota")
    for place, step in enumerate(clause.taper):
        path = f"reciprocity.taper.{place}"
        yield from _lowest(f"{path}.numerator", step.numerator, step.denominator)
        if step.numerator > step.denominator:
            yield fault(f"{path}.numerator", "share-above-one")
        if not clause.warn <= step.starts_at <= clause.suspend:
            yield fault(f"{path}.from", "outside-the-clause", least=clause.warn, greatest=clause.suspend)
    for place, (before, after) in enumerate(pairwise(clause.taper), start=1):
        if before.starts_at >= after.starts_at:
            yield fault(f"reciprocity.taper.{place}.from", "not-rising")
        if before.numerator * after.denominator <= after.numerator * before.denominator:
            yield fault(f"reciprocity.taper.{place}.numerator", "not-falling")
