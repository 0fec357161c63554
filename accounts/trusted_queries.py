"""Reads of trusted accounts, and from when an addition that is approved now will count."""

from datetime import datetime

from django.db.models import QuerySet

from accounts import database, queries
from accounts.calendars import calendar_around
from accounts.models import Account, Jurisdiction, TrustedAccount
from accounts.rules.access import Actor
from accounts.rules.account_types import ACCOUNT_TYPES
from accounts.rules.calendars import trusted_from
from accounts.rules.trusted import (
    ACTIVATION_RULE,
    ACTS,
    DEFAULT_ACTIVATION,
    TrustedAccountState,
    activation_terms,
    representative_may,
    staff_may,
)


def is_trusted(account_id: int, identifier: str, now: datetime) -> bool:
    """Return whether an account trusts another at an instant: one holder has both, or it is on the list and active.

    The database's own function answers, which the ledger calls too.
    """
    other, at = database.literal(identifier), database.literal(now.isoformat())
    return database.ask(f"SELECT accounts_trusted({account_id}, {other}, {at})") == "t"


def trusted_list(account: Account) -> QuerySet[TrustedAccount]:
    """Return all that was ever asked to be trusted by an account, in the order of the requests."""
    return TrustedAccount.objects.filter(account=account).order_by("id")


def may_as_representative(actor: Actor, account: Account, state: TrustedAccountState) -> bool:
    """Return whether an actor may bring an addition into a state by their right as the account's representative."""
    return representative_may(queries.rights_of(actor, account), state)


def may_as_staff(actor: Actor, account: Account, state: TrustedAccountState) -> bool:
    """Return whether an actor may bring an addition into a state by their office."""
    administrative = ACCOUNT_TYPES[account.type_id].administrative
    return staff_may(administrative=administrative, state=state) and actor.may(ACTS[state], account.jurisdiction.code)


def activation_of(jurisdiction: Jurisdiction, approved_at: datetime) -> datetime:
    """Return from when an addition counts that is approved at an instant, by the rule in force on that day.

    Raises: ValueError for a rule that is not understood: nothing is approved by half a rule. Source: domain.md section 3.
    """
    calendar = calendar_around(jurisdiction, approved_at)
    rule = queries.rule_in_force(jurisdiction, ACTIVATION_RULE, calendar.day_of(approved_at))
    terms = DEFAULT_ACTIVATION if rule is None else activation_terms(rule.value)
    return trusted_from(approved_at, calendar, working_days=terms.working_days, hour=terms.hour)
