"""Days of a jurisdiction's calendar that were recorded, over what is said of public holidays elsewhere."""

from django.db import models
from django.db.models import Q

from accounts import texts
from accounts.models.jurisdictions import Jurisdiction


class CalendarDay(models.Model):
    """That a day works, or does not, as recorded at an instant. Never changed: the latest record of a day counts.

    `recorded_at` is the registry's time; a trigger keeps the records of a day in its order, so that what was known at an
    instant stays what it was.
    """

    jurisdiction = models.ForeignKey(Jurisdiction, models.PROTECT, related_name="calendar_days")
    day = models.DateField()
    recorded_at = models.DateTimeField()
    is_working = models.BooleanField()
    name = models.CharField(max_length=200)
    confidence = models.CharField(max_length=2, choices=texts.confidence_choices)
    source = models.TextField()

    class Meta:
        ordering = ["jurisdiction_id", "day", "recorded_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["jurisdiction", "day", "recorded_at"], name="one_record_of_a_day_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(confidence__in=["V", "D", "RH", "RM", "RL"]), name="confidence_of_a_day_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(name="") & ~Q(source=""), name="calendar_day_names_itself_and_its_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.day}"
