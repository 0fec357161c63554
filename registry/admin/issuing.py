"""Unit types and caps; issuing under a cap, by the same operation as everywhere."""

from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import ReadOnlyAdmin, actor_of
from accounts.models import Account
from accounts.refusals import Refusal
from accounts.texts import text
from registry.admin.deciding import page_of_transaction, told
from registry.admin.keys import KeyedForm, answer_key, first_answer, key_anew, new_key
from registry.admin.reasons import reasons_of
from registry.models import IssuanceCap, UnitType
from registry.operations.issue import issue
from registry.operations.outcome import AnsweredBefore, Refused
from registry.rules.serials import GREATEST_SERIAL


@admin.register(UnitType)
class UnitTypeAdmin(ReadOnlyAdmin):
    """Unit types."""

    within = "jurisdiction__code"
    list_display = ("code", "type_name", "jurisdiction", "kind")
    list_select_related = ("jurisdiction",)
    list_filter = ("jurisdiction", "kind")
    search_fields = ("code",)

    @admin.display(description=gettext_lazy("admin.name"))
    def type_name(self, row: UnitType) -> str:
        """The type's name."""
        return text(f"unit-type.{row.code}")


class IssueForm(KeyedForm):
    """How much to issue, in t CO2e."""

    quantity = forms.IntegerField(min_value=1, max_value=GREATEST_SERIAL, label="t CO2e")


@admin.register(IssuanceCap)
class IssuanceCapAdmin(ReadOnlyAdmin):
    """Caps, and what is issued under them."""

    within = "unit_type__jurisdiction__code"
    list_display = ("unit_type", "vintage", "limit_shown", "issued_shown", "valid_from", "valid_to", "issue_link")
    list_select_related = ("unit_type__jurisdiction",)
    list_filter = ("unit_type", "vintage")
    readonly_fields = ("issue_link",)

    def get_urls(self) -> list[URLPattern]:
        """Add the page that issues."""
        issuing = path(
            "<int:pk>/issue/", self.admin_site.admin_view(self.issue_page), name="registry_issuancecap_issue"
        )
        return [issuing, *super().get_urls()]

    @admin.display(description="limit, t CO2e", ordering="limit")
    def limit_shown(self, cap: IssuanceCap) -> str:
        """The limit."""
        return f"{cap.limit:,}"

    @admin.display(description="issued, t CO2e", ordering="issued")
    def issued_shown(self, cap: IssuanceCap) -> str:
        """What is issued."""
        return f"{cap.issued:,}"

    @admin.display(description=gettext_lazy("admin.issue"))
    def issue_link(self, cap: IssuanceCap) -> str:
        """The way to the page that issues under it."""
        address = reverse("admin:registry_issuancecap_issue", args=[cap.pk])
        return format_html('<a href="{}">{}</a>', address, text("admin.issue"))

    def issue_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask how much to issue into the registry's issuance account, and propose it; a refusal is told and proposes nothing."""
        cap = get_object_or_404(self.get_queryset(request).select_related("unit_type__jurisdiction"), pk=pk)
        if not actor_of(request).administers(cap.unit_type.jurisdiction.code):
            raise PermissionDenied
        form = IssueForm(request.POST or None, initial=new_key())
        if request.method == "POST" and form.is_valid() and (proposed := self._issue(request, cap, form)) is not None:
            return HttpResponseRedirect(page_of_transaction(proposed))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{text('admin.issue')}: {cap.unit_type} {cap.vintage}",
            "form": form,
            "cap": cap,
            "left": f"{cap.limit - cap.issued:,}",
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/registry/issue.html", context)

    def _issue(self, request: HttpRequest, cap: IssuanceCap, form: IssueForm) -> UUID | None:
        """Propose it and return the transaction, the first one where the same form is sent again; None: the form says why."""
        account = Account.objects.filter(jurisdiction=cap.unit_type.jurisdiction, type="ISS").order_by("id").first()
        if account is None:
            form.add_error(None, text("admin.no-issuance-account"))
            return None
        try:
            outcome = issue(
                cap_id=cap.pk,
                acquiring=account.identifier,
                quantity=form.cleaned_data["quantity"],
                actor=actor_of(request),
                now=clock.now(),
                key=answer_key(form, request, actor_of(request)),
            )
        except AnsweredBefore as before:
            first, reasons = first_answer(before)
            if first is not None:
                self.message_user(request, text("admin.ordered-before"), messages.WARNING)
                return UUID(first)
            _refused(form, request, reasons)
            return None
        except Refused as refused:
            _refused(form, request, reasons_of(refused))
            return None
        except Refusal as refusal:
            form.add_error(None, text(f"refusal.{refusal.code}", **refusal.params))
            return None
        # A person's issuance waits for another one's approval: the message says until when.
        self.message_user(request, told(outcome), messages.SUCCESS)
        return outcome.transaction_id

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the reader may look at caps."""
        return bool(super().has_view_permission(request, obj))


def _refused(form: IssueForm, request: HttpRequest, reasons: list[str]) -> None:
    for reason in reasons:
        form.add_error(None, reason)
    key_anew(form, request)
