"""Transactions and the serial ranges they move: models for reading only (registry/migrations/sql/0001_tables.sql)."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class TransactionType(models.Model):
    """The database's own copy of `registry.rules.types.TYPES`, which its triggers read."""

    code = models.TextField(primary_key=True)
    effect = models.TextField()
    from_types = ArrayField(models.TextField())
    to_types = ArrayField(models.TextField())
    within_one_registry = models.BooleanField()
    needs_obligation = models.BooleanField()
    needs_allocation = models.BooleanField()
    needs_original = models.BooleanField()

    class Meta:
        managed = False
        db_table = "registry_transactiontype"

    def __str__(self) -> str:
        return self.code


class Transaction(models.Model):
    """One transaction. `proposed_at` and `completed_at` are the registry's clock, `recorded_at` the real one."""

    id = models.UUIDField(primary_key=True)
    type = models.ForeignKey(TransactionType, models.PROTECT, related_name="+")
    state = models.TextField()
    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    transferring = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="+")
    acquiring = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")
    quantity = models.BigIntegerField()
    cap = models.ForeignKey("registry.IssuanceCap", models.PROTECT, null=True, related_name="+")
    obligation_id = models.BigIntegerField(null=True)
    allocation_id = models.BigIntegerField(null=True)
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    beneficiary = models.TextField()
    client_reference = models.TextField()
    initiator = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "registry_transaction"

    def __str__(self) -> str:
        return str(self.id)


class TransactionBlock(models.Model):
    """Serials `[first_no, next_no)` that one transaction moves, with its own accounts on both sides."""

    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="blocks")
    origin = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    first_no = models.BigIntegerField()
    next_no = models.BigIntegerField()
    series = models.ForeignKey("registry.Series", models.PROTECT, related_name="+")
    recognition = models.ForeignKey("registry.Recognition", models.PROTECT, related_name="+")
    from_account = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="+")
    to_account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")

    class Meta:
        managed = False
        db_table = "registry_transactionblock"
