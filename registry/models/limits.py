"""Limits (registry/migrations/sql/0004_limits.sql): what may leave an account, and what a holder may hold.

The database counts; nothing but the operations `set_limit` and `set_holding_limits` writes here.
"""

from django.db import models


class Limit(models.Model):
    """What may leave an account per transaction and per day (units of 1 t CO2e; None: no limit of that kind).

    Of one account, of every account of a jurisdiction, or, with neither, of every account: the least of the three counts. It
    holds from `valid_from` until `valid_to` (half-open), days of the transferring account's jurisdiction.
    """

    account = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="limits")
    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, null=True, related_name="limits")
    per_transaction = models.BigIntegerField(null=True)
    per_day = models.BigIntegerField(null=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    source = models.TextField()

    class Meta:
        managed = False
        db_table = "registry_limit"

    def __str__(self) -> str:
        return f"{self.level} limit from {self.valid_from}"

    @property
    def level(self) -> str:
        """The level that it limits: `account`, `jurisdiction` or `system`."""
        if self.account_id is not None:
            return "account"
        return "system" if self.jurisdiction_id is None else "jurisdiction"


class DailyUse(models.Model):
    """What counts against the daily limits of an account on a day of its jurisdiction, units of 1 t CO2e."""

    pk = models.CompositePrimaryKey("account_id", "day")
    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    day = models.DateField()
    used = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "registry_dailyuse"


class HoldingLimit(models.Model):
    """What a holder may hold in a jurisdiction over its private accounts, what it holds, and what comes from others."""

    holder = models.ForeignKey("accounts.Holder", models.PROTECT, related_name="+")
    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    limit = models.BigIntegerField()
    held = models.BigIntegerField()
    pending = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "registry_holdinglimit"

    def __str__(self) -> str:
        return f"{self.holder} {self.jurisdiction}"
