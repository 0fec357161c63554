"""Approve or reject a request to trust an account, as another person than asked."""

from datetime import datetime

from django.db import transaction

from accounts.models import TrustedAccount
from accounts.operations.trusted_accounts import (
    locked_addition,
    person_permitted,
    record,
    refuse_closed,
    refuse_what_does_not_follow,
)
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.rules.trusted import TrustedAccountState
from accounts.trusted_queries import activation_of


def decide_trusted_account(
    *, identifier: str, number: int, approved: bool, actor: Actor, now: datetime
) -> TrustedAccount:
    """Approve or reject an addition under the account's row lock, and log it. An approved one counts from its `active_from` on.

    The same decision again by the same person is answered with what it made.
    Raises: NotFound; NotPermitted; Refusal for who asked for it, for a closed account, or when it is decided or withdrawn.
    Source: domain.md section 3; the dated rule `trusted-account.activation`.
    """
    state = TrustedAccountState.APPROVED if approved else TrustedAccountState.REJECTED
    with transaction.atomic():
        addition = locked_addition(identifier, number)
        person = person_permitted(actor, addition.account, state)
        if (addition.state, addition.decided_by_id) == (state, person):
            return addition
        refuse_what_does_not_follow(addition, state)
        if addition.requested_by_id == person:
            raise Refusal("trusted-account-decided-by-its-requester")
        # Another process's clock may be a moment behind the one that wrote the request.
        at = max(now, addition.requested_at)
        if approved:
            refuse_closed(addition.account)
            addition.active_from = activation_of(addition.account.jurisdiction, at)
        # After this point it must succeed.
        addition.state, addition.decided_by_id, addition.decided_at = state, person, at
        addition.save(update_fields=["state", "decided_by", "decided_at", "active_from"])
        if addition.active_from is None:
            record("trusted-account.rejected", addition, actor=actor, at=at)
        else:
            active_from = addition.active_from.isoformat()
            record("trusted-account.approved", addition, actor=actor, at=at, active_from=active_from)
    return addition
