"""Compliance to be read, and allocation tables to be approved and run."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from accounts import clock
from accounts.admin.base import ReadOnlyAdmin, actor_of
from accounts.models import Account
from accounts.refusals import Refusal
from accounts.texts import text
from registry.admin.periods import position_table
from registry.compliance_queries import ObligationStanding, obligations_of
from registry.models import Allocation, AllocationTable, Obligation, RecordedEmissions, StatusSnapshot
from registry.operations.load_allocation_table import approve_allocation_table, withhold_allocation
from registry.operations.run_allocation import run_allocation


@admin.register(Obligation)
class ObligationAdmin(ReadOnlyAdmin):
    """Obligations."""

    within = "jurisdiction__code"
    list_display = ("id", "installation", "year", "opens_at", "due_at", "counts", "closes_at", "eligible_until_vintage")
    list_select_related = ("installation",)
    list_filter = ("jurisdiction", "year")
    search_fields = ("installation__number",)
    readonly_fields = ("surrendered", "position")

    @admin.display(description=gettext_lazy("admin.surrendered"))
    def surrendered(self, row: Obligation) -> str:
        """What was surrendered for it by now: the units and, where they differ, what they count."""
        stood = self._standing(row)
        if stood.units_surrendered == stood.surrendered:
            return f"{stood.surrendered:,} t CO2e"
        units, value = f"{stood.units_surrendered:,}", f"{stood.surrendered:,}"
        return text("admin.units-recognised", units=units, value=value)

    @admin.display(description=gettext_lazy("admin.position"))
    def position(self, row: Obligation) -> str:
        """How the facility stands in the period that it is for; nothing where the rule is surrender-all."""
        stood = self._standing(row)
        return "-" if stood.position is None else position_table(stood.position)

    def _standing(self, row: Obligation) -> ObligationStanding:
        stood = obligations_of(row.installation, at=clock.now())
        return next(each for each in stood if each.obligation.pk == row.pk)


@admin.register(AllocationTable)
class AllocationTableAdmin(ReadOnlyAdmin):
    """Allocation tables: approved by a second person, then run."""

    within = "jurisdiction__code"
    list_display = ("id", "name", "jurisdiction", "state", "loaded_by", "loaded_at", "approved_by", "approved_at")
    list_select_related = ("jurisdiction", "loaded_by", "approved_by")
    list_filter = ("jurisdiction", "state")
    actions = ("approve", "run")

    @admin.action(description=gettext_lazy("admin.approve"))
    def approve(self, request: HttpRequest, rows: QuerySet[AllocationTable]) -> None:
        """Approve tables, as the second person."""
        actor = actor_of(request)
        self.act(
            request,
            rows.select_related("jurisdiction"),
            lambda row: approve_allocation_table(table=row, actor=actor, now=clock.now()),
        )

    @admin.action(description=gettext_lazy("admin.run-allocation"))
    def run(self, request: HttpRequest, rows: QuerySet[AllocationTable]) -> None:
        """Deliver what approved tables grant and is not delivered yet."""
        for table in rows.select_related("jurisdiction"):
            source = Account.objects.filter(jurisdiction=table.jurisdiction, type="ALL").order_by("id").first()
            try:
                found = run_allocation(
                    table=table,
                    transferring=source.identifier if source else "",
                    actor=actor_of(request),
                    now=clock.now(),
                )
            except Refusal as refusal:
                reason = text(f"refusal.{refusal.code}", **refusal.params)
                self.message_user(request, f"{table}: {reason}", messages.ERROR)
                continue
            told = text(
                "admin.delivered",
                delivered=found.delivered,
                quantity=f"{found.quantity:,}",
                waiting=len(found.refused) + len(found.without_account),
            )
            level = messages.WARNING if found.refused or found.without_account else messages.SUCCESS
            self.message_user(request, f"{table}: {told}", level)


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    """Rows of allocation tables."""

    within = "table__jurisdiction__code"
    list_display = ("id", "table", "installation", "unit_type", "vintage", "quantity", "state")
    list_select_related = ("table", "installation", "unit_type")
    list_filter = ("state", "vintage")
    search_fields = ("installation__number", "table__name")
    actions = ("withhold", "release")

    @admin.action(description=gettext_lazy("admin.withhold"))
    def withhold(self, request: HttpRequest, rows: QuerySet[Allocation]) -> None:
        """Withhold rows that are not delivered."""
        self._withhold(request, rows, withheld=True)

    @admin.action(description=gettext_lazy("admin.release"))
    def release(self, request: HttpRequest, rows: QuerySet[Allocation]) -> None:
        """Release withheld rows."""
        self._withhold(request, rows, withheld=False)

    def _withhold(self, request: HttpRequest, rows: QuerySet[Allocation], *, withheld: bool) -> None:
        actor = actor_of(request)

        def operation(row: Any) -> object:
            return withhold_allocation(allocation=row, withheld=withheld, actor=actor, now=clock.now())

        self.act(request, rows.select_related("table__jurisdiction"), operation)


@admin.register(RecordedEmissions)
class RecordedEmissionsAdmin(ReadOnlyAdmin):
    """Verified emissions, with their corrections."""

    within = "installation__jurisdiction__code"
    list_display = ("installation", "year", "quantity", "excluded", "corrects", "source", "recorded_at")
    list_select_related = ("installation", "corrects__installation")
    list_filter = ("year", "excluded")
    search_fields = ("installation__number",)


@admin.register(StatusSnapshot)
class StatusSnapshotAdmin(ReadOnlyAdmin):
    """Statuses as they were determined at a deadline."""

    within = "installation__jurisdiction__code"
    list_display = ("installation", "year", "status", "emissions", "surrendered", "determined_at")
    list_select_related = ("installation",)
    list_filter = ("year", "status")
    search_fields = ("installation__number",)
