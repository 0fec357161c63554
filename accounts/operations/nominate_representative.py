"""Nominate a user as an authorised representative of an account."""

from datetime import datetime

from django.db import transaction

from accounts.models import Account, Representative, User
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from accounts.rules.representatives import FINAL_STATES, RepresentativeState, Rights
from accounts.rules.statuses import AccountStatus
from audit import entries


def nominate_representative(
    *, account: Account, user: User, rights: Rights, actor: Actor, now: datetime
) -> Representative:
    """Record a nomination, REQUESTED until it is decided, under the account's row lock, and log it.

    Raises: NotPermitted; Refusal when the account is closed or the user is named for it already.
    Source: domain.md section 3.
    """
    if not actor.may(Act.NOMINATE_REPRESENTATIVE, account.jurisdiction.code):
        raise NotPermitted(Act.NOMINATE_REPRESENTATIVE)
    with transaction.atomic():
        locked = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if locked.status == AccountStatus.CLOSED:
            raise Refusal("account-is-closed", account=locked.identifier)
        if locked.representatives.filter(user=user).exclude(state__in=FINAL_STATES).exists():
            raise Refusal("representative-named-already", account=locked.identifier)
        nomination = Representative.objects.create(
            account=locked, user=user, rights=rights, state=RepresentativeState.REQUESTED
        )
        entries.record(
            registry=account.jurisdiction.code,
            event="representative.nominated",
            occurred_at=now,
            actor=actor.name,
            subject=locked.identifier,
            content={"representative": nomination.id, "user": user.id, "rights": rights},
        )
    return nomination
