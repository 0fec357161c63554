"""Reads of how far two jurisdictions are from a link: their dated rules of one day, compared point by point. Changes nothing.

Only the day on which a rule holds is kept, not when it became known, so a comparison can be asked for a day and not for what was
known on another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts.models import DatedRule, Jurisdiction
from linking.rules import readiness
from linking.rules.readiness import Finding, Turn
from linking.rules.readings import Fact, Value

Facts = tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two jurisdictions, and the day of its own calendar whose rules were read. `caveat`: a text code, or empty."""

    code: str
    caveat: str
    day: date


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two jurisdictions, point by point, in the order of the table."""

    first: Side
    second: Side
    findings: tuple[Finding, ...]

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both, the first first."""
        return self.first, self.second


@dataclass(frozen=True, slots=True)
class Proposed:
    """A rule that somebody thinks of: from a day on, in place of the one in force; `value` None: none any more."""

    jurisdiction: str
    key: str
    value: Value
    since: date


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What a proposed rule would turn on its first day: `reads` are the points that read it, `turns` those that would differ."""

    proposed: Proposed
    reads: tuple[str, ...]
    turns: tuple[Turn, ...]


def compare(first: Jurisdiction, second: Jurisdiction, *, now: datetime, as_of: date | None = None) -> Comparison:
    """Compare two jurisdictions by the rules in force on a day, or else on today in each one's own calendar.

    Raises: ValueError for one jurisdiction twice. Source: linking.md section 2.
    """
    return compare_pairs([first, second], now=now, as_of=as_of)[0]


def compare_pairs(among: Sequence[Jurisdiction], *, now: datetime, as_of: date | None = None) -> tuple[Comparison, ...]:
    """Compare every two of some jurisdictions, in their order, with one query.

    Raises: ValueError for one jurisdiction twice.
    """
    if len({jurisdiction.pk for jurisdiction in among}) < len(among):
        raise ValueError("a jurisdiction is compared with another one")
    days = {jurisdiction.pk: as_of or _today(jurisdiction, now) for jurisdiction in among}
    facts = _facts(days)
    return tuple(
        Comparison(
            Side(first.code, first.caveat, days[first.pk]),
            Side(second.code, second.caveat, days[second.pk]),
            readiness.compare(facts[first.pk], facts[second.pk]),
        )
        for first, second in combinations(among, 2)
    )


def what_if(first: Jurisdiction, second: Jurisdiction, proposed: Proposed) -> WhatIf:
    """Return which points a proposed rule of one of the two would turn on its first day, and from what to what.

    Raises: ValueError where the rule is of neither. Source: linking.md section 6.
    """
    sides = (first, second)
    if proposed.jurisdiction not in {side.code for side in sides} or first.pk == second.pk:
        raise ValueError("a rule of one of two jurisdictions")
    facts = _facts({side.pk: proposed.since for side in sides})
    as_it_would_be = [
        readiness.with_rule(facts[side.pk], proposed.key, proposed.value, proposed.since)
        if side.code == proposed.jurisdiction
        else facts[side.pk]
        for side in sides
    ]
    before = readiness.compare(facts[first.pk], facts[second.pk])
    turned = readiness.turns(before, readiness.compare(as_it_would_be[0], as_it_would_be[1]))
    return WhatIf(proposed, readiness.reads(proposed.key), turned)


def open_blocks(first: Jurisdiction, second: Jurisdiction, at: datetime) -> tuple[str, ...]:
    """Return the codes of the points that block a link of two jurisdictions at an instant; none: a degree may be raised.

    Raises: ValueError for one jurisdiction twice.
    """
    return tuple(finding.point for finding in readiness.blocks(compare(first, second, now=at).findings))


def _today(jurisdiction: Jurisdiction, now: datetime) -> date:
    return now.astimezone(ZoneInfo(jurisdiction.time_zone)).date()


def _facts(days: Mapping[int, date]) -> Mapping[int, Facts]:
    """Return the facts in force by jurisdiction, each on its day, with one query."""
    in_force = Q(pk__in=[])
    for jurisdiction, day in days.items():
        in_force |= Q(jurisdiction=jurisdiction, valid_from__lte=day) & (Q(valid_to__gt=day) | Q(valid_to__isnull=True))
    found: dict[int, list[Fact]] = {jurisdiction: [] for jurisdiction in days}
    for rule in DatedRule.objects.filter(in_force).order_by("jurisdiction_id", "key"):
        fact = Fact(rule.key, rule.value, rule.confidence, rule.source, rule.valid_from, rule.valid_to)
        found[rule.jurisdiction_id].append(fact)
    return {jurisdiction: tuple(facts) for jurisdiction, facts in found.items()}
