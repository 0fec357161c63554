"""How a comparison is told in the reader's language: the same words in the API and on the page."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from accounts.texts import text
from linking.readiness_queries import Comparison, Side, WhatIf
from linking.rules.readiness import POINTS, Finding, Outcome, blocks
from linking.rules.readings import Reading

Printed = dict[str, Any]


def printed_comparison(comparison: Comparison) -> Printed:
    """Return a comparison with every point, both sides' facts and what is to be agreed."""
    return {
        **printed_summary(comparison),
        "points": [_finding(finding, comparison.sides) for finding in comparison.findings],
    }


def printed_summary(comparison: Comparison) -> Printed:
    """Return how many points have which outcome, which of them block and why, and what must be said of the two sides."""
    counted = Counter(finding.outcome for finding in comparison.findings)
    sides = comparison.sides
    return {
        "first": _side(comparison.first),
        "second": _side(comparison.second),
        "caveats": [text(side.caveat) for side in sides if side.caveat],
        "outcomes": {outcome.replace("-", "_"): counted[outcome] for outcome in Outcome},
        "to_be_confirmed": sum(finding.to_be_confirmed for finding in comparison.findings),
        "points": [_outcome(finding, sides) for finding in comparison.findings],
        "blocks": [finding.point for finding in blocks(comparison.findings)],
    }


def printed_what_if(answer: WhatIf, comparison: Comparison) -> Printed:
    """Return what a proposed rule would turn."""
    proposed, sides = answer.proposed, comparison.sides
    return {
        "rule_of": proposed.jurisdiction,
        "rule_key": proposed.key,
        "rule_value": proposed.value,
        "rule_from": proposed.since,
        "reads": [{"point": point, "name": point_name(point)} for point in answer.reads],
        "turns": [
            {
                "point": turn.before.point,
                "name": point_name(turn.before.point),
                "before": _outcome(turn.before, sides),
                "after": _outcome(turn.after, sides),
            }
            for turn in answer.turns
        ],
    }


def point_name(point: str) -> str:
    """Return a point's name."""
    return text(f"readiness.point.{point}")


def name_of(side: Side) -> str:
    """Return a side's name; one of which a caveat must be said is marked wherever it is named."""
    name = text(f"jurisdiction.{side.code}")
    return text("readiness.modelled", name=name) if side.caveat else name


def _side(side: Side) -> Printed:
    caveat = text(side.caveat) if side.caveat else ""
    return {"code": side.code, "name": name_of(side), "caveat": caveat, "day": side.day}


def _outcome(finding: Finding, sides: Sequence[Side]) -> Printed:
    """Return the outcome of a point and its reason."""
    who = text("readiness.and").join(name_of(sides[place]) for place in finding.concerns)
    return {
        "point": finding.point,
        "name": point_name(finding.point),
        "outcome": str(finding.outcome),
        "outcome_name": text(f"readiness.outcome.{finding.outcome}"),
        "to_be_confirmed": finding.to_be_confirmed,
        "reason": finding.reason,
        "reason_text": text(f"readiness.reason.{finding.reason}", who=who, what=", ".join(finding.words)),
    }


def _finding(finding: Finding, sides: Sequence[Side]) -> Printed:
    return {
        **_outcome(finding, sides),
        "missing": [sides[place].code for place in finding.missing],
        "terms": [{"term": term, "name": text(f"readiness.term.{term}")} for term in finding.terms],
        "agreement_says": text(f"readiness.says.{finding.point}") if finding.terms else "",
        "keys": list(POINTS[finding.point].keys),
        "first": _reading(finding.sides[0]),
        "second": _reading(finding.sides[1]),
    }


def _reading(reading: Reading) -> Printed:
    return {"value": reading.printed, "facts": list(reading.facts)}
