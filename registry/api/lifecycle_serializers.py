"""What comes in and goes out where transactions are decided on, explained, or proposed by the hundred."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import Query, printed_rows
from accounts.api.fields import Flag, StrictSerializer, Text
from accounts.texts import text
from registry.api.orders import LONGEST_REFERENCE, LONGEST_TEXT, OrderSerializer
from registry.api.refusals import errors_of
from registry.api.transaction_serializers import (
    MovedBlockSerializer,
    RecognisedSerializer,
    TransactionSerializer,
    WarningSerializer,
)
from registry.operations.explain import Explained
from registry.operations.outcome import Outcome, Refused
from registry.rules.check_table import Group
from registry.rules.checks import CHECKS
from registry.rules.crossings import CrossingTold, QuotaTold, UseTold
from registry.rules.states import State
from registry.rules.types import Approval

MOST_ORDERS = 1_000


class DryRunQuery(Query):
    """Whether a proposal is made or only explained."""

    dry_run = serializers.BooleanField(required=False, default=False, help_text="true: explain, and change nothing.")


class DecisionSerializer(StrictSerializer):
    """A decision on a transaction that waits."""

    reason = Text(
        required=False, default="", allow_blank=True, max_length=LONGEST_TEXT, help_text="Kept with the step."
    )


class ReversalSerializer(StrictSerializer):
    """Why a completed transaction is undone, and on what that rests."""

    reason = Text(max_length=LONGEST_TEXT)
    reference = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=LONGEST_REFERENCE,
        help_text="The holder's consent or a court's order; needed for a transfer between different holders.",
    )


class CheckOutcomeSerializer(serializers.Serializer[Any]):
    """One check and how it came out."""

    code = serializers.IntegerField()
    text = serializers.CharField()
    holds = serializers.BooleanField()
    details = serializers.ListField(child=serializers.CharField(), help_text="What does not hold, one text each.")


class TermsSerializer(serializers.Serializer[Any]):
    """A state and what ends it."""

    state = serializers.ChoiceField(choices=[str(state) for state in State])
    expires_at = serializers.DateTimeField(allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    warnings = WarningSerializer(many=True, help_text="Which deadlines are near while it waits.")


class QuotaToldSerializer(serializers.Serializer[QuotaTold]):
    """A quota that the transaction would take from or, on the way home, give back to."""

    kind = serializers.ChoiceField(choices=["entry", "leave", "vintage", "reserve", "holder", "net-flow"])
    year = serializers.IntegerField(help_text="Of the destination's calendar; 0: the corridor's whole life.")
    vintage = serializers.IntegerField(allow_null=True)
    measure = serializers.ChoiceField(choices=["units", "recognised"])
    quantity = serializers.IntegerField(help_text="In its measure.")
    limit = serializers.IntegerField(allow_null=True, help_text="Null: there is none.")
    left_before = serializers.IntegerField(allow_null=True)
    left_after = serializers.IntegerField(allow_null=True, help_text="Below nought where it would not be enough.")


class CrossingSerializer(serializers.Serializer[CrossingTold]):
    """What the transaction would do on one corridor: enter by it, or return home off it."""

    way = serializers.ChoiceField(choices=["entry", "return"])
    corridor = serializers.IntegerField(
        source="corridor_id", allow_null=True, help_text="Null: the two registries are not linked."
    )
    origin = serializers.CharField(help_text="Who issued the units, `CN-BJ`.")
    destination = serializers.CharField(help_text="Where they count as recognised, `JP-13`.")
    agreement = serializers.IntegerField(
        source="agreement_id", allow_null=True, help_text="Null: no terms are in force."
    )
    version = serializers.IntegerField(allow_null=True)
    digest = serializers.CharField(allow_null=True, help_text="SHA-256 of the terms.")
    rate = RecognisedSerializer(allow_null=True)
    quantity = serializers.IntegerField(help_text="Units of 1 t CO2e.")
    recognised = serializers.IntegerField(allow_null=True, help_text="Recognised tonnes, rounded down.")
    quotas = QuotaToldSerializer(many=True)
    imbalance_before = serializers.IntegerField(allow_null=True, help_text="Units; null on the way home.")
    imbalance_after = serializers.IntegerField(allow_null=True)
    level_before = serializers.ChoiceField(choices=["quiet", "warn", "taper", "suspend"], allow_null=True)
    level_after = serializers.ChoiceField(choices=["quiet", "warn", "taper", "suspend"], allow_null=True)


class UseToldSerializer(serializers.Serializer[UseTold]):
    """A part of the operator's use quota that a surrender of foreign units counts under, in recognised tonnes."""

    node = serializers.CharField(help_text="The issuer's code and the name of the part.")
    quantity = serializers.IntegerField(help_text="What it adds.")
    limit = serializers.IntegerField()
    left_before = serializers.IntegerField()
    left_after = serializers.IntegerField(help_text="Below nought where it would not be enough.")
    binds = serializers.BooleanField(
        help_text="Of all parts it has least left: the one that says how much may be used."
    )


class ExplanationSerializer(serializers.Serializer[Explained]):
    """What would become of a proposal; nothing was changed."""

    accepted = serializers.SerializerMethodField(help_text="Whether it would be accepted now.")
    checks = serializers.SerializerMethodField(help_text="Every check of the table that is judged with a proposal.")
    approval = serializers.ChoiceField(
        choices=[str(one) for one in Approval], allow_null=True, help_text="Who would have to approve; null: nobody."
    )
    terms = TermsSerializer(allow_null=True, help_text="How it would begin; null: it would be refused.")
    after_approval = TermsSerializer(allow_null=True, help_text="What an approval at this moment would lead to.")
    serial_blocks = serializers.SerializerMethodField(help_text="What would move; a proposal may name these.")
    crossings = CrossingSerializer(
        source="told.crossings", many=True, help_text="Across a link: each corridor it uses, also where it is refused."
    )
    worth = serializers.IntegerField(
        source="told.worth",
        allow_null=True,
        help_text="Of a surrender with foreign units: the recognised tonnes it adds to its obligation.",
    )
    uses = UseToldSerializer(
        source="told.uses",
        many=True,
        help_text="Of such a surrender: the parts of the operator's use quota it counts under.",
    )

    def get_accepted(self, explained: Explained) -> bool:
        """Return whether no check fails."""
        return not explained.failures

    @extend_schema_field(CheckOutcomeSerializer(many=True))
    def get_checks(self, explained: Explained) -> list[dict[str, Any]]:
        """Return each check with what does not hold."""
        failed = errors_of(Refused(explained.failures))
        return [
            {
                "code": code,
                "text": text(f"check.{code}"),
                "holds": all(error.code != code for error in failed),
                "details": [error.detail for error in failed if error.code == code],
            }
            for code, row in sorted(CHECKS.items())
            if row.judge is not None or (explained.told.is_external and row.group is Group.LINK)
        ]

    @extend_schema_field(MovedBlockSerializer(many=True))
    def get_serial_blocks(self, explained: Explained) -> list[dict[str, Any]]:
        """Return the ranges by serial."""
        in_order = sorted(explained.ranges, key=lambda moved: (moved.registry, moved.first))
        return printed_rows(MovedBlockSerializer, in_order)


class BatchSerializer(StrictSerializer):
    """Up to 1,000 orders of one account, judged as if made one after another."""

    all_or_nothing = Flag(required=False, default=False, help_text="true: one refusal leaves everything as it was.")
    orders = serializers.ListField(child=OrderSerializer(), min_length=1, max_length=MOST_ORDERS)


class BatchResultSerializer(serializers.Serializer[Any]):
    """What became of one order of a batch."""

    place = serializers.IntegerField(help_text="From 0, as it was ordered.")
    status = serializers.IntegerField(help_text="201, or 422 where it was refused.")
    transaction = TransactionSerializer(allow_null=True)
    errors = serializers.ListField(  # type: ignore[assignment]  # the member of the answer, not what a serializer calls so
        child=serializers.DictField(), help_text="As in a problem document; empty where it was accepted."
    )


class BatchAnswerSerializer(serializers.Serializer[Any]):
    """What became of a batch, one result per order."""

    accepted = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = BatchResultSerializer(many=True)


def printed_batch(results: list[Outcome | Refused]) -> dict[str, Any]:
    """Return the answer to a batch."""
    rows = []
    for place, result in enumerate(results):
        if isinstance(result, Refused):
            errors = [
                {
                    "code": error.code,
                    "detail": error.detail,
                    "field": error.field,
                    "pointer": f"/orders/{place}{error.pointer}",
                    "subjects": list(error.subjects),
                    "transient": error.transient,
                }
                for error in errors_of(result)
            ]
            rows.append({"place": place, "status": 422, "transaction": None, "errors": errors})
        else:
            printed = printed_rows(TransactionSerializer, [result])[0]
            rows.append({"place": place, "status": 201, "transaction": printed, "errors": []})
    refused = sum(row["status"] == 422 for row in rows)
    return {"accepted": len(rows) - refused, "refused": refused, "results": rows}
