"""Unit types and the caps they are issued under."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q


class UnitType(models.Model):
    """A type of unit of one issuing registry, for example BEA of Beijing. Its name is the text `unit-type.<code>`."""

    class Kind(models.TextChoices):
        ALLOWANCE = "allowance"
        CREDIT = "credit"
        OFFSET = "offset"

    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="unit_types")
    code = models.CharField(max_length=10)
    kind = models.CharField(max_length=10, choices=Kind.choices)

    class Meta:
        ordering = ["jurisdiction_id", "code"]
        constraints = [
            models.UniqueConstraint(fields=["jurisdiction", "code"], name="unit_type_is_named_once"),
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z][A-Z0-9]{1,9}$"), name="unit_type_code_is_plain"),
            models.CheckConstraint(condition=Q(kind__in=["allowance", "credit", "offset"]), name="unit_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.code


class UnitValidity(models.Model):
    """Until when units of a type and vintage count; then they only lapse. Of several records the latest holds.

    Of those carried over into `applicable_period`, or, where it is empty, of those that were not. Made in SQL (0002).
    """

    unit_type = models.ForeignKey(UnitType, models.PROTECT, related_name="validities")
    vintage = models.SmallIntegerField()
    applicable_period = models.TextField()
    valid_until = models.DateTimeField()
    source = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "registry_unitvalidity"
        verbose_name_plural = "unit validities"

    def __str__(self) -> str:
        return f"{self.unit_type} {self.vintage} until {self.valid_until:%Y-%m-%d %H:%M} UTC"


class IssuanceCap(models.Model):
    """How many units of one type and vintage may be issued, from `valid_from` until `valid_to` (half-open).

    `issued` is counted by the database with each issue; the CHECK refuses the one that would exceed the limit.
    """

    unit_type = models.ForeignKey(UnitType, models.PROTECT, related_name="caps")
    vintage = models.SmallIntegerField()
    limit = models.BigIntegerField(help_text="t CO2e")
    issued = models.BigIntegerField(default=0, editable=False, help_text="t CO2e")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    source = models.TextField()

    class Meta:
        ordering = ["unit_type_id", "vintage", "valid_from", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(issued__gte=0, issued__lte=F("limit")), name="issued_within_the_cap"),
            models.CheckConstraint(condition=Q(valid_from__lt=F("valid_to")), name="cap_is_valid_for_a_time"),
            ExclusionConstraint(
                name="one_cap_at_a_time",
                expressions=[
                    ("unit_type", RangeOperators.EQUAL),
                    ("vintage", RangeOperators.EQUAL),
                    (
                        Func("valid_from", "valid_to", function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_type} {self.vintage}"
