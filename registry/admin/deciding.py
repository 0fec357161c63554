"""Deciding on transactions: their steps, what waits for a senior administrator, and the forms to approve, refuse, withdraw, undo.

It holds no rule: which buttons are shown only spares people a refusal. What may be done is for the operations to say.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse as address_of
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import ReadOnlyAdmin, ReadOnlyInline, actor_of
from accounts.refusals import Refusal
from accounts.rules.access import Actor, Role
from accounts.texts import text
from registry import transaction_queries
from registry.admin.keys import KeyedForm, answer_key, first_answer
from registry.admin.reasons import reasons_of
from registry.models import Transaction, TransactionStep
from registry.operations.approve import approve
from registry.operations.outcome import AnsweredBefore, Outcome, Refused
from registry.operations.refuse import refuse
from registry.operations.reverse import UNDONE_BY, reverse
from registry.operations.withdraw import withdraw
from registry.rules.states import State, Step, may_take
from registry.rules.warnings import DeadlineWarning
from registry.warning_queries import warnings_for

DECISIONS: Mapping[str, Callable[..., Outcome]] = {"approve": approve, "refuse": refuse, "withdraw": withdraw}
REVERSE = "reverse"
# As many as a person looks through; the rest is told by its number.
MOST_SHOWN = 100


class StepInline(ReadOnlyInline):
    """What became of a transaction: who, when, from, to, why, and which checks failed."""

    model = TransactionStep
    fields = readonly_fields = ("step", "from_name", "to_name", "at", "who", "reason", "failed")
    verbose_name_plural = gettext_lazy("admin.steps")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TransactionStep]:
        """Return the steps in their order, with who took them."""
        rows: QuerySet[TransactionStep] = super().get_queryset(request)
        return rows.select_related("user").order_by("id")

    @admin.display(description=gettext_lazy("admin.step"))
    def step(self, row: TransactionStep) -> str:
        """The step's name."""
        return text(f"transaction-step.{row.event}")

    @admin.display(description=gettext_lazy("admin.from"))
    def from_name(self, row: TransactionStep) -> str:
        """The state before."""
        return text(f"transaction-state.{row.from_state}")

    @admin.display(description=gettext_lazy("admin.to"))
    def to_name(self, row: TransactionStep) -> str:
        """The state after."""
        return text(f"transaction-state.{row.to_state}")

    @admin.display(description=gettext_lazy("admin.who"))
    def who(self, row: TransactionStep) -> str:
        """Who took it."""
        return row.user.username if row.user else text("admin.registry-itself")

    @admin.display(description=gettext_lazy("admin.failed-checks"))
    def failed(self, row: TransactionStep) -> str:
        """The checks that failed, each with what it asks."""
        return " ".join(f"{code} {text(f'check.{code}')}" for code in row.failures)


class DecisionForm(KeyedForm):
    """A decision with its reason, and for undoing what that rests on."""

    decision = forms.ChoiceField(choices=[(name, name) for name in (*DECISIONS, REVERSE)])
    reason = forms.CharField(required=False, max_length=500)
    reference = forms.CharField(required=False, max_length=100)

    def clean(self) -> dict[str, Any]:
        """Ask why of everything but an approval."""
        members: dict[str, Any] = super().clean() or self.cleaned_data
        if members.get("decision") != "approve" and not members.get("reason"):
            self.add_error("reason", text("admin.reason-needed"))
        return members


def open_to(actor: Actor, row: Transaction) -> tuple[str, ...]:
    """Return which decisions on a transaction an administrator could take now."""
    home, state = row.jurisdiction.code, State(row.state)
    found: list[str] = []
    if not actor.administers(home):
        return ()
    is_another = row.initiator_id != actor.user_id
    if is_another and transaction_queries.awaiting_administrators(actor).filter(pk=row.pk).exists():
        found += ["approve", "refuse"]
    if may_take(Step.WITHDRAWN, state):
        found.append("withdraw")
    if state is State.COMPLETED and row.type_id in UNDONE_BY:
        found.append(REVERSE)
    return tuple(found)


def told(outcome: Outcome) -> str:
    """Return how a transaction stands, and until when."""
    until = outcome.expires_at if outcome.state == State.AWAITING_APPROVAL else outcome.due_at
    return text(
        f"admin.told.{outcome.state}",
        quantity=f"{outcome.quantity:,}",
        until="" if until is None else f"{until:%Y-%m-%d %H:%M}",
    )


def texts_of(warnings: Iterable[DeadlineWarning]) -> list[str]:
    """Return what a person reads of warnings, each with its deadline, UTC."""
    return [f"{text(f'warning.{one.code}')} {one.deadline:%Y-%m-%d %H:%M}" for one in warnings]


def page_of_transaction(transaction_id: UUID) -> str:
    """Return the address of a transaction's page."""
    return address_of("admin:registry_transaction_change", args=[transaction_id])


def decide_page(pages: ReadOnlyAdmin, request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take a decision on a transaction that the reader may look at, and return to a page that tells how it went."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = get_object_or_404(pages.get_queryset(request), pk=pk)
    if not pages.has_view_permission(request, row):
        raise PermissionDenied
    form = DecisionForm(request.POST)
    if not form.is_valid():
        for reasons in form.errors.values():
            for reason in reasons:
                pages.message_user(request, str(reason), messages.ERROR)
        return HttpResponseRedirect(page_of_transaction(pk))
    name, reason = form.cleaned_data["decision"], form.cleaned_data["reason"]
    actor, now = actor_of(request), clock.now()
    key = answer_key(form, request, actor)
    try:
        if name == REVERSE:
            reference = form.cleaned_data["reference"]
            outcome = reverse(pk, reason=reason, reference=reference, actor=actor, now=now, key=key)
        else:
            outcome = DECISIONS[name](pk, reason=reason, actor=actor, now=now, key=key)
    except AnsweredBefore as before:
        first, why = first_answer(before)
        if first is not None:
            pages.message_user(request, text("admin.decided-before"), messages.WARNING)
            return HttpResponseRedirect(page_of_transaction(UUID(first)))
        for told_before in why:
            pages.message_user(request, told_before, messages.ERROR)
    except Refused as refused:
        for reason in reasons_of(refused):
            pages.message_user(request, reason, messages.ERROR)
    except Refusal as refusal:
        pages.message_user(request, text(f"refusal.{refusal.code}", **refusal.params), messages.ERROR)
    else:
        pages.message_user(request, told(outcome), messages.SUCCESS)
        return HttpResponseRedirect(page_of_transaction(outcome.transaction_id))
    return HttpResponseRedirect(page_of_transaction(pk))


def waiting_page(pages: ReadOnlyAdmin, request: HttpRequest) -> HttpResponse:
    """Show what waits for a senior administrator of the reader's jurisdictions and what the reader proposed, oldest first."""
    if not pages.has_view_permission(request):
        raise PermissionDenied
    actor = actor_of(request)
    found = transaction_queries.waiting_for(actor)
    shown = list(found.select_related("transferring", "acquiring", "initiator", "jurisdiction")[:MOST_SHOWN])
    warnings = warnings_for(shown, now=clock.now())
    rows = [
        {
            "row": row,
            "address": page_of_transaction(row.pk),
            "type": text(f"transaction-type.{row.type_id}"),
            "quantity": f"{row.quantity:,}",
            "own": row.initiator_id == actor.user_id,
            "warnings": texts_of(warnings.get(row.pk, ())),
        }
        for row in shown
    ]
    context = {
        **pages.admin_site.each_context(request),
        "title": text("admin.waiting"),
        "rows": rows,
        "more": max(found.count() - MOST_SHOWN, 0),
        "is_senior": any(role.startswith(f"{Role.SENIOR_REGISTRY_ADMINISTRATOR}@") for role in actor.roles),
        "opts": pages.opts,
    }
    return TemplateResponse(request, "admin/registry/waiting.html", context)
