"""What every operation on a list of trusted accounts begins with: the account's lock, the row, the right, the state."""

from datetime import datetime

from accounts.models import Account, TrustedAccount
from accounts.refusals import NotFound, NotPermitted, Refusal
from accounts.rules.access import Actor
from accounts.rules.statuses import AccountStatus
from accounts.rules.trusted import ACTS, TrustedAccountState, trusted_state_may_become
from accounts.trusted_queries import may_as_representative, may_as_staff
from audit import entries
from audit.entries import Content


def locked_account(identifier: str) -> Account:
    """Lock an account, as every change of its rights does, and return it. Raises: NotFound."""
    locked = Account.objects.select_for_update(no_key=True, of=("self",)).select_related("jurisdiction")
    account = locked.filter(identifier=identifier).first()
    if account is None:
        raise NotFound("account")
    return account


def locked_addition(identifier: str, number: int) -> TrustedAccount:
    """Lock an account and return an addition to its list, read under that lock. Raises: NotFound."""
    account = locked_account(identifier)
    addition = TrustedAccount.objects.filter(account=account, pk=number).first()
    if addition is None:
        raise NotFound("trusted-account")
    addition.account = account
    return addition


def person_permitted(actor: Actor, account: Account, state: TrustedAccountState) -> int:
    """Return the id of the user whose right or office lets them bring an addition into the state. Raises: NotPermitted."""
    permitted = may_as_representative(actor, account, state) or may_as_staff(actor, account, state)
    if actor.user_id is None or not permitted:
        raise NotPermitted(ACTS[state])
    return actor.user_id


def refuse_what_does_not_follow(addition: TrustedAccount, state: TrustedAccountState) -> None:
    """Raises: Refusal unless the state may follow the present one."""
    before = TrustedAccountState(addition.state)
    if not trusted_state_may_become(before, state):
        raise Refusal("trusted-account-state-does-not-follow", state=before, following=state)


def refuse_closed(account: Account) -> None:
    """Raises: Refusal when the account is closed: it trusts nobody anew."""
    if account.status == AccountStatus.CLOSED:
        raise Refusal("account-is-closed", account=account.identifier)


def record(event: str, addition: TrustedAccount, *, actor: Actor, at: datetime, **more: str) -> None:
    """Log what became of an addition, under its account."""
    content: Content = {"trusted_account": addition.id, "identifier": addition.trusted_identifier, **more}
    entries.record(
        registry=addition.account.jurisdiction.code,
        event=event,
        occurred_at=at,
        actor=actor.name,
        subject=addition.account.identifier,
        content=content,
    )
