"""The deployment itself: its mode, fixed when it is made, and how far its clock was moved forward."""

from django.db import models
from django.db.models import Q


class Deployment(models.Model):
    """What this deployment is: one row. Triggers keep the mode for ever and the clock from going back."""

    class Mode(models.TextChoices):
        EXERCISE = "exercise"
        PILOT = "pilot"
        PRODUCTION = "production"

    id = models.SmallIntegerField(primary_key=True, default=1)
    mode = models.CharField(max_length=10, choices=Mode.choices)
    clock_offset_seconds = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="there_is_one_deployment"),
            models.CheckConstraint(condition=Q(mode__in=["exercise", "pilot", "production"]), name="mode_is_known"),
            models.CheckConstraint(condition=Q(clock_offset_seconds__gte=0), name="clock_is_never_behind"),
            models.CheckConstraint(
                condition=Q(mode="exercise") | Q(clock_offset_seconds=0),
                name="clock_moves_only_in_exercise_mode",
            ),
        ]

    def __str__(self) -> str:
        return self.mode
