"""Trusted accounts: to whom an account sends without delay."""

from django.db import models
from django.db.models import F, Q

from accounts import texts

LONGEST_NOTE = 500


def _exactly(states: list[str], *columns: str) -> Q:
    """Return the condition that these columns are filled in these states and in no other."""
    filled = Q(state__in=states, **{f"{column}__isnull": False for column in columns})
    return filled | (~Q(state__in=states) & Q(**{f"{column}__isnull": True for column in columns}))


class TrustedAccount(models.Model):
    """An account on another's list. It may be of a registry that is not hosted here, so it is named by its identifier.

    Accounts of one holder trust each other without a row. More stands in migrations/sql: a trigger verifies each person's
    right, lets states only go forward and keeps the rows for ever; the identifier's check digits are right.
    `removed_by` is who took back a request, or who removed what was approved.
    """

    account = models.ForeignKey("accounts.Account", models.PROTECT, related_name="trusted_accounts")
    trusted_identifier = models.TextField()
    note = models.CharField(max_length=LONGEST_NOTE, blank=True, default="")
    state = models.TextField(choices=texts.trusted_account_state_choices)
    requested_by = models.ForeignKey("accounts.User", models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    decided_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    active_from = models.DateTimeField(null=True, blank=True)
    removed_by = models.ForeignKey("accounts.User", models.PROTECT, null=True, blank=True, related_name="+")
    removed_at = models.DateTimeField(null=True, blank=True)
    removal_reason = models.CharField(max_length=LONGEST_NOTE, blank=True, default="")

    class Meta:
        ordering = ["account_id", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "trusted_identifier"],
                condition=Q(state__in=["REQUESTED", "APPROVED"]),
                name="account_is_trusted_once",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["REQUESTED", "APPROVED", "REJECTED", "WITHDRAWN", "REMOVED"]),
                name="trusted_account_state_is_known",
            ),
            models.CheckConstraint(
                condition=~Q(decided_by=F("requested_by")), name="trusted_account_is_approved_by_another"
            ),
            models.CheckConstraint(
                condition=_exactly(["APPROVED", "REJECTED", "REMOVED"], "decided_by", "decided_at"),
                name="decided_trusted_account_says_by_whom_and_when",
            ),
            models.CheckConstraint(
                condition=_exactly(["APPROVED", "REMOVED"], "active_from"),
                name="approved_trusted_account_says_from_when",
            ),
            models.CheckConstraint(
                condition=_exactly(["WITHDRAWN", "REMOVED"], "removed_by", "removed_at"),
                name="ended_trusted_account_says_by_whom_and_when",
            ),
            models.CheckConstraint(
                condition=Q(decided_at__gte=F("requested_at")), name="trusted_account_is_decided_after_its_request"
            ),
            models.CheckConstraint(
                condition=Q(active_from__gte=F("decided_at")), name="trusted_account_is_active_after_its_approval"
            ),
            models.CheckConstraint(
                condition=Q(removed_at__gte=F("requested_at"))
                & (Q(decided_at__isnull=True) | Q(removed_at__gte=F("decided_at"))),
                name="trusted_account_ends_after_it_began",
            ),
        ]

    def __str__(self) -> str:
        return self.trusted_identifier
