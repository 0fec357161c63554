"""Links: the list of pairs with their degrees and corridors at a glance, and a page for each with all that is to be known."""

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import actor_of
from accounts.queries import readable_jurisdictions
from accounts.texts import text
from linking import queries
from linking.admin import acting, replaying
from linking.admin.base import OfLinkAdmin, sees_all
from linking.admin.link_page import shown, standings_shown
from linking.models import Link


class _Standing(ChangeList):
    """A page of links, each with how it stands now: read for the whole page at once."""

    def get_results(self, request: HttpRequest) -> None:
        """Read the page, and how its links stand."""
        super().get_results(request)
        for found in queries.links_now(self.result_list, now=clock.now()):
            found.link.stands = found  # type: ignore[attr-defined]


@admin.register(Link)
class LinkAdmin(OfLinkAdmin):
    """Links. Who acts for a side finds the ways to do so on the link's page; what may be done is for the operations to say."""

    list_display = ("pair", "degree_name", "corridors_shown")
    search_fields = ("first__code", "second__code")
    ordering = ("id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the links with their sides and corridors."""
        corridors = Prefetch("corridors", queries.corridors())
        return super().get_queryset(request).select_related("first", "second").prefetch_related(corridors)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return how a page of the list is read."""
        return _Standing

    def get_urls(self) -> list[URLPattern]:
        """Add the pages that act."""
        pages: tuple[tuple[str, str, acting.Page], ...] = (
            ("<int:pk>/propose/<slug:kind>/", "propose", acting.propose_page),
            ("<int:pk>/suspend/", "suspend", acting.suspend_page),
            ("<int:pk>/replay/", "replay", replaying.replay_page),
            ("<int:pk>/tick/", "tick", acting.tick_page),
        )
        own = [
            path(way, self.admin_site.admin_view(partial(page, self)), name=f"linking_link_{name}")
            for way, name, page in pages
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a link."""
        link = self.get_object(request, object_id) if request.method == "GET" else None
        if link is None or not self.has_view_permission(request, link):
            return super().change_view(request, object_id, form_url, extra_context)
        actor = actor_of(request)
        readable = None if sees_all(request) else readable_jurisdictions(actor)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{text('link.link')}: {_pair(link)}",
            "opts": self.opts,
            "original": link,
            **shown(link, actor, now=clock.now(), readable=readable),
        }
        return TemplateResponse(request, "admin/linking/link.html", context)

    @admin.display(description=gettext_lazy("link.link"))
    def pair(self, link: Link) -> str:
        """Its two sides."""
        return _pair(link)

    @admin.display(description=gettext_lazy("link.degree"), ordering="degree")
    def degree_name(self, link: Link) -> str:
        """Its degree."""
        return text(f"degree.{link.degree}")

    @admin.display(description=gettext_lazy("link.corridors"))
    def corridors_shown(self, link: Link) -> str:
        """Both corridors at a glance."""
        stands: queries.LinkNow = link.stands  # type: ignore[attr-defined]
        rows: list[tuple[str, SafeString]] = [(str(row.corridor), standings_shown(row)) for row in stands.corridors]
        return format_html_join("", '<p class="corridor-line">{}: {}</p>', rows)

    class Media:
        css = {"all": ("linking/links.css",)}


def _pair(link: Link) -> str:
    return " – ".join(f"{text(f'jurisdiction.{side}')} ({side})" for side in (link.first.code, link.second.code))
