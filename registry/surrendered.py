"""Reads of surrenders: which count at an instant, and what they count, by obligation."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from registry.models import Transaction, TransactionBlock, TransactionStep
from registry.rules.deadlines import Counts
from registry.rules.states import Step
from registry.rules.worth import Recognised, differences

SURRENDER = "10-2"


def standing_surrenders(
    obligation_ids: Iterable[int], at: datetime, counts: Counts = Counts.COMPLETED
) -> QuerySet[Transaction]:
    """Return the completed surrenders for some obligations whose instant that counts is not after `at`, not reversed by then."""
    reversals = Transaction.objects.filter(reverses=OuterRef("pk"), completed_at__lte=at)
    found = Transaction.objects.filter(
        ~Exists(reversals), obligation_id__in=list(obligation_ids), type_id=SURRENDER, completed_at__isnull=False
    )
    if counts is Counts.COMPLETED:
        return found.filter(completed_at__lte=at)
    if counts is Counts.PROPOSED:
        return found.filter(proposed_at__lte=at)
    return with_approval(found).filter(approved_at__lte=at)


def with_approval(surrenders: QuerySet[Transaction]) -> QuerySet[Any]:
    """Add the instant of its approval to each; where nobody has to approve, that of its proposal."""
    approvals = TransactionStep.objects.filter(transaction=OuterRef("pk"), event=Step.APPROVED).values("at")
    return surrenders.annotate(approved_at=Coalesce(Subquery(approvals), "proposed_at"))


def recognised_in(surrenders: QuerySet[Transaction]) -> Mapping[UUID, list[Recognised]]:
    """Return what of some surrenders is not plainly at home, by surrender, in one statement.

    There is little of it, or nothing: it is found by an index of just that (migration 0018).
    """
    found: dict[UUID, list[Recognised]] = defaultdict(list)
    blocks = TransactionBlock.objects.filter(transaction__in=surrenders.order_by().values("pk")).exclude(recognition=0)
    columns = (
        "transaction_id",
        "transaction__obligation_id",
        "origin_id",
        "recognition__rate_numerator",
        "recognition__rate_denominator",
        "first_no",
        "next_no",
    )
    for row in blocks.order_by("transaction_id", "id").values_list(*columns):
        transaction, obligation, origin, numerator, denominator, first, following = row
        found[transaction].append(Recognised(obligation or 0, origin, numerator, denominator, following - first))
    return found


def values_by_obligation(
    obligation_ids: Iterable[int], *, at: datetime, counts: Counts = Counts.COMPLETED
) -> Mapping[int, int]:
    """Return what was surrendered for each obligation in time at `at` by what counts, t CO2e as recognised, in two statements.

    PostgreSQL's `registry_surrendered_value` computes the same.
    """
    surrenders = standing_surrenders(obligation_ids, at, counts)
    sums = surrenders.order_by().values("obligation_id").annotate(total=Sum("quantity")).order_by("obligation_id")
    totals = {row["obligation_id"] or 0: row["total"] for row in sums}
    parts = [part for several in recognised_in(surrenders).values() for part in several]
    for obligation, difference in differences(parts).items():
        totals[obligation] += difference
    return totals
