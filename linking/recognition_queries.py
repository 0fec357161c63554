"""Reads of recognitions: what units abroad count as, by which terms, in which window they came, and where."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from linking.models import Agreement, Quota
from registry.models import Recognition, UnitBlock


@dataclass(frozen=True, slots=True)
class RecognitionNow:
    """A recognition with the version of the terms and the entry quota that units of it came by; both None at home."""

    recognition: Recognition
    agreement: Agreement | None
    quota: Quota | None


def foreign_recognitions(issuer: str | None = None) -> QuerySet[Recognition]:
    """Return the recognitions of units abroad, of one issuing registry (`CNBJ`) or all, in one statement.

    The order is the caller's; `described` adds what they name.
    """
    if issuer is None:
        return Recognition.objects.filter(agreement_id__isnull=False)
    came_by = Agreement.objects.order_by().filter(corridor__origin__registry_code=issuer)
    return Recognition.objects.filter(agreement_id__in=came_by.values("pk"))


def recognitions(ids: Iterable[int]) -> list[RecognitionNow]:
    """Return recognitions by id, with what they name, in three statements."""
    return described(Recognition.objects.filter(pk__in=list(ids)).order_by("pk"))


def described(rows: Sequence[Recognition] | QuerySet[Recognition]) -> list[RecognitionNow]:
    """Return recognitions in their order with what they name, in two statements beside the caller's."""
    found = list(rows)
    agreements = agreements_described().in_bulk({row.agreement_id for row in found if row.agreement_id is not None})
    quotas = Quota.objects.in_bulk({row.quota_id for row in found if row.quota_id is not None})
    return [RecognitionNow(row, agreements.get(row.agreement_id or 0), quotas.get(row.quota_id or 0)) for row in found]


def agreements_described() -> QuerySet[Agreement]:
    """Return agreements with their corridors' two sides."""
    return Agreement.objects.select_related("corridor__origin", "corridor__destination")


def recognition_of_unit(registry: str, serial: int) -> Recognition | None:
    """Return what a unit counts as where it is, in one statement; None: no such unit was issued."""
    # Blocks tile the serial space, so the last one that starts at or before a serial holds it.
    block = (
        UnitBlock.objects.filter(origin__registry_code=registry, start_no__lte=serial)
        .select_related("recognition")
        .order_by("-start_no")
        .first()
    )
    return None if block is None or block.account_id is None else block.recognition
