"""Notices: what one registry told another as its freeze held units there, and what became of each hold."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy

from accounts.admin.base import ReadOnlyAdmin, actor_of
from accounts.texts import text
from linking import theft_queries
from linking.admin.base import sees_all
from linking.models import Notice, TheftCase
from linking.operations.sides import acts_for
from registry.models import Freeze


def serials_of(hold: Freeze) -> str:
    """Return the serials of a hold, first to last, with their registry."""
    assert hold.origin is not None
    return f"{hold.origin.registry_code} {hold.first_no:,}–{(hold.next_no or 0) - 1:,}"


def page_of_freeze(pk: int) -> str:
    """Return the address of a freeze's page, where a hold is confirmed."""
    return reverse("admin:registry_freeze_change", args=[pk])


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """Notices: read by both registries; a hold is confirmed and lifted on the page of freezes."""

    list_display = ("id", "from_side", "to_side", "ranges", "basis", "given_at", "expires_at", "holds_state")
    list_filter = ("from_side", "to_side")
    search_fields = ("digest", "freeze__reference")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the notices that the reader may read."""
        return theft_queries.notices_for(actor_of(request), everything=sees_all(request))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a notice with its holds."""
        row = self.get_object(request, object_id) if request.method == "GET" else None
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        actor, everything = actor_of(request), sees_all(request)
        reads = {
            side.code: theft_queries.may_read(actor, side.code, everything=everything)
            for side in (row.from_side, row.to_side)
        }
        holds = _holds(row)
        cases = {case.freeze_id: case for case in TheftCase.objects.filter(hold__in=holds, withdrawn_at=None)}
        context = {
            **self.admin_site.each_context(request),
            "title": f"{text('theft.notice')} {row.pk}: {row.from_side} → {row.to_side}",
            "opts": self.opts,
            "original": row,
            "freeze_address": page_of_freeze(row.freeze_id) if reads[row.from_side.code] else "",
            "holds": [_hold(hold, cases.get(hold.confirmed_by_id or 0), reads[row.to_side.code]) for hold in holds],
            "may_act": acts_for(actor, row.to_side.code),
            "document": json.dumps(json.loads(row.document), indent=2, ensure_ascii=False),
        }
        return TemplateResponse(request, "admin/linking/notice.html", context)

    @admin.display(description=gettext_lazy("theft.serials"))
    def ranges(self, row: Notice) -> str:
        """The serials held."""
        return "; ".join(serials_of(hold) for hold in _holds(row))

    @admin.display(description=gettext_lazy("theft.basis"))
    def basis(self, row: Notice) -> str:
        """On what the freeze rests."""
        return str(row.freeze.reference)

    @admin.display(description=gettext_lazy("admin.state"))
    def holds_state(self, row: Notice) -> str:
        """What became of the holds."""
        states = [theft_queries.state_of_hold(hold) for hold in _holds(row)]
        return ", ".join(text(f"theft.hold-{state}") for state in sorted(set(states)))


def _holds(row: Notice) -> list[Freeze]:
    """The holds in the registry that a notice went to; one freeze may hold in several."""
    return [hold for hold in row.freeze.holds.all() if hold.jurisdiction_id == row.to_side_id]


def _hold(hold: Freeze, case: TheftCase | None, may_open: bool) -> dict[str, Any]:
    standing = hold.confirmed_by
    is_confirmed = standing is not None and standing.released_at is None
    return {
        "row": hold,
        "serials": serials_of(hold),
        "units": f"{(hold.next_no or 0) - (hold.first_no or 0):,}",
        "state": text(f"theft.hold-{theft_queries.state_of_hold(hold)}"),
        "address": page_of_freeze(hold.pk) if may_open else "",
        "confirmed_address": page_of_freeze(standing.pk) if may_open and standing is not None else "",
        "case": case,
        "may_have_case": is_confirmed and case is None,
    }
