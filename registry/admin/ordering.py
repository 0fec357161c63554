"""Proposing what is done by order: the registry's own transfers, deliveries, cancellations, lapses; explained first, if asked."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import ReadOnlyAdmin, actor_of
from accounts.api.errors import RequestRefused
from accounts.rules.access import Actor, Role
from accounts.texts import text
from registry.admin.deciding import page_of_transaction, told
from registry.admin.keys import KeyedForm, answer_key, first_answer, key_anew, new_key
from registry.admin.reasons import reasons_of
from registry.api.orders import LONGEST_REFERENCE, LONGEST_TEXT, proposal_of
from registry.operations.explain import Explained, explain
from registry.operations.outcome import AnsweredBefore, Refused
from registry.operations.propose import propose
from registry.operations.terms import Terms
from registry.rules.checks import CHECKS
from registry.rules.proposal import Proposal
from registry.rules.serials import GREATEST_SERIAL, format_block

# Transfers between the registry's own accounts, auction deliveries, cancellations by order, lapses.
BY_ORDER = ("10-50", "10-37", "4-48", "4-99")
_ADMINISTRATORS = (Role.SENIOR_REGISTRY_ADMINISTRATOR, Role.JUNIOR_REGISTRY_ADMINISTRATOR)


class OrderForm(KeyedForm):
    """An order; `key` makes a form that is sent twice one order."""

    type = forms.ChoiceField(
        choices=[(code, gettext_lazy(f"transaction-type.{code}")) for code in BY_ORDER],
        label=gettext_lazy("admin.type"),
    )
    transferring_account = forms.CharField(max_length=40, label=gettext_lazy("admin.from"))
    acquiring_account = forms.CharField(max_length=40, label=gettext_lazy("admin.to"))
    unit_type = forms.CharField(required=False, max_length=10, label=gettext_lazy("admin.unit-type"))
    vintage = forms.IntegerField(
        required=False, min_value=1990, max_value=2200, label=gettext_lazy("admin.vintage"), localize=False
    )
    quantity = forms.IntegerField(min_value=1, max_value=GREATEST_SERIAL, label="t CO2e")
    serial_blocks = forms.CharField(
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        label=gettext_lazy("admin.blocks"),
        help_text=gettext_lazy("admin.blocks-help"),
    )
    reason = forms.CharField(required=False, max_length=LONGEST_TEXT, label=gettext_lazy("admin.reason"))
    client_reference = forms.CharField(
        required=False, max_length=LONGEST_REFERENCE, label=gettext_lazy("admin.own-reference")
    )

    def order(self) -> dict[str, Any]:
        """Return the order as the API reads it: what was left empty is absent."""
        members = {
            name: value for name, value in self.cleaned_data.items() if name != "key" and value not in ("", None)
        }
        if "serial_blocks" in members:
            members["serial_blocks"] = members["serial_blocks"].split()
        return {"reason": "", "beneficiary": "", "client_reference": ""} | members


def order_page(pages: ReadOnlyAdmin, request: HttpRequest) -> HttpResponse:
    """Ask for an order; explain it, which changes nothing, or propose it. A refusal is told with every reason."""
    actor = actor_of(request)
    administers = any(role.startswith(f"{wanted}@") for wanted in _ADMINISTRATORS for role in actor.roles)
    if not administers or not pages.has_view_permission(request):
        raise PermissionDenied
    form = OrderForm(request.POST or None, initial=new_key())
    explained: Explained | None = None
    if request.method == "POST" and form.is_valid() and (proposal := _proposal(form)) is not None:
        if "explain" in request.POST:
            explained = explain(proposal, actor=actor, now=clock.now())
        elif (address := _proposed(pages, request, form, proposal, actor)) is not None:
            return HttpResponseRedirect(address)
    context = {
        **pages.admin_site.each_context(request),
        "title": text("admin.order"),
        "form": form,
        "explained": None if explained is None else _shown(explained),
        "opts": pages.opts,
    }
    return TemplateResponse(request, "admin/registry/order.html", context)


def _proposal(form: OrderForm) -> Proposal | None:
    try:
        return proposal_of(form.order())
    except RequestRefused as refused:
        for error in refused.errors:
            form.add_error(error.field if error.field in form.fields else None, error.detail)
        return None


def _proposed(
    pages: ReadOnlyAdmin, request: HttpRequest, form: OrderForm, proposal: Proposal, actor: Actor
) -> str | None:
    """Propose it and return where to go; None: refused, and the form says why. The same form again is answered as before."""
    key = answer_key(form, request, actor)
    try:
        outcome = propose(proposal, actor=actor, now=clock.now(), key=key)
    except AnsweredBefore as before:
        first, reasons = first_answer(before)
        if first is not None:
            pages.message_user(request, text("admin.ordered-before"), messages.WARNING)
            return page_of_transaction(UUID(first))
    except Refused as refused:
        reasons = reasons_of(refused)
    else:
        pages.message_user(request, told(outcome), messages.SUCCESS)
        return page_of_transaction(outcome.transaction_id)
    for reason in reasons:
        form.add_error(None, reason)
    key_anew(form, request)
    return None


def _shown(explained: Explained) -> dict[str, Any]:
    """Return every check with what does not hold, the blocks, and how it would go on."""
    failed = [(failure.code, text(f"check.{failure.code}.failed", **failure.params)) for failure in explained.failures]
    return {
        "accepted": not failed,
        "checks": [
            {
                "code": code,
                "text": text(f"check.{code}"),
                "failed": [detail for failed_code, detail in failed if failed_code == code],
            }
            for code, row in sorted(CHECKS.items())
            if row.judge is not None
        ],
        "blocks": [
            {
                "block": format_block(moved.registry, moved.unit_type, moved.vintage, moved.first, moved.next),
                "quantity": f"{moved.next - moved.first:,}",
            }
            for moved in sorted(explained.ranges, key=lambda moved: (moved.registry, moved.first))
        ],
        "approval": None if explained.approval is None else text(f"approval.{explained.approval}"),
        "terms": None if explained.terms is None else _terms(explained.terms),
        "after_approval": None if explained.after_approval is None else _terms(explained.after_approval),
    }


def _terms(terms: Terms) -> dict[str, Any]:
    return {"state": text(f"transaction-state.{terms.state}"), "until": terms.expires_at or terms.due_at}
