"""Users, the roles they hold, and the API keys they authenticate with."""

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from accounts import texts

SCOPES = ("read", "transact", "administer")


class User(AbstractUser):
    """A person who signs in, or whose API key does."""

    language = models.CharField(max_length=10, default="en")


class UserRole(models.Model):
    """A role that a user holds in one jurisdiction or, without one, in all."""

    user = models.ForeignKey(User, models.CASCADE, related_name="role_rows")
    role = models.CharField(max_length=40, choices=texts.role_choices)
    jurisdiction = models.ForeignKey("accounts.Jurisdiction", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ["user_id", "role", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "role", "jurisdiction"], name="role_is_given_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role}@{self.jurisdiction_id or '*'}"


class ApiKey(models.Model):
    """A key of a user. The secret is 256 random bits, shown once; only its SHA-256 is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.TextField())
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(scopes__contained_by=list(SCOPES)) & Q(scopes__len__gt=0), name="scopes_are_known"
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="key_expires_after_it_was_made"),
            models.CheckConstraint(
                condition=Q(secret_hash__regex=r"^[0-9a-f]{64}$"),  # noqa: S106 - a pattern, no password
                name="only_a_hash_is_kept",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix} {self.name}"
