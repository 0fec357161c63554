"""What cover-the-excess rests on: a facility's base and factor of each year, and what was applied for.

Written once; a base is corrected by a row that names the one it corrects. PostgreSQL keeps to that by itself
(registry/migrations/sql/0018_periods.sql).
"""

from django.db import models
from django.db.models import F, Q

from registry.rules.cover_the_excess import MOST_DENOMINATOR


class RecordedBase(models.Model):
    """A facility's base (t CO2e) and reduction factor for a fiscal year. The latest row of a year counts."""

    installation = models.ForeignKey("accounts.Installation", models.PROTECT, related_name="recorded_bases")
    year = models.SmallIntegerField(help_text="The calendar year in which the fiscal year begins.")
    base = models.BigIntegerField(help_text="t CO2e")
    factor_numerator = models.IntegerField()
    factor_denominator = models.IntegerField()
    corrects = models.OneToOneField("self", models.PROTECT, null=True, blank=True, related_name="corrected_by")
    source = models.CharField(max_length=300)
    recorded_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["installation_id", "year", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["installation", "year"],
                condition=Q(corrects__isnull=True),
                name="bases_are_corrected_not_overwritten",
            ),
            models.CheckConstraint(condition=Q(year__range=(1990, 2200)), name="base_is_of_a_year"),
            models.CheckConstraint(condition=Q(base__gte=0, base__lt=10**15), name="base_is_not_negative"),
            models.CheckConstraint(
                condition=Q(
                    factor_numerator__gte=0,
                    factor_numerator__lte=F("factor_denominator"),
                    factor_denominator__gte=1,
                    factor_denominator__lte=MOST_DENOMINATOR,
                ),
                name="factor_is_a_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.installation.number} {self.year}"


class ExcessApplication(models.Model):
    """An application for excess credits: what was found issuable to a facility from a period, and how much was asked for.

    It is granted by the approval of the allocation table that `allocation` is the one row of, and delivered as that row. All
    years are fiscal ones; `through_year` is the last that was verified, and the vintage of the units. t CO2e.
    """

    installation = models.ForeignKey("accounts.Installation", models.PROTECT, related_name="excess_applications")
    first_year = models.SmallIntegerField()
    last_year = models.SmallIntegerField()
    through_year = models.SmallIntegerField()
    issuable = models.BigIntegerField(help_text="t CO2e")
    allocation = models.OneToOneField("registry.Allocation", models.PROTECT, related_name="excess_application")
    source = models.CharField(max_length=300)
    applied_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    applied_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(first_year__lt=F("through_year"), through_year__lte=F("last_year")),
                name="excess_is_from_the_second_year",
            ),
            models.CheckConstraint(condition=Q(issuable__gt=0), name="something_is_issuable"),
        ]

    def __str__(self) -> str:
        return f"{self.installation.number} {self.through_year}"
