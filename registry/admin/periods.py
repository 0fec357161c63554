"""Cover-the-excess: bases and factors by year, applications for excess credits, and what becomes of them."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import actor_of
from accounts.admin.setting import SettingAdmin
from accounts.models import Installation, Jurisdiction
from accounts.refusals import Refusal
from accounts.rules.access import Act, Actor
from accounts.texts import text
from registry.admin.deciding import told
from registry.admin.reasons import reasons_of
from registry.models import ExcessApplication, RecordedBase
from registry.operations.apply_for_excess_credits import apply_for_excess_credits
from registry.operations.deliver_excess_credits import deliver_excess_credits
from registry.operations.issue_excess_credits import issue_excess_credits
from registry.operations.load_allocation_table import approve_allocation_table
from registry.operations.load_compliance import MOST_TONNES, YEARS
from registry.operations.outcome import Refused
from registry.operations.record_base import record_base
from registry.rules.cover_the_excess import MOST_DENOMINATOR, Position
from registry.rules.serials import GREATEST_SERIAL

COLUMNS = ("year", "base", "factor", "required", "emissions", "reduction", "counted")
SUMS = ("emissions", "cap", "entitled", "granted", "issuable", "issued", "surrendered", "shortfall")


def position_table(position: Position) -> SafeString:
    """Return the table of a facility's years in a period, and under it the sums of those verified; t CO2e."""
    years = format_html_join(
        "",
        "<tr>{}</tr>",
        (
            (format_html_join("", "<td>{}</td>", ((_shown(getattr(each, name)),) for name in COLUMNS)),)
            for each in position.years
        ),
    )
    sums = format_html_join("", "<tr><th>{}</th><td>{}</td></tr>", ((n, f"{getattr(position, n):,}") for n in SUMS))
    head = format_html_join("", "<th>{}</th>", ((name,) for name in COLUMNS))
    return format_html("<table><tr>{}</tr>{}</table><table>{}</table>", head, years, sums)


def _shown(value: object) -> str:
    return "-" if value is None else str(value)


class FacilityForm(forms.Form):
    """Which facility of which registry."""

    jurisdiction = forms.ModelChoiceField(Jurisdiction.objects.order_by("code"))
    installation = forms.CharField(max_length=100)
    year = forms.IntegerField(min_value=YEARS[0], max_value=YEARS[1])

    def clean(self) -> dict[str, Any]:
        """Find the facility by its number."""
        said = super().clean() or {}
        if "jurisdiction" in said and "installation" in said:
            places = Installation.objects.select_related("jurisdiction").filter(jurisdiction=said["jurisdiction"])
            said["installation"] = places.filter(number=said["installation"].replace("\0", "")).first()
            if said["installation"] is None:
                self.add_error("installation", text("admin.no-such-installation"))
        return said


class BaseForm(FacilityForm):
    """Its base and factor for a year, and by what."""

    base = forms.IntegerField(min_value=0, max_value=MOST_TONNES, label="base, t CO2e")
    factor_numerator = forms.IntegerField(min_value=0, max_value=MOST_DENOMINATOR)
    factor_denominator = forms.IntegerField(min_value=1, max_value=MOST_DENOMINATOR)
    source = forms.CharField(max_length=300)


class ApplicationForm(FacilityForm):
    """A year of the period, how much (all that is issuable where nothing is said), and by what."""

    quantity = forms.IntegerField(min_value=1, max_value=GREATEST_SERIAL, required=False, label="t CO2e")
    source = forms.CharField(max_length=300)


@admin.register(RecordedBase)
class RecordedBaseAdmin(SettingAdmin):
    """Bases and factors, with their corrections."""

    within = "installation__jurisdiction__code"
    act_needed = Act.RECORD_EMISSIONS
    form_class = BaseForm
    set_title = "admin.record-base"
    list_display = ("installation", "year", "base", "factor", "corrects", "source", "recorded_by", "recorded_at")
    list_select_related = ("installation", "corrects__installation", "recorded_by")
    list_filter = ("year",)
    search_fields = ("installation__number",)

    @admin.display(description="factor")
    def factor(self, row: RecordedBase) -> str:
        """The share to be reduced."""
        return f"{row.factor_numerator}/{row.factor_denominator}"

    def set_by(self, form: forms.Form, actor: Actor) -> str:
        """Record the base."""
        said = {name: value for name, value in form.cleaned_data.items() if name != "jurisdiction"}
        made = record_base(**said, actor=actor, now=clock.now())
        return f"{text('admin.recorded')}: {made}"


@admin.register(ExcessApplication)
class ExcessApplicationAdmin(SettingAdmin):
    """Applications: approved by a second person, then issued and delivered."""

    within = "installation__jurisdiction__code"
    act_needed = Act.LOAD_ALLOCATION_TABLE
    form_class = ApplicationForm
    set_title = "admin.apply-for-excess-credits"
    list_display = ("id", "installation", "through_year", "issuable", "quantity", "state", "applied_by", "applied_at")
    list_select_related = ("installation", "allocation", "applied_by")
    list_filter = ("through_year",)
    search_fields = ("installation__number",)
    actions = ("approve", "issue", "deliver")

    @admin.display(description="t CO2e")
    def quantity(self, row: ExcessApplication) -> str:
        """How much was applied for."""
        return f"{row.allocation.quantity:,}"

    @admin.display(description="state")
    def state(self, row: ExcessApplication) -> str:
        """What became of it."""
        return row.allocation.state

    def set_by(self, form: forms.Form, actor: Actor) -> str:
        """Apply."""
        said = {name: value for name, value in form.cleaned_data.items() if name != "jurisdiction"}
        made = apply_for_excess_credits(**said, actor=actor, now=clock.now())
        return f"{text('admin.recorded')}: {made}, {made.allocation.quantity:,} t CO2e"

    @admin.action(description=gettext_lazy("admin.approve"))
    def approve(self, request: HttpRequest, rows: QuerySet[ExcessApplication]) -> None:
        """Approve applications, as the second person."""
        actor = actor_of(request)
        self.act(
            request,
            rows.select_related("installation", "allocation__table__jurisdiction"),
            lambda row: approve_allocation_table(table=row.allocation.table, actor=actor, now=clock.now()),
        )

    @admin.action(description=gettext_lazy("admin.issue-excess-credits"))
    def issue(self, request: HttpRequest, rows: QuerySet[ExcessApplication]) -> None:
        """Propose the issuance of what was approved."""

        def operation(row: ExcessApplication) -> None:
            outcome = issue_excess_credits(application=row, actor=actor_of(request), now=clock.now())
            self.message_user(request, f"{row}: {told(outcome)}", messages.SUCCESS)

        self._each(request, rows, operation)

    @admin.action(description=gettext_lazy("admin.deliver-excess-credits"))
    def deliver(self, request: HttpRequest, rows: QuerySet[ExcessApplication]) -> None:
        """Deliver what was approved and issued."""

        def operation(row: ExcessApplication) -> None:
            found = deliver_excess_credits(application=row, actor=actor_of(request), now=clock.now())
            for refused in found.refused.values():
                raise refused
            waiting, quantity = len(found.without_account), f"{found.quantity:,}"
            done = text("admin.delivered", delivered=found.delivered, quantity=quantity, waiting=waiting)
            self.message_user(request, f"{row}: {done}", messages.SUCCESS if not waiting else messages.WARNING)

        self._each(request, rows, operation)

    def _each(
        self,
        request: HttpRequest,
        rows: QuerySet[ExcessApplication],
        operation: Callable[[ExcessApplication], object],
    ) -> None:
        """Run an operation on each row and tell what keeps it from one."""
        for row in rows.select_related("installation"):
            try:
                operation(row)
            except Refused as refused:
                for reason in reasons_of(refused):
                    self.message_user(request, f"{row}: {reason}", messages.ERROR)
            except Refusal as refusal:
                reason = text(f"refusal.{refusal.code}", **refusal.params)
                self.message_user(request, f"{row}: {reason}", messages.ERROR)
