"""What two sides sign about a link, and what one person does alone: suspending, and ticking a condition."""

from django.db import models

KINDS = ("terms", "leave", "raise", "lower", "mechanisms", "resume", "delink")


class Instrument(models.Model):
    """A document to be signed by two administrators of each side that must; `side` None: both sides.

    `document`: its canonical JSON, whose digest is signed. The last signature concludes it, and what it says then holds.
    """

    kind = models.TextField(choices=[(kind, kind) for kind in KINDS])
    link = models.ForeignKey("Link", models.PROTECT, related_name="instruments")
    corridor = models.ForeignKey("Corridor", models.PROTECT, null=True, related_name="instruments")
    side = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, null=True, related_name="+")
    document = models.TextField()
    content = models.JSONField()
    digest = models.TextField()
    proposed_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    concluded_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")

    class Meta:
        managed = False
        db_table = "linking_instrument"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Signature(models.Model):
    """One person's signature for one side."""

    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="signatures")
    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "linking_signature"
        ordering = ["id"]


class Suspension(models.Model):
    """A side let nothing in or out by a corridor, at once, until two of its administrators let it resume."""

    corridor = models.ForeignKey("Corridor", models.PROTECT, related_name="suspensions")
    side = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField()
    resumed_at = models.DateTimeField(null=True)
    resume_instrument = models.ForeignKey(Instrument, models.PROTECT, null=True, related_name="+")

    class Meta:
        managed = False
        db_table = "linking_suspension"
        ordering = ["id"]


class Condition(models.Model):
    """That one side finds a condition of a degree met, on what evidence, and until when that counts."""

    link = models.ForeignKey("Link", models.PROTECT, related_name="conditions")
    code = models.TextField()
    side = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    ticked_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    ticked_at = models.DateTimeField()
    evidence = models.TextField()
    expires_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "linking_condition"
        ordering = ["id"]


class DegreeChange(models.Model):
    """A step of a link's degree, and what was signed for it."""

    link = models.ForeignKey("Link", models.PROTECT, related_name="degree_changes")
    from_degree = models.TextField()
    to_degree = models.TextField()
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "linking_degreechange"
        ordering = ["id"]
