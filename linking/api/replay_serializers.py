"""What a replay is asked for, and how it answers."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.fields import StrictSerializer, Word, fault
from accounts.api.serializers import JURISDICTION_CODE
from linking.rules.degrees import Degree
from registry.api.filters import Instant


@extend_schema_field({"type": "object", "additionalProperties": {}})
class JsonObject(serializers.JSONField):
    """A JSON object; what its members must be is said by who reads them."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the object. Raises: ValidationError."""
        if data is not serializers.empty and data is not None and not isinstance(data, dict):
            raise fault("wrong-form")
        return super().run_validation(data)


class ReplayOrderSerializer(StrictSerializer):
    """What is to be changed: the whole of the terms, or members of those in force, or the degree; and the span that is judged."""

    terms = JsonObject(required=False, help_text="The whole of a corridor's terms, as they would be signed.")
    changes = JsonObject(
        required=False,
        help_text="Members of the terms in force to replace, objects member by member: `rate`, `entry_quota`.",
    )
    degree = Word(choices=[str(row) for row in Degree], required=False, help_text="Of the link; this corridor is open.")

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` is a word of Python's."""
        fields = super().get_fields()
        fields["from"] = Instant(
            required=False, help_text="What was proposed before is not judged; it fills the quotas."
        )
        fields["to"] = Instant(required=False, help_text="What completed then or later is left out.")
        return fields


class RefusedByCodeSerializer(serializers.Serializer[Any]):
    """What one check refused; a transfer that several refused counts under each."""

    code = serializers.IntegerField()
    text = serializers.CharField()
    transfers = serializers.IntegerField()
    units = serializers.IntegerField()


class RefusedTransferSerializer(serializers.Serializer[Any]):
    """A recorded transfer that would not have been let in, and by which checks."""

    transaction = serializers.UUIDField()
    proposed_at = serializers.CharField()
    units = serializers.IntegerField()
    codes = serializers.ListField(child=serializers.IntegerField())


class ReplayedQuotaSerializer(serializers.Serializer[Any]):
    """A quota at the end, in its measure. `year` 0: the corridor's whole life; `limit` null: none."""

    kind = serializers.CharField()
    year = serializers.IntegerField()
    vintage = serializers.IntegerField(allow_null=True)
    holder = serializers.IntegerField(allow_null=True)
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()


class ImbalanceSerializer(serializers.Serializer[Any]):
    """The imbalance at the end of a day, UTC, in units: what came in and waits less what came in the other way that year."""

    day = serializers.CharField()
    units = serializers.IntegerField()


class ReplayedSerializer(serializers.Serializer[Any]):
    """One side of the comparison. Worth and margin are recognised t CO2e, rounded down once per rate (and obligation)."""

    transfers_let_in = serializers.IntegerField()
    units_let_in = serializers.IntegerField()
    worth_let_in = serializers.IntegerField()
    transfers_refused = serializers.IntegerField()
    units_refused = serializers.IntegerField()
    refused_by_code = RefusedByCodeSerializer(many=True)
    refused = RefusedTransferSerializer(many=True)
    units_gone_home = serializers.IntegerField()
    units_fallen_away = serializers.IntegerField(help_text="Of returns, since they were never let in.")
    units_surrendered = serializers.IntegerField()
    worth_surrendered = serializers.IntegerField()
    margin = serializers.IntegerField(help_text="Negative where rates exceed one.")
    greatest_imbalance = serializers.IntegerField()
    last_imbalance = serializers.IntegerField()
    imbalances = ImbalanceSerializer(many=True)
    quotas = ReplayedQuotaSerializer(many=True)


class DirectionSerializer(serializers.Serializer[Any]):
    """From whose units to whose recognition."""

    origin = serializers.RegexField(JURISDICTION_CODE)
    destination = serializers.RegexField(JURISDICTION_CODE)


class ReplaySerializer(serializers.Serializer[Any]):
    """Recorded flows as they were and under what is changed. It assumes that nobody behaves differently."""

    corridor = DirectionSerializer()
    to = serializers.CharField(allow_null=True)
    assumption = serializers.CharField()
    terms = JsonObject(allow_null=True, help_text="As they were replayed, whole; null: unchanged.")
    terms_digest = serializers.CharField(allow_null=True)
    degree = serializers.CharField(allow_null=True)
    misfits = serializers.ListField(
        child=serializers.CharField(), help_text="Why such terms would not fit the degree; text `degree-misfit.<code>`."
    )
    as_it_was = ReplayedSerializer()
    under_changes = ReplayedSerializer()

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` is a word of Python's."""
        return super().get_fields() | {"from": serializers.CharField(allow_null=True)}
