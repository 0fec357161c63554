"""The log's one table: an entry per event, appended in the database transaction of what it records."""

from django.db import models
from django.db.models import F, Q


class Entry(models.Model):
    """One event of one registry, or part `part` of `parts` of an event too large for one entry.

    `occurred_at` is the registry's clock, `recorded_at` the database's own. The id's order is causal: it is
    taken by the INSERT, after every lock and read of what is recorded. Only `audit.entries` and the ledger write.
    """

    id = models.BigAutoField(primary_key=True)
    registry = models.TextField(help_text="a jurisdiction's code, or empty for the deployment itself")
    event = models.TextField(help_text="a name from audit.events")
    part = models.IntegerField()
    parts = models.IntegerField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(editable=False)
    actor = models.TextField()
    subject = models.TextField()
    body = models.BinaryField(help_text="canonical JSON (RFC 8785), at most 4096 bytes")

    class Meta:
        db_table = "audit_entry"
        ordering = ["id"]
        verbose_name_plural = "entries"
        indexes = [models.Index(fields=["subject", "id"], name="entries_about_a_subject")]
        constraints = [
            models.CheckConstraint(condition=Q(part__gte=1, part__lte=F("parts")), name="part_is_one_of_the_parts"),
            models.CheckConstraint(condition=~Q(event=""), name="entry_names_its_event"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.event}"
