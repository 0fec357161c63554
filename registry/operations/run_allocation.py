"""Run an approved allocation table: each row that is ready becomes one transaction, delivered once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from accounts.models import Account
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Act, Actor
from accounts.rules.statuses import AccountStatus
from registry.models import Allocation, AllocationTable, Transaction
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose_batch import propose_batch
from registry.rules.proposal import Line, Proposal

ALLOCATION = "10-40"
# Rows of one commit: large enough that commits do not count, small enough that others wait little for the account.
AT_ONCE = 200


@dataclass(slots=True)
class AllocationRun:
    """What a run did: rows and units (t CO2e) delivered, rows without an open account, and refusals by row id."""

    delivered: int = 0
    quantity: int = 0
    without_account: list[int] = field(default_factory=list)
    refused: dict[int, Refused] = field(default_factory=dict)


def run_allocation(
    *,
    table: AllocationTable,
    transferring: str,
    actor: Actor,
    now: datetime,
    progress: Callable[[int], object] = lambda rows: None,
) -> AllocationRun:
    """Deliver the ready rows of an approved table from an administrative account, oldest row first.

    A row that is delivered already is left alone, so a run that was cut off is simply run again. What is refused (no open
    account, balance) is told and stays ready. Raises: NotPermitted; Refusal when the table is not approved.
    """
    if not actor.may(Act.RUN_ALLOCATION, table.jurisdiction.code):
        raise NotPermitted(Act.RUN_ALLOCATION)
    if AllocationTable.objects.get(pk=table.pk).state != AllocationTable.State.APPROVED:
        raise Refusal("allocation-table-not-approved")
    run = AllocationRun()
    rows = list(_waiting(table))
    accounts = dict(
        Account.objects.filter(installation__in={row.installation_id for row in rows})
        .exclude(status=AccountStatus.CLOSED)
        .values_list("installation_id", "identifier")
    )
    for place in range(0, len(rows), AT_ONCE):
        chunk = rows[place : place + AT_ONCE]
        run.without_account += [row.pk for row in chunk if row.installation_id not in accounts]
        found = [row for row in chunk if row.installation_id in accounts]
        proposals = [_proposal(row, transferring, accounts[row.installation_id], table) for row in found]
        # One commit: a crash leaves whole rows delivered and the rest ready; the next run finds them by their transactions.
        _count(run, found, propose_batch(proposals, actor=actor, now=now))
        progress(len(chunk))
    return run


def _waiting(table: AllocationTable) -> QuerySet[Allocation]:
    delivered = Transaction.objects.filter(allocation_id__isnull=False, type_id=ALLOCATION).values("allocation_id")
    return (
        Allocation.objects.filter(table=table, state=Allocation.State.READY)
        .exclude(pk__in=delivered)
        .select_related("unit_type")
        .order_by("id")
    )


def _proposal(row: Allocation, transferring: str, acquiring: str, table: AllocationTable) -> Proposal:
    line = Line(
        transferring,
        acquiring,
        row.quantity,
        registry=table.jurisdiction.registry_code,
        unit_type=row.unit_type.code,
        vintage=row.vintage,
    )
    return Proposal(ALLOCATION, (line,), allocation=row.pk)


def _count(run: AllocationRun, rows: Sequence[Allocation], results: Sequence[Outcome | Refused]) -> None:
    for row, result in zip(rows, results, strict=True):
        if isinstance(result, Refused):
            run.refused[row.pk] = result
        else:
            run.delivered += 1
            run.quantity += result.quantity
