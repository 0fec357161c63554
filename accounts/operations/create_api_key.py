"""Make an API key: its secret is shown once and only its hash is kept."""

import base64
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import ApiKey, User
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from accounts.rules.keys import PREFIX_BYTES, SECRET_BYTES, PrintedKey, Scope, hash_of
from audit import entries

LONGEST_LIFE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key just made. `printed` (`<prefix>.<secret>`) is not to be had again."""

    key: ApiKey
    printed: str


def create_api_key(
    *,
    user: User,
    name: str,
    scopes: Iterable[Scope],
    lifetime: timedelta,
    actor: Actor,
    now: datetime,
    real_now: datetime,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> NewApiKey:
    """Make a key for a user, by that user or a system administrator, and log it.

    A key lives in real time (`real_now`), so moving an exercise's clock forward expires none; `now` is for the log.
    Raises: NotPermitted; Refusal when no scope is named or it would live longer than 366 days.
    """
    if actor.user_id != user.id and not actor.may(Act.MANAGE_API_KEYS):
        raise NotPermitted(Act.MANAGE_API_KEYS)
    wanted = sorted(set(scopes))
    if not wanted:
        raise Refusal("key-has-no-scope")
    if not timedelta(0) < lifetime <= LONGEST_LIFE:
        raise Refusal("key-lives-too-long", days=LONGEST_LIFE.days)
    secret = base64.urlsafe_b64encode(random_bytes(SECRET_BYTES)).rstrip(b"=").decode()
    printed = PrintedKey(prefix=random_bytes(PREFIX_BYTES).hex(), secret=secret)
    with transaction.atomic():
        key = ApiKey.objects.create(
            user=user,
            name=name,
            prefix=printed.prefix,
            secret_hash=hash_of(secret),
            scopes=[str(scope) for scope in wanted],
            created_at=real_now,
            expires_at=real_now + lifetime,
        )
        entries.record(
            registry="",
            event="api-key.created",
            occurred_at=now,
            actor=actor.name,
            subject=f"api-key:{key.prefix}",
            content={"user": user.id, "scopes": key.scopes, "expires_at": key.expires_at.isoformat()},
        )
    return NewApiKey(key, str(printed))
