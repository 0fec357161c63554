"""Theft across a link: the notice of a freeze to the other side, and the case of what becomes of the units."""

from django.db import models

OUTCOMES = ("keep", "return")


class Notice(models.Model):
    """What a registry said to another as its freeze held units there. `document`: serials, basis and expiry; `digest`: of it.

    The holds are freezes of the other registry, `freeze.holds`; each says for itself whether and how it ended.
    """

    freeze = models.ForeignKey("registry.Freeze", models.PROTECT, related_name="notices")
    from_side = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    to_side = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    document = models.TextField()
    digest = models.TextField()
    given_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "linking_notice"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"notice {self.pk}"


class TheftCase(models.Model):
    """What becomes of units that were held for another registry and then frozen in this one: proposed by one, decided by another.

    `outcome`: `keep` or `return`, by the good-faith clause and by whether who holds them acquired them for value.
    """

    hold = models.ForeignKey("registry.Freeze", models.PROTECT, related_name="+")
    freeze = models.ForeignKey("registry.Freeze", models.PROTECT, related_name="theft_cases")
    acquired_for_value = models.BooleanField()
    evidence = models.TextField()
    outcome = models.TextField(choices=[(outcome, outcome) for outcome in OUTCOMES])
    victim = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="+")
    reference = models.TextField()
    proposed_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    withdrawn_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    transaction_id = models.UUIDField(null=True)

    class Meta:
        managed = False
        db_table = "linking_theftcase"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"case {self.pk}"
