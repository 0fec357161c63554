"""Record what an account's holder chose: who surrenders or sends alone, and to whom."""

from datetime import datetime

from django.db import transaction

from accounts.models import Account
from accounts.operations.trusted_accounts import locked_account, refuse_closed
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries


def set_account_options(
    *,
    identifier: str,
    reason: str,
    actor: Actor,
    now: datetime,
    one_person_surrender: bool | None = None,
    one_person_trusted_transfer: bool | None = None,
    trusted_only: bool | None = None,
) -> Account:
    """Set the options named (None: as it is) under the account's row lock, and log what changed; nothing when nothing does.

    A registry administrator does it for the holder and names the holder's order in `reason`.
    Raises: NotFound; NotPermitted; Refusal without a reason or when the account is closed. Source: domain.md section 3.
    """
    asked = {
        "one_person_surrender": one_person_surrender,
        "one_person_trusted_transfer": one_person_trusted_transfer,
        "trusted_only": trusted_only,
    }
    with transaction.atomic():
        account = locked_account(identifier)
        if not actor.may(Act.SET_ACCOUNT_OPTIONS, account.jurisdiction.code):
            raise NotPermitted(Act.SET_ACCOUNT_OPTIONS)
        if not reason:
            raise Refusal("reason-missing", field="reason")
        refuse_closed(account)
        changed = {name: to for name, to in asked.items() if to is not None and to != getattr(account, name)}
        if not changed:
            return account
        # After this point it must succeed.
        for name, to in changed.items():
            setattr(account, name, to)
        account.save(update_fields=list(changed))
        entries.record(
            registry=account.jurisdiction.code,
            event="account.options-set",
            occurred_at=now,
            actor=actor.name,
            subject=account.identifier,
            content={**changed, "reason": reason},
        )
    return account
