"""The ledger: blocks, balances, issues, series and accounts. Read-only for everybody, searched by account and by serial."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from accounts.admin.accounts import AccountAdmin
from accounts.admin.base import ReadOnlyAdmin
from accounts.models import Account
from accounts.texts import text
from registry.admin.freezes import freeze_link
from registry.admin.searching import of_registry, serials_in
from registry.models import Balance, Issue, Series, UnitBlock
from registry.rules.serials import format_block

SEARCH_HELP = gettext_lazy("admin.search-help")


def printed_block(registry: str, series: Series | None, first: int, following: int | None) -> str:
    """Return a block as it is printed; serials not issued yet have no name."""
    if series is None or following is None:
        return f"{registry} {first}-{'' if following is None else following - 1}"
    return format_block(registry, series.unit_type.code, series.vintage, first, following)


class LedgerAdmin(ReadOnlyAdmin):
    """Rows of the ledger. `accounts`: the ways to the identifiers of their accounts."""

    accounts: tuple[str, ...] = ()
    search_help_text = SEARCH_HELP
    # Django asks for some; the search is ours.
    search_fields = ("pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows of the serials or the accounts that the term names."""
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        found = self.by_serial(queryset, term)
        if found is not None:
            return found, False
        condition = Q()
        for way in self.accounts:
            condition |= Q(**{f"{way}__icontains": term})
        return queryset.filter(condition), False

    def by_serial(self, rows: QuerySet[Any], term: str) -> QuerySet[Any] | None:
        """Return the rows that concern the serials of the term, or None where it names none."""
        return None


@admin.register(UnitBlock)
class UnitBlockAdmin(LedgerAdmin):
    """Unit blocks: who holds which serials now."""

    within = "origin__code"
    accounts = ("account__identifier",)
    list_display = ("block", "quantity", "account", "standing", "held_for", "frozen_by")
    list_select_related = ("origin", "account", "series__unit_type")
    list_filter = ("origin", "retired")
    ordering = ("origin", "start_no")

    def by_serial(self, rows: QuerySet[Any], term: str) -> QuerySet[Any] | None:
        """Return the blocks that have some of the serials."""
        wanted = serials_in(term)
        if wanted is None:
            return None
        ends_after = Q(end_no__gt=wanted.first) | Q(end_no__isnull=True)
        return rows.filter(of_registry(wanted), ends_after, start_no__lt=wanted.next)

    @admin.display(description=gettext_lazy("admin.block"))
    def block(self, row: UnitBlock) -> str:
        """The block as it is printed."""
        return printed_block(row.origin.registry_code, row.series, row.start_no, row.end_no)

    @admin.display(description="t CO2e")
    def quantity(self, row: UnitBlock) -> str:
        """Units in the block."""
        return "" if row.end_no is None else f"{row.end_no - row.start_no:,}"

    @admin.display(description=gettext_lazy("admin.standing"))
    def standing(self, row: UnitBlock) -> str:
        """Whether its units still circulate."""
        if row.account_id is None:
            return text("admin.not-issued")
        return text("admin.retired") if row.retired else text("standing.held")


@admin.register(Balance)
class BalanceAdmin(LedgerAdmin):
    """Balances, kept by the database."""

    within = "account__jurisdiction__code"
    accounts = ("account__identifier",)
    list_display = ("account", "series", "quantity_shown", "reserved_shown")
    list_select_related = ("account", "series__unit_type")
    list_filter = ("series__unit_type",)
    ordering = ("account__identifier", "id")

    def by_serial(self, rows: QuerySet[Any], term: str) -> QuerySet[Any] | None:
        """Return the balances that the serials are part of."""
        wanted = serials_in(term)
        if wanted is None:
            return None
        blocks = UnitBlock.objects.filter(of_registry(wanted), start_no__lt=wanted.next, end_no__gt=wanted.first)
        return rows.filter(account__in=blocks.values("account"), series__in=blocks.values("series"), quantity__gt=0)

    @admin.display(description="t CO2e", ordering="quantity")
    def quantity_shown(self, row: Balance) -> str:
        """Units held."""
        return f"{row.quantity:,}"

    @admin.display(description=gettext_lazy("admin.reserved"), ordering="reserved")
    def reserved_shown(self, row: Balance) -> str:
        """Units of them that a transaction has reserved."""
        return f"{row.reserved:,}"


@admin.register(Series)
class SeriesAdmin(ReadOnlyAdmin):
    """Series: what never changes about a unit."""

    within = "origin__code"
    list_display = ("id", "origin", "unit_type", "vintage", "project", "period")
    list_select_related = ("origin", "unit_type")
    list_filter = ("origin",)


@admin.register(Issue)
class IssueAdmin(LedgerAdmin):
    """Acts of issuance."""

    within = "origin__code"
    list_display = ("first_no", "next_no", "origin", "series", "cap", "transaction")
    list_select_related = ("origin", "series__unit_type", "cap__unit_type", "transaction")
    ordering = ("origin", "first_no")

    def by_serial(self, rows: QuerySet[Any], term: str) -> QuerySet[Any] | None:
        """Return the issues of the serials."""
        wanted = serials_in(term)
        if wanted is None:
            return rows.none()
        return rows.filter(of_registry(wanted), first_no__lt=wanted.next, next_no__gt=wanted.first)


admin.site.unregister(Account)


@admin.register(Account)
class AccountWithBalancesAdmin(AccountAdmin):
    """Accounts, with what they hold."""

    readonly_fields = ("caveat_text", "balances", "frozen", "freeze")  # type: ignore[assignment]

    @admin.display(description=gettext_lazy("admin.balances"))
    def balances(self, account: Account) -> str:
        """Every balance of the account, in t CO2e, with the way to its blocks and transactions."""
        rows = (
            Balance.objects.filter(account=account, quantity__gt=0).select_related("series__unit_type").order_by("id")
        )
        held = ", ".join(f"{row.series} {row.quantity:,} ({row.reserved:,} {text('admin.reserved')})" for row in rows)
        return format_html(
            '{} <a href="/admin/registry/unitblock/?q={}">{}</a> <a href="/admin/registry/transaction/?q={}">{}</a>',
            held or "0",
            account.identifier,
            text("admin.blocks"),
            account.identifier,
            text("admin.transactions"),
        )

    @admin.display(description=gettext_lazy("admin.freeze"))
    def freeze(self, account: Account) -> str:
        """The way to the page that freezes it."""
        return freeze_link("account", account.identifier)
