"""Authenticates a request by its API key: one SQL query, and the actor who then acts."""

import json
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import clock, database
from accounts.api import openapi  # noqa: F401 - tells drf-spectacular, which knows extensions by their import
from accounts.models import ApiKey, User
from accounts.rules.access import EVERYWHERE, Actor
from accounts.rules.keys import is_secret_of, parse_key

# When a key was last used is known to this precision, so that using one does not mean writing.
LAST_USED_PRECISION = timedelta(minutes=10)

Row = TypeVar("Row", bound=Model)
# As accounts_key_with_its_user returns them (accounts/migrations/sql/0008_keys.sql).
_KEY_FIELDS = ("id", "user_id", "name", "prefix", "secret_hash", "scopes")
_TIME_FIELDS = ("created_at", "expires_at", "revoked_at", "last_used_at")
_USER_FIELDS = ("id", "username", "language", "is_active")


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <prefix>.<secret>`. Every failure is the same 401, whatever is wrong with the key.

    Keys live in real time: moving an exercise's clock forward expires none.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """Return the user and the key, or None when the request names no key.

        Raises: AuthenticationFailed for a key that is unknown, wrong, expired or revoked, or whose user is inactive.
        """
        header = request.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, printed = header.partition(" ")
        named = parse_key(printed) if scheme.lower() == "bearer" else None
        if named is None:
            raise AuthenticationFailed(code="key-refused")
        now = clock.real_now()
        arguments = f"{database.literal(named.prefix)}, {database.literal(EVERYWHERE)}"
        read = database.ask(f"SELECT accounts_key_with_its_user({arguments})")
        if read is None:
            raise AuthenticationFailed(code="key-refused")
        key, user = _rows(read)
        if not is_secret_of(named.secret, key.secret_hash) or not _is_current(key, user, now):
            raise AuthenticationFailed(code="key-refused")
        _note_use(key, now)
        return user, key

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 6750 section 3)."""
        return 'Bearer realm="registry"'


def actor_of(request: Request) -> Actor:
    """Return who acts in an authenticated request, with the roles read together with the key."""
    return Actor(request.user.id, f"user:{request.user.id}", frozenset(getattr(request.auth, "role_names", ())))


def _rows(read: str) -> tuple[ApiKey, User]:
    """Return the key, with its user's roles, and the user, of whom no more was read than is needed."""
    key_values, user_values, role_names = json.loads(read)
    times = {name: at and datetime.fromisoformat(at) for name, at in zip(_TIME_FIELDS, key_values[-4:], strict=True)}
    key = _instance(ApiKey, dict(zip(_KEY_FIELDS, key_values[:-4], strict=True)) | times)
    key.role_names = role_names  # type: ignore[attr-defined]  # read with it, no field of it
    return key, _instance(User, dict(zip(_USER_FIELDS, user_values, strict=True)))


def _instance(model: type[Row], values: dict[str, Any]) -> Row:
    """Return a model's instance as read; Django takes values in the order of the model's fields."""
    names = [field.attname for field in model._meta.concrete_fields if field.attname in values]
    return model.from_db("default", names, [values[name] for name in names])


def _is_current(key: ApiKey, user: User, now: datetime) -> bool:
    return user.is_active and key.revoked_at is None and now < key.expires_at


def _note_use(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_PRECISION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
