"""The ledger: blocks, balances, transactions, issues and series. Read-only for everybody, searched by account and by serial."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin import AccountAdmin, ReadOnlyAdmin, actor_of
from accounts.models import Account
from accounts.rules.access import registry_itself
from accounts.texts import text
from registry.admin import deciding, keys, ordering
from registry.admin.freezes import freeze_link
from registry.admin.searching import StateFilter, TypeFilter, moves_some_of, of_registry, serials_in
from registry.certificates import CERTIFIED, certificate_of, language_for, page_of
from registry.models import Balance, Issue, Series, Transaction, TransactionBlock, TransactionType, UnitBlock
from registry.rules.serials import format_block
from registry.rules.states import STEPS, State, Step
from registry.warning_queries import warnings_for

# Where a freeze holds a transaction, also one that is on hold already.
HOLDABLE = frozenset(state for step, state in STEPS if step is Step.FROZEN) | {State.ON_HOLD}
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


class RangeInline(admin.TabularInline):  # type: ignore[type-arg]
    """The serials that a transaction moves."""

    model = TransactionBlock
    extra = 0
    can_delete = False
    fields = readonly_fields = ("block", "from_account", "to_account")
    max_num = 100

    def get_queryset(self, request: HttpRequest) -> QuerySet[TransactionBlock]:
        """Return ranges with what their print needs."""
        rows: QuerySet[TransactionBlock] = super().get_queryset(request)
        return rows.select_related("origin", "series__unit_type", "from_account", "to_account").order_by("id")

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Ranges are recorded with their transaction."""
        return False

    @admin.display(description=gettext_lazy("admin.block"))
    def block(self, row: TransactionBlock) -> str:
        """The range as it is printed."""
        return printed_block(row.origin.registry_code, row.series, row.first_no, row.next_no)


@admin.register(Transaction)
class TransactionAdmin(LedgerAdmin):
    """Transactions with their ranges."""

    within = "jurisdiction__code"
    accounts = ("transferring__identifier", "acquiring__identifier", "client_reference")
    list_display = (
        "id", "type_name", "state_name", "transferring", "acquiring", "quantity_shown",
        "expires_at", "due_at", "completed_at",
    )  # fmt: skip
    list_select_related = ("transferring", "acquiring")
    list_filter = (StateFilter, TypeFilter, "jurisdiction")
    ordering = ("-id",)
    inlines = (deciding.StepInline, RangeInline)
    readonly_fields = ("certificate", "freeze")
    change_list_template = "admin/registry/transactions.html"
    change_form_template = "admin/registry/transaction.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the certificates, the decisions, what waits for them, and the orders."""
        pages: tuple[tuple[str, str, Callable[..., HttpResponse]], ...] = (
            ("<uuid:pk>/certificate/", "certificate", self.certificate_page),
            ("<uuid:pk>/decide/", "decide", partial(deciding.decide_page, self)),
            ("waiting/", "waiting", partial(deciding.waiting_page, self)),
            ("order/", "order", partial(ordering.order_page, self)),
        )
        own = [
            path(way, self.admin_site.admin_view(page), name=f"registry_transaction_{name}")
            for way, name, page in pages
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a transaction with the decisions that are open to the reader."""
        row = self.get_object(request, object_id)
        decisions = () if row is None else deciding.open_to(actor_of(request), row)
        warnings = () if row is None else warnings_for([row], now=clock.now()).get(row.pk, ())
        context = {
            "decisions": decisions,
            **keys.new_key(),
            "reversible": deciding.REVERSE in decisions,
            "warnings": deciding.texts_of(warnings),
        }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | context)

    def certificate_page(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Show the certificate of a transaction that the reader may look at."""
        transaction = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, transaction):
            raise PermissionDenied
        # The rows above are those that the reader may look at, whole: what the page shows is what these pages show.
        found = certificate_of(registry_itself(), pk)
        wanted = request.GET.get("language")
        if found is None or not (wanted is None or wanted in dict(settings.LANGUAGES)):
            raise Http404
        return page_of(found, language_for(found, wanted, request.headers.get("Accept-Language", "")))

    @admin.display(description=gettext_lazy("admin.certificate"))
    def certificate(self, row: Transaction) -> str:
        """The way to its certificate, in each language, where it has one."""
        if row.type_id not in CERTIFIED or row.state != State.COMPLETED:
            return "-"
        address = reverse("admin:registry_transaction_certificate", args=[row.pk])
        links = ((f"{address}?language={code}", name) for code, name in settings.LANGUAGES)
        return format_html_join(" · ", '<a href="{}">{}</a>', links)

    def by_serial(self, rows: QuerySet[Any], term: str) -> QuerySet[Any] | None:
        """Return the transactions that moved some of the serials."""
        wanted = serials_in(term)
        return None if wanted is None else rows.filter(moves_some_of(wanted))

    @admin.display(description=gettext_lazy("admin.type"), ordering="type")
    def type_name(self, row: Transaction) -> str:
        """The type's name."""
        return text(f"transaction-type.{row.type_id}")

    @admin.display(description=gettext_lazy("admin.state"), ordering="state")
    def state_name(self, row: Transaction) -> str:
        """The state's name."""
        return text(f"transaction-state.{row.state}")

    @admin.display(description="t CO2e", ordering="quantity")
    def quantity_shown(self, row: Transaction) -> str:
        """Units moved."""
        return f"{row.quantity:,}"

    @admin.display(description=gettext_lazy("admin.freeze"))
    def freeze(self, row: Transaction) -> str:
        """The way to the page that freezes it, while it can be."""
        return freeze_link("transaction", row.pk) if row.state in HOLDABLE else ""


@admin.register(TransactionType)
class TransactionTypeAdmin(ReadOnlyAdmin):
    """The types of transaction, as the database's triggers know them."""

    list_display = ("code", "effect", "from_types", "to_types", "within_one_registry")


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
