"""What comes in and goes out where freezes are set, looked at and released."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.api.base import PageQuery
from accounts.api.errors import RequestError, RequestRefused
from accounts.api.fields import Pattern, QueryFlag, StrictSerializer, Text, fault
from accounts.api.serializers import JURISDICTION_CODE
from accounts.rules.identifiers import MalformedIdentifier, WrongCheckDigits, parse_account_identifier
from accounts.texts import text
from registry.api.orders import ACCOUNT_FORM, LONGEST_REFERENCE, LONGEST_TEXT
from registry.rules.freezes import FreezeRecord, Named
from registry.rules.serials import FORM, MalformedBlock, ReversedBlock, WrongBlockCheckDigits, parse_block

THINGS = ("transaction", "account", "serial_block")
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Day(serializers.DateField):
    """A day as a JSON text, `2026-09-01`."""

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """Return the day. Raises: ValidationError."""
        if data is not serializers.empty and data is not None:
            if not isinstance(data, str):
                raise fault("not-a-text")
            if not _DAY.fullmatch(data):
                raise fault("wrong-form")
        return super().run_validation(data)


class FreezeOrderSerializer(StrictSerializer):
    """A freeze of exactly one of a transaction, an account and a block of serials."""

    transaction = Pattern(_UUID, code="no-uuid", required=False)
    account = Pattern(ACCOUNT_FORM, code=2001, required=False, help_text="`CNBJ-TRA-1000007-89`.")
    serial_block = Pattern(
        f"^{FORM}$", code=2001, required=False, max_length=80, help_text="`CNBJ-BEA-2026-1-1000-86`, whoever holds it."
    )
    jurisdiction = Pattern(
        JURISDICTION_CODE,
        required=False,
        help_text="`JP-13`: in whose registry the serials are frozen; that of their issuer, if nothing is said.",
    )
    reason = Text(max_length=LONGEST_TEXT)
    reference = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=LONGEST_REFERENCE,
        help_text="The file of the court or authority that ordered it.",
    )
    review_on = Day(help_text="The day on which it is looked at again, in the jurisdiction's calendar; not past.")


class ConfirmationSerializer(StrictSerializer):
    """A freeze of the registry's own in the place of a hold."""

    reason = Text(max_length=LONGEST_TEXT)
    reference = Text(required=False, default="", allow_blank=True, max_length=LONGEST_REFERENCE)
    review_on = Day(help_text="The day on which it is looked at again, in the jurisdiction's calendar; not past.")


class ReleaseRequestSerializer(StrictSerializer):
    """Why a freeze should be released."""

    reason = Text(
        required=False, default="", allow_blank=True, max_length=LONGEST_TEXT, help_text="Kept with the freeze."
    )


class FreezeQuery(PageQuery):
    """Which freezes are listed."""

    active = QueryFlag(required=False, help_text="false: released ones.")
    review_due = QueryFlag(required=False, help_text="true: those that are to be looked at again.")


class FreezeSerializer(serializers.Serializer[FreezeRecord]):
    """A freeze: one thing that moves nowhere until two persons have agreed."""

    id = serializers.IntegerField()
    jurisdiction = serializers.CharField()
    transaction = serializers.UUIDField(source="named.transaction", allow_null=True)
    account = serializers.CharField(source="named.account", allow_null=True)
    serial_block = serializers.SerializerMethodField()
    active = serializers.BooleanField(source="is_active")
    reason = serializers.CharField()
    reference = serializers.CharField(allow_blank=True)
    review_on = serializers.DateField()
    frozen_by = serializers.SerializerMethodField(help_text="`user:17`, as in the log.")
    frozen_at = serializers.DateTimeField()
    release_requested_by = serializers.SerializerMethodField()
    release_requested_at = serializers.DateTimeField(allow_null=True)
    release_reason = serializers.CharField(allow_blank=True)
    released_by = serializers.SerializerMethodField(
        help_text="Another than asked for the release; null, also afterwards, of a hold that ended by itself."
    )
    released_at = serializers.DateTimeField(allow_null=True)
    notice_of = serializers.IntegerField(
        allow_null=True, help_text="Of a hold: the freeze of another registry for which the serials are held here."
    )
    expires_at = serializers.DateTimeField(allow_null=True, help_text="Of a hold: when it ends by itself.")

    def get_serial_block(self, record: FreezeRecord) -> str | None:
        """Return the serials as a block is printed."""
        return None if record.named.serials is None else str(record.named.serials)

    def get_frozen_by(self, record: FreezeRecord) -> str:
        """Return who froze."""
        return f"user:{record.frozen_by}"

    def get_release_requested_by(self, record: FreezeRecord) -> str | None:
        """Return who asked for the release."""
        return None if record.release_requested_by is None else f"user:{record.release_requested_by}"

    def get_released_by(self, record: FreezeRecord) -> str | None:
        """Return who released it."""
        return None if record.released_by is None else f"user:{record.released_by}"


class ListedFreezeSerializer(FreezeSerializer):
    """A freeze as it is looked at."""

    review_due = serializers.BooleanField(
        help_text="It stops something, and its review date has come or it stood longer than `freeze.review-period`."
    )


class FreezePageSerializer(serializers.Serializer[Any]):
    """A page of freezes, the latest first."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = ListedFreezeSerializer(many=True)


def named_by(members: Mapping[str, Any]) -> Named:
    """Return what a valid order freezes.

    Raises: RequestRefused at each of several things that are named, or at the first where none is; with a code of the check
    table for an identifier that does not print back to itself.
    """
    found = [name for name in THINGS if name in members]
    if len(found) != 1:
        code = "one-thing-is-frozen"
        errors = [RequestError(code, text(f"problem.{code}"), name, f"/{name}") for name in found or THINGS[:1]]
        raise RequestRefused("refused", *errors)
    try:
        if "account" in members:
            parse_account_identifier(members["account"])
            return Named(account=members["account"])
        if "serial_block" in members:
            return Named(serials=parse_block(members["serial_block"]))
    except (WrongCheckDigits, WrongBlockCheckDigits):
        raise wrong(2002, members) from None
    except ReversedBlock:
        raise wrong(2004, members) from None
    except (MalformedIdentifier, MalformedBlock):
        raise wrong(2001, members) from None
    return Named(transaction=UUID(members["transaction"]))


def wrong(code: int | str, members: Mapping[str, Any]) -> RequestRefused:
    """Return the refusal of the one thing that is named."""
    name = next(name for name in THINGS if name in members)
    subject = str(members[name])
    return RequestRefused(
        "refused", RequestError(code, text(f"problem.{code}", subject=subject), name, f"/{name}", (subject,))
    )
