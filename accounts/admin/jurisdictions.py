"""Jurisdictions, their dated rules and calendars, and the deployment that hosts them."""

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy

from accounts import clock, models
from accounts.admin.base import ReadOnlyAdmin, ReadOnlyInline
from accounts.admin.setting import SettingAdmin
from accounts.operations.set_calendar_day import set_calendar_day
from accounts.rules.access import Act, Actor
from accounts.texts import confidence_choices, text


class DatedRuleInline(ReadOnlyInline):
    """The dated rules of a jurisdiction, with what is still to be confirmed."""

    model = models.DatedRule
    fields = readonly_fields = ("key", "valid_from", "valid_to", "value", "confidence", "to_be_confirmed", "source")
    ordering = ("key", "valid_from")

    @admin.display(description=gettext_lazy("fact.to-be-confirmed"))
    def to_be_confirmed(self, rule: models.DatedRule) -> str:
        """Facts that were recalled and not read in a source."""
        return text("fact.to-be-confirmed") if rule.confidence in {"RM", "RL"} else ""


@admin.register(models.Jurisdiction)
class JurisdictionAdmin(ReadOnlyAdmin):
    """Jurisdictions with their rules; what must be said of one is said."""

    list_display = ("code", "registry_code", "currency", "time_zone", "caveat_text", "is_test")
    readonly_fields = ("caveat_text",)
    inlines = (DatedRuleInline,)
    search_fields = ("code", "registry_code")

    @admin.display(description=gettext_lazy("admin.caveat"))
    def caveat_text(self, jurisdiction: models.Jurisdiction) -> str:
        """What must be said wherever it is presented."""
        return text(jurisdiction.caveat) if jurisdiction.caveat else ""


@admin.register(models.DatedRule)
class DatedRuleAdmin(ReadOnlyAdmin):
    """Every dated rule."""

    within = "jurisdiction__code"
    list_display = ("jurisdiction", "key", "valid_from", "valid_to", "value", "confidence", "source")
    list_filter = ("jurisdiction", "confidence")
    list_select_related = ("jurisdiction",)
    search_fields = ("key", "source")


class CalendarDayForm(forms.Form):
    """Which day works, or does not, and who says so."""

    jurisdiction = forms.ModelChoiceField(models.Jurisdiction.objects.order_by("code"))
    day = forms.DateField()
    is_working = forms.BooleanField(required=False)
    name = forms.CharField(max_length=200)
    confidence = forms.ChoiceField(choices=confidence_choices)
    source = forms.CharField(max_length=500)


@admin.register(models.CalendarDay)
class CalendarDayAdmin(SettingAdmin):
    """Recorded days of the working calendars; the latest record of a day counts."""

    act_needed = Act.SET_RULE
    form_class = CalendarDayForm
    set_title = "admin.record-day"

    within = "jurisdiction__code"
    list_display = ("jurisdiction", "day", "is_working", "name", "confidence", "source", "recorded_at")
    list_filter = ("jurisdiction", "is_working")
    list_select_related = ("jurisdiction",)
    search_fields = ("name", "source")

    def set_by(self, form: forms.Form, actor: Actor) -> str:
        """Record the day."""
        recorded = set_calendar_day(**form.cleaned_data, actor=actor, now=clock.now())
        return f"{text('admin.recorded')}: {recorded.jurisdiction}, {recorded.day}"


@admin.register(models.Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """The mode and the clock."""

    list_display = ("mode", "clock_offset_seconds")
