"""Decide a nomination, or suspend, reinstate or remove a representative."""

from datetime import datetime

from django.db import transaction

from accounts.models import Account, Representative
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from accounts.rules.representatives import RepresentativeState, state_may_become
from audit import entries


def change_representative_state(
    *, representative: Representative, state: RepresentativeState, actor: Actor, now: datetime
) -> Representative:
    """Give a nomination another state, under the account's row lock, and log it. ACTIVE makes it count.

    Raises: NotPermitted, also for who decides about themself; Refusal when the state may not follow.
    Source: domain.md sections 1 and 3.
    """
    account = representative.account
    if not actor.may(Act.DECIDE_REPRESENTATIVE, account.jurisdiction.code) or actor.user_id == representative.user_id:
        raise NotPermitted(Act.DECIDE_REPRESENTATIVE)
    with transaction.atomic():
        # Every change of an account's rights locks the account, so that no proposal is judged by a right that ends meanwhile.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        current = Representative.objects.get(pk=representative.pk)
        before = RepresentativeState(current.state)
        if not state_may_become(before, state):
            raise Refusal("representative-state-does-not-follow", state=before, following=state)
        current.state = state
        current.save(update_fields=["state"])
        entries.record(
            registry=account.jurisdiction.code,
            event="representative.state-changed",
            occurred_at=now,
            actor=actor.name,
            subject=account.identifier,
            content={"representative": current.id, "user": current.user_id, "from": before, "to": state},
        )
    return current
