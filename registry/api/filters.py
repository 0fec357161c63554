"""The parameters of the registry's lists. An unknown one, or a value that no row could have, is refused and named."""

from datetime import UTC, datetime

from rest_framework import serializers

from accounts.api.base import PageQuery, Query
from accounts.api.fields import Pattern, QueryInteger, fault
from registry.api.orders import ACCOUNT_FORM
from registry.rules.states import State
from registry.rules.types import TYPES

_REGISTRY = r"^[A-Z]{2}[A-Z0-9]{1,3}$"
_UNIT_TYPE = r"^[A-Z][A-Z0-9]{1,9}$"


class Instant(serializers.DateTimeField):
    """An instant with its offset (RFC 3339); a time without one would be a matter of opinion."""

    def enforce_timezone(self, value: datetime) -> datetime:
        """Return the instant in UTC. Raises: ValidationError when it names no offset, or lies outside all calendars."""
        if value.tzinfo is None:
            raise fault("no-offset")
        try:
            return value.astimezone(UTC)
        except OverflowError:
            raise fault("wrong-form") from None


class UnitTypeQuery(Query):
    """Which unit types are listed."""

    registry = Pattern(_REGISTRY, required=False, help_text="The issuing registry, `CNBJ`.")


class BlockQuery(PageQuery):
    """Which blocks of an account are listed."""

    registry = Pattern(_REGISTRY, required=False, help_text="The issuing registry, `CNBJ`.")
    unit_type = Pattern(_UNIT_TYPE, required=False)
    vintage = QueryInteger(required=False, min_value=1990, max_value=2200)


class TransactionQuery(PageQuery):
    """Which transactions are listed."""

    type = serializers.ChoiceField(choices=list(TYPES), required=False)
    state = serializers.ChoiceField(choices=[str(state) for state in State], required=False)
    account = Pattern(ACCOUNT_FORM, required=False, help_text="On either side.")
    unit_type = Pattern(_UNIT_TYPE, required=False)
    proposed_from = Instant(required=False, help_text="The registry's clock, RFC 3339 with an offset.")
    proposed_before = Instant(required=False)
