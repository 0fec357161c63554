"""How far two jurisdictions' designs are from a link: one outcome for each point, from the facts in force on one day.

The points are one table; each row says which rules it reads, how they are compared and which term of the agreement takes care
of a difference. Outcomes depend on the two sides alike: with the sides exchanged they are the same. Source: linking.md section 2.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from linking.rules import readings
from linking.rules.readings import NONE, Fact, Reader, Reading, Value, under


class Outcome(StrEnum):
    """What a point means for a link."""

    SAME = "same"
    COMPATIBLE = "compatible"
    NEEDS_RULE = "needs-rule"
    # A fact is not recorded, or in words that are not known here: told, never guessed.
    MISSING = "missing"
    BLOCKS = "blocks"


@dataclass(frozen=True, slots=True)
class Point:
    """A row of the table. `keys`: the rules it reads, those below each of them too (`unit` reads `unit.BEA`).

    `alike` and `unlike`: the outcome where both sides are of one kind in different words, or of two kinds. `blocking`: kinds that
    no agreement makes good. `terms`: what of the agreement takes care of a difference. `essential`: a link rests on it, so that
    with no rule in force it blocks. `own_words`: the reason for `alike` is the point's own.
    """

    code: str
    keys: tuple[str, ...]
    reader: Reader
    unlike: Outcome
    terms: tuple[str, ...] = ()
    alike: Outcome = Outcome.COMPATIBLE
    blocking: frozenset[str] = frozenset()
    essential: bool = False
    own_words: bool = False


_NONE = frozenset({NONE})
_COMPATIBLE, _NEEDS = Outcome.COMPATIBLE, Outcome.NEEDS_RULE
_ALLOWED = (("none", NONE), ("not allowed", NONE), ("allowed", "allowed"))
_MANAGED = (("none", NONE), ("no price", NONE), ("", "managed"))
_SAFEGUARDS = (
    "transaction.delay", "trusted-account.activation", "freeze.review-period", "transaction.reversal-limit",
)  # fmt: skip

POINTS: Mapping[str, Point] = {
    point.code: point
    for point in (
        Point(
            "legal-basis", ("legal-basis", "caveat"), readings.legal_basis, _COMPATIBLE,
            blocking=_NONE, essential=True, own_words=True,
        ),
        Point("cap-type", ("cap.type", "phase"), readings.cap_type, _NEEDS, ("rate",), blocking=_NONE),
        Point("coverage", ("coverage", "threshold"), readings.by_text, _COMPATIBLE),
        Point(
            "mrv", ("calendar.report", "calendar.verified-report", "calendar.certification", "reporting", "verification"),
            readings.verification, _COMPATIBLE, blocking=_NONE, essential=True, own_words=True,
        ),
        Point("allocation", ("allocation", "issuance", "phase"), readings.allocation, _NEEDS, ("vintage_limits",)),
        Point(
            "offsets", ("offset.limit", "quantity-limit", "offset.forbidden", "unit"), readings.offsets, _NEEDS,
            ("use_quota", "unit_types"),
        ),
        Point("banking", ("banking",), readings.banking, _NEEDS, ("vintage_limits",)),
        Point("borrowing", ("borrowing",), readings.by_words(*_ALLOWED), _NEEDS, ("vintage_limits",)),
        Point(
            "price", ("price.management", "market-stability"), readings.by_words(*_MANAGED), _NEEDS, ("reciprocity",),
            alike=_NEEDS, own_words=True,
        ),
        Point(
            "compliance-period", ("compliance-period", "period", "phase", "fiscal-year"), readings.compliance_period,
            _NEEDS, ("vintage_limits",),
        ),
        Point("deadline", ("calendar.surrender", "period"), readings.deadline, _NEEDS, ("settlement_days",)),
        Point("penalty", ("penalty",), readings.by_text, _NEEDS, ("entry_quota",), blocking=_NONE),
        Point("units", ("unit",), readings.crossing_units, _NEEDS, ("unit_types",), blocking=_NONE),
        Point("gases", ("unit",), readings.measures, _NEEDS, ("rate",)),
        Point(
            "registry", ("registry-name", "registry-system", "account-type"), readings.by_text, _NEEDS, ("account_types",),
            blocking=_NONE,
        ),
        Point("safeguards", _SAFEGUARDS, readings.by_text, _NEEDS, ("hold_on_freeze_days", "good_faith")),
        Point("currency", ("currency", "time-zone"), readings.by_text, _COMPATIBLE),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one point. `reason` is a text code below `readiness.reason`.

    `concerns` are the sides (0 the first, 1 the second) that the reason is about, `words` what it names, `terms` what must be
    agreed where a rule is needed. `to_be_confirmed`: it rests on a fact that was recalled and not read.
    """

    point: str
    outcome: Outcome
    reason: str
    sides: tuple[Reading, Reading]
    concerns: tuple[int, ...] = (0, 1)
    words: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms of the agreement that take care of it; none unless a rule is needed."""
        return POINTS[self.point].terms if self.outcome is Outcome.NEEDS_RULE else ()

    @property
    def missing(self) -> tuple[int, ...]:
        """The sides of which no fact is recorded that could be read."""
        return self.concerns if self.reason.rpartition(".")[2] in {"missing", "unread"} else ()

    @property
    def to_be_confirmed(self) -> bool:
        """Whether a fact that was read for it is still to be confirmed."""
        return any(fact.to_be_confirmed for side in self.sides for fact in side.facts)


@dataclass(frozen=True, slots=True)
class Turn:
    """A point that a proposed rule would turn."""

    before: Finding
    after: Finding


def compare(first: Collection[Fact], second: Collection[Fact]) -> tuple[Finding, ...]:
    """Return the outcome of every point, in the order of the table, from the facts in force on each side."""
    return tuple(_judge(point, *_read(point, first, second)) for point in POINTS.values())


def blocks(findings: Collection[Finding]) -> tuple[Finding, ...]:
    """Return the points that block: while there is one, no degree is raised."""
    return tuple(finding for finding in findings if finding.outcome is Outcome.BLOCKS)


def reads(key: str) -> tuple[str, ...]:
    """Return the points that read a rule, by the table."""
    return tuple(
        point.code for point in POINTS.values() if any(key == k or key.startswith(f"{k}.") for k in point.keys)
    )


def with_rule(facts: Collection[Fact], key: str, value: Value, since: date) -> tuple[Fact, ...]:
    """Return the facts as they would be with a rule of that value; `value` None: without it.

    A value that is in force already changes nothing, its mark and source included. What is proposed is known: its mark is V.
    """
    before = next((fact for fact in facts if fact.key == key), None)
    others = tuple(fact for fact in facts if fact.key != key)
    if before is not None and before.value == value:
        return tuple(facts)
    return others if value is None else (*others, Fact(key, value, "V", "proposed", since))


def turns(before: Collection[Finding], after: Collection[Finding]) -> tuple[Turn, ...]:
    """Return the points whose outcome differs, each as it was and as it would be."""
    return tuple(Turn(was, would) for was, would in zip(before, after, strict=True) if was.outcome is not would.outcome)


def _read(point: Point, *sides: Collection[Fact]) -> list[Reading]:
    return [point.reader(under(point.keys, facts)) for facts in sides]


def _judge(point: Point, first: Reading, second: Reading) -> Finding:
    """Decide a point: what blocks comes first, then what is not known, then how like the two are."""
    both = (first, second)
    found = Finding(point.code, point.unlike, f"{point.code}.unlike", both)
    if at_fault := _which(both, lambda side: side.kind is not None and side.kind in point.blocking):
        return replace(found, outcome=Outcome.BLOCKS, reason=f"{point.code}.none", concerns=at_fault)
    if forbidden := tuple(sorted((first.forbids & second.has) | (second.forbids & first.has))):
        forbidding = _which(both, lambda side: bool(side.forbids & set(forbidden)))
        return replace(found, outcome=Outcome.BLOCKS, reason="forbidden", concerns=forbidding, words=forbidden)
    if unknown := _which(both, lambda side: side.kind is None):
        if point.essential:
            return replace(found, outcome=Outcome.BLOCKS, reason=f"{point.code}.missing", concerns=unknown)
        absent = _which(both, lambda side: not side.facts)
        reason, concerns = ("missing", absent) if absent else ("unread", unknown)
        return replace(found, outcome=Outcome.MISSING, reason=reason, concerns=concerns)
    if first.kind == second.kind == NONE:
        return replace(found, outcome=Outcome.SAME, reason="both-none")
    if Counter(_said(first)) == Counter(_said(second)):
        return replace(found, outcome=Outcome.SAME, reason="same")
    if first.kind == second.kind:
        return replace(found, outcome=point.alike, reason=f"{point.code}.alike" if point.own_words else "alike")
    return found


def _which(sides: tuple[Reading, Reading], holds: Callable[[Reading], bool]) -> tuple[int, ...]:
    return tuple(place for place, side in enumerate(sides) if holds(side))


def _said(side: Reading) -> list[tuple[str, str]]:
    # A rule in several parts is numbered, `threshold.1`; which number a part has says nothing.
    return [(re.sub(r"\.[0-9]+$", "", fact.key), fact.printed) for fact in side.facts]
