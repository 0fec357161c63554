"""The ledger's tables as the database keeps them (registry/migrations/sql/0001_tables.sql): models for reading only."""

from django.db import models


class Series(models.Model):
    """What never changes about a unit: issuer, type, vintage, project and original period."""

    id = models.AutoField(primary_key=True)
    origin = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    unit_type = models.ForeignKey("registry.UnitType", models.PROTECT, related_name="series")
    vintage = models.SmallIntegerField()
    project = models.TextField(default="")
    period = models.TextField(default="")

    class Meta:
        managed = False
        db_table = "registry_series"
        verbose_name_plural = "series"

    def __str__(self) -> str:
        return " ".join(part for part in (self.unit_type.code, str(self.vintage), self.project, self.period) if part)


class Recognition(models.Model):
    """What units count as: the worth a host registry pinned to them at entry, as two integers in lowest terms, and a period.

    The period is the one that a carry-over moved them into; empty: that of their series.
    """

    id = models.IntegerField(primary_key=True)
    rate_numerator = models.BigIntegerField()
    rate_denominator = models.BigIntegerField()
    applicable_period = models.TextField(default="")
    # Abroad: the version of the terms, and the entry quota, that they came by; `linking` knows what these name.
    agreement_id = models.BigIntegerField(null=True)
    quota_id = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "registry_recognition"


class Issue(models.Model):
    """One act of issuance of serials `[first_no, next_no)`. Django needs one key column; the real key is (origin, first_no)."""

    first_no = models.BigIntegerField(primary_key=True)
    origin = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    next_no = models.BigIntegerField()
    series = models.ForeignKey(Series, models.PROTECT, related_name="+")
    cap = models.ForeignKey("registry.IssuanceCap", models.PROTECT, related_name="+")
    transaction = models.ForeignKey("registry.Transaction", models.PROTECT, related_name="+")

    class Meta:
        managed = False
        db_table = "registry_issue"


class UnitBlock(models.Model):
    """Consecutive serials `[start_no, end_no)` with one holder, reservation, freeze and recognition. No account: a filler."""

    origin = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    start_no = models.BigIntegerField()
    end_no = models.BigIntegerField(null=True)
    series = models.ForeignKey(Series, models.PROTECT, null=True, related_name="+")
    issue_first = models.BigIntegerField(null=True)
    issue_next = models.BigIntegerField(null=True)
    account = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="unit_blocks")
    retired = models.BooleanField(null=True)
    recognition = models.ForeignKey(Recognition, models.PROTECT, default=0, related_name="+")
    held_for = models.ForeignKey(
        "registry.Transaction", models.PROTECT, null=True, db_column="held_for", related_name="+"
    )
    frozen_by = models.BigIntegerField(null=True)

    class Meta:
        managed = False
        db_table = "registry_unitblock"


class Holding(models.Model):
    """The balance of one account in one series and recognition, in units of 1 t CO2e. `reserved` is part of `quantity`."""

    pk = models.CompositePrimaryKey("account_id", "series_id", "recognition_id")
    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="holdings")
    series = models.ForeignKey(Series, models.PROTECT, related_name="+")
    recognition = models.ForeignKey(Recognition, models.PROTECT, related_name="+")
    quantity = models.BigIntegerField()
    reserved = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "registry_holding"


class Answer(models.Model):
    """The first answer to an idempotency key, stored with its effect."""

    pk = models.CompositePrimaryKey("principal", "key")
    principal = models.TextField()
    key = models.TextField()
    digest = models.TextField()
    status = models.SmallIntegerField()
    body = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "registry_answer"


class Balance(models.Model):
    """A holding under one key (a view of it), for pages that need one."""

    id = models.TextField(primary_key=True)
    account = models.ForeignKey("accounts.Account", models.DO_NOTHING, related_name="+")
    series = models.ForeignKey(Series, models.DO_NOTHING, related_name="+")
    recognition = models.ForeignKey(Recognition, models.DO_NOTHING, related_name="+")
    quantity = models.BigIntegerField()
    reserved = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "registry_balance"

    def __str__(self) -> str:
        return self.id
