"""Restrict, release, suspend or close an account."""

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import Account
from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from accounts.rules.statuses import AccountStatus, may_become
from audit import entries

# What the database answers (integrity_constraint_violation) when an account that still holds units would close.
_REFUSED_BY_THE_LEDGER = "23000"


def change_account_status(
    *, identifier: str, status: AccountStatus, reason: str, actor: Actor, now: datetime
) -> Account:
    """Give an account another status, under its row lock, and log it. `reason` is a reference, not a person's data.

    Raises: NotFound; NotPermitted; Refusal when the status may not follow, or a closing account still holds units.
    Source: domain.md section 3 and `accounts.rules.statuses.TRANSITIONS`.
    """
    with transaction.atomic():
        account = _locked(identifier)
        if not actor.may(Act.CHANGE_ACCOUNT_STATUS, account.jurisdiction.code):
            raise NotPermitted(Act.CHANGE_ACCOUNT_STATUS)
        before = AccountStatus(account.status)
        if not may_become(before, status):
            raise Refusal("account-status-does-not-follow", status=before, following=status)
        account.status = status
        if status is AccountStatus.OPEN and account.opened_at is None:
            account.opened_at = now
        if status is AccountStatus.CLOSED:
            account.closed_at = now
        _save(account)
        entries.record(
            registry=account.jurisdiction.code,
            event="account.status-changed",
            occurred_at=now,
            actor=actor.name,
            subject=account.identifier,
            content={"from": before, "to": status, "reason": reason},
        )
    return account


def _locked(identifier: str) -> Account:
    locked = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("jurisdiction")
    account = locked.filter(identifier=identifier).first()
    if account is None:
        raise NotFound("account")
    return account


def _save(account: Account) -> None:
    try:
        account.save(update_fields=["status", "opened_at", "closed_at"])
    except IntegrityError as error:
        # Accounts know no units: the ledger's own trigger refuses to close an account that holds some.
        if (
            account.status == AccountStatus.CLOSED
            and getattr(error.__cause__, "sqlstate", "") == _REFUSED_BY_THE_LEDGER
        ):
            raise Refusal("account-holds-units", account=account.identifier) from error
        raise
