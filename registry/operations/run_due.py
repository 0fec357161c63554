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
    due = sorted(_snapshots(actor, now), key=lambda thing: (thing.at, thing.what))
    for thing in due:
        thing.run()
    return due


def _snapshots(actor: Actor, now: datetime) -> list[Due]:
    taken = StatusSnapshot.objects.filter(
        installation__jurisdiction=OuterRef("jurisdiction"), year=OuterRef("year"), determined_at=OuterRef("due_at")
    )
    deadlines = (
        Obligation.objects.filter(due_at__lte=now)
        .exclude(Exists(taken))
        .values_list("jurisdiction_id", "jurisdiction__code", "year", "due_at")
        .distinct()
        .order_by("due_at", "jurisdiction_id", "year")
    )
    return [
        Due(at, f"statuses of {code} for {year}", _determination(jurisdiction_id, year, at, actor, now))
        for jurisdiction_id, code, year, at in deadlines
    ]


def _determination(jurisdiction_id: int, year: int, at: datetime, actor: Actor, now: datetime) -> Callable[[], None]:
    def run() -> None:
        with transaction.atomic():
            # The row lock lets one process determine at a time; the second finds it done.
            jurisdiction = Jurisdiction.objects.select_for_update(no_key=True).get(pk=jurisdiction_id)
            if not StatusSnapshot.objects.filter(
                installation__jurisdiction=jurisdiction, year=year, determined_at=at
            ).exists():
                determine_statuses(jurisdiction=jurisdiction, year=year, at=at, actor=actor, now=now)

    return run


def determine_statuses(*, jurisdiction: Jurisdiction, year: int, at: datetime, actor: Actor, now: datetime) -> None:
    """Take the snapshot of a year's statuses as they stood at the deadline `at`, and log it, in the current transaction.

    An installation has one snapshot for a year; where deadlines differ, the earliest that is due takes it for those it binds.
    """
    bound = set(
        Obligation.objects.filter(jurisdiction=jurisdiction, year=year, due_at=at).values_list(
            "installation_id", flat=True
        )
    )
    elsewhere = set(
        Obligation.objects.filter(jurisdiction=jurisdiction, year=year)
        .exclude(due_at=at)
        .values_list("installation_id", flat=True)
    )
    found = [
        standing
        for standing in standings(jurisdiction, year, at=at)
        if standing.installation.pk in bound or standing.installation.pk not in elsewhere
    ]
    taken = set(
        StatusSnapshot.objects.filter(installation__jurisdiction=jurisdiction, year=year).values_list(
            "installation_id", flat=True
        )
    )
    found = [standing for standing in found if standing.installation.pk not in taken]
    if not found:
        return
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
