"""A corridor's recorded flows under another rate, entry limit or degree, beside what was. Asked by GET: it changes nothing."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import ReadOnlyAdmin
from accounts.texts import text
from linking.admin.base import page_of_link
from linking.admin.terms_fields import INSTANT_FORMATS, instant_widget
from linking.models import Corridor
from linking.replay_printing import replay_table
from linking.replays import NoTermsToChange, compare, terms_changed
from linking.rules.degrees import Degree
from linking.rules.terms import TermsFault

GREATEST = 2**53


class ReplayForm(forms.Form):
    """What is changed; what is left empty stays as it was."""

    numerator = forms.IntegerField(
        min_value=1, max_value=GREATEST, required=False, label=gettext_lazy("link.numerator")
    )
    denominator = forms.IntegerField(
        min_value=1, max_value=GREATEST, required=False, label=gettext_lazy("link.denominator")
    )
    limit = forms.IntegerField(min_value=0, max_value=GREATEST, required=False, label=gettext_lazy("link.entry-limit"))
    degree = forms.ChoiceField(required=False, label=gettext_lazy("link.degree"))
    since = forms.DateTimeField(
        required=False, label=gettext_lazy("link.from"), widget=instant_widget(), input_formats=INSTANT_FORMATS
    )
    until = forms.DateTimeField(
        required=False, label=gettext_lazy("link.until"), widget=instant_widget(), input_formats=INSTANT_FORMATS
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        steps = [(str(row), text(f"degree.{row}")) for row in Degree]
        self.fields["degree"].choices = [("", "-"), *steps]  # type: ignore[attr-defined]

    def changes(self) -> dict[str, Any]:
        """Return the members of the terms that are changed."""
        said = self.cleaned_data
        rate = {name: said[name] for name in ("numerator", "denominator") if said[name] is not None}
        found: dict[str, Any] = {"rate": rate} if rate else {}
        return found | ({} if said["limit"] is None else {"entry_quota": {"limit": said["limit"]}})


def replay_page(pages: ReadOnlyAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Ask what is changed, and show what would have been: for whoever may read the link."""
    link = get_object_or_404(pages.get_queryset(request), pk=pk)
    if not pages.has_view_permission(request, link):
        raise PermissionDenied
    corridor = next((row for row in link.corridors.all() if str(row.pk) == request.GET.get("corridor", "")), None)
    if corridor is None:
        raise Http404
    form = ReplayForm(request.GET if "replay" in request.GET else None)
    context = {
        **pages.admin_site.each_context(request),
        "title": f"{text('link.replay')}: {corridor}",
        "opts": pages.opts,
        "form": form,
        "corridor": corridor,
        "link_address": page_of_link(link),
        "table": _table(form, corridor) if form.is_bound and form.is_valid() else "",
    }
    return TemplateResponse(request, "admin/linking/replay.html", context)


def _table(form: ReplayForm, corridor: Corridor) -> str:
    said, changes = form.cleaned_data, form.changes()
    try:
        terms = terms_changed(corridor, changes, now=clock.now()) if changes else None
    except TermsFault as found:
        for fault in found.faults:
            form.add_error(None, f"{fault.path}: {text(f'terms-fault.{fault.code}', **dict(fault.params))}")
        return ""
    except NoTermsToChange:
        form.add_error(None, text("problem.no-terms-to-change"))
        return ""
    degree = Degree(said["degree"]) if said["degree"] else None
    return replay_table(compare(corridor, terms=terms, degree=degree, since=said["since"], until=said["until"]))
