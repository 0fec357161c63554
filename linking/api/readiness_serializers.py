"""The printed form of a comparison, and what may be asked of it."""

from datetime import date
from typing import Any

from rest_framework import serializers

from accounts.api.base import Query
from accounts.api.errors import RequestError, RequestRefused, invalid_query
from accounts.api.fields import Pattern
from accounts.api.serializers import JURISDICTION_CODE, CodedText, RuleValue
from accounts.texts import text
from linking.readiness_queries import Comparison, Proposed
from linking.rules.readiness import POINTS, Outcome, reads
from linking.rules.readings import Fact, parse_value

OUTCOMES = [str(outcome) for outcome in Outcome]
LONGEST_VALUE = 2_000
_RULE = ("rule_of", "rule_key", "rule_value", "rule_from")


class ReadinessListQuery(Query):
    """Which day's rules are compared."""

    as_of = serializers.DateField(
        required=False, help_text="The day whose rules are compared; else today in each one's own calendar."
    )


class ReadinessQuery(ReadinessListQuery):
    """Which day, and a rule that somebody thinks of: which points would it turn? Asking changes nothing."""

    rule_of = Pattern(
        JURISDICTION_CODE, required=False, help_text="*What if*: the jurisdiction whose rule it would be."
    )
    rule_key = Pattern(
        r"^[A-Za-z0-9.-]+$",
        required=False,
        max_length=100,
        help_text="The rule's key, `cap.type`, as its facts name it.",
    )
    rule_value = serializers.CharField(
        required=False,
        max_length=LONGEST_VALUE,
        help_text="A text, or JSON of integers and texts that begins with `{` or `[`. Left out, the rule would hold no more.",
    )
    rule_from = serializers.DateField(
        required=False, help_text="Its first day, which is the day compared or a later one; else the day compared."
    )


def proposed_by(asked: Any, comparison: Comparison) -> Proposed | None:
    """Return the rule that is thought of, or None where none is.

    Raises: RequestRefused with every parameter that is wrong.
    """
    if not any(name in asked for name in _RULE):
        return None
    codes = [side.code for side in comparison.sides]
    errors: list[RequestError] = []
    for name in ("rule_of", "rule_key"):
        if name not in asked:
            errors.extend(invalid_query("required", name).errors)
    if "rule_of" in asked and asked["rule_of"] not in codes:
        errors.extend(invalid_query("unknown-word", "rule_of", words=", ".join(codes)).errors)
    if "rule_key" in asked and not reads(asked["rule_key"]):
        known = sorted({key for point in POINTS.values() for key in point.keys})
        errors.extend(invalid_query("rule-not-read", "rule_key", words=", ".join(known)).errors)
    compared = max(side.day for side in comparison.sides)
    since: date = asked.get("rule_from", compared)
    if since < compared:
        errors.extend(invalid_query("rule-not-ahead", "rule_from", day=compared.isoformat()).errors)
    value = None
    try:
        value = parse_value(asked["rule_value"]) if "rule_value" in asked else None
    except ValueError:
        errors.extend(invalid_query("wrong-form", "rule_value").errors)
    if errors:
        raise RequestRefused("invalid-query", *errors)
    return Proposed(asked["rule_of"], asked["rule_key"], value, since)


def same_twice() -> RequestRefused:
    """Return the refusal to compare a jurisdiction with itself."""
    return RequestRefused("bad-request", RequestError("same-jurisdiction", text("problem.same-jurisdiction"), "second"))


class SideSerializer(serializers.Serializer[Any]):
    """One of the two jurisdictions."""

    code = serializers.CharField(help_text="ISO 3166-2, `CN-BJ`.")
    name = serializers.CharField(help_text="Marked where it is only modelled.")
    caveat = serializers.CharField(allow_blank=True, help_text="What must be said wherever it is presented.")
    day = serializers.DateField(help_text="Of its own calendar: the day whose rules were read.")


class OutcomeCountSerializer(serializers.Serializer[Any]):
    """How many points have each outcome."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return one number for each outcome."""
        return {outcome.replace("-", "_"): serializers.IntegerField(min_value=0) for outcome in OUTCOMES}


class OutcomeSerializer(serializers.Serializer[Any]):
    """The outcome of one point."""

    point = serializers.ChoiceField(choices=sorted(POINTS))
    name = serializers.CharField()
    outcome = serializers.ChoiceField(
        choices=OUTCOMES,
        help_text="`missing`: a fact is not recorded, or in words that are not known here, and nothing is guessed.",
    )
    outcome_name = serializers.CharField()
    to_be_confirmed = serializers.BooleanField(help_text="It rests on a fact that was recalled and not read.")
    reason = serializers.CharField(help_text="A stable code.")
    reason_text = serializers.CharField()


class FactSerializer(serializers.Serializer[Fact]):
    """A dated rule that was read for a point, as far as the point is about it."""

    key = serializers.CharField()
    value = RuleValue()
    printed = serializers.CharField(allow_blank=True, help_text="The value as a text.")
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True, help_text="The first day on which it no longer holds.")
    confidence = serializers.ChoiceField(choices=["V", "D", "RH", "RM", "RL"])
    confidence_meaning = CodedText(source="confidence", code="confidence.{}")
    to_be_confirmed = serializers.BooleanField()
    source = serializers.CharField()  # type: ignore[assignment]  # a member of that name


class ReadingSerializer(serializers.Serializer[Any]):
    """What one side's rules say on a point; nothing where none is in force."""

    value = serializers.CharField(allow_blank=True)
    facts = FactSerializer(many=True)


class TermSerializer(serializers.Serializer[Any]):
    """A term of the agreement."""

    term = serializers.CharField()
    name = serializers.CharField()


class FindingSerializer(OutcomeSerializer):
    """A point with both sides' facts."""

    missing = serializers.ListField(
        child=serializers.CharField(), help_text="The jurisdictions of which no fact is recorded that could be read."
    )
    terms = TermSerializer(
        many=True, help_text="What of the agreement takes care of the difference, where a rule is needed."
    )
    agreement_says = serializers.CharField(allow_blank=True, help_text="What the agreement must say about it.")
    keys = serializers.ListField(child=serializers.CharField(), help_text="The rules that the point reads.")
    first = ReadingSerializer()
    second = ReadingSerializer()


class ReadPointSerializer(serializers.Serializer[Any]):
    """A point that reads a rule."""

    point = serializers.ChoiceField(choices=sorted(POINTS))
    name = serializers.CharField()


class TurnSerializer(ReadPointSerializer):
    """A point that would be otherwise."""

    before = OutcomeSerializer()
    after = OutcomeSerializer()


class WhatIfSerializer(serializers.Serializer[Any]):
    """What a proposed rule would turn on its first day. It was not recorded."""

    rule_of = serializers.CharField()
    rule_key = serializers.CharField()
    rule_value = RuleValue()
    rule_from = serializers.DateField()
    reads = ReadPointSerializer(many=True)
    turns = TurnSerializer(many=True)


class ReadinessSummarySerializer(serializers.Serializer[Any]):
    """Two jurisdictions and the outcome of each point."""

    first = SideSerializer()
    second = SideSerializer()
    caveats = serializers.ListField(
        child=serializers.CharField(), help_text="What must be said at the head of the comparison."
    )
    outcomes = OutcomeCountSerializer()
    to_be_confirmed = serializers.IntegerField(min_value=0, help_text="Points that rest on a fact to be confirmed.")
    points = OutcomeSerializer(many=True)
    blocks = serializers.ListField(
        child=serializers.ChoiceField(choices=sorted(POINTS)),
        help_text="The points that block; none: they stand in the way of no degree.",
    )


class ReadinessListSerializer(serializers.Serializer[Any]):
    """Every two of the jurisdictions hosted here."""

    results = ReadinessSummarySerializer(many=True)


class ReadinessSerializer(ReadinessSummarySerializer):
    """Two jurisdictions compared point by point."""

    points = FindingSerializer(many=True)
    what_if = WhatIfSerializer(allow_null=True)
