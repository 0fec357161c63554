"""The forms of the administration that were carried out, by the keys that they were shown with."""

from django.db import models


class SentForm(models.Model):
    """A form that a person sent, and what it made: an instrument, a suspension or a tick, by its id. Stored with its effect."""

    pk = models.CompositePrimaryKey("user_id", "key")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    key = models.UUIDField()
    digest = models.TextField()
    made = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "linking_sentform"
