"""Reads of trusted accounts, and from when an addition that is approved now will count."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from accounts import database, queries
from accounts.models import Account, Jurisdiction, TrustedAccount
from accounts.rules.access import Actor
from accounts.rules.account_types import ACCOUNT_TYPES
from accounts.rules.trusted import ACTS, TrustedAccountState, representative_may, staff_may


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
    """Return from when an addition counts that is approved at an instant: noon of the fourth working day after it."""
    zone = ZoneInfo(jurisdiction.time_zone)
    day = approved_at.astimezone(zone).date()
    left = 4
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return datetime.combine(day, time(12), tzinfo=zone).astimezone(UTC)
