"""The parameters of the registry's lists. An unknown one, or a value that no row could have, is refused and named."""

from datetime import UTC, datetime
from math import gcd
from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.api.base import PageQuery, Query
from accounts.api.fields import Pattern, QueryInteger, Word, fault
from registry.api.orders import ACCOUNT_FORM
from registry.rules.states import State
from registry.rules.types import TYPES

_REGISTRY = r"^[A-Z]{2}[A-Z0-9]{1,3}$"
_UNIT_TYPE = r"^[A-Z][A-Z0-9]{1,9}$"
_RATE = r"^[1-9][0-9]{0,9}/[1-9][0-9]{0,9}$"


def of_recognition() -> QueryInteger:
    """Return the parameter that asks for one recognition."""
    return QueryInteger(
        required=False, min_value=0, max_value=2**31 - 1, help_text="Only what counts so: the `id` of a recognition."
    )


class RateText(Pattern):
    """A rate in a query string, `4/5`; it need not be in lowest terms."""

    def __init__(self, **kwargs: Any):
        super().__init__(_RATE, max_length=21, **kwargs)

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return its two terms, lowest. Raises: ValidationError."""
        value = super().run_validation(data)
        if not isinstance(value, str):
            return value
        numerator, denominator = map(int, value.split("/"))
        common = gcd(numerator, denominator)
        return numerator // common, denominator // common


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
    recognition = of_recognition()


class TransactionQuery(PageQuery):
    """Which transactions are listed."""

    type = serializers.ChoiceField(choices=list(TYPES), required=False)
    state = serializers.ChoiceField(choices=[str(state) for state in State], required=False)
    account = Pattern(ACCOUNT_FORM, required=False, help_text="On either side.")
    unit_type = Pattern(_UNIT_TYPE, required=False)
    proposed_from = Instant(required=False, help_text="The registry's clock, RFC 3339 with an offset.")
    proposed_before = Instant(required=False)


class HoldingsQuery(Query):
    """Of which time an account's balances are told, and which of them."""

    as_of = Instant(
        required=False,
        help_text="A past instant, RFC 3339 with an offset; what completed exactly then counts. Absent: now.",
    )
    recognition = of_recognition()
    rate = RateText(required=False, help_text="Only what counts at this rate, `4/5`; 1/1: also what is at home.")

    def validate_as_of(self, value: datetime) -> datetime:
        """Return the instant. Raises: ValidationError for a time to come."""
        return not_to_come(value, self.now())


class StatementQuery(PageQuery):
    """Which period of an account is told, and in which form."""

    format = Word(
        choices=["json", "csv", "xlsx"],
        required=False,
        default="json",
        help_text="`json`: by pages. `csv`, `xlsx`: the whole as a file; `cursor` and `limit` are of pages only.",
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; one is named by a word of Python's."""
        fields: dict[str, Any] = super().get_fields()
        fields["from"] = Instant(help_text="The period's first instant: what completed exactly then is in it.")
        fields["to"] = Instant(
            required=False, help_text="The period's end: what completed exactly then is in the next. Absent: now."
        )
        return fields

    def validate_to(self, value: datetime) -> datetime:
        """Return the instant. Raises: ValidationError for a time to come."""
        return not_to_come(value, self.now())

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters. Raises: ValidationError for a period that ends before it begins, or pages of a file."""
        attrs.setdefault("to", self.now())
        if attrs["from"] >= attrs["to"]:
            raise serializers.ValidationError({"from": fault("period-reversed").detail})
        of_pages = [name for name in ("cursor", "limit") if name in self.initial_data]
        if attrs["format"] != "json" and of_pages:
            raise serializers.ValidationError({name: fault("only-for-pages").detail for name in of_pages})
        return attrs


class CertificateQuery(Query):
    """In which language a certificate speaks."""

    language = Word(
        choices=[code for code, _ in settings.LANGUAGES],
        required=False,
        help_text="Absent: that of `Accept-Language`, else the jurisdiction's.",
    )


def not_to_come(value: datetime, now: datetime) -> datetime:
    """Return an instant that is not in the future. Raises: ValidationError."""
    if value > now:
        raise fault("in-the-future")
    return value
