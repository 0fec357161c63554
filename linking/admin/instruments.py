"""Instruments: what is to be signed, with its text and digest, who has signed, and the ways to sign and to withdraw it."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import actor_of
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.texts import text
from linking import instrument_queries
from linking.admin.base import SHORT_DIGEST, OfLinkAdmin, caveats_of, page_of_instrument, page_of_link, refusal_text
from linking.admin.instrument_text import texts_of
from linking.admin.once import SentBefore, done_once
from linking.instrument_queries import state_of
from linking.models import Instrument
from linking.operations.sides import side_for
from linking.operations.sign_instrument import OF_EACH_SIDE, sign_instrument
from linking.operations.withdraw_instrument import withdraw_instrument
from registry.admin.keys import KeyedForm, new_key


class SigningForm(KeyedForm):
    """The digest of what the reader was shown; what has another is not what they read, and is not signed."""

    digest = forms.CharField(max_length=64, widget=forms.HiddenInput)


class WithdrawalForm(KeyedForm):
    """That it is withdrawn."""


@admin.register(Instrument)
class InstrumentAdmin(OfLinkAdmin):
    """Instruments: read by both sides, signed by two persons of each side that must."""

    link_way = "link__"
    list_display = ("id", "kind_name", "link", "corridor", "state_name", "proposed_by", "proposed_at", "digest_short")
    list_filter = ("kind", ("concluded_at", admin.EmptyFieldListFilter), ("withdrawn_at", admin.EmptyFieldListFilter))
    search_fields = ("digest", "link__first__code", "link__second__code")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the instruments with who proposed and signed them."""
        return instrument_queries.described(super().get_queryset(request))

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that sign and withdraw."""
        pages = (("sign", self.sign_page), ("withdraw", self.withdraw_page))
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(page), name=f"linking_instrument_{name}")
            for name, page in pages
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show what is signed, in words and as it stands, and who has signed it."""
        row = self.get_object(request, object_id) if request.method == "GET" else None
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        actor = actor_of(request)
        sides = (row.side,) if row.side is not None else (row.link.first, row.link.second)
        own = side_for(actor, row.link)
        is_open = state_of(row) == "open"
        signatures = list(row.signatures.all())
        context = {
            **self.admin_site.each_context(request),
            "title": f"{text(f'instrument.{row.kind}')}: {row.corridor or row.link}",
            "opts": self.opts,
            "original": row,
            "link_address": page_of_link(row.link_id),
            "state": text(f"instrument-state.{state_of(row)}"),
            "texts": texts_of(row),
            "caveats": caveats_of(row.link),
            "sides": [
                {
                    "side": side,
                    "signed": [one for one in signatures if one.jurisdiction_id == side.pk],
                    "lacking": range(max(0, OF_EACH_SIDE - sum(one.jurisdiction_id == side.pk for one in signatures))),
                }
                for side in sides
            ],
            "side": own,
            "may_sign": is_open and instrument_queries.may_be_signed(row, actor),
            "may_withdraw": is_open and own in sides,
            "is_open": is_open,
            **new_key(),
        }
        return TemplateResponse(request, "admin/linking/instrument.html", context)

    def sign_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Sign an instrument for the side that one administers."""

        def sign(form: KeyedForm, actor: Actor) -> Instrument:
            return sign_instrument(pk, digest=form.cleaned_data["digest"], actor=actor, now=clock.now())

        return self._act(request, pk, SigningForm, sign)

    def withdraw_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take an instrument back that is not concluded."""

        def withdraw(form: KeyedForm, actor: Actor) -> Instrument:
            return withdraw_instrument(pk, actor=actor, now=clock.now())

        return self._act(request, pk, WithdrawalForm, withdraw)

    def _act(
        self,
        request: HttpRequest,
        pk: int,
        form_class: type[KeyedForm],
        act: Callable[[KeyedForm, Actor], Instrument],
    ) -> HttpResponse:
        """Carry it out once, and return to the page, which tells how it went."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        form, actor = form_class(request.POST), actor_of(request)
        if not form.is_valid():
            self.message_user(request, text("link.form-incomplete"), messages.ERROR)
            return HttpResponseRedirect(page_of_instrument(pk))
        try:
            done_once(form, request, lambda: act(form, actor), actor=actor, now=clock.now())
        except SentBefore:
            self.message_user(request, text("link.sent-before"), messages.WARNING)
        except Refusal as refusal:
            self.message_user(request, refusal_text(refusal), messages.ERROR)
        else:
            row.refresh_from_db()
            self.message_user(request, text(f"link.now-{state_of(row)}"), messages.SUCCESS)
        return HttpResponseRedirect(page_of_instrument(pk))

    @admin.display(description=gettext_lazy("admin.type"), ordering="kind")
    def kind_name(self, row: Instrument) -> str:
        """What kind it is."""
        return text(f"instrument.{row.kind}")

    @admin.display(description=gettext_lazy("admin.state"))
    def state_name(self, row: Instrument) -> str:
        """How far it has come."""
        return text(f"instrument-state.{state_of(row)}")

    @admin.display(description=gettext_lazy("link.digest"))
    def digest_short(self, row: Instrument) -> str:
        """The beginning of its digest."""
        return row.digest[:SHORT_DIGEST]
