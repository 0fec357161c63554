"""Take back a request to trust an account."""

from datetime import datetime

from django.db import transaction

from accounts.models import TrustedAccount
from accounts.operations.trusted_accounts import (
    locked_addition,
    person_permitted,
    record,
    refuse_what_does_not_follow,
)
from accounts.rules.access import Actor
from accounts.rules.trusted import TrustedAccountState


def withdraw_trusted_account(*, identifier: str, number: int, actor: Actor, now: datetime) -> TrustedAccount:
    """Withdraw a request that is not decided yet, by anybody who could have made it, under the account's row lock; log it.

    The same again by the same person is answered with what it made.
    Raises: NotFound; NotPermitted; Refusal when it is decided or withdrawn by another.
    """
    with transaction.atomic():
        addition = locked_addition(identifier, number)
        person = person_permitted(actor, addition.account, TrustedAccountState.WITHDRAWN)
        if (addition.state, addition.removed_by_id) == (TrustedAccountState.WITHDRAWN, person):
            return addition
        refuse_what_does_not_follow(addition, TrustedAccountState.WITHDRAWN)
        # After this point it must succeed.
        at = max(now, addition.requested_at)
        addition.state, addition.removed_by_id, addition.removed_at = TrustedAccountState.WITHDRAWN, person, at
        addition.save(update_fields=["state", "removed_by", "removed_at"])
        record("trusted-account.withdrawn", addition, actor=actor, at=at)
    return addition
