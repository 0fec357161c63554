"""Quotas as the database counts them, what each transaction takes or gives back, and the margin of what was surrendered."""

from django.db import models

KINDS = ("entry", "leave", "vintage", "holder", "net-flow", "reserve", "use")


class Quota(models.Model):
    """One quota. `year`: the calendar year in the destination's zone, 0 for the corridor's whole life. `limit` None: none.

    In units of 1 t CO2e, but an entry quota whose terms measure recognised tonnes, and `use`: recognised tonnes surrendered for
    an obligation under the node of that name.
    """

    kind = models.TextField(choices=[(kind, kind) for kind in KINDS])
    corridor = models.ForeignKey("Corridor", models.PROTECT, null=True, related_name="quotas")
    year = models.SmallIntegerField()
    vintage = models.SmallIntegerField(null=True)
    holder = models.ForeignKey("accounts.Holder", models.PROTECT, null=True, related_name="+")
    obligation = models.ForeignKey("registry.Obligation", models.PROTECT, null=True, related_name="+")
    node = models.TextField(null=True)
    limit = models.BigIntegerField(null=True)
    reserved = models.BigIntegerField()
    used = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "linking_quota"
        ordering = ["corridor_id", "kind", "year", "id"]


class QuotaUse(models.Model):
    """What a transaction takes from a quota or gives back to it, in the quota's measure."""

    transaction = models.ForeignKey("registry.Transaction", models.PROTECT, related_name="+")
    quota = models.ForeignKey(Quota, models.PROTECT, related_name="uses")
    way = models.TextField()
    units = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "linking_quotause"
        ordering = ["id"]


class Margin(models.Model):
    """Of one obligation, issuer and rate: `quantity = value + margin`, units of 1 t CO2e; `pooled`: in the margin account."""

    pk = models.CompositePrimaryKey("obligation_id", "origin_id", "rate_numerator", "rate_denominator")
    obligation = models.ForeignKey("registry.Obligation", models.PROTECT, related_name="+")
    origin = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    rate_numerator = models.BigIntegerField()
    rate_denominator = models.BigIntegerField()
    quantity = models.BigIntegerField()
    value = models.BigIntegerField()
    margin = models.BigIntegerField()
    pooled = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "linking_margin"
        ordering = ["obligation_id", "origin_id", "rate_numerator", "rate_denominator"]
