"""Ask that an account be trusted by another."""

from datetime import datetime

from django.db import transaction

from accounts.models import Account, Jurisdiction, TrustedAccount
from accounts.operations.trusted_accounts import locked_account, person_permitted, record, refuse_closed
from accounts.refusals import Refusal
from accounts.rules.access import Actor
from accounts.rules.identifiers import MalformedIdentifier, WrongCheckDigits, parse_account_identifier
from accounts.rules.statuses import AccountStatus
from accounts.rules.trusted import LIVE_STATES, TrustedAccountState


def request_trusted_account(*, identifier: str, trusted: str, note: str, actor: Actor, now: datetime) -> TrustedAccount:
    """Record a request to trust `trusted`, which may be of a registry not hosted here, under the account's row lock; log it.

    The same request again by the same person is answered with the one that waits already.
    Raises: NotFound; NotPermitted; Refusal when the account is closed, `trusted` is no identifier, not known to its registry
    here, of the same holder, or on the list already. Source: domain.md section 3.
    """
    with transaction.atomic():
        account = locked_account(identifier)
        person = person_permitted(actor, account, TrustedAccountState.REQUESTED)
        refuse_closed(account)
        _refuse_what_need_not_be_listed(account, trusted)
        listed = TrustedAccount.objects.filter(
            account=account, trusted_identifier=trusted, state__in=LIVE_STATES
        ).first()
        if listed is not None:
            asked_before = (TrustedAccountState.REQUESTED, person, note)
            if (listed.state, listed.requested_by_id, listed.note) == asked_before:
                return listed
            raise Refusal("trusted-account-listed-already", field="account", account=trusted)
        # After this point it must succeed.
        addition = TrustedAccount.objects.create(
            account=account,
            trusted_identifier=trusted,
            note=note,
            state=TrustedAccountState.REQUESTED,
            requested_by_id=person,
            requested_at=now,
        )
        record("trusted-account.requested", addition, actor=actor, at=now)
    return addition


def _refuse_what_need_not_be_listed(account: Account, trusted: str) -> None:
    try:
        registry_code = parse_account_identifier(trusted).registry_code
    except WrongCheckDigits:
        raise Refusal("trusted-account-has-wrong-check-digits", field="account", account=trusted) from None
    except MalformedIdentifier:
        raise Refusal("trusted-account-is-no-identifier", field="account") from None
    if not Jurisdiction.objects.filter(registry_code=registry_code).exists():
        return  # Its registry knows whether there is such an account; a transfer there asks it.
    other = Account.objects.filter(identifier=trusted).exclude(status=AccountStatus.CLOSED).first()
    if other is None:
        raise Refusal("trusted-account-unknown", field="account", account=trusted)
    if other.holder_id == account.holder_id:
        raise Refusal("trusted-account-of-the-same-holder", field="account", account=trusted)
