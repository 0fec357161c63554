"""Run everything that is due, in the order it fell due, each judged at its own instant.

What can be due is found by rows, never remembered: a missed tick, a crash or a clock that jumped changes nothing. Today that is
the determination of statuses at each deadline; approvals that expire and delayed transfers will join the same queue.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from accounts.models import Jurisdiction
from accounts.rules.access import Actor
from audit import entries
from registry.compliance_queries import standings
from registry.models import Obligation, StatusSnapshot


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that is due: when, what (for people and the log), and the act. Ordered by instant, then text."""

    at: datetime
    what: str
    run: Callable[[], None]


def run_due(*, actor: Actor, now: datetime) -> list[Due]:
    """Run what is due at `now`, in order, and return it. Two runs at once do each thing once.

    Each thing is one commit: a crash leaves whole things done and the rest due.
    """
    due = sorted(
        (thing for source in SOURCES for thing in source(actor, now)), key=lambda thing: (thing.at, thing.what)
    )
    for thing in due:
        thing.run()
    return due


def determine_statuses(*, jurisdiction: Jurisdiction, year: int, at: datetime, actor: Actor, now: datetime) -> int:
    """Take the snapshot of a year's statuses as they stood at the deadline `at`, log it, and return how many it has.

    It has the installations whose deadline this is and those without an obligation for the year. One status is determined for
    an installation and year, once. Runs in the caller's database transaction, under a lock on the jurisdiction.
    """
    Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction.pk)
    elsewhere = Obligation.objects.filter(jurisdiction=jurisdiction, year=year).exclude(due_at=at)
    taken = StatusSnapshot.objects.filter(installation__jurisdiction=jurisdiction, year=year)
    left_out = {*elsewhere.values_list("installation_id", flat=True), *taken.values_list("installation_id", flat=True)}
    found = [standing for standing in standings(jurisdiction, year, at=at) if standing.installation.pk not in left_out]
    if not found:
        return 0
    StatusSnapshot.objects.bulk_create(
        [
            StatusSnapshot(
                installation=standing.installation,
                year=year,
                status=standing.status,
                emissions=standing.emissions,
                surrendered=standing.surrendered,
                determined_at=at,
                recorded_at=now,
            )
            for standing in found
        ],
        batch_size=1_000,
    )
    entries.record(
        registry=jurisdiction.code,
        event="compliance.status-determined",
        occurred_at=at,
        actor=actor.name,
        subject=f"{jurisdiction.code}:{year}",
        content={"year": year, "statuses": [[s.installation.number, str(s.status)] for s in found]},
    )
    return len(found)


def _deadlines(actor: Actor, now: datetime) -> list[Due]:
    """The deadlines that have passed of obligations whose status is not determined yet."""
    determined = StatusSnapshot.objects.filter(installation=OuterRef("installation"), year=OuterRef("year"))
    deadlines = (
        Obligation.objects.filter(due_at__lte=now)
        .exclude(Exists(determined))
        .order_by("due_at", "jurisdiction_id", "year")
        .values_list("jurisdiction_id", "jurisdiction__code", "year", "due_at")
        .distinct()
    )
    return [
        Due(at, f"statuses of {code} for {year}", _determination(jurisdiction_id, year, at, actor, now))
        for jurisdiction_id, code, year, at in deadlines
    ]


def _determination(jurisdiction_id: int, year: int, at: datetime, actor: Actor, now: datetime) -> Callable[[], None]:
    def run() -> None:
        with transaction.atomic():
            jurisdiction = Jurisdiction.objects.get(pk=jurisdiction_id)
            # Another process may have been quicker; then nothing is left to determine.
            determine_statuses(jurisdiction=jurisdiction, year=year, at=at, actor=actor, now=now)

    return run


# Everything that can fall due; a new kind of thing is a new row here.
SOURCES: tuple[Callable[[Actor, datetime], list[Due]], ...] = (_deadlines,)
