"""Acting upon a link: proposing what is to be signed, suspending at once, ticking a condition. Each is one operation.

The pages are for whoever administers one side; what that side may do is decided by the operation, and a refusal is told with its
reason. A form that is sent twice is carried out once.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import ReadOnlyAdmin, actor_of
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.texts import text
from linking.admin.base import page_of_instrument, page_of_link, tell_refusal
from linking.admin.documents import DOCUMENT_FORMS, OF_A_CORRIDOR, next_terms
from linking.admin.once import SentBefore, done_once
from linking.admin.terms_form import TermsForm, WholeTermsForm
from linking.models import Corridor, Link, Suspension
from linking.operations.propose_instrument import propose_instrument
from linking.operations.sides import side_for
from linking.operations.suspend_corridor import suspend_corridor
from linking.operations.tick_condition import tick_condition
from linking.rules.degrees import CONDITIONS, Degree
from linking.rules.documents import Document
from registry.admin.keys import KeyedForm, key_anew, new_key

TERMS = "terms"
LONGEST_EVIDENCE = 1000

# A page that acts, given the pages of links.
Page = Callable[..., HttpResponse]


def propose_page(pages: ReadOnlyAdmin, request: HttpRequest, pk: int, kind: str) -> HttpResponse:
    """Ask for a document of a kind, and propose it for signature: `?corridor=` says of which, `?whole=yes` asks for its JSON."""
    if kind != TERMS and kind not in DOCUMENT_FORMS:
        raise Http404
    link, actor = _link(pages, request, pk)
    corridor = _corridor(request, link, needed=kind in OF_A_CORRIDOR)
    now = clock.now()
    form = _form(request, kind, link, corridor, now)
    if request.method == "POST" and form.is_valid():

        def propose() -> Any:
            return propose_instrument(link, _document(form), actor=actor, now=now)

        made = _done(pages, request, form, propose, actor, now, text("link.proposed"))
        if made is not None:
            return HttpResponseRedirect(page_of_instrument(made))
    title = f"{text('link.propose')}: {text(f'instrument.{kind}')}"
    shown = {
        "kind": kind,
        "help": text(f"link.help-{kind}"),
        "corridor": corridor,
        "sections": list(form.sections()) if isinstance(form, TermsForm) else None,
        "is_whole": isinstance(form, WholeTermsForm),
        "button": text("link.propose"),
    }
    return _answer(pages, request, link, form, title, shown)


def suspend_page(pages: ReadOnlyAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Ask why, and suspend a corridor or both, at once."""
    link, actor = _link(pages, request, pk)
    corridor = _corridor(request, link, needed=True)
    assert corridor is not None
    now = clock.now()
    form = SuspendForm(request.POST or None, initial=new_key())
    if request.method == "POST" and form.is_valid():
        reason, both = form.cleaned_data["reason"], form.cleaned_data["which"] == "both"

        def suspend() -> Suspension:
            with transaction.atomic():
                # In the order of their ids, which is that of every lock on corridors.
                ways = sorted(row.pk for row in link.corridors.all()) if both else [corridor.pk]
                return [suspend_corridor(way, reason=reason, actor=actor, now=now) for way in ways][-1]

        if _done(pages, request, form, suspend, actor, now, text("link.is-suspended")) is not None:
            return HttpResponseRedirect(page_of_link(link))
    shown = {"help": text("link.help-suspend"), "corridor": corridor, "button": text("link.suspend")}
    return _answer(pages, request, link, form, text("link.suspend"), shown)


def tick_page(pages: ReadOnlyAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for the evidence, and tick a condition for one's side; `?condition=` names it."""
    link, actor = _link(pages, request, pk)
    now = clock.now()
    form = TickForm(request.POST or None, initial={**new_key(), "code": request.GET.get("condition", "")})
    if request.method == "POST" and form.is_valid():

        def tick() -> Any:
            return tick_condition(link, **form.said(), actor=actor, now=now)

        if _done(pages, request, form, tick, actor, now, text("link.ticked")) is not None:
            return HttpResponseRedirect(page_of_link(link))
    shown = {"help": text("link.help-tick"), "button": text("link.tick")}
    return _answer(pages, request, link, form, text("link.tick"), shown)


class SuspendForm(KeyedForm):
    """Why, and whether the opposite corridor is suspended with it."""

    which = forms.ChoiceField(
        choices=[("this", gettext_lazy("link.this-corridor")), ("both", gettext_lazy("link.both-corridors"))],
        label=gettext_lazy("link.which-suspended"),
    )
    reason = forms.CharField(
        max_length=500, label=gettext_lazy("admin.reason"), widget=forms.Textarea(attrs={"rows": 2})
    )


class TickForm(KeyedForm):
    """Which condition, and by what it is shown to be met."""

    code = forms.ChoiceField(
        choices=[(row.code, gettext_lazy(f"condition.{row.code}")) for row in CONDITIONS if row.is_ticked],
        label=gettext_lazy("link.condition"),
    )
    evidence = forms.CharField(
        max_length=LONGEST_EVIDENCE, label=gettext_lazy("link.evidence"), widget=forms.Textarea(attrs={"rows": 3})
    )


def _link(pages: ReadOnlyAdmin, request: HttpRequest, pk: int) -> tuple[Link, Actor]:
    """Return a link that the reader may look at, and who acts. Raises: Http404; PermissionDenied for whoever acts for no side."""
    link = get_object_or_404(pages.get_queryset(request), pk=pk)
    actor = actor_of(request)
    if not pages.has_view_permission(request, link) or side_for(actor, link) is None:
        raise PermissionDenied
    return link, actor


def _corridor(request: HttpRequest, link: Link, *, needed: bool) -> Corridor | None:
    """Return the corridor that the address names. Raises: Http404 where one is needed and the link has no such."""
    told = request.GET.get("corridor", "")
    found = next((row for row in link.corridors.all() if str(row.pk) == told), None)
    if needed and found is None:
        raise Http404
    return found


def _form(request: HttpRequest, kind: str, link: Link, corridor: Corridor | None, now: datetime) -> KeyedForm:
    told = request.POST or None
    if kind != TERMS:
        initial = new_key()
        if kind == "leave":
            initial["valid_from"] = now.replace(microsecond=0)
        return DOCUMENT_FORMS[kind](told, initial=initial, link=link, corridor=corridor)
    assert corridor is not None
    document = next_terms(corridor, now=now)
    if request.GET.get("whole"):
        printed = json.dumps(document, indent=2, ensure_ascii=False)
        return WholeTermsForm(told, initial={**new_key(), "document": printed})
    return TermsForm(told, initial=new_key(), document=document)


def _document(form: KeyedForm) -> Document:
    found: Document = form.cleaned_data["terms" if isinstance(form, TermsForm | WholeTermsForm) else "read"]
    return found


def _done(
    pages: ReadOnlyAdmin,
    request: HttpRequest,
    form: KeyedForm,
    act: Callable[[], Any],
    actor: Actor,
    now: datetime,
    told: str,
) -> int | None:
    """Carry it out once and tell so; None: refused, and the form says why. What is corrected then is another request."""
    try:
        made = done_once(form, request, act, actor=actor, now=now)
    except SentBefore as before:
        pages.message_user(request, text("link.sent-before"), messages.WARNING)
        return before.made
    except Refusal as refusal:
        tell_refusal(form, refusal)
        key_anew(form, request)
        return None
    pages.message_user(request, told, messages.SUCCESS)
    return made


def _answer(
    pages: ReadOnlyAdmin, request: HttpRequest, link: Link, form: KeyedForm, title: str, shown: dict[str, Any]
) -> HttpResponse:
    context = {
        **pages.admin_site.each_context(request),
        "title": title,
        "form": form,
        "link": link,
        "link_address": page_of_link(link),
        "degree_name": text(f"degree.{Degree(link.degree)}"),
        "side": side_for(actor_of(request), link),
        "opts": pages.opts,
        **shown,
    }
    return TemplateResponse(request, "admin/linking/act.html", context)
