"""Take an account off a list of trusted accounts, at once."""

from datetime import datetime

from django.db import transaction

from accounts.models import TrustedAccount
from accounts.operations.trusted_accounts import (
    locked_addition,
    person_permitted,
    record,
    refuse_what_does_not_follow,
)
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.rules.trusted import TrustedAccountState
from accounts.trusted_queries import may_as_representative


def remove_trusted_account(*, identifier: str, number: int, reason: str, actor: Actor, now: datetime) -> TrustedAccount:
    """Remove an approved addition, active or not yet, under the account's row lock, and log it; it counts no more.

    One person is enough, because it only makes transfers wait. A registry administrator does it by order and names it in
    `reason`, which a representative may leave empty. The same again by the same person is answered with what it made.
    Raises: NotFound; NotPermitted; Refusal when it is not approved, or an order has no reason. Source: domain.md section 3.
    """
    with transaction.atomic():
        addition = locked_addition(identifier, number)
        person = person_permitted(actor, addition.account, TrustedAccountState.REMOVED)
        if (addition.state, addition.removed_by_id) == (TrustedAccountState.REMOVED, person):
            return addition
        refuse_what_does_not_follow(addition, TrustedAccountState.REMOVED)
        if not reason and not may_as_representative(actor, addition.account, TrustedAccountState.REMOVED):
            raise Refusal("reason-missing", field="reason")
        # After this point it must succeed.
        assert addition.decided_at is not None
        at = max(now, addition.decided_at)
        addition.state, addition.removed_by_id, addition.removed_at = TrustedAccountState.REMOVED, person, at
        addition.removal_reason = reason
        addition.save(update_fields=["state", "removed_by", "removed_at", "removal_reason"])
        record("trusted-account.removed", addition, actor=actor, at=at, reason=reason)
    return addition
