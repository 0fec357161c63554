"""What the pages of links share: which rows a reader may look at, how a refusal is told, and the addresses of pages."""

from typing import Any

from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.urls import reverse

from accounts.admin.base import ReadOnlyAdmin, actor_of
from accounts.queries import is_readable
from accounts.refusals import Refusal
from accounts.texts import text
from linking.models import Instrument, Link

# As much of a digest as a table shows.
SHORT_DIGEST = 12


class OfLinkAdmin(ReadOnlyAdmin):
    """Rows that belong to a link, for whoever may read everything of one of its sides. `link_way`: the way to the link."""

    link_way = ""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the rows of the links that the reader may read."""
        rows = super().get_queryset(request)
        sides = (f"{self.link_way}first", f"{self.link_way}second")
        return rows.filter(is_readable(actor_of(request), *sides, everything=sees_all(request)))


def sees_all(request: HttpRequest) -> bool:
    """Return whether the reader is the system's superuser, who looks at everything and acts for no side."""
    return bool(getattr(request.user, "is_superuser", False))


def refusal_text(refusal: Refusal) -> str:
    """Return what a person reads of a refusal: degrees and conditions by their names, each missing one with its side."""
    params = dict(refusal.params)
    for name in ("before", "after", "degree"):
        if name in params:
            params[name] = text(f"degree.{params[name]}")
    for name, group in (("missing", "condition"), ("misfits", "degree-misfit"), ("condition", "condition")):
        if name in params:
            params[name] = "; ".join(_named(group, told) for told in str(params[name]).split(", "))
    return text(f"refusal.{refusal.code}", **params)


def _named(group: str, told: str) -> str:
    """Return the name of a code, with the side in brackets that follows it."""
    code, _, side = told.partition(" ")
    return f"{text(f'{group}.{code}')} {side}".strip()


def tell_refusal(form: Form, refusal: Refusal) -> None:
    """Tell a refusal at the field of a form that it is about, or above them all."""
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal_text(refusal))


def page_of_link(link: Link | int) -> str:
    """Return the address of a link's page."""
    return reverse("admin:linking_link_change", args=[link if isinstance(link, int) else link.pk])


def page_of_instrument(instrument: Instrument | int) -> str:
    """Return the address of an instrument's page."""
    return reverse(
        "admin:linking_instrument_change", args=[instrument if isinstance(instrument, int) else instrument.pk]
    )


def caveats_of(link: Link) -> list[str]:
    """Return what has to be said wherever one of a link's jurisdictions is presented, such as Seoul's."""
    codes = [f"jurisdiction.{side.code}.caveat" for side in (link.first, link.second)]
    return [told for code in codes if (told := text(code)) != code]
