"""How an account's statement is printed."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.serializers import CodedText
from registry.api.serializers import RecognitionSerializer
from registry.statements import Movement


class ProductSerializer(serializers.Serializer[Any]):
    """What has a balance of its own: a series and its recognition."""

    registry = serializers.CharField(source="series.origin.registry_code", help_text="The registry that issued it.")
    unit_type = serializers.CharField(source="series.unit_type.code")
    vintage = serializers.IntegerField(source="series.vintage")
    project = serializers.CharField(source="series.project")
    period = serializers.CharField(source="series.period")
    recognition = RecognitionSerializer()


class TotalSerializer(ProductSerializer):
    """The whole period for one series and recognition, in units of 1 t CO2e: `opening` + `in` - `out` = `closing`."""

    opening = serializers.IntegerField()
    closing = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; one is named by a word of Python's."""
        return super().get_fields() | _in_and_out()


class SumSerializer(serializers.Serializer[Any]):
    """The sums over all series, in units of 1 t CO2e: `opening` + `in` - `out` = `closing`."""

    opening = serializers.IntegerField()
    closing = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; one is named by a word of Python's."""
        return super().get_fields() | _in_and_out()


class MovementSerializer(ProductSerializer):
    """A line of a statement: one block that entered or left the account."""

    completed_at = serializers.DateTimeField(source="place.at")
    transaction = serializers.UUIDField(source="place.transaction_id")
    type = serializers.CharField()
    type_text = CodedText(source="type", code="transaction-type.{}")
    direction = serializers.SerializerMethodField(help_text="Whether it entered the account.")
    other_account = serializers.CharField(allow_null=True, help_text="The other side; null where units were issued.")
    block = serializers.CharField(help_text="`CNBJ-BEA-2026-1-1000-86`.")
    quantity_in = serializers.IntegerField(source="entered")
    quantity_out = serializers.IntegerField(source="left")
    balance = serializers.IntegerField(help_text="Of its series and recognition, after this line.")
    reason = serializers.CharField()
    client_reference = serializers.CharField()

    @extend_schema_field({"type": "string", "enum": ["in", "out"]})
    def get_direction(self, movement: Movement) -> str:
        """Return the direction."""
        return "in" if movement.enters else "out"


class StatementSerializer(serializers.Serializer[Any]):
    """A page of an account's statement, the oldest movement first. The totals are of the whole period, on every page."""

    account = serializers.CharField()
    to = serializers.DateTimeField(help_text="What completed exactly then is not in it.")
    exercise = serializers.BooleanField(help_text="Whether all this is an exercise.")
    totals = TotalSerializer(many=True, help_text="By registry, unit type, vintage, project and recognition.")
    total = SumSerializer()
    next = serializers.URLField(allow_null=True)
    results = MovementSerializer(many=True)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; one is named by a word of Python's."""
        begins = serializers.DateTimeField(help_text="What completed exactly then is in it.")
        return super().get_fields() | {"from": begins}


def _in_and_out() -> dict[str, Any]:
    return {"in": serializers.IntegerField(source="entered"), "out": serializers.IntegerField(source="left")}
