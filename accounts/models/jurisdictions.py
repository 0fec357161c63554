"""Jurisdictions and their rules, each of them a dated record."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Replace

from accounts import texts

FIRST_ACCOUNT_NUMBER = 1_000_001


class Jurisdiction(models.Model):
    """A registry hosted here, by ISO 3166-2. Its name is the text `jurisdiction.<code>`; `caveat` is a text code.

    `registry_code` stands in identifiers and serials; `next_account_number` is taken under this row's lock.
    """

    code = models.CharField(max_length=6, unique=True)
    registry_code = models.CharField(max_length=5, unique=True)
    currency = models.CharField(max_length=3)
    time_zone = models.CharField(max_length=40)
    language = models.CharField(max_length=10)
    caveat = models.CharField(max_length=60, blank=True, default="")
    is_test = models.BooleanField(default=False)
    next_account_number = models.BigIntegerField(default=FIRST_ACCOUNT_NUMBER, editable=False)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z]{2}-[A-Z0-9]{1,3}$"), name="code_is_iso_3166_2"),
            models.CheckConstraint(
                condition=Q(registry_code=Replace(F("code"), models.Value("-"), models.Value(""))),
                name="registry_code_is_the_code_without_dash",
            ),
            models.CheckConstraint(condition=Q(next_account_number__gte=1), name="account_numbers_are_positive"),
        ]

    def __str__(self) -> str:
        return self.code


class DatedRule(models.Model):
    """What holds in a jurisdiction from `valid_from` until `valid_to` (half-open; None: still).

    `value` is JSON of integers and texts; a ratio or price is the text of its decimal ("0.05"), no float.
    """

    jurisdiction = models.ForeignKey(Jurisdiction, models.PROTECT, related_name="rules")
    key = models.CharField(max_length=100)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    value = models.JSONField()
    confidence = models.CharField(max_length=2, choices=texts.confidence_choices)
    source = models.TextField()

    class Meta:
        ordering = ["jurisdiction_id", "key", "valid_from", "id"]
        constraints = [
            models.CheckConstraint(condition=Q(valid_from__lt=F("valid_to")), name="rule_is_valid_for_a_time"),
            models.CheckConstraint(
                condition=Q(confidence__in=["V", "D", "RH", "RM", "RL"]), name="confidence_mark_is_known"
            ),
            models.CheckConstraint(condition=~Q(source=""), name="rule_names_its_source"),
            ExclusionConstraint(
                name="one_value_per_rule_and_day",
                expressions=[
                    ("jurisdiction", RangeOperators.EQUAL),
                    ("key", RangeOperators.EQUAL),
                    (
                        Func("valid_from", "valid_to", function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} from {self.valid_from}"

    @property
    def to_be_confirmed(self) -> bool:
        """Whether the fact is recalled rather than read, and must be shown as such (domain.md section 2)."""
        return self.confidence in {"RM", "RL"}
