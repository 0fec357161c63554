"""Reads of units and balances for the API and the administration. Each says in how many statements it answers.

What an actor may know of a unit or a transaction follows from the accounts the actor may know of: those represented, and all
of a jurisdiction where a role says so (`accounts.queries`). What is beyond that is absent, not marked.

Transactions are read in `registry.transaction_queries`, statements and the balances of past instants in `registry.statements`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import BigIntegerRangeField
from django.db.models import Exists, F, Func, OuterRef, QuerySet

from accounts import queries as people
from accounts.models import Account
from accounts.rules.access import Actor
from registry.models import Holding, Recognition, TransactionBlock, UnitBlock, UnitType
from registry.transaction_queries import ranges_of


@dataclass(frozen=True, slots=True)
class UnitEvent:
    """One transaction that a unit took part in, with its accounts on both sides (transferring None: it was issued).

    Of a conversion: the serial of the unit that it was made in place of, or that was made in its place.
    """

    transaction_id: UUID
    type: str
    state: str
    transferring: str | None
    acquiring: str
    proposed_at: datetime
    completed_at: datetime | None
    made_from: int | None = None
    became: int | None = None


@dataclass(frozen=True, slots=True)
class UnitLife:
    """A unit: what it is for life, what it counts as now, who holds it, and what happened to it, oldest first.

    `account` is None, and events are missing, where the reader has no right to know.
    """

    registry: str
    serial: int
    unit_type: str
    vintage: int
    project: str
    period: str
    standing: str
    account: str | None
    reserved: bool | None
    frozen: bool | None
    events: Sequence[UnitEvent]


def unit_types(registry: str | None = None) -> QuerySet[UnitType]:
    """Return the unit types, of one issuing registry (`CNBJ`) or all, in one statement."""
    types = UnitType.objects.select_related("jurisdiction").order_by("jurisdiction__registry_code", "code")
    return types if registry is None else types.filter(jurisdiction__registry_code=registry)


@dataclass(frozen=True, slots=True)
class Counting:
    """Which products are asked for: of one recognition, of one rate `(numerator, denominator)`; None: whichever."""

    recognition: int | None = None
    rate: tuple[int, int] | None = None

    def takes(self, found: Recognition) -> bool:
        """Whether units of a recognition are asked for."""
        rate = (found.rate_numerator, found.rate_denominator)
        return self.recognition in (None, found.pk) and self.rate in (None, rate)


EVERY = Counting()


def holdings_of(account: Account, counting: Counting = EVERY) -> QuerySet[Holding]:
    """Return the balances of an account that are not nought, by registry, type, vintage and recognition, in one statement."""
    held = Holding.objects.filter(account=account, quantity__gt=0)
    if counting.recognition is not None:
        held = held.filter(recognition_id=counting.recognition)
    if counting.rate is not None:
        numerator, denominator = counting.rate
        held = held.filter(recognition__rate_numerator=numerator, recognition__rate_denominator=denominator)
    return held.select_related("series__unit_type", "series__origin", "recognition").order_by(
        "series__origin__registry_code", "series__unit_type__code", "series__vintage", "series_id", "recognition_id"
    )


def blocks_of(
    account: Account,
    *,
    registry: str | None = None,
    unit_type: str | None = None,
    vintage: int | None = None,
    recognition: int | None = None,
) -> QuerySet[UnitBlock]:
    """Return the unit blocks of an account. The order is the caller's; (origin_id, start_no) is unique."""
    blocks = UnitBlock.objects.filter(account=account).select_related("series__unit_type", "origin", "recognition")
    if registry is not None:
        blocks = blocks.filter(origin__registry_code=registry)
    if unit_type is not None:
        blocks = blocks.filter(series__unit_type__code=unit_type)
    if recognition is not None:
        blocks = blocks.filter(recognition_id=recognition)
    return blocks if vintage is None else blocks.filter(series__vintage=vintage)


def life_of(actor: Actor, registry: str, serial: int) -> UnitLife | None:
    """Return the life of a unit as far as the actor may know it, in two statements; None: no such unit was issued."""
    visible = people.visible_accounts(actor).order_by().filter(pk=OuterRef("account_id"))
    # Blocks tile the serial space, so the last one that starts at or before a serial holds it.
    block = (
        UnitBlock.objects.filter(origin__registry_code=registry, start_no__lte=serial)
        .select_related("series__unit_type", "account__type")
        .annotate(holder_is_visible=Exists(visible))
        .order_by("-start_no")
        .first()
    )
    if block is None or block.account is None or block.series is None:
        return None
    holds = Func(F("first_no"), F("next_no"), function="int8range", output_field=BigIntegerRangeField())
    ranges = (
        ranges_of(actor)  # type: ignore[misc]  # the stubs do not know that a range contains a range
        .alias(serials=holds)
        .filter(origin_id=block.origin_id, serials__contains=(serial, serial + 1))
        .select_related("transaction", "made_from", "made")
        .order_by("id")
    )
    knows = block.holder_is_visible
    return UnitLife(
        registry=registry,
        serial=serial,
        unit_type=block.series.unit_type.code,
        vintage=block.series.vintage,
        project=block.series.project,
        period=block.series.period,
        standing=block.account.type.standing,
        account=block.account.identifier if knows else None,
        reserved=block.held_for_id is not None if knows else None,
        frozen=block.frozen_by is not None if knows else None,
        events=tuple(_event(moved, serial) for moved in ranges),
    )


def _event(moved: TransactionBlock, serial: int) -> UnitEvent:
    made = getattr(moved, "made", None)
    return UnitEvent(
        transaction_id=moved.transaction_id,
        type=moved.transaction.type_id,
        state=moved.transaction.state,
        transferring=None if moved.from_account is None else moved.from_account.identifier,
        acquiring=moved.to_account.identifier,
        proposed_at=moved.transaction.proposed_at,
        completed_at=moved.transaction.completed_at,
        # One for one, in their order.
        made_from=None if moved.made_from is None else moved.made_from.first_no + serial - moved.first_no,
        became=None if made is None else made.first_no + serial - moved.first_no,
    )
