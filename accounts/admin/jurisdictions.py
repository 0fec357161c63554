"""Jurisdictions, their dated rules and calendars, and the deployment that hosts them."""

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import models
from accounts.admin.base import ReadOnlyAdmin
from accounts.texts import text


class DatedRuleInline(admin.TabularInline):  # type: ignore[type-arg]
    """The dated rules of a jurisdiction, with what is still to be confirmed."""

    model = models.DatedRule
    extra = 0
    fields = readonly_fields = ("key", "valid_from", "valid_to", "value", "confidence", "to_be_confirmed", "source")
    ordering = ("key", "valid_from")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Rules are recorded by their operation."""
        return False

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


@admin.register(models.CalendarDay)
class CalendarDayAdmin(ReadOnlyAdmin):
    """Recorded days of the working calendars; the latest record of a day counts."""

    within = "jurisdiction__code"
    list_display = ("jurisdiction", "day", "is_working", "name", "confidence", "source", "recorded_at")
    list_filter = ("jurisdiction", "is_working")
    list_select_related = ("jurisdiction",)
    search_fields = ("name", "source")


@admin.register(models.Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """The mode and the clock."""

    list_display = ("mode", "clock_offset_seconds")
