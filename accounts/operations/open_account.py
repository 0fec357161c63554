"""Open an account: the next number of its jurisdiction, under the jurisdiction's row lock."""

from datetime import datetime

from django.db import transaction

from accounts.models import Account, Holder, Installation, Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from accounts.rules.account_types import ACCOUNT_TYPES, HolderKind
from accounts.rules.identifiers import format_account_identifier
from accounts.rules.statuses import AccountStatus
from audit import entries


def open_account(
    *,
    jurisdiction: Jurisdiction,
    type_code: str,
    holder: Holder,
    name: str,
    actor: Actor,
    now: datetime,
    installation: Installation | None = None,
    status: AccountStatus = AccountStatus.OPEN,
) -> Account:
    """Open an account, or with status REQUESTED ask for one, and log it.

    Raises: NotPermitted; Refusal when its type is unknown, not for such a holder, or needs (or has no) installation of the
    same jurisdiction, or when the account would not begin as REQUESTED or OPEN. Source: domain.md section 3.
    """
    if not actor.may(Act.OPEN_ACCOUNT, jurisdiction.code):
        raise NotPermitted(Act.OPEN_ACCOUNT)
    account_type = ACCOUNT_TYPES.get(type_code)
    if account_type is None:
        raise Refusal("account-type-unknown", type=type_code)
    if HolderKind(holder.kind) not in account_type.holders:
        raise Refusal("account-type-not-for-holder", type=type_code, kind=holder.kind)
    if account_type.for_installation != (installation is not None):
        raise Refusal("installation-does-not-fit-type", type=type_code)
    if installation is not None and installation.jurisdiction_id != jurisdiction.id:
        raise Refusal("installation-of-another-jurisdiction", installation=installation.number)
    if status not in {AccountStatus.REQUESTED, AccountStatus.OPEN}:
        raise Refusal("account-begins-otherwise", status=status)
    with transaction.atomic():
        locked = Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction.pk)
        if installation is not None and _has_account(installation):
            raise Refusal("installation-has-an-account", installation=installation.number)
        # After this point it must succeed.
        number = locked.next_account_number
        Jurisdiction.objects.filter(pk=locked.pk).update(next_account_number=number + 1)
        account = Account.objects.create(
            identifier=format_account_identifier(locked.registry_code, type_code, number),
            jurisdiction=locked,
            type_id=type_code,
            number=number,
            holder=holder,
            installation=installation,
            name=name,
            status=status,
            retires=account_type.retires,
            opened_at=now if status is AccountStatus.OPEN else None,
        )
        entries.record(
            registry=locked.code,
            event="account.opened",
            occurred_at=now,
            actor=actor.name,
            subject=account.identifier,
            content={"status": status, "holder": holder.id, "installation": installation.id if installation else 0},
        )
    return account


def _has_account(installation: Installation) -> bool:
    return Account.objects.filter(installation=installation).exclude(status=AccountStatus.CLOSED).exists()
