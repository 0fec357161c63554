"""Record how much may leave an account, a jurisdiction's accounts or all accounts, per transaction and per day."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.models import Account, Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import EVERYWHERE, Act, Actor
from accounts.rules.account_types import ACCOUNT_TYPES
from audit import entries
from registry.models import Limit


def set_limit(
    *,
    per_transaction: int | None,
    per_day: int | None,
    valid_from: date,
    source: str,
    actor: Actor,
    now: datetime,
    account: Account | None = None,
    jurisdiction: Jurisdiction | None = None,
) -> Limit:
    """Let a limit hold from a day on, in place of the one of the same level, and log it. With neither: of the whole system.

    Units of 1 t CO2e; None: no limit of that kind. Days are those of the account's jurisdiction; the first may be today, whose
    earlier transfers then count. Source: domain.md section 5 (account <= jurisdiction <= system).

    Raises: NotPermitted; Refusal where it begins in the past or not after another of its level, is not within the levels above
    it, is negative, names no source, or limits an administrative account.
    """
    home = account.jurisdiction if account is not None else jurisdiction
    if not actor.may(Act.SET_LIMIT, EVERYWHERE if home is None else home.code):
        raise NotPermitted(Act.SET_LIMIT)
    if account is not None and ACCOUNT_TYPES[account.type_id].administrative:
        raise Refusal("limit-of-an-administrative-account", account=account.identifier)
    if not source.strip() or min(per_transaction or 0, per_day or 0) < 0:
        raise Refusal("limit-is-malformed")
    own = Q(account=account, jurisdiction=None if account is not None else jurisdiction)
    with transaction.atomic():
        # Nothing that it limits moves meanwhile: whoever comes after sees it, and whoever came before has been counted.
        list(_limited(account, home).select_for_update(no_key=True, of=("self",)).order_by("id").values_list("id"))
        if valid_from < _today(home, now):
            raise Refusal("limit-begins-in-the-past", day=valid_from.isoformat())
        if Limit.objects.filter(own, valid_from__gte=valid_from).exists():
            raise Refusal("limit-begins-later", day=valid_from.isoformat())
        _see_that_it_is_within_those_above(account, home, per_transaction, per_day, valid_from)
        Limit.objects.filter(own).filter(Q(valid_to=None) | Q(valid_to__gt=valid_from)).update(valid_to=valid_from)
        limit = Limit.objects.create(
            account=account,
            jurisdiction=None if account is not None else jurisdiction,
            per_transaction=per_transaction,
            per_day=per_day,
            valid_from=valid_from,
            source=source,
        )
        entries.record(
            registry="" if home is None else home.code,
            event="limit.set",
            occurred_at=now,
            actor=actor.name,
            subject=f"limit:{limit.pk}",
            content={
                "level": limit.level,
                "account": "" if account is None else account.identifier,
                # Nothing stands for no limit: nought is one.
                "per_transaction": "" if per_transaction is None else per_transaction,
                "per_day": "" if per_day is None else per_day,
                "valid_from": valid_from.isoformat(),
                "source": source,
            },
        )
    return limit


def _limited(account: Account | None, home: Jurisdiction | None) -> QuerySet[Account]:
    if account is not None:
        return Account.objects.filter(pk=account.pk)
    private = Account.objects.filter(type__administrative=False)
    return private if home is None else private.filter(jurisdiction=home)


def _today(home: Jurisdiction | None, now: datetime) -> date:
    """The day in the jurisdiction; for the whole system the latest of all that are hosted."""
    places = Jurisdiction.objects.order_by("id") if home is None else [home]
    return max((now.astimezone(ZoneInfo(place.time_zone)).date() for place in places), default=now.date())


def _see_that_it_is_within_those_above(
    account: Account | None,
    home: Jurisdiction | None,
    per_transaction: int | None,
    per_day: int | None,
    valid_from: date,
) -> None:
    if home is None:
        return
    above = Q(account=None, jurisdiction=None)
    if account is not None:
        above |= Q(jurisdiction=home)
    higher = Q(per_transaction__lt=per_transaction) if per_transaction is not None else Q(pk=None)
    higher |= Q(per_day__lt=per_day) if per_day is not None else Q(pk=None)
    still_holds = Q(valid_to=None) | Q(valid_to__gt=valid_from)
    found = Limit.objects.filter(above, higher, still_holds).order_by("valid_from", "id").first()
    if found is not None:
        raise Refusal("limit-is-above-its-level", level=found.level, day=found.valid_from.isoformat())
