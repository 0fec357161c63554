"""Compliance: obligations, allocation tables, what was emitted, and the statuses determined at a deadline.

Recorded emissions and snapshots are written once; a correction is a new row that names the one it corrects. PostgreSQL keeps to
that by itself (registry/migrations/sql/0010_compliance.sql).
"""

from django.db import models
from django.db.models import F, Q

from registry.rules.compliance import Status
from registry.rules.deadlines import Counts

_COUNTS = [str(counts) for counts in Counts]
_YEARS = Q(year__range=(1990, 2200))


class Obligation(models.Model):
    """An installation's duty to surrender for one compliance year. Instants are UTC.

    `due_at` is the deadline at which statuses are determined; late surrenders count until `closes_at` (None: always). Where a
    dated rule says the deadline (`registry.rules.deadlines`), `due_at` and `counts`, the instant of a surrender that must not be
    later, are what it says, and follow it until the status is determined.
    """

    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="obligations")
    installation = models.ForeignKey("accounts.Installation", models.PROTECT, related_name="obligations")
    year = models.SmallIntegerField()
    opens_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True, blank=True)
    counts = models.CharField(
        max_length=10,
        choices=[(counts, counts) for counts in _COUNTS],
        default=str(Counts.COMPLETED),
        db_default=str(Counts.COMPLETED),
    )
    eligible_until_vintage = models.SmallIntegerField(help_text="The latest vintage that counts.")

    class Meta:
        ordering = ["jurisdiction_id", "year", "installation_id"]
        indexes = [models.Index(fields=["jurisdiction", "year", "due_at"], name="obligations_by_deadline")]
        constraints = [
            models.UniqueConstraint(fields=["installation", "year"], name="one_obligation_a_year"),
            models.CheckConstraint(condition=_YEARS, name="obligation_is_for_a_year"),
            models.CheckConstraint(condition=Q(opens_at__lt=F("due_at")), name="obligation_opens_before_it_is_due"),
            models.CheckConstraint(condition=Q(due_at__lte=F("closes_at")), name="obligation_closes_after_it_is_due"),
            models.CheckConstraint(condition=Q(counts__in=_COUNTS), name="what_counts_at_a_deadline_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.installation.number} {self.year}"


class AllocationTable(models.Model):
    """A table of allocations as it was loaded, and who approved it: a second person. `sha256` is the file's."""

    class State(models.TextChoices):
        LOADED = "LOADED"
        APPROVED = "APPROVED"

    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="allocation_tables")
    name = models.CharField(max_length=300, help_text="The file's name.")
    sha256 = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.LOADED)
    loaded_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    loaded_at = models.DateTimeField()
    approved_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["jurisdiction", "sha256"], name="allocation_table_is_loaded_once"),
            models.CheckConstraint(condition=~Q(approved_by=F("loaded_by")), name="approver_is_not_initiator"),
            models.CheckConstraint(
                condition=Q(state="LOADED", approved_by__isnull=True, approved_at__isnull=True)
                | Q(state="APPROVED", approved_by__isnull=False, approved_at__isnull=False),
                name="approved_by_somebody_at_some_time",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Allocation(models.Model):
    """One row of an allocation table: so many units (t CO2e) for an installation. Delivered by the transaction that names it.

    PostgreSQL makes a row ready when its table is approved. Over all tables, one row is ready for an installation, unit type
    and vintage: a corrected table cannot grant a second time what the first one granted.
    """

    class State(models.TextChoices):
        LOADED = "LOADED"
        READY = "READY"
        WITHHELD = "WITHHELD"

    table = models.ForeignKey(AllocationTable, models.PROTECT, related_name="allocations")
    installation = models.ForeignKey("accounts.Installation", models.PROTECT, related_name="allocations")
    unit_type = models.ForeignKey("registry.UnitType", models.PROTECT, related_name="+")
    vintage = models.SmallIntegerField()
    quantity = models.BigIntegerField(help_text="t CO2e")
    state = models.CharField(max_length=10, choices=State.choices, default=State.LOADED)

    class Meta:
        ordering = ["table_id", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["table", "installation", "unit_type", "vintage"], name="one_allocation_per_table_and_vintage"
            ),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="allocation_is_positive"),
            models.UniqueConstraint(
                fields=["installation", "unit_type", "vintage"],
                condition=Q(state="READY"),
                name="allocation_is_granted_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["LOADED", "READY", "WITHHELD"]), name="allocation_state_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.installation.number} {self.vintage}"


class AllocationExcess(models.Model):
    """How much of a delivered allocation was too much and is to be returned (10-42), t CO2e, as the authority determined it.

    `returned` counts what was, or is about to be, returned; PostgreSQL keeps it, under the row's lock, and within `quantity`.
    """

    allocation = models.OneToOneField(Allocation, models.PROTECT, primary_key=True, related_name="excess")
    quantity = models.BigIntegerField(help_text="t CO2e")
    returned = models.BigIntegerField(default=0, db_default=0, editable=False)
    source = models.CharField(max_length=300)
    recorded_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["allocation_id"]
        verbose_name_plural = "allocation excesses"
        constraints = [
            models.CheckConstraint(
                condition=Q(returned__gte=0) & Q(returned__lte=F("quantity")), name="return_is_within_the_excess"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.allocation}: {self.quantity}"


class RecordedEmissions(models.Model):
    """Verified emissions of an installation in a year (t CO2e), or that it was excluded in that year. The latest row counts."""

    installation = models.ForeignKey("accounts.Installation", models.PROTECT, related_name="recorded_emissions")
    year = models.SmallIntegerField()
    quantity = models.BigIntegerField(null=True, blank=True, help_text="t CO2e; empty where excluded")
    excluded = models.BooleanField(default=False)
    corrects = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="corrected_by")
    source = models.CharField(max_length=300)
    recorded_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["installation_id", "year", "id"]
        verbose_name_plural = "recorded emissions"
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "year"],
                condition=Q(corrects__isnull=True),
                name="emissions_are_corrected_not_overwritten",
            ),
            models.CheckConstraint(condition=_YEARS, name="emissions_are_of_a_year"),
            models.CheckConstraint(
                # A CHECK lets "unknown" pass, so that there is a quantity is said as well.
                condition=Q(excluded=True, quantity__isnull=True)
                | Q(excluded=False, quantity__gte=0, quantity__isnull=False),
                name="emissions_or_exclusion",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.installation.number} {self.year}"


class StatusSnapshot(models.Model):
    """The status of an installation as it was determined at a year's deadline. Never changed.

    `surrendered` is what was in time by `counts`, the instant of a surrender that must not be later; PostgreSQL sums it again.
    """

    installation = models.ForeignKey("accounts.Installation", models.PROTECT, related_name="status_snapshots")
    year = models.SmallIntegerField()
    status = models.CharField(max_length=20, choices=[(str(status), str(status)) for status in Status])
    emissions = models.BigIntegerField(help_text="t CO2e, cumulative")
    surrendered = models.BigIntegerField(help_text="t CO2e, cumulative")
    counts = models.CharField(
        max_length=10,
        choices=[(counts, counts) for counts in _COUNTS],
        default=str(Counts.COMPLETED),
        db_default=str(Counts.COMPLETED),
    )
    determined_at = models.DateTimeField(help_text="The deadline.")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["installation_id", "year"]
        constraints = [
            models.UniqueConstraint(fields=["installation", "year"], name="one_status_at_a_deadline"),
            models.CheckConstraint(
                condition=Q(status__in=[str(status) for status in Status]), name="compliance_status_is_known"
            ),
            models.CheckConstraint(condition=Q(counts__in=_COUNTS), name="what_counted_at_a_deadline_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.installation.number} {self.year} {self.status}"
