"""Deliver excess credits that were approved and issued, from the issuance account to the facility's own."""

from datetime import datetime

from accounts.refusals import Refusal
from accounts.rules.access import Actor
from registry.models import Allocation, ExcessApplication
from registry.operations.entitling import period_with
from registry.operations.issue_excess_credits import issuance_account
from registry.operations.run_allocation import AllocationRun, run_allocation
from registry.period_queries import positions, regimes_of


def deliver_excess_credits(*, application: ExcessApplication, actor: Actor, now: datetime) -> AllocationRun:
    """Deliver what an approved application grants, in units of 1 t CO2e; one that is delivered already is left alone.

    What became less since (emissions or a base were corrected) is not delivered: withhold the row and apply anew.
    Raises: NotPermitted; Refusal. What the checks refuse (no open account, nothing issued yet) is told and stays ready.
    """
    row = Allocation.objects.select_related("table__jurisdiction", "installation").get(pk=application.allocation_id)
    home, place = row.table.jurisdiction, row.installation
    period = period_with(row.vintage, regimes_of(home))
    if period is not None:
        position = positions([place], period, at=now)[place]
        if position.granted > position.entitled:
            most = max(0, position.entitled - position.issued)
            raise Refusal("excess-not-issuable", installation=place.number, quantity=row.quantity, most=most)
    return run_allocation(table=row.table, transferring=issuance_account(home).identifier, actor=actor, now=now)
