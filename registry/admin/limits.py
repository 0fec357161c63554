"""Limits and holding limits: to be looked at, and set by the same operations as everywhere."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import actor_of
from accounts.admin.setting import SettingAdmin
from accounts.models import Account, Jurisdiction
from accounts.queries import readable_jurisdictions
from accounts.rules.access import Act, Actor
from accounts.texts import text
from registry.models import HoldingLimit, Limit
from registry.operations.set_holding_limits import set_holding_limits
from registry.operations.set_limit import set_limit
from registry.rules.limits import MalformedRule
from registry.rules.serials import GREATEST_SERIAL


class LimitForm(forms.Form):
    """Whose limit, how much, from when, and by what."""

    account = forms.CharField(required=False, max_length=40)
    jurisdiction = forms.ModelChoiceField(Jurisdiction.objects.order_by("code"), required=False)
    per_transaction = forms.IntegerField(
        required=False, min_value=0, max_value=GREATEST_SERIAL, label="per transaction, t CO2e"
    )
    per_day = forms.IntegerField(required=False, min_value=0, max_value=GREATEST_SERIAL, label="per day, t CO2e")
    valid_from = forms.DateField()
    source = forms.CharField(max_length=500)

    def clean(self) -> dict[str, Any]:
        """Find the account by its identifier. With neither account nor jurisdiction the limit is the system's."""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        named = str(said.get("account") or "").strip()
        if named and said.get("jurisdiction") is not None:
            raise forms.ValidationError(text("admin.one-of-account-and-jurisdiction"))
        found = Account.objects.select_related("jurisdiction").filter(identifier=named).first() if named else None
        if named and found is None:
            raise forms.ValidationError(text("admin.no-such-account", account=named))
        return {**said, "account": found}


class JurisdictionForm(forms.Form):
    """Where."""

    jurisdiction = forms.ModelChoiceField(Jurisdiction.objects.order_by("code"))


@admin.register(Limit)
class LimitAdmin(SettingAdmin):
    """What may leave accounts, at every level, by day."""

    act_needed = Act.SET_LIMIT
    form_class = LimitForm
    list_display = ("level_shown", "account", "jurisdiction", "per_transaction", "per_day", "valid_from", "valid_to")
    list_select_related = ("account", "jurisdiction")
    search_fields = ("account__identifier",)
    ordering = ("-id",)

    @admin.display(description=gettext_lazy("admin.limit-level"))
    def level_shown(self, limit: Limit) -> str:
        """The level that it limits."""
        return limit.level

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the limits of the jurisdictions that the reader may read, and the system's."""
        rows = super().get_queryset(request)
        readable = readable_jurisdictions(actor_of(request))
        if readable is None or getattr(request.user, "is_superuser", False):
            return rows
        own = Q(jurisdiction__code__in=readable) | Q(account__jurisdiction__code__in=readable)
        return rows.filter(own | Q(jurisdiction=None, account=None))

    def set_by(self, form: forms.Form, actor: Actor) -> str:
        """Record the limit."""
        limit = set_limit(**form.cleaned_data, actor=actor, now=clock.now())
        return f"{text('admin.limit-set')}: {limit}"


@admin.register(HoldingLimit)
class HoldingLimitAdmin(SettingAdmin):
    """What holders may hold, hold and have coming."""

    within = "jurisdiction__code"
    act_needed = Act.SET_HOLDING_LIMITS
    form_class = JurisdictionForm
    list_display = ("holder", "jurisdiction", "limit", "held", "pending", "left")
    list_select_related = ("holder", "jurisdiction")
    list_filter = ("jurisdiction",)
    search_fields = ("holder__name",)
    ordering = ("jurisdiction", "id")

    @admin.display(description=gettext_lazy("admin.left"))
    def left(self, row: HoldingLimit) -> int:
        """What may still come."""
        return max(0, row.limit - row.held - row.pending)

    def set_by(self, form: forms.Form, actor: Actor) -> str:
        """Make the limits of the jurisdiction anew."""
        place = form.cleaned_data["jurisdiction"]
        try:
            count = set_holding_limits(jurisdiction=place, actor=actor, now=clock.now())
        except MalformedRule as error:
            raise forms.ValidationError(text("admin.rule-malformed")) from error
        return f"{place}: {text('admin.holding-limits-set')}, {count}"
