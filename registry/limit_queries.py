"""Reads of limits: what limits an account now, what counts against that, and what is left."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from accounts.models import Account
from accounts.rules.account_types import ACCOUNT_TYPES
from registry import ledger
from registry.models import HoldingLimit
from registry.rules.limits import left_of


@dataclass(frozen=True, slots=True)
class LimitNow:
    """One level's limit as it stands, units of 1 t CO2e; None: no limit of that kind."""

    level: str
    per_transaction: int | None
    per_day: int | None
    left: int | None


@dataclass(frozen=True, slots=True)
class HoldingLimitNow:
    """What the holder may hold in the jurisdiction, holds over all its accounts there, and has coming."""

    limit: int
    held: int
    pending: int
    left: int | None


@dataclass(frozen=True, slots=True)
class LimitsNow:
    """All that limits an account on a day of its jurisdiction; `used` counts only where a daily limit is in force."""

    account: str
    day: date
    used: int
    limits: tuple[LimitNow, ...]
    holding_limit: HoldingLimitNow | None


def limits_of(account: Account, *, now: datetime) -> LimitsNow:
    """Return what limits an account now."""
    found = ledger.limits_of(account.pk, now=now)
    used = 0 if found is None else found.used
    levels = () if found is None else found.levels
    return LimitsNow(
        account=account.identifier,
        day=now.astimezone(ZoneInfo(account.jurisdiction.time_zone)).date(),
        used=used,
        limits=tuple(
            LimitNow(one.level, one.per_transaction, one.per_day, left_of(one.per_day, used)) for one in levels
        ),
        holding_limit=_holding_limit_of(account),
    )


def _holding_limit_of(account: Account) -> HoldingLimitNow | None:
    kind = ACCOUNT_TYPES[account.type_id]
    found = HoldingLimit.objects.filter(holder=account.holder_id, jurisdiction=account.jurisdiction_id).first()
    if found is None or kind.administrative:
        return None
    return HoldingLimitNow(found.limit, found.held, found.pending, left_of(found.limit, found.held + found.pending))
