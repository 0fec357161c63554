"""Account holders, and installations with their operator by date."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from accounts import texts


class Holder(models.Model):
    """An account holder: an organisation, a person or an authority."""

    name = models.CharField(max_length=300)
    kind = models.CharField(max_length=20, choices=texts.holder_kind_choices)
    country = models.CharField(max_length=2)
    reference = models.CharField(
        max_length=100, blank=True, default="", help_text="the holder's number in a public register"
    )

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["organisation", "person", "authority"]), name="holder_kind_is_known"
            ),
            models.CheckConstraint(condition=Q(country__regex=r"^[A-Z]{2}$"), name="country_is_iso_3166_1"),
        ]

    def __str__(self) -> str:
        return self.name


class Installation(models.Model):
    """An installation (Tokyo: facility). Obligations and allocations follow it, not its operator."""

    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="installations")
    number = models.CharField(max_length=100, help_text="permit or facility number")
    name = models.CharField(max_length=300)
    authority = models.CharField(max_length=300, blank=True, default="")
    sector = models.CharField(max_length=300, blank=True, default="")
    first_year = models.SmallIntegerField()
    last_year = models.SmallIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["jurisdiction_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["jurisdiction", "number"], name="installation_number_is_unique"),
            models.CheckConstraint(
                condition=Q(last_year__isnull=True) | Q(first_year__lte=F("last_year")),
                name="first_year_is_not_after_last",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class InstallationOperator(models.Model):
    """Who operates an installation from `valid_from` until `valid_to` (half-open; None: still)."""

    installation = models.ForeignKey(Installation, models.PROTECT, related_name="operators")
    holder = models.ForeignKey(Holder, models.PROTECT, related_name="operated")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        ordering = ["installation_id", "valid_from", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(valid_from__lt=F("valid_to")), name="operator_operates_for_a_time"),
            ExclusionConstraint(
                name="one_operator_a_day",
                expressions=[
                    ("installation", RangeOperators.EQUAL),
                    (
                        Func("valid_from", "valid_to", function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder} from {self.valid_from}"
