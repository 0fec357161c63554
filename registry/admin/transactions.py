"""Transactions with their ranges, their certificates and the ways to decide them. Read-only but for what an operation does."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import ReadOnlyAdmin, ReadOnlyInline, actor_of
from accounts.rules.access import registry_itself
from accounts.texts import text
from registry.admin import deciding, keys, ordering
from registry.admin.freezes import freeze_link
from registry.admin.ledger import LedgerAdmin, printed_block
from registry.admin.searching import StateFilter, TypeFilter, moves_some_of, serials_in
from registry.certificates import CERTIFIED, certificate_of, language_for, page_of
from registry.models import Transaction, TransactionBlock, TransactionType
from registry.rules.states import STEPS, State, Step
from registry.warning_queries import warnings_for

# Where a freeze holds a transaction, also one that is on hold already.
HOLDABLE = frozenset(state for step, state in STEPS if step is Step.FROZEN) | {State.ON_HOLD}


class RangeInline(ReadOnlyInline):
    """The serials that a transaction moves."""

    model = TransactionBlock
    fields = readonly_fields = ("block", "from_account", "to_account")
    max_num = 100

    def get_queryset(self, request: HttpRequest) -> QuerySet[TransactionBlock]:
        """Return ranges with what their print needs."""
        rows: QuerySet[TransactionBlock] = super().get_queryset(request)
        return rows.select_related("origin", "series__unit_type", "from_account", "to_account").order_by("id")

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
