"""What an authority records about units: until when they count, and what of an allocation was too much."""

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.setting import SettingAdmin
from accounts.rules.access import Act, Actor
from accounts.texts import text
from registry.models import Allocation, AllocationExcess, UnitType, UnitValidity
from registry.operations.record_excess import record_excess
from registry.operations.set_validity import set_validity
from registry.rules.serials import GREATEST_SERIAL


class ValidityForm(forms.Form):
    """Which units, until when, and by what."""

    unit_type = forms.ModelChoiceField(UnitType.objects.select_related("jurisdiction").order_by("jurisdiction", "code"))
    vintage = forms.IntegerField()
    applicable_period = forms.CharField(required=False, max_length=40)
    valid_until = forms.DateTimeField(label=gettext_lazy("admin.valid-until-utc"))
    source = forms.CharField(max_length=500)


@admin.register(UnitValidity)
class UnitValidityAdmin(SettingAdmin):
    """Until when units count; of several records the latest holds."""

    within = "unit_type__jurisdiction__code"
    act_needed = Act.SET_RULE
    form_class = ValidityForm
    set_title = "admin.record-validity"
    list_display = ("unit_type", "vintage", "applicable_period", "valid_until", "source", "recorded_at")
    list_select_related = ("unit_type__jurisdiction",)
    list_filter = ("unit_type__jurisdiction",)
    ordering = ("-id",)

    def set_by(self, form: forms.Form, actor: Actor) -> str:
        """Record the validity."""
        said = form.cleaned_data
        set_validity(**said, actor=actor, now=clock.now())
        return f"{text('admin.recorded')}: {said['unit_type']} {said['vintage']}"


class ExcessForm(forms.Form):
    """Which allocation, how much of it was too much, and by what."""

    allocation = forms.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = forms.IntegerField(min_value=0, max_value=GREATEST_SERIAL, label="t CO2e")
    source = forms.CharField(max_length=300)

    def clean_allocation(self) -> Allocation:
        """Find the allocation by its number."""
        found = Allocation.objects.select_related("table__jurisdiction").filter(pk=self.cleaned_data["allocation"])
        if (allocation := found.first()) is None:
            raise forms.ValidationError(text("admin.no-such-allocation"))
        return allocation


@admin.register(AllocationExcess)
class AllocationExcessAdmin(SettingAdmin):
    """What is to be returned of delivered allocations, and what was."""

    within = "allocation__table__jurisdiction__code"
    act_needed = Act.RECORD_OBLIGATION
    form_class = ExcessForm
    set_title = "admin.record-excess"
    list_display = ("allocation", "quantity", "returned", "source", "recorded_by", "recorded_at")
    list_select_related = ("allocation__installation", "recorded_by")
    search_fields = ("allocation__installation__number",)

    def set_by(self, form: forms.Form, actor: Actor) -> str:
        """Record the excess."""
        said: dict[str, Any] = form.cleaned_data
        recorded = record_excess(**said, actor=actor, now=clock.now())
        return f"{text('admin.recorded')}: {recorded}"
