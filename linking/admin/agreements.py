"""Agreements: the versions of a corridor's terms, in words of both sides' languages and of English, with their digest."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.texts import text
from linking.admin.base import OfLinkAdmin, caveats_of, page_of_instrument, page_of_link
from linking.admin.instrument_text import terms_texts
from linking.models import Agreement
from linking.rules.terms import terms_from


@admin.register(Agreement)
class AgreementAdmin(OfLinkAdmin):
    """Versions of terms: what was signed, from when it holds and until when."""

    link_way = "corridor__link__"
    list_display = ("corridor", "version", "state_name", "effective_from", "superseded_at", "last_settlement_at")
    list_filter = ("corridor",)
    search_fields = ("digest", "corridor__origin__code", "corridor__destination__code")
    list_select_related = ("corridor__origin", "corridor__destination")
    ordering = ("corridor_id", "-version")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the versions with their corridors."""
        rows = super().get_queryset(request)
        return rows.select_related(
            "corridor__origin", "corridor__destination", "corridor__link__first", "corridor__link__second", "instrument"
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a version in words."""
        row = self.get_object(request, object_id) if request.method == "GET" else None
        if row is None or not self.has_view_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        sides = (row.corridor.origin.language, row.corridor.destination.language)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{text('link.agreement')}: {row}",
            "opts": self.opts,
            "original": row,
            "state": self.state_name(row),
            "caveats": caveats_of(row.corridor.link),
            "link_address": page_of_link(row.corridor.link_id),
            "instrument_address": page_of_instrument(row.instrument_id),
            "texts": {
                "languages": terms_texts(terms_from(row.terms), *sides),
                "document": json.dumps(row.terms, indent=2, ensure_ascii=False, sort_keys=True),
            },
        }
        return TemplateResponse(request, "admin/linking/agreement.html", context)

    @admin.display(description=gettext_lazy("admin.state"))
    def state_name(self, row: Agreement) -> str:
        """Whether it holds now."""
        now = clock.now()
        if row.effective_from > now:
            return text("agreement-state.coming")
        ended = row.superseded_at is not None and row.superseded_at <= now
        return text(f"agreement-state.{'ended' if ended else 'in-force'}")
