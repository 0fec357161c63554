"""Account holders, installations, and accounts with their statuses and options."""

from collections.abc import Callable

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import clock, models
from accounts.admin.base import ReadOnlyAdmin, ReadOnlyInline, ReasonForm, actor_of, reason_of
from accounts.operations.change_account_status import change_account_status
from accounts.operations.set_account_options import set_account_options
from accounts.rules.statuses import AccountStatus
from accounts.texts import account_type_text, text

ACCOUNT_OPTIONS = ("one_person_surrender", "one_person_trusted_transfer", "trusted_only")


@admin.register(models.Holder)
class HolderAdmin(ReadOnlyAdmin):
    """Account holders."""

    list_display = ("name", "kind", "country", "reference")
    search_fields = ("name", "reference")
    list_filter = ("kind",)


class OperatorInline(ReadOnlyInline):
    """Who operated an installation, by date."""

    model = models.InstallationOperator
    fields = readonly_fields = ("holder", "valid_from", "valid_to")


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


class RepresentativeInline(ReadOnlyInline):
    """The representatives of an account."""

    model = models.Representative
    fields = readonly_fields = ("user", "rights", "state")


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


class TrustedAccountInline(ReadOnlyInline):
    """The accounts that an account trusts, or was asked to."""

    model = models.TrustedAccount
    fk_name = "account"
    fields = readonly_fields = ("trusted_identifier", "state", "active_from", "note")


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
