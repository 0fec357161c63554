"""How a facility stands in its periods, where the rule of compliance is cover-the-excess."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import clock
from accounts.api.base import ApiView, printed_rows, tagged
from accounts.api.serializers import CodedText
from registry import period_queries
from registry.api.views import known_account
from registry.period_queries import PeriodStanding
from registry.rules.compliance import Status


class FactorSerializer(serializers.Serializer[Any]):
    """A share, as two integers in lowest terms."""

    numerator = serializers.IntegerField()
    denominator = serializers.IntegerField()


class FacilityYearSerializer(serializers.Serializer[Any]):
    """A fiscal year of a facility. What may be a fraction of a tonne is the text of an exact fraction: `1700`, `3401/2`."""

    year = serializers.IntegerField(source="of.year", help_text="The calendar year in which it begins.")
    operator = serializers.CharField(allow_null=True, help_text="Who operated the facility on its last day.")
    base = serializers.IntegerField(
        source="of.base", allow_null=True, help_text="Base emissions, t CO2e; null: not recorded."
    )
    factor = FactorSerializer(source="of.factor", allow_null=True)
    emissions = serializers.IntegerField(
        source="of.emissions", allow_null=True, help_text="Verified, t CO2e; null: none recorded, or excluded."
    )
    excluded = serializers.BooleanField(
        source="of.excluded", help_text="Whether the facility was outside the scheme; then nothing counts."
    )
    required_reduction = serializers.CharField(
        source="of.required", allow_null=True, help_text="Base x factor, t CO2e."
    )
    reduction = serializers.IntegerField(
        source="of.reduction", allow_null=True, help_text="Base less emissions, t CO2e."
    )
    reduction_counted = serializers.CharField(
        source="of.counted",
        allow_null=True,
        help_text="Of that, what counts for excess credits, t CO2e: at most half the base.",
    )


class PeriodSerializer(serializers.Serializer[PeriodStanding]):
    """A period: `emissions + issued - surrendered <= cap`. Sums are of the years verified so far, to `verified_through`."""

    first_year = serializers.IntegerField(source="position.period.first_year")
    last_year = serializers.IntegerField(source="position.period.last_year")
    unit_type = serializers.CharField(source="position.period.unit_type", help_text="Of its excess credits.")
    years = FacilityYearSerializer(many=True)
    verified_through = serializers.IntegerField(source="position.through", allow_null=True)
    emissions = serializers.IntegerField(source="position.emissions", help_text="t CO2e.")
    cap = serializers.IntegerField(source="position.cap", help_text="Sum of base x (1 - factor), t CO2e, rounded down.")
    entitled = serializers.IntegerField(
        source="position.entitled", help_text="Excess credits that may be granted in all, rounded down."
    )
    granted = serializers.IntegerField(source="position.granted", help_text="Approved, and not taken back.")
    issuable = serializers.IntegerField(source="position.issuable", help_text="What may still be granted.")
    issued = serializers.IntegerField(source="position.issued", help_text="Delivered, and not taken back.")
    surrendered = serializers.IntegerField(
        source="position.surrendered", help_text="What was surrendered for the period counts, t CO2e."
    )
    shortfall = serializers.IntegerField(source="position.shortfall", help_text="What it is short of, t CO2e.")
    status = serializers.ChoiceField(
        choices=[str(status) for status in Status], help_text="Of the whole period, as of now."
    )
    status_text = CodedText(source="status", code="compliance-status.{}")


class PeriodListSerializer(serializers.Serializer[Any]):
    """The periods of an account's installation; none where it has none, or another rule holds."""

    account = serializers.CharField()
    installation = serializers.CharField(allow_null=True, help_text="Its facility number.")
    results = PeriodSerializer(many=True)


class Periods(ApiView):
    """The periods of one account's facility."""

    @extend_schema(operation_id="list_periods", tags=["accounts"], responses=PeriodListSerializer)
    def get(self, request: Request, identifier: str) -> Response:
        """List how the account's facility stands in each period, with the table of its years, up to the present one."""
        account = known_account(self, identifier)
        place, now = account.installation, clock.now()
        found = [] if place is None else period_queries.periods_of(place, at=now)
        rows = printed_rows(PeriodSerializer, found)
        number = None if place is None else place.number
        return tagged(request, Response({"account": account.identifier, "installation": number, "results": rows}))
