"""Authenticates a request by its API key: one SQL query, and the actor who then acts."""

from datetime import datetime, timedelta

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts import clock
from accounts.api import openapi  # noqa: F401 - tells drf-spectacular, which knows extensions by their import
from accounts.models import ApiKey, User
from accounts.rules.access import EVERYWHERE, Actor
from accounts.rules.keys import is_secret_of, parse_key

# When a key was last used is known to this precision, so that using one does not mean writing.
LAST_USED_PRECISION = timedelta(minutes=10)

# Written out, because composing it anew for each request took a third of a transfer's time.
_KEY_WITH_ITS_USER = """
    SELECT k.id, k.user_id, k.name, k.prefix, k.secret_hash, k.scopes, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
        u.username, u.language, u.is_active,
        ARRAY(SELECT r.role || '@' || coalesce(j.code, %s) FROM accounts_userrole r
            LEFT JOIN accounts_jurisdiction j ON j.id = r.jurisdiction_id WHERE r.user_id = k.user_id) AS role_names
    FROM accounts_apikey k JOIN accounts_user u ON u.id = k.user_id
    WHERE k.prefix = %s"""
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
        found = next(iter(ApiKey.objects.raw(_KEY_WITH_ITS_USER, [EVERYWHERE, named.prefix])), None)
        if found is None or not is_secret_of(named.secret, found.secret_hash) or not _is_current(found, now):
            raise AuthenticationFailed(code="key-refused")
        _note_use(found, now)
        return _user_of(found), found

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 (RFC 6750 section 3)."""
        return 'Bearer realm="registry"'


def actor_of(request: Request) -> Actor:
    """Return who acts in an authenticated request, with the roles read together with the key."""
    return Actor(request.user.id, f"user:{request.user.id}", frozenset(getattr(request.auth, "role_names", ())))


def _user_of(key: ApiKey) -> User:
    """The key's user, of whom no more was read than is needed; another field is read when it is asked for."""
    values = [key.user_id, *(getattr(key, name) for name in _USER_FIELDS[1:])]
    return User.from_db("default", _USER_FIELDS, values)


def _is_current(key: ApiKey, now: datetime) -> bool:
    return bool(getattr(key, "is_active", False)) and key.revoked_at is None and now < key.expires_at


def _note_use(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is None or now - key.last_used_at > LAST_USED_PRECISION:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
