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
    needs_excess = models.BooleanField()
    undoes = ArrayField(models.TextField())
    approval = models.TextField()
    delayed = models.BooleanField()

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
    returns_id = models.BigIntegerField(null=True)
    reverses = models.ForeignKey("self", models.PROTECT, null=True, related_name="+")
    reason = models.TextField()
    beneficiary = models.TextField()
    client_reference = models.TextField()
    reference = models.TextField()
    initiator = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True)
    approver = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    expires_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    held_at = models.DateTimeField(null=True)
    resumes_to = models.TextField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "registry_transaction"

    def __str__(self) -> str:
        return str(self.id)


class TransactionStep(models.Model):
    """One change of a transaction's state after its first: who, when, from, to, why, and which checks failed."""

    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="steps")
    event = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    user = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    reason = models.TextField()
    failures = ArrayField(models.IntegerField())
    due_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "registry_transactionstep"

    def __str__(self) -> str:
        return f"{self.event} {self.from_state} {self.to_state}"


class Freeze(models.Model):
    """A freeze of one transaction, account or serial range `[first_no, next_no)`: set by one person, released by two."""

    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    transaction = models.ForeignKey(Transaction, models.PROTECT, null=True, related_name="freezes")
    account = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="freezes")
    origin = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, null=True, related_name="+")
    first_no = models.BigIntegerField(null=True)
    next_no = models.BigIntegerField(null=True)
    reason = models.TextField()
    reference = models.TextField()
    review_on = models.DateField()
    frozen_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    frozen_at = models.DateTimeField()
    release_requested_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    release_requested_at = models.DateTimeField(null=True)
    release_reason = models.TextField()
    released_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(null=True)
    # Of a hold: the freeze of another registry that it is a notice of, by which agreement, until when, and what took its place.
    notice_of = models.ForeignKey("self", models.PROTECT, null=True, related_name="holds")
    agreement_id = models.BigIntegerField(null=True)
    expires_at = models.DateTimeField(null=True)
    confirmed_by = models.ForeignKey("self", models.PROTECT, null=True, related_name="confirms")

    class Meta:
        managed = False
        db_table = "registry_freeze"

    def __str__(self) -> str:
        return f"freeze {self.pk}"


class TransactionBlock(models.Model):
    """Serials `[first_no, next_no)` that one transaction moves, with its own accounts on both sides."""

    transaction = models.ForeignKey(Transaction, models.PROTECT, related_name="blocks")
    origin = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="+")
    first_no = models.BigIntegerField()
    next_no = models.BigIntegerField()
    series = models.ForeignKey("registry.Series", models.PROTECT, related_name="+")
    recognition = models.ForeignKey("registry.Recognition", models.PROTECT, related_name="+")
    to_recognition = models.ForeignKey("registry.Recognition", models.PROTECT, null=True, related_name="+")
    to_series = models.ForeignKey("registry.Series", models.PROTECT, null=True, related_name="+")
    made_from = models.OneToOneField("self", models.PROTECT, null=True, related_name="made")
    from_account = models.ForeignKey("accounts.Account", models.PROTECT, null=True, related_name="+")
    to_account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="+")

    class Meta:
        managed = False
        db_table = "registry_transactionblock"

    def __str__(self) -> str:
        return f"{self.first_no}-{self.next_no - 1}"
