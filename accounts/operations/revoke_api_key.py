"""Revoke an API key, at once and for good."""

from datetime import datetime

from django.db import transaction

from accounts.models import ApiKey
from accounts.refusals import NotFound, NotPermitted
from accounts.rules.access import Act, Actor
from audit import entries


def revoke_api_key(*, prefix: str, actor: Actor, now: datetime, real_now: datetime) -> ApiKey:
    """Revoke a key, by its user or a system administrator, and log it; a revoked key stays as it is.

    Raises: NotFound; NotPermitted.
    """
    with transaction.atomic():
        key = ApiKey.objects.select_for_update(no_key=True).filter(prefix=prefix).first()
        if key is None:
            raise NotFound("api-key")
        if actor.user_id != key.user_id and not actor.may(Act.MANAGE_API_KEYS):
            raise NotPermitted(Act.MANAGE_API_KEYS)
        if key.revoked_at is None:
            key.revoked_at = real_now
            key.save(update_fields=["revoked_at"])
            entries.record(
                registry="",
                event="api-key.revoked",
                occurred_at=now,
                actor=actor.name,
                subject=f"api-key:{key.prefix}",
                content={"user": key.user_id},
            )
    return key
