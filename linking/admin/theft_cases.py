"""Cases of theft: proposed by one person of the registry in which the units lie, decided by another, or taken back.

What the good-faith clause makes of them is shown before anybody decides; the operations judge. A form sent twice is done once.
"""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import ReadOnlyAdmin, actor_of
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.texts import text
from linking import theft_queries
from linking.admin.base import refusal_text, sees_all, tell_refusal
from linking.admin.notices import page_of_freeze, serials_of
from linking.admin.once import SentBefore, done_once
from linking.models import TheftCase
from linking.operations.decide_theft_case import decide_theft_case
from linking.operations.propose_theft_case import propose_theft_case
from linking.operations.sides import acts_for
from linking.operations.theft_cases import hold_of
from linking.operations.withdraw_theft_case import withdraw_theft_case
from linking.rules.good_faith import outcome_of
from registry.admin.deciding import page_of_transaction
from registry.admin.keys import KeyedForm, key_anew, new_key
from registry.admin.reasons import reasons_of
from registry.api.orders import LONGEST_REFERENCE
from registry.models import Freeze
from registry.operations.outcome import Refused

LONGEST_EVIDENCE = 1000


class CaseForm(KeyedForm):
    """The one fact that people answer for, and where the units go if they go home."""

    acquired_for_value = forms.TypedChoiceField(
        choices=[("", "-"), ("yes", gettext_lazy("theft.for-value")), ("no", gettext_lazy("theft.not-for-value"))],
        coerce=lambda told: told == "yes",
        label=gettext_lazy("theft.acquired"),
    )
    evidence = forms.CharField(
        max_length=LONGEST_EVIDENCE, label=gettext_lazy("link.evidence"), widget=forms.Textarea(attrs={"rows": 3})
    )
    victim = forms.CharField(
        max_length=40, required=False, label=gettext_lazy("theft.victim"), help_text=gettext_lazy("theft.victim-help")
    )
    reference = forms.CharField(
        max_length=LONGEST_REFERENCE,
        required=False,
        label=gettext_lazy("theft.reference"),
        help_text=gettext_lazy("theft.victim-help"),
    )


@admin.register(TheftCase)
class TheftCaseAdmin(ReadOnlyAdmin):
    """Cases: read by both registries, acted upon by administrators of the one in which the units lie."""

    list_display = ("id", "side", "serials", "outcome_name", "state_name", "proposed_by", "proposed_at", "decided_by")
    list_filter = ("outcome", ("decided_at", admin.EmptyFieldListFilter), ("withdrawn_at", admin.EmptyFieldListFilter))
    search_fields = ("reference", "victim__identifier")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the cases that the reader may read."""
        return theft_queries.cases_for(actor_of(request), everything=sees_all(request))

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that act."""
        pages = (
            ("propose/<int:pk>/", "propose", self.propose_page),
            ("<int:pk>/decide/", "decide", self.decide_page),
            ("<int:pk>/withdraw/", "withdraw", self.withdraw_page),
        )
        own = [
            path(way, self.admin_site.admin_view(page), name=f"linking_theftcase_{name}") for way, name, page in pages
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a case: what the clause makes of it and what moves."""
        row = self.get_object(request, object_id) if request.method == "GET" else None
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        actor, side = actor_of(request), row.hold.jurisdiction.code
        reads = theft_queries.may_read(actor, side, everything=sees_all(request))
        state = theft_queries.state_of_case(row)
        is_open = state == "open"
        context = {
            **self.admin_site.each_context(request),
            "title": f"{text('theft.case')} {row.pk}: {self.serials(row)}",
            "opts": self.opts,
            "original": row,
            "side": side,
            "state": text(f"theft.case-{state}"),
            "serials": self.serials(row),
            "outcome": self.outcome_name(row),
            "clause": text(f"theft.clause-{theft_queries.clause_of(row.hold)}"),
            "moves": _moves(row, reads=reads),
            "reads": reads,
            "freeze_address": page_of_freeze(row.freeze_id) if reads else "",
            "transaction_address": page_of_transaction(row.transaction_id) if reads and row.transaction_id else "",
            "may_decide": is_open and theft_queries.cases_awaiting(actor).filter(pk=row.pk).exists(),
            "may_withdraw": is_open and acts_for(actor, side),
            **new_key(),
        }
        return TemplateResponse(request, "admin/linking/theft_case.html", context)

    def propose_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask what a case about a hold rests on, and propose it as the first person."""
        actor, hold = actor_of(request), self._hold(request, pk)
        form = CaseForm(request.POST or None, initial=new_key())
        if request.method == "POST" and form.is_valid():
            now = clock.now()
            try:
                made = done_once(
                    form,
                    request,
                    lambda: propose_theft_case(pk, **form.said(), actor=actor, now=now),
                    actor=actor,
                    now=now,
                )
            except SentBefore as before:
                self.message_user(request, text("link.sent-before"), messages.WARNING)
                return HttpResponseRedirect(page_of_case(before.made))
            except Refusal as refusal:
                tell_refusal(form, refusal)
                key_anew(form, request)
            else:
                self.message_user(request, text("theft.proposed"), messages.SUCCESS)
                return HttpResponseRedirect(page_of_case(made))
        clause = theft_queries.clause_of(hold)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{text('theft.propose')}: {serials_of(hold)}",
            "opts": self.opts,
            "form": form,
            "hold": hold,
            "hold_address": page_of_freeze(hold.pk),
            "clause": text(f"theft.clause-{clause}"),
            "for_value": text(f"theft.outcome-{outcome_of(clause, acquired_for_value=True)}"),
            "not_for_value": text(f"theft.outcome-{outcome_of(clause, acquired_for_value=False)}"),
        }
        return TemplateResponse(request, "admin/linking/theft_case_form.html", context)

    def decide_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Decide a case, as the second person."""

        def decide(case: TheftCase, actor: Actor) -> TheftCase:
            decide_theft_case(case.pk, actor=actor, now=clock.now())
            return case

        return self._act(request, pk, decide)

    def withdraw_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take back a case that is not decided."""
        return self._act(request, pk, lambda case, actor: withdraw_theft_case(case.pk, actor=actor, now=clock.now()))

    def _act(self, request: HttpRequest, pk: int, act: Callable[[TheftCase, Actor], TheftCase]) -> HttpResponse:
        """Carry it out once, and return to the page, which tells how it went."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        case = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, case):
            raise PermissionDenied
        form, actor = KeyedForm(request.POST), actor_of(request)
        if not form.is_valid() or not acts_for(actor, case.hold.jurisdiction.code):
            raise PermissionDenied
        try:
            done_once(form, request, lambda: act(case, actor), actor=actor, now=clock.now())
        except SentBefore:
            self.message_user(request, text("link.sent-before"), messages.WARNING)
        except Refused as refused:
            for reason in reasons_of(refused):
                self.message_user(request, reason, messages.ERROR)
        except Refusal as refusal:
            self.message_user(request, refusal_text(refusal), messages.ERROR)
        else:
            case.refresh_from_db()
            self.message_user(request, text(f"theft.now-{theft_queries.state_of_case(case)}"), messages.SUCCESS)
        return HttpResponseRedirect(page_of_case(pk))

    def _hold(self, request: HttpRequest, pk: int) -> Freeze:
        """Return a hold of the registry that one acts for. Raises: Http404; PermissionDenied."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            hold = hold_of(pk)
        except Refusal:
            raise Http404 from None
        if not acts_for(actor_of(request), hold.jurisdiction.code):
            raise PermissionDenied
        return hold

    @admin.display(description=gettext_lazy("theft.side"))
    def side(self, row: TheftCase) -> str:
        """The registry in which the units lie, which decides."""
        return str(row.hold.jurisdiction)

    @admin.display(description=gettext_lazy("theft.serials"))
    def serials(self, row: TheftCase) -> str:
        """The units it is about."""
        return serials_of(row.hold)

    @admin.display(description=gettext_lazy("theft.outcome"), ordering="outcome")
    def outcome_name(self, row: TheftCase) -> str:
        """Who has the units in the end."""
        return text(f"theft.outcome-{row.outcome}")

    @admin.display(description=gettext_lazy("admin.state"))
    def state_name(self, row: TheftCase) -> str:
        """How far it has come."""
        return text(f"theft.case-{theft_queries.state_of_case(row)}")


def page_of_case(pk: int) -> str:
    """Return the address of a case's page."""
    return reverse("admin:linking_theftcase_change", args=[pk])


def _moves(case: TheftCase, *, reads: bool) -> str:
    """What deciding an open case moves; the account that holds the units is named to readers of its registry alone."""
    block = theft_queries.block_of(case.hold) if reads and theft_queries.state_of_case(case) == "open" else None
    holder = "" if block is None or block.account is None else block.account.identifier
    units = f"{(case.hold.next_no or 0) - (case.hold.first_no or 0):,}"
    said = {"units": units, "holder": holder or str(case.hold.jurisdiction), "victim": str(case.victim or "")}
    return text(f"theft.moves-{case.outcome}", **said)
