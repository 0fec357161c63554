"""Apply for excess credits: find what is issuable to a facility, and record an entitlement that a second person approves."""

import hashlib
from datetime import datetime

from django.db import transaction

from accounts.models import Installation, Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries
from registry.models import Allocation, AllocationTable, ExcessApplication, UnitType
from registry.operations.entitling import period_with
from registry.period_queries import positions, regimes_of
from registry.rules.cover_the_excess import Position


def apply_for_excess_credits(
    *, installation: Installation, year: int, source: str, actor: Actor, now: datetime, quantity: int | None = None
) -> ExcessApplication:
    """Record an application from the period of `year` for `quantity` units of 1 t CO2e (None: all that is issuable); log it.

    It is an allocation table of one row: nothing is granted before a senior registry administrator other than the actor
    approves that, and then it is delivered as every allocation is, once units are issued. The vintage is the last verified
    year: one grant for each. Whoever applied in vain withholds the row, and may apply anew.

    Raises: NotPermitted (also where no person acts); Refusal. Source: domain.md section 7, cover-the-excess.
    """
    home = installation.jurisdiction
    if actor.user_id is None or not actor.may(Act.LOAD_ALLOCATION_TABLE, home.code):
        raise NotPermitted(Act.LOAD_ALLOCATION_TABLE)
    if not source.strip():
        raise Refusal("source-missing", field="source")
    with transaction.atomic():
        # Emissions and bases are recorded, and grants approved, under the same lock.
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=home.pk)
        period = period_with(year, regimes_of(home))
        unit_type = (
            None if period is None else UnitType.objects.filter(jurisdiction=home, code=period.unit_type).first()
        )
        if period is None or unit_type is None:
            raise Refusal("no-excess-credits", field="year", year=year)
        position = positions([installation], period, at=now)[installation]
        asked, through = _decided(position, installation, quantity)
        # After this point it must succeed.
        content = f"{installation.number},{unit_type.code},{through},{asked},{now.isoformat()}"
        table = AllocationTable.objects.create(
            jurisdiction=home,
            name=f"{unit_type.code} {installation.number} {through}",
            sha256=hashlib.sha256(content.encode()).hexdigest(),
            loaded_by_id=actor.user_id,
            loaded_at=now,
        )
        row = Allocation.objects.create(
            table=table, installation=installation, unit_type=unit_type, vintage=through, quantity=asked
        )
        made = ExcessApplication.objects.create(
            installation=installation,
            first_year=period.first_year,
            last_year=period.last_year,
            through_year=through,
            issuable=position.issuable,
            allocation=row,
            source=source,
            applied_by_id=actor.user_id,
            applied_at=now,
        )
        entries.record(
            registry=home.code,
            event="excess-credits.applied",
            occurred_at=now,
            actor=actor.name,
            subject=f"installation:{installation.number}",
            content={"quantity": asked, "allocation": row.pk, "source": source, **_told(position)},
        )
    return made


def _decided(position: Position, installation: Installation, quantity: int | None) -> tuple[int, int]:
    """Return how many units are applied for and the last verified year. Raises: Refusal."""
    period, through = position.period, position.through
    if through is None or position.is_too_early:
        raise Refusal("excess-too-early", year=period.first_year + 1)
    of_it = Allocation.objects.filter(installation=installation, unit_type__code=period.unit_type)
    years = (period.first_year, period.last_year)
    applied_for = of_it.filter(vintage__range=years, excess_application__isnull=False)
    if applied_for.filter(state=Allocation.State.LOADED).exists():
        raise Refusal("excess-application-waits", installation=installation.number)
    if of_it.filter(vintage=through, state=Allocation.State.READY).exists():
        raise Refusal("excess-granted-already", installation=installation.number, year=through)
    asked = position.issuable if quantity is None else quantity
    if not 1 <= asked <= position.issuable:
        raise Refusal(
            "excess-not-issuable",
            field="quantity",
            installation=installation.number,
            quantity=asked,
            most=position.issuable,
        )
    return asked, through


def _told(position: Position) -> dict[str, int | list[list[int]]]:
    """What the log says of why so much was issuable: by year base, factor and emissions; in all entitled, granted, issuable."""
    return {
        "years": [
            [each.year, each.base or 0, *(each.factor or 0).as_integer_ratio(), each.emissions or 0]
            for each in position.verified
        ],
        "entitled": position.entitled,
        "granted": position.granted,
        "issuable": position.issuable,
    }
