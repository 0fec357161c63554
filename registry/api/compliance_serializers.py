"""How obligations are printed."""

from typing import Any

from rest_framework import serializers

from accounts.api.serializers import CodedText
from registry.compliance_queries import ObligationStanding
from registry.rules.compliance import Status
from registry.rules.deadlines import Counts


class ObligationSerializer(serializers.Serializer[ObligationStanding]):
    """An obligation to surrender for a compliance year, what counts for it, and how the installation stands."""

    id = serializers.IntegerField(source="obligation.id", help_text="What a surrender names as its `obligation`.")
    year = serializers.IntegerField(source="obligation.year")
    opens_at = serializers.DateTimeField(
        source="obligation.opens_at", allow_null=True, help_text="Surrenders are taken from then on; null: at once."
    )
    due_at = serializers.DateTimeField(source="obligation.due_at", help_text="The deadline.")
    counts = serializers.ChoiceField(
        source="obligation.counts",
        choices=[str(counts) for counts in Counts],
        help_text="The instant of a surrender that must not be later than the deadline.",
    )
    closes_at = serializers.DateTimeField(
        source="obligation.closes_at", allow_null=True, help_text="Late surrenders count until then; null: always."
    )
    eligible_until_vintage = serializers.IntegerField(
        source="obligation.eligible_until_vintage", help_text="The latest vintage that counts."
    )
    emissions = serializers.IntegerField(
        allow_null=True, help_text="Verified emissions of the year, t CO2e; null: none recorded."
    )
    excluded = serializers.BooleanField(help_text="Whether the installation was outside the scheme that year.")
    units_surrendered = serializers.IntegerField(help_text="For this obligation, the number of units.")
    surrendered = serializers.IntegerField(
        help_text="What they count, t CO2e: otherwise than their number where units are recognised at a rate, of one registry"
        " and rate rounded down once."
    )
    surrendered_in_time = serializers.IntegerField(
        help_text="Of that, what was in time by the instant that counts, t CO2e."
    )
    cumulative_emissions = serializers.IntegerField(
        help_text="Of all years up to this one, or of the verified years of its period, t CO2e."
    )
    cumulative_surrendered = serializers.IntegerField(
        help_text="What was surrendered for all obligations, or for its period, t CO2e."
    )
    status = serializers.ChoiceField(choices=[str(status) for status in Status], help_text="For the year, as of now.")
    status_text = CodedText(source="status", code="compliance-status.{}")
    status_at_deadline = serializers.ChoiceField(
        choices=[str(status) for status in Status],
        allow_null=True,
        help_text="As it was determined at the deadline; never changed. Null: not determined yet.",
    )


class ObligationListSerializer(serializers.Serializer[Any]):
    """The obligations of an account's installation; none where it belongs to no installation."""

    account = serializers.CharField()
    installation = serializers.CharField(allow_null=True, help_text="Its permit or facility number.")
    results = ObligationSerializer(many=True)
