"""Let obligations follow the dated rules of their deadlines until their statuses are determined."""

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from accounts.models import Jurisdiction
from accounts.rules.access import Actor
from audit import entries
from registry.compliance_queries import surrender_deadline
from registry.models import Obligation, StatusSnapshot

_log = logging.getLogger(__name__)


def follow_deadlines(*, actor: Actor, now: datetime) -> list[Exception]:
    """Move the deadlines that a rule set or a day recorded since has moved, and log it; return what failed.

    One commit for each jurisdiction and year; what fails keeps nothing else from being done. A deadline at which the status is
    determined stays. Source: domain.md section 5.
    """
    failures: list[Exception] = []
    years = _undetermined().order_by("jurisdiction_id", "year").values_list("jurisdiction_id", "year").distinct()
    for jurisdiction_id, year in years:
        try:
            _follow(jurisdiction_id, year, actor, now)
        except Exception as failure:
            _log.exception("the deadline of %s does not follow its rule", year)
            failures.append(failure)
    return failures


def _follow(jurisdiction_id: int, year: int, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        # Rules are set and statuses determined under the same lock.
        jurisdiction = Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction_id)
        deadline = surrender_deadline(jurisdiction, year)
        if deadline is None:
            return
        others = _undetermined().filter(jurisdiction=jurisdiction, year=year)
        moved = others.exclude(due_at=deadline.at, counts=deadline.counts).update(
            due_at=deadline.at, counts=deadline.counts
        )
        if moved:
            entries.record(
                registry=jurisdiction.code,
                event="obligation.deadline-moved",
                occurred_at=now,
                actor=actor.name,
                subject=f"{jurisdiction.code}:{year}",
                content={"due_at": deadline.at.isoformat(), "counts": deadline.counts, "obligations": moved},
            )


def _undetermined() -> QuerySet[Obligation]:
    determined = StatusSnapshot.objects.filter(installation=OuterRef("installation"), year=OuterRef("year"))
    return Obligation.objects.exclude(Exists(determined))
