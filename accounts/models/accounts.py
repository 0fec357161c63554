"""Account types, accounts and their authorised representatives."""

from django.db import models
from django.db.models import Q

from accounts import texts


class AccountType(models.Model):
    """The database's own copy of `accounts.rules.account_types.ACCOUNT_TYPES`; a test compares the two.

    Units in an account that `retires` never move again; `standing` is what they count as.
    """

    code = models.TextField(primary_key=True)
    retires = models.BooleanField()
    administrative = models.BooleanField()
    standing = models.TextField()

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(fields=["code", "retires"], name="type_retires_or_not"),
            models.CheckConstraint(
                condition=Q(standing__in=["held", "surrendered", "cancelled", "lapsed"]),
                name="standing_is_known",
            ),
            models.CheckConstraint(
                condition=Q(standing="held", retires=False) | (~Q(standing="held") & Q(retires=True)),
                name="what_retires_is_not_held",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Account(models.Model):
    """An account of a holder, for example JP13-OHA-1000042-47. What it holds is the ledger's business.

    More constraints stand in migrations/sql: (type, retires) is a row of AccountType, the installation is of
    the same jurisdiction, the identifier prints its parts, and a trigger keeps them for ever.

    Its holder's options: one person may surrender alone; one person may send to a trusted account alone; the account sends to
    trusted accounts only.
    """

    identifier = models.TextField(unique=True)
    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, related_name="accounts")
    type = models.ForeignKey(AccountType, models.PROTECT, related_name="accounts")
    number = models.BigIntegerField()
    holder = models.ForeignKey("accounts.Holder", models.PROTECT, related_name="accounts")
    installation = models.ForeignKey(
        "accounts.Installation", models.PROTECT, null=True, blank=True, related_name="accounts"
    )
    name = models.CharField(max_length=300)
    status = models.TextField(choices=texts.account_status_choices)
    retires = models.BooleanField()
    one_person_surrender = models.BooleanField(default=False, db_default=False)
    one_person_trusted_transfer = models.BooleanField(default=False, db_default=False)
    trusted_only = models.BooleanField(default=False, db_default=False)
    opened_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    # Kept by the freezes of `registry` alone.
    frozen = models.BooleanField(default=False, db_default=False, editable=False)

    class Meta:
        ordering = ["identifier"]
        constraints = [
            models.UniqueConstraint(fields=["jurisdiction", "number"], name="account_number_is_unique"),
            models.UniqueConstraint(
                fields=["installation"],
                condition=~Q(status="CLOSED"),
                name="one_operator_holding_account_per_installation",
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="account_number_is_positive"),
            models.CheckConstraint(
                condition=Q(type="OHA", installation__isnull=False) | (~Q(type="OHA") & Q(installation__isnull=True)),
                name="operator_holding_account_has_an_installation",
            ),
            models.CheckConstraint(
                condition=Q(status="CLOSED", closed_at__isnull=False)
                | (~Q(status="CLOSED") & Q(closed_at__isnull=True)),
                name="closed_account_has_a_closing_time",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["REQUESTED", "CLOSED"]) | Q(opened_at__isnull=False),
                name="open_account_has_an_opening_time",
            ),
        ]

    def __str__(self) -> str:
        return self.identifier


class Representative(models.Model):
    """A user who may act for an account, as far as `rights` says and while `state` is ACTIVE."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="representatives")
    user = models.ForeignKey("accounts.User", models.PROTECT, related_name="represents")
    rights = models.TextField(choices=texts.rights_choices)
    state = models.TextField(choices=texts.representative_state_choices)

    class Meta:
        ordering = ["account_id", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "user"],
                condition=~Q(state__in=["REMOVED", "REJECTED"]),
                name="representative_is_named_once",
            ),
            models.CheckConstraint(
                condition=Q(rights__in=["READ_ONLY", "INITIATE", "APPROVE", "INITIATE_AND_APPROVE", "SURRENDER"]),
                name="rights_are_known",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["REQUESTED", "ACTIVE", "SUSPENDED", "REMOVED", "REJECTED"]),
                name="representative_state_is_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.rights}"
