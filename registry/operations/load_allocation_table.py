"""Allocation tables: load one from a file, let a second person approve it, withhold or release a row.

Columns: installation, unit_type, vintage, quantity (t CO2e).
"""

import hashlib
from datetime import datetime

from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery

from accounts.models import Jurisdiction
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from audit import entries
from registry.models import Allocation, AllocationTable, ExcessApplication, Transaction, UnitType
from registry.operations.entitling import refuse_beyond_issuable
from registry.operations.load_compliance import (
    MOST_TONNES,
    YEARS,
    insert,
    installation_in,
    installations_of,
    integer_in,
    refuse_if,
)
from registry.tabular import Fault, FileRefused, Progress, read_table, shown, untold

COLUMNS = ("installation", "unit_type", "vintage", "quantity")


def load_allocation_table(
    content: bytes,
    *,
    jurisdiction: Jurisdiction,
    name: str,
    actor: Actor,
    now: datetime,
    progress: Progress = untold,
) -> AllocationTable:
    """Load a table of allocations, all rows or none; nothing is delivered before a second person approves it.

    Raises: NotPermitted (also where no person acts); FileRefused. Source: domain.md section 7.
    """
    user_id = _person(actor, Act.LOAD_ALLOCATION_TABLE, jurisdiction)
    rows = read_table(content, COLUMNS, progress)
    sha256 = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction.pk)
        if AllocationTable.objects.filter(jurisdiction=jurisdiction, sha256=sha256).exists():
            raise FileRefused([Fault("loaded-before")])
        places = installations_of(jurisdiction)
        unit_types = {row.code: row for row in UnitType.objects.filter(jurisdiction=jurisdiction)}
        faults: list[Fault] = []
        made: dict[tuple[str, str, int | None], Allocation] = {}
        for row in rows:
            place = installation_in(row, places, faults)
            unit_type = unit_types.get(row.cells["unit_type"])
            if unit_type is None:
                code = shown(row.cells["unit_type"], 20)
                faults.append(Fault("unknown-unit-type", row.number, "unit_type", {"code": code}))
            vintage = integer_in(row, "vintage", *YEARS, faults)
            quantity = integer_in(row, "quantity", 1, MOST_TONNES, faults)
            key = (row.cells["installation"], row.cells["unit_type"], vintage)
            if key in made:
                faults.append(Fault("named-twice", row.number, "installation"))
            if place and unit_type and vintage is not None and quantity is not None:
                made[key] = Allocation(installation=place, unit_type=unit_type, vintage=vintage, quantity=quantity)
        refuse_if(faults)
        # After this point it must succeed. Nothing of the file exists until COMMIT, all of it after.
        table = AllocationTable.objects.create(
            jurisdiction=jurisdiction, name=name, sha256=sha256, loaded_by_id=user_id, loaded_at=now
        )
        for row_made in made.values():
            row_made.table = table
        insert(Allocation, list(made.values()), progress)
        _log("allocation-table.loaded", table, actor, now, rows=len(rows), sha256=sha256)
    return table


def approve_allocation_table(*, table: AllocationTable, actor: Actor, now: datetime) -> AllocationTable:
    """Approve a loaded table, as another person than the one who loaded it.

    One that somebody applied for (excess credits) is a senior registry administrator's to approve.
    Raises: NotPermitted; Refusal when it is approved already, the same person loaded it, a row grants what a row of an
    approved table grants already (withhold that one first, if it is not delivered), or more excess credits than are issuable.
    """
    is_applied_for = ExcessApplication.objects.filter(allocation__table=table).exists()
    act = Act.APPROVE_EXCESS_CREDITS if is_applied_for else Act.APPROVE_ALLOCATION_TABLE
    user_id = _person(actor, act, table.jurisdiction)
    with transaction.atomic():
        # One approval at a time in a jurisdiction, so that each sees what the others granted.
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=table.jurisdiction_id)
        locked = AllocationTable.objects.select_for_update(no_key=True).get(pk=table.pk)
        if locked.state != AllocationTable.State.LOADED:
            raise Refusal("allocation-table-approved-already")
        if locked.loaded_by_id == user_id:
            raise Refusal("approver-is-initiator")
        rows = Allocation.objects.filter(table=locked, state=Allocation.State.LOADED)
        _refuse_granted(rows)
        refuse_beyond_issuable(rows, jurisdiction=table.jurisdiction, now=now)
        locked.state, locked.approved_by_id, locked.approved_at = AllocationTable.State.APPROVED, user_id, now
        locked.save(update_fields=["state", "approved_by", "approved_at"])
        _log("allocation-table.approved", locked, actor, now)
    return locked


def withhold_allocation(*, allocation: Allocation, withheld: bool, actor: Actor, now: datetime) -> Allocation:
    """Withhold an allocation that is not delivered yet, or release it; the row stays.

    Raises: NotPermitted; Refusal when it is delivered, or released where another table grants the same by now.
    """
    jurisdiction = allocation.table.jurisdiction
    if not actor.may(Act.LOAD_ALLOCATION_TABLE, jurisdiction.code):
        raise NotPermitted(Act.LOAD_ALLOCATION_TABLE)
    with transaction.atomic():
        Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction.pk)
        locked = Allocation.objects.select_for_update(no_key=True).get(pk=allocation.pk)
        if Transaction.objects.filter(allocation_id=locked.pk).exists():
            raise Refusal("allocation-delivered-already")
        was, locked.state = locked.state, Allocation.State.WITHHELD
        if not withheld:
            approved = AllocationTable.objects.filter(pk=locked.table_id, state=AllocationTable.State.APPROVED).exists()
            locked.state = Allocation.State.READY if approved else Allocation.State.LOADED
            if approved and was != Allocation.State.READY:
                _refuse_granted(Allocation.objects.filter(pk=locked.pk))
                refuse_beyond_issuable(Allocation.objects.filter(pk=locked.pk), jurisdiction=jurisdiction, now=now)
        locked.save(update_fields=["state"])
        _log("allocation.withheld", allocation.table, actor, now, allocation=locked.pk, state=str(locked.state))
    return locked


def _refuse_granted(rows: QuerySet[Allocation]) -> None:
    """Refuse to make rows ready where another ready row grants the same.

    Raises: Refusal that names the first.
    """
    same = Allocation.objects.exclude(pk=OuterRef("pk")).filter(
        installation=OuterRef("installation"),
        unit_type=OuterRef("unit_type"),
        vintage=OuterRef("vintage"),
        state=Allocation.State.READY,
    )
    found = (
        rows.annotate(other=Subquery(same.values("pk")[:1]), other_table=Subquery(same.values("table_id")[:1]))
        .filter(other__isnull=False)
        .select_related("installation")
        .order_by("id")
        .first()
    )
    if found is not None:
        raise Refusal(
            "allocation-granted-already",
            installation=found.installation.number,
            vintage=found.vintage,
            allocation=found.other,
            table=found.other_table,
        )


def _person(actor: Actor, act: Act, jurisdiction: Jurisdiction) -> int:
    """The user who acts: loading and approving are two persons', never the registry's own."""
    if actor.user_id is None or not actor.may(act, jurisdiction.code):
        raise NotPermitted(act)
    return actor.user_id


def _log(event: str, table: AllocationTable, actor: Actor, now: datetime, **content: str | int) -> None:
    entries.record(
        registry=table.jurisdiction.code,
        event=event,
        occurred_at=now,
        actor=actor.name,
        subject=f"allocation-table:{table.pk}",
        content={"name": table.name, **content},
    )
