"""The parameters of the lists of links. An unknown one, or a value that no row could have, is refused and named."""

from datetime import datetime
from typing import Any

from django.conf import settings
from rest_framework import serializers

from accounts.api.base import PageQuery, Query
from accounts.api.fields import Pattern, QueryInteger, Word, fault
from linking.models.quotas import KINDS as KINDS_OF_QUOTA
from linking.rules.documents import KINDS
from registry.api.filters import Instant, not_to_come
from registry.rules.serials import GREATEST_SERIAL

_REGISTRY = r"^[A-Z]{2}[A-Z0-9]{1,3}$"


def row_number(help_text: str) -> QueryInteger:
    """Return a parameter that names a row."""
    return QueryInteger(required=False, min_value=1, max_value=10**18 - 1, help_text=help_text)


class CorridorQuery(PageQuery):
    """Which corridors are listed."""

    link = row_number("Only those of this link.")


class AgreementQuery(PageQuery):
    """Which agreements are listed."""

    link = row_number("Only those of this link.")
    corridor = row_number("Only those of this corridor.")
    standing = Word(choices=["follows", "in-force", "settling", "over"], required=False)


class QuotaQuery(PageQuery):
    """Which quotas are listed."""

    link = row_number("Only those of this link.")
    corridor = row_number("Only those of this corridor.")
    kind = Word(choices=list(KINDS_OF_QUOTA), required=False)
    year = QueryInteger(required=False, min_value=0, max_value=2200, help_text="0: for a corridor's whole life.")


class InstrumentQuery(PageQuery):
    """Which instruments are listed."""

    link = row_number("Only those of this link.")
    kind = Word(choices=list(KINDS), required=False)
    state = Word(choices=["open", "concluded", "withdrawn"], required=False)


class FlowQuery(Query):
    """Which flows are told."""

    link = row_number("Only those of this link.")
    corridor = row_number("Only those of this corridor.")
    as_of = Instant(
        required=False, help_text="A past instant, RFC 3339 with an offset; what completed exactly then counts."
    )

    def validate_as_of(self, value: datetime) -> datetime:
        """Return the instant. Raises: ValidationError for a time to come."""
        return not_to_come(value, self.now())

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters, as of now where nothing else is asked."""
        attrs.setdefault("as_of", self.now())
        return attrs


class BooksQuery(Query):
    """When the books are looked at."""

    as_of = Instant(
        required=False,
        help_text="A past instant, RFC 3339 with an offset; what completed exactly then counts. Absent: as they stand.",
    )

    def validate_as_of(self, value: datetime) -> datetime:
        """Return the instant. Raises: ValidationError for a time to come."""
        return not_to_come(value, self.now())


class NoticeQuery(PageQuery):
    """Which notices are listed."""

    freeze = row_number("Only those of this freeze.")


class TheftCaseQuery(PageQuery):
    """Which cases are listed."""

    hold = row_number("Only those about this hold.")
    state = Word(choices=["open", "decided", "withdrawn"], required=False)


class RecognitionQuery(PageQuery):
    """Which recognitions are listed: of units abroad, or that of one unit."""

    registry = Pattern(_REGISTRY, required=False, help_text="Who issued the units, `CNBJ`.")
    serial = QueryInteger(
        required=False, min_value=1, max_value=GREATEST_SERIAL, help_text="Of one unit; with its `registry`."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Return the parameters. Raises: ValidationError where a unit is named by half."""
        if "serial" in attrs and "registry" not in attrs:
            raise serializers.ValidationError({"registry": fault("required").detail})
        return attrs


class TextQuery(Query):
    """In which language an agreement is read."""

    language = Word(
        choices=[code for code, _ in settings.LANGUAGES],
        required=False,
        help_text="Absent: those of both sides and English, one below the other.",
    )
