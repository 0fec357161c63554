"""How jurisdictions, their rules and accounts are printed. Texts are looked up in the reader's language."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.api.base import PageQuery, Query
from accounts.api.fields import Pattern, StrictSerializer, Text
from accounts.calendars import DescribedDay, Why
from accounts.models import Account, DatedRule, Jurisdiction, TrustedAccount
from accounts.models.trusted import LONGEST_NOTE
from accounts.rules.account_types import ACCOUNT_TYPES, Standing
from accounts.rules.representatives import Rights
from accounts.rules.statuses import AccountStatus
from accounts.rules.trusted import TrustedAccountState
from accounts.texts import account_type_text, text

ACCOUNT_FORM = r"^[A-Z]{2}[A-Z0-9]{1,3}-[A-Z]{3}-[1-9][0-9]{0,17}-[0-9]{2}$"
MOST_DAYS = 400
JURISDICTION_CODE = r"^[A-Z]{2}-[A-Z0-9]{1,3}$"


class CodedText(serializers.CharField):
    """The text of a code that a row holds, or an empty one where it holds none."""

    def __init__(self, *, code: str, **kwargs: Any):
        self.code = code
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Any) -> str:
        """Return the text in the reader's language."""
        return text(self.code.format(value)) if value else ""


class JurisdictionSerializer(serializers.Serializer[Jurisdiction]):
    """A jurisdiction whose registry is hosted here."""

    code = serializers.CharField(help_text="ISO 3166-2, `CN-BJ`.")
    registry = serializers.CharField(source="registry_code", help_text="As identifiers and serials begin, `CNBJ`.")
    name = CodedText(source="code", code="jurisdiction.{}")
    currency = serializers.CharField(help_text="ISO 4217.")
    time_zone = serializers.CharField(help_text="Of its days and deadlines, `Asia/Shanghai`.")
    language = serializers.CharField(help_text="BCP 47.")
    caveat = CodedText(code="{}", help_text="What must be said wherever it is presented; empty where nothing must.")
    is_test = serializers.BooleanField(help_text="Made for a test or a replay; no real registry.")


@extend_schema_field(
    {"description": "Integers and texts, alone or in lists and objects; a ratio or price is the text of its decimal."}
)
class RuleValue(serializers.JSONField):
    """What a rule says."""


class RuleSerializer(serializers.Serializer[DatedRule]):
    """A dated rule: what held from a day until another, how sure that is, and where it was read."""

    key = serializers.CharField()
    value = RuleValue()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True, help_text="The first day on which it no longer holds.")
    confidence = serializers.ChoiceField(
        choices=["V", "D", "RH", "RM", "RL"],
        help_text="V read, D derived, R recalled with high, medium or low confidence.",
    )
    confidence_meaning = CodedText(source="confidence", code="confidence.{}")
    to_be_confirmed = serializers.BooleanField(help_text="Recalled, not read; must be shown as such.")
    source = serializers.CharField()  # type: ignore[assignment]  # a member of that name


class JurisdictionDetailSerializer(JurisdictionSerializer):
    """A jurisdiction with its rules."""

    rules = RuleSerializer(many=True)


class JurisdictionListSerializer(serializers.Serializer[Any]):
    """Every jurisdiction."""

    results = JurisdictionSerializer(many=True)


class WorkingDaySerializer(serializers.Serializer[DescribedDay]):
    """A day of a jurisdiction's calendar."""

    date = serializers.DateField(source="day")
    is_working = serializers.BooleanField()
    why = serializers.ChoiceField(
        choices=[str(why) for why in Why],
        help_text="An ordinary weekday or weekend, a public holiday, a weekend day moved to work, or recorded here.",
    )
    why_name = CodedText(source="why", code="day.{}")
    name = serializers.CharField(help_text="Of the holiday, or as the day was recorded; empty for ordinary days.")
    source = serializers.CharField(  # type: ignore[assignment]  # a member of that name
        help_text="The package of public holidays that says so, or the record's own source."
    )
    confidence = serializers.ChoiceField(
        choices=["V", "D", "RH", "RM", "RL"], allow_null=True, help_text="Of a recorded day; null for every other."
    )


class WorkingDayListSerializer(serializers.Serializer[Any]):
    """The days asked for, in order."""

    results = WorkingDaySerializer(many=True)


class AccountSerializer(serializers.Serializer[Account]):
    """An account that the reader may know of."""

    identifier = serializers.CharField(help_text="`JP13-OHA-1000042-47`.")
    name = serializers.CharField()
    jurisdiction = serializers.CharField(source="jurisdiction.code")
    registry = serializers.CharField(source="jurisdiction.registry_code")
    type = serializers.ChoiceField(source="type_id", choices=sorted(ACCOUNT_TYPES))
    type_name = serializers.SerializerMethodField(help_text="As its jurisdiction calls it.")
    status = serializers.ChoiceField(choices=[str(status) for status in AccountStatus])
    status_name = CodedText(source="status", code="account-status.{}")
    standing = serializers.ChoiceField(
        source="type.standing",
        choices=[str(standing) for standing in Standing],
        help_text="What units in it count as.",
    )
    holder = serializers.CharField(source="holder.name")
    installation = serializers.SerializerMethodField(help_text="Its permit or facility number.")
    one_person_surrender = serializers.BooleanField(help_text="The holder chose that one person surrenders alone.")
    one_person_trusted_transfer = serializers.BooleanField(
        help_text="The holder chose that one person sends to a trusted account alone."
    )
    trusted_only = serializers.BooleanField(help_text="It sends to trusted accounts only.")
    frozen = serializers.BooleanField(help_text="Nothing leaves it and nothing arrives, whatever its status.")
    opened_at = serializers.DateTimeField(allow_null=True)
    closed_at = serializers.DateTimeField(allow_null=True)
    right = serializers.ChoiceField(
        choices=[str(right) for right in Rights], allow_null=True, help_text="The reader's own, as its representative."
    )

    def get_type_name(self, account: Account) -> str:
        """Return the name of the account's type."""
        return account_type_text(account.type_id, account.jurisdiction.code)

    def get_installation(self, account: Account) -> str | None:
        """Return the number of the account's installation."""
        return None if account.installation is None else account.installation.number


class AccountPageSerializer(serializers.Serializer[Any]):
    """A page of accounts, by identifier."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = AccountSerializer(many=True)


class RuleQuery(Query):
    """Which rules of a jurisdiction are shown; all of every time without one."""

    on = serializers.DateField(required=False, help_text="Only what holds on this day.")
    key = Pattern(r"^[A-Za-z0-9.-]+$", required=False, max_length=100, help_text="Only this rule.")


class WorkingDayQuery(Query):
    """Which days are told: at most 400, of the years 2000 to 2099."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """Return the two days; the name of the first is a word of Python's own."""
        return {
            "from": serializers.DateField(help_text="The first day; years 2000 to 2099."),
            "to": serializers.DateField(help_text=f"The last day, at most {MOST_DAYS} with the first."),
        }


class AccountQuery(PageQuery):
    """Which accounts are listed."""

    jurisdiction = Pattern(JURISDICTION_CODE, required=False, help_text="`CN-BJ`.")
    type = serializers.ChoiceField(choices=sorted(ACCOUNT_TYPES), required=False)
    status = serializers.ChoiceField(choices=[str(status) for status in AccountStatus], required=False)


class TrustedAccountSerializer(serializers.Serializer[TrustedAccount]):
    """An account that was asked to be trusted, and what became of it."""

    id = serializers.IntegerField()
    account = serializers.CharField(source="trusted_identifier", help_text="`JP13-OHA-1000042-47`, of any registry.")
    note = serializers.CharField(allow_blank=True)
    state = serializers.ChoiceField(choices=[str(state) for state in TrustedAccountState])
    state_name = CodedText(source="state", code="trusted-account-state.{}")
    active_from = serializers.DateTimeField(
        allow_null=True, help_text="From when it counts, once approved: noon of a working day."
    )
    requested_by = serializers.SerializerMethodField(help_text="`user:17`, as in the log.")
    requested_at = serializers.DateTimeField()
    decided_by = serializers.SerializerMethodField()
    decided_at = serializers.DateTimeField(allow_null=True)
    removed_by = serializers.SerializerMethodField(help_text="Who took back the request or removed the account.")
    removed_at = serializers.DateTimeField(allow_null=True)
    removal_reason = serializers.CharField(allow_blank=True, help_text="The order by which it was removed.")

    def get_requested_by(self, row: TrustedAccount) -> str:
        """Return who asked."""
        return f"user:{row.requested_by_id}"

    def get_decided_by(self, row: TrustedAccount) -> str | None:
        """Return who approved or rejected it."""
        return None if row.decided_by_id is None else f"user:{row.decided_by_id}"

    def get_removed_by(self, row: TrustedAccount) -> str | None:
        """Return who withdrew or removed it."""
        return None if row.removed_by_id is None else f"user:{row.removed_by_id}"


class TrustedAccountPageSerializer(serializers.Serializer[Any]):
    """A page of a list of trusted accounts, in the order of the requests."""

    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = TrustedAccountSerializer(many=True)


class TrustedAccountQuery(PageQuery):
    """Which of a list's accounts are shown."""

    state = serializers.ChoiceField(choices=[str(state) for state in TrustedAccountState], required=False)


class TrustRequestSerializer(StrictSerializer):
    """A request to trust an account."""

    account = Pattern(ACCOUNT_FORM, max_length=40, help_text="`JP13-OHA-1000042-47`, of any registry.")
    note = Text(required=False, default="", allow_blank=True, max_length=LONGEST_NOTE)


class RemovalSerializer(StrictSerializer):
    """Why an account is taken off the list."""

    reason = Text(
        required=False,
        default="",
        allow_blank=True,
        max_length=LONGEST_NOTE,
        help_text="The order's reference; needed from registry administrators.",
    )


class NoMembers(StrictSerializer):
    """The body of what needs no more said: none, or an empty object."""
