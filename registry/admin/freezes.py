"""Freezes: looked at here, set on a page of their own by one person, and released by two."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy

from accounts import clock, queries
from accounts.admin.base import ReadOnlyAdmin, ReasonForm, actor_of, reason_of
from accounts.models import Account
from accounts.refusals import Refusal
from accounts.rules.access import Act, Actor
from accounts.texts import text
from registry.admin.keys import KeyedForm, answer_key, first_answer, new_key
from registry.api.orders import LONGEST_REFERENCE, LONGEST_TEXT
from registry.freezes import freezes_for, record_of, with_review
from registry.models import Freeze, Transaction
from registry.operations.confirm_hold import confirm_hold
from registry.operations.freeze import freeze_account, freeze_serials, freeze_transaction
from registry.operations.outcome import AnsweredBefore, AnswerKey, Refused
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.operations.withdraw_release_request import withdraw_release_request
from registry.rules.freezes import FreezeRecord, Named
from registry.rules.serials import MalformedBlock, SerialBlock, parse_block


class FreezeForm(KeyedForm):
    """Why, by whose order, and when it is looked at again."""

    reason = forms.CharField(max_length=LONGEST_TEXT, label=gettext_lazy("admin.reason"))
    reference = forms.CharField(max_length=LONGEST_REFERENCE, required=False, label=gettext_lazy("admin.reference"))
    review_on = forms.DateField(
        label=gettext_lazy("admin.review-on"),
        widget=forms.DateInput(attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
    )


class FreezeSerialsForm(FreezeForm):
    """And which serials."""

    serial_block = forms.CharField(max_length=80, label=gettext_lazy("admin.serial-block"))
    jurisdiction = forms.CharField(max_length=6, required=False, label=gettext_lazy("admin.freezing-jurisdiction"))
    field_order = ("serial_block", "jurisdiction")

    def clean_serial_block(self) -> SerialBlock:
        """Return the block. Raises: ValidationError for what does not print back to itself."""
        try:
            return parse_block(self.cleaned_data["serial_block"].strip())
        except MalformedBlock:
            raise forms.ValidationError(text("problem.2001")) from None


def freeze_link(name: str, value: object) -> str:
    """The way to the page that freezes this very account or transaction."""
    return format_html(
        '<a href="{}?{}={}">{}</a>', reverse("admin:registry_freeze_set"), name, value, text("admin.freeze")
    )


@admin.register(Freeze)
class FreezeAdmin(ReadOnlyAdmin):
    """Freezes: read by everybody in the jurisdiction, released in two steps by two persons."""

    within = "jurisdiction__code"
    list_display = (
        "id",
        "what",
        "state_name",
        "review_is_due",
        "reason",
        "reference",
        "review_on",
        "expires_at",
        "frozen_by",
        "release_requested_by",
    )
    list_filter = ("jurisdiction", ("released_at", admin.EmptyFieldListFilter))
    readonly_fields = ("what", "state_name", "review_is_due", "confirm")
    search_fields = ("account__identifier", "reason", "reference")
    ordering = ("-id",)
    action_form = ReasonForm
    actions = ("request_release", "withdraw_request", "release")
    change_list_template = "admin/registry/freezes.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the page that freezes."""
        page = path("set/", self.admin_site.admin_view(self.freeze_page), name="registry_freeze_set")
        return [page, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the freezes that the reader may know of, with what their print needs."""
        reader = _EVERYWHERE if getattr(request.user, "is_superuser", False) else actor_of(request)
        return with_review(freezes_for(reader), now=clock.now()).select_related(
            "jurisdiction", "account", "origin", "frozen_by", "release_requested_by", "released_by"
        )

    @admin.display(description=gettext_lazy("admin.freeze-what"))
    def what(self, row: Freeze) -> str:
        """What is frozen."""
        return printed(record_of(row).named)

    @admin.display(description=gettext_lazy("admin.confirm-hold"))
    def confirm(self, row: Freeze) -> str:
        """The way to the page that confirms a hold by a freeze of the registry's own."""
        is_open = row.notice_of_id is not None and row.released_at is None
        address = f"{reverse('admin:registry_freeze_set')}?hold={row.pk}"
        return format_html('<a href="{}">{}</a>', address, text("admin.confirm-hold")) if is_open else ""

    @admin.display(description=gettext_lazy("admin.state"))
    def state_name(self, row: Freeze) -> str:
        """How far its release has come."""
        if row.released_at is not None:
            by_itself = row.notice_of_id is not None and row.released_by_id is None
            return text("admin.freeze-state.ended" if by_itself else "admin.freeze-state.released")
        return text(f"admin.freeze-state.{'active' if row.release_requested_at is None else 'requested'}")

    @admin.action(description=gettext_lazy("admin.request-release"))
    def request_release(self, request: HttpRequest, rows: QuerySet[Freeze]) -> None:
        """Ask for the release, as the first person."""
        actor, reason = actor_of(request), reason_of(request)
        self.act(request, rows, lambda row: request_release(row.pk, actor=actor, now=clock.now(), reason=reason))

    @admin.display(description=gettext_lazy("admin.review-due"))
    def review_is_due(self, row: Freeze) -> str:
        """Whether it is to be looked at again."""
        return text("admin.review-is-due") if getattr(row, "review_due", False) else ""

    @admin.action(description=gettext_lazy("admin.withdraw-release-request"))
    def withdraw_request(self, request: HttpRequest, rows: QuerySet[Freeze]) -> None:
        """Take back one's own request."""
        actor = actor_of(request)
        self.act(request, rows, lambda row: withdraw_release_request(row.pk, actor=actor, now=clock.now()))

    @admin.action(description=gettext_lazy("admin.release-freeze"))
    def release(self, request: HttpRequest, rows: QuerySet[Freeze]) -> None:
        """Release, as the second person."""
        actor = actor_of(request)
        self.act(request, rows, lambda row: release(row.pk, actor=actor, now=clock.now()))

    def freeze_page(self, request: HttpRequest) -> HttpResponse:
        """Ask why, and freeze what the address names (`?account=`, `?transaction=`), or the serials that are typed in."""
        actor = actor_of(request)
        hold = _hold(request, actor)
        named, home = (record_of(hold).named, hold.jurisdiction.code) if hold else _named(request, actor)
        if not any(actor.may(Act.FREEZE, code) for code in ([home] if home else _jurisdictions(actor))):
            raise PermissionDenied
        form = (FreezeForm if named else FreezeSerialsForm)(request.POST or None, initial=new_key())
        if request.method == "POST" and form.is_valid():
            frozen = self._freeze(form, named, hold, actor, answer_key(form, request, actor))
            if isinstance(frozen, FreezeRecord):
                self.message_user(request, f"{text('admin.freeze-set')}: {printed(frozen.named)}", messages.SUCCESS)
                frozen = frozen.id
            elif frozen is not None:
                self.message_user(request, text("admin.frozen-before"), messages.WARNING)
            if frozen is not None:
                return HttpResponseRedirect(reverse("admin:registry_freeze_change", args=[frozen]))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{text('admin.freeze')}: {printed(named)}" if named else text("admin.freeze-serials"),
            "form": form,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/registry/freeze.html", context)

    def _freeze(
        self, form: KeyedForm, named: Named | None, hold: Freeze | None, actor: Actor, key: AnswerKey
    ) -> FreezeRecord | int | None:
        """Freeze, or tell on the form why not. The same form again: the number of the freeze that it made the first time."""
        told = form.said()
        block = told.pop("serial_block", None)
        told |= {"actor": actor, "now": clock.now(), "key": key}
        try:
            if hold is not None:
                return confirm_hold(hold.pk, **told)
            if named is None:
                return freeze_serials(block, **told)
            if named.account is not None:
                return freeze_account(named.account, **told)
            assert named.transaction is not None
            return freeze_transaction(named.transaction, **told)
        except AnsweredBefore as before:
            return int(first_answer(before)[0] or 0)
        except Refused as refused:
            for failure in refused.failures:
                form.add_error(None, text(f"check.{failure.code}.failed", **failure.params))
        except Refusal as refusal:
            field = refusal.field if refusal.field in form.fields else None
            form.add_error(field, text(f"refusal.{refusal.code}", **refusal.params))
        return None


# A superuser looks at everything and freezes nothing.
_EVERYWHERE = Actor(None, "superuser", frozenset({"auditor@*"}))


def printed(named: Named) -> str:
    """Return what is frozen as people name it."""
    return str(named.serials or named.account or named.transaction)


def _hold(request: HttpRequest, actor: Actor) -> Freeze | None:
    """Return the hold that the address names, if it names one. Raises: PermissionDenied where the reader may not know of it."""
    if not (told := request.GET.get("hold", "")):
        return None
    number = int(told) if told.isascii() and told.isdecimal() and len(told) < 19 else 0
    hold: Freeze | None = freezes_for(actor).filter(pk=number, notice_of__isnull=False).first()
    if hold is None:
        raise PermissionDenied
    return hold


def _named(request: HttpRequest, actor: Actor) -> tuple[Named | None, str]:
    """Return what the address names and its jurisdiction. Raises: PermissionDenied where the reader may not know of it."""
    if identifier := request.GET.get("account", "").replace("\0", ""):
        account: Account | None = queries.visible_accounts(actor).filter(identifier=identifier).first()
        if account is not None:
            return Named(account=account.identifier), account.jurisdiction.code
    elif told := request.GET.get("transaction"):
        try:
            found = Transaction.objects.select_related("jurisdiction").filter(pk=UUID(told)).first()
        except ValueError:
            found = None
        if found is not None:
            return Named(transaction=found.pk), found.jurisdiction.code
    else:
        return None, ""
    raise PermissionDenied


def _jurisdictions(actor: Actor) -> set[str]:
    return {role.rpartition("@")[2] for role in actor.roles}
