"""The administration of people, accounts and jurisdictions. What an operation changes is changed by that operation here too.

Everybody who signs in may look at what their roles let them read; nobody edits a row that an operation keeps.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.auth.admin import UserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import clock, models
from accounts.operations.change_account_status import change_account_status
from accounts.operations.change_representative_state import change_representative_state
from accounts.operations.decide_trusted_account import decide_trusted_account
from accounts.operations.remove_trusted_account import remove_trusted_account
from accounts.operations.revoke_api_key import revoke_api_key
from accounts.operations.set_account_options import set_account_options
from accounts.queries import actor_for, readable_jurisdictions
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.rules.representatives import RepresentativeState
from accounts.rules.statuses import AccountStatus
from accounts.texts import account_type_text, text

ACCOUNT_OPTIONS = ("one_person_surrender", "one_person_trusted_transfer", "trusted_only")

# "View site" leads to what there is to see beside the administration.
admin.site.site_url = "/api/docs/"


def actor_of(request: HttpRequest) -> Actor:
    """Return who is signed in, with the roles held now."""
    assert isinstance(request.user, models.User)
    return actor_for(request.user)


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows that are looked at here and changed elsewhere, or never. `within`: the way to the code of their jurisdiction."""

    within: str | None = None
    list_per_page = 50
    # Counting a million blocks to say "of how many" would cost more than the page.
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nothing is added here, by nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is changed here, by nobody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted, by nobody."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the jurisdictions that the reader may read."""
        rows = super().get_queryset(request)
        readable = None if self.within is None else readable_jurisdictions(actor_of(request))
        if readable is None or getattr(request.user, "is_superuser", False):
            return rows
        return rows.filter(**{f"{self.within}__in": readable})

    def act(self, request: HttpRequest, rows: Iterable[Any], operation: Callable[[Any], object]) -> None:
        """Run an operation on each row and tell how it went; a refusal stops nothing but its own row."""
        for row in rows:
            try:
                operation(row)
            except Refusal as refusal:
                reason = text(f"refusal.{refusal.code}", **refusal.params)
                self.message_user(request, f"{row}: {reason}", messages.ERROR)
            else:
                self.message_user(request, f"{row}: {text('admin.done')}", messages.SUCCESS)


class ReasonForm(ActionForm):
    """The form beside the actions of a list, with room for the order by which they are done."""

    reason = forms.CharField(required=False, max_length=500, label=gettext_lazy("admin.reason"))


def reason_of(request: HttpRequest) -> str:
    """Return the reason given with an action."""
    return str(request.POST.get("reason", "")).strip()[:500]


class RoleInline(admin.TabularInline):  # type: ignore[type-arg]
    """The roles of a user."""

    model = models.UserRole
    extra = 0


@admin.register(models.User)
class UsersAdmin(UserAdmin):  # type: ignore[type-arg]
    """Users and their roles: the system administrator's."""

    inlines = (RoleInline,)
    list_display = ("username", "is_active", "is_staff", "is_superuser", "last_login")


class DatedRuleInline(admin.TabularInline):  # type: ignore[type-arg]
    """The dated rules of a jurisdiction, with what is still to be confirmed."""

    model = models.DatedRule
    extra = 0
    fields = readonly_fields = ("key", "valid_from", "valid_to", "value", "confidence", "to_be_confirmed", "source")
    ordering = ("key", "valid_from")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rules are recorded by their operation."""
        return False

    @admin.display(description=gettext_lazy("fact.to-be-confirmed"))
    def to_be_confirmed(self, rule: models.DatedRule) -> str:
        """Facts that were recalled and not read in a source."""
        return text("fact.to-be-confirmed") if rule.confidence in {"RM", "RL"} else ""


@admin.register(models.Jurisdiction)
class JurisdictionAdmin(ReadOnlyAdmin):
    """Jurisdictions with their rules; what must be said of one is said."""

    list_display = ("code", "registry_code", "currency", "time_zone", "caveat_text", "is_test")
    readonly_fields = ("caveat_text",)
    inlines = (DatedRuleInline,)
    search_fields = ("code", "registry_code")

    @admin.display(description=gettext_lazy("admin.caveat"))
    def caveat_text(self, jurisdiction: models.Jurisdiction) -> str:
        """What must be said wherever it is presented."""
        return text(jurisdiction.caveat) if jurisdiction.caveat else ""


@admin.register(models.DatedRule)
class DatedRuleAdmin(ReadOnlyAdmin):
    """Every dated rule."""

    within = "jurisdiction__code"
    list_display = ("jurisdiction", "key", "valid_from", "valid_to", "value", "confidence", "source")
    list_filter = ("jurisdiction", "confidence")
    list_select_related = ("jurisdiction",)
    search_fields = ("key", "source")


@admin.register(models.CalendarDay)
class CalendarDayAdmin(ReadOnlyAdmin):
    """Recorded days of the working calendars; the latest record of a day counts."""

    within = "jurisdiction__code"
    list_display = ("jurisdiction", "day", "is_working", "name", "confidence", "source", "recorded_at")
    list_filter = ("jurisdiction", "is_working")
    list_select_related = ("jurisdiction",)
    search_fields = ("name", "source")


@admin.register(models.Holder)
class HolderAdmin(ReadOnlyAdmin):
    """Account holders."""

    list_display = ("name", "kind", "country", "reference")
    search_fields = ("name", "reference")
    list_filter = ("kind",)


class OperatorInline(admin.TabularInline):  # type: ignore[type-arg]
    """Who operated an installation, by date."""

    model = models.InstallationOperator
    extra = 0
    fields = readonly_fields = ("holder", "valid_from", "valid_to")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Operators change by their operation."""
        return False


@admin.register(models.Installation)
class InstallationAdmin(ReadOnlyAdmin):
    """Installations with their operators."""

    within = "jurisdiction__code"
    list_display = ("number", "name", "jurisdiction", "sector", "first_year", "last_year")
    list_select_related = ("jurisdiction",)
    search_fields = ("number", "name")
    list_filter = ("jurisdiction",)
    inlines = (OperatorInline,)


@admin.register(models.AccountType)
class AccountTypeAdmin(ReadOnlyAdmin):
    """The account types, as the database knows them."""

    list_display = ("code", "type_name", "standing", "retires", "administrative")

    @admin.display(description=gettext_lazy("admin.name"))
    def type_name(self, row: models.AccountType) -> str:
        """The type's name."""
        return account_type_text(row.code)


class RepresentativeInline(admin.TabularInline):  # type: ignore[type-arg]
    """The representatives of an account."""

    model = models.Representative
    extra = 0
    fields = readonly_fields = ("user", "rights", "state")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Representatives are nominated by their operation."""
        return False


def _to_status(status: AccountStatus) -> Callable[["AccountAdmin", HttpRequest, QuerySet[models.Account]], None]:
    @admin.action(description=gettext_lazy(f"admin.account-to.{status}"))
    def action(self: "AccountAdmin", request: HttpRequest, rows: QuerySet[models.Account]) -> None:
        actor = actor_of(request)
        self.act(
            request,
            rows,
            lambda row: change_account_status(
                identifier=row.identifier, status=status, reason="", actor=actor, now=clock.now()
            ),
        )

    action.__name__ = f"to_{status.lower()}"
    return action


def _option(name: str, chosen: bool) -> Callable[["AccountAdmin", HttpRequest, QuerySet[models.Account]], None]:
    code = f"{name.replace('_', '-')}.{'on' if chosen else 'off'}"

    @admin.action(description=gettext_lazy(f"admin.{code}"))
    def action(self: "AccountAdmin", request: HttpRequest, rows: QuerySet[models.Account]) -> None:
        actor, reason, option = actor_of(request), reason_of(request), {name: chosen}
        self.act(
            request,
            rows,
            lambda row: set_account_options(
                identifier=row.identifier, reason=reason, actor=actor, now=clock.now(), **option
            ),
        )

    action.__name__ = f"{name}_{'on' if chosen else 'off'}"
    return action


class TrustedAccountInline(admin.TabularInline):  # type: ignore[type-arg]
    """The accounts that an account trusts, or was asked to."""

    model = models.TrustedAccount
    fk_name = "account"
    extra = 0
    fields = readonly_fields = ("trusted_identifier", "state", "active_from", "note")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Trusted accounts are requested by their operation."""
        return False


@admin.register(models.Account)
class AccountAdmin(ReadOnlyAdmin):
    """Accounts, their representatives, and their statuses."""

    within = "jurisdiction__code"
    list_display = ("identifier", "type_name", "holder", "status", "jurisdiction")
    list_select_related = ("jurisdiction", "holder", "type")
    list_filter = ("jurisdiction", "type", "status")
    search_fields = ("identifier", "name", "holder__name", "installation__number")
    readonly_fields = ("caveat_text",)
    inlines = (RepresentativeInline, TrustedAccountInline)
    action_form = ReasonForm
    actions = (
        *(
            _to_status(status)
            for status in (
                AccountStatus.OPEN,
                AccountStatus.SOME_RESTRICTED,
                AccountStatus.ALL_RESTRICTED,
                AccountStatus.SUSPENDED,
                AccountStatus.CLOSURE_PENDING,
                AccountStatus.CLOSED,
            )
        ),
        *(_option(name, chosen) for name in ACCOUNT_OPTIONS for chosen in (True, False)),
    )

    @admin.display(description=gettext_lazy("admin.type"), ordering="type")
    def type_name(self, account: models.Account) -> str:
        """The type's name, as the jurisdiction calls it, and what must be said of the jurisdiction."""
        name = account_type_text(account.type_id, account.jurisdiction.code)
        return f"{name} *" if account.jurisdiction.caveat else name

    @admin.display(description=gettext_lazy("admin.caveat"))
    def caveat_text(self, account: models.Account) -> str:
        """What must be said of its jurisdiction wherever it is presented."""
        return text(account.jurisdiction.caveat) if account.jurisdiction.caveat else ""


def _to_state(state: RepresentativeState) -> Callable[..., None]:
    @admin.action(description=gettext_lazy(f"admin.representative-to.{state}"))
    def action(self: "RepresentativeAdmin", request: HttpRequest, rows: QuerySet[models.Representative]) -> None:
        actor = actor_of(request)
        self.act(
            request,
            rows,
            lambda row: change_representative_state(representative=row, state=state, actor=actor, now=clock.now()),
        )

    action.__name__ = f"to_{state.lower()}"
    return action


@admin.register(models.Representative)
class RepresentativeAdmin(ReadOnlyAdmin):
    """Authorised representatives; a nomination is decided here."""

    within = "account__jurisdiction__code"
    list_display = ("account", "user", "rights", "state")
    list_select_related = ("account", "user")
    list_filter = ("state", "rights")
    search_fields = ("account__identifier", "user__username")
    actions = tuple(
        _to_state(state)
        for state in (
            RepresentativeState.ACTIVE,
            RepresentativeState.SUSPENDED,
            RepresentativeState.REMOVED,
            RepresentativeState.REJECTED,
        )
    )


@admin.register(models.TrustedAccount)
class TrustedAccountAdmin(ReadOnlyAdmin):
    """Trusted accounts. Those of administrative accounts are approved here; any is removed here by order."""

    within = "account__jurisdiction__code"
    list_display = ("account", "trusted_identifier", "state", "active_from", "requested_by", "decided_by")
    list_select_related = ("account", "requested_by", "decided_by")
    list_filter = ("state", "account__jurisdiction")
    search_fields = ("account__identifier", "trusted_identifier")
    action_form = ReasonForm
    actions = ("approve", "remove")

    @admin.action(description=gettext_lazy("admin.approve"))
    def approve(self, request: HttpRequest, rows: QuerySet[models.TrustedAccount]) -> None:
        """Approve requests, as the second person."""
        actor = actor_of(request)
        self.act(
            request,
            rows,
            lambda row: decide_trusted_account(
                identifier=row.account.identifier, number=row.pk, approved=True, actor=actor, now=clock.now()
            ),
        )

    @admin.action(description=gettext_lazy("admin.remove-trusted-account"))
    def remove(self, request: HttpRequest, rows: QuerySet[models.TrustedAccount]) -> None:
        """Remove accounts from lists, by order."""
        actor, reason = actor_of(request), reason_of(request)
        self.act(
            request,
            rows,
            lambda row: remove_trusted_account(
                identifier=row.account.identifier, number=row.pk, reason=reason, actor=actor, now=clock.now()
            ),
        )


@admin.register(models.ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """API keys: whose, for what, until when. The secret is nowhere to be seen."""

    list_display = ("prefix", "user", "name", "scopes", "expires_at", "revoked_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("prefix", "user__username", "name")
    exclude = ("secret_hash",)
    actions = ("revoke",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return every key for the system administrator, one's own for others."""
        rows = super().get_queryset(request)
        return rows if getattr(request.user, "is_superuser", False) else rows.filter(user_id=request.user.pk)

    @admin.action(description=gettext_lazy("admin.revoke"))
    def revoke(self, request: HttpRequest, rows: QuerySet[models.ApiKey]) -> None:
        """Revoke keys."""
        actor = actor_of(request)
        self.act(
            request,
            rows,
            lambda row: revoke_api_key(prefix=row.prefix, actor=actor, now=clock.now(), real_now=clock.real_now()),
        )


@admin.register(models.Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """The mode and the clock."""

    list_display = ("mode", "clock_offset_seconds")
