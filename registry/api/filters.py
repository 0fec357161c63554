"""The parameters of the registry's lists. An unknown one, or a value that no row could have, is refused and named."""

from datetime import datetime
from typing import Any

from rest_framework import serializers

from accounts.api.base import PageQuery, Query
from accounts.api.fields import QueryInteger, fault
from registry.api.orders import ACCOUNT_FORM
from registry.rules.states import State
from registry.rules.types import TYPES

_REGISTRY = r"^[A-Z]{2}[A-Z0-9]{1,3}$"
_UNIT_TYPE = r"^[A-Z][A-Z0-9]{1,9}$"


class Instant(serializers.DateTimeField):
    """An instant with its offset (RFC 3339); a time without one would be a matter of opinion."""

    def enforce_timezone(self, value: datetime) -> datetime:
        """Return the instant. Raises: ValidationError when it names no offset."""
        if value.tzinfo is None:
            raise fault("no-offset")
        return value


class UnitTypeQuery(Query):
    """Which unit types are listed."""

    registry = serializers.RegexField(_REGISTRY, required=False, help_text="The issuing registry, `CNBJ`.")


class BlockQuery(PageQuery):
    """Which blocks of an account are listed."""

    registry = serializers.RegexField(_REGISTRY, required=False, help_text="The issuing registry, `CNBJ`.")
    unit_type = serializers.RegexField(_UNIT_TYPE, required=False)
    vintage = QueryInteger(required=False, min_value=1990, max_value=2200)


class TransactionQuery(PageQuery):
    """Which transactions are listed."""

    type = serializers.ChoiceField(choices=list(TYPES), required=False)
    state = serializers.ChoiceField(choices=[str(state) for state in State], required=False)
    account = serializers.RegexField(ACCOUNT_FORM, required=False, help_text="On either side.")
    unit_type = serializers.RegexField(_UNIT_TYPE, required=False)
    proposed_from = Instant(required=False, help_text="The registry's clock, RFC 3339 with an offset.")
    proposed_before = Instant(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters. Raises: ValidationError when the time they name is empty."""
        start, end = attrs.get("proposed_from"), attrs.get("proposed_before")
        if start is not None and end is not None and start >= end:
            raise serializers.ValidationError({"proposed_before": [fault("empty-period").detail[0]]})  # type: ignore[index]
        return attrs
