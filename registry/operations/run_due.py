"""Run everything that is due, in the order it fell due, each judged at its own instant.

What can be due is found by rows, never remembered: a missed tick, a crash or a clock that jumped changes nothing. Delayed
transactions are executed, proposals that nobody approved expire, statuses are determined at each deadline, which is first made
what the dated rules and the calendar say by now, holding limits follow their rule, allocations and accounts, and who settles
transactions says what else is due.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from accounts.models import Jurisdiction
from accounts.rules.access import Actor
from audit import entries
from registry.compliance_queries import may_yet_be_in_time, standings
from registry.due import Due
from registry.models import Obligation, StatusSnapshot, Transaction
from registry.operations.execute import execute, expire
from registry.operations.follow_deadlines import follow_deadlines
from registry.operations.set_holding_limits import holding_limits_are_stale, set_holding_limits
from registry.rules.deadlines import Counts
from registry.rules.limits import MalformedRule
from registry.rules.states import State
from registry.settlement import settlements

_log = logging.getLogger(__name__)


def run_due(
    *,
    actor: Actor,
    now: datetime,
    since: datetime | None = None,
    progress: Callable[[Iterable[Due]], Iterable[Due]] = iter,
) -> list[Due]:
    """Run what is due at `now`, in order, and return it. Two runs at once do each thing once.

    It is done at `now`, also what fell due while nothing ran. Where an exercise's clock jumped from `since` to `now`, each
    thing is done at the instant it fell due: nothing else happened in between. Each thing is one commit: a crash leaves whole
    things done and the rest due. What fails is told in the log and keeps nothing else from being done.

    Raises: the first failure, when everything has been tried.
    """
    failures: list[Exception] = follow_deadlines(actor=actor, now=now)
    due = sorted(
        (thing for source in SOURCES for thing in source(actor, now)), key=lambda thing: (thing.at, thing.what)
    )
    for thing in progress(due):
        try:
            thing.run(max(thing.at, since or now))
        except Exception as failure:
            _log.exception("due and not done: %s", thing.what)
            failures.append(failure)
    if failures:
        raise failures[0]
    return due


def determine_statuses(*, jurisdiction: Jurisdiction, year: int, at: datetime, actor: Actor, now: datetime) -> int:
    """Take the snapshot of a year's statuses as they stood at the deadline `at`, log it, and return how many it has.

    It has the installations whose deadline this is and those without an obligation for the year. One status is determined for
    an installation and year, once; where the proposal of a surrender counts, when none that was proposed in time is still open.
    Runs in the caller's database transaction, under a lock on the jurisdiction.
    """
    # Surrenders share the row until they commit (0010): from here on none is on its way that this does not see.
    Jurisdiction.objects.select_for_update().get(pk=jurisdiction.pk)
    obligations = Obligation.objects.filter(jurisdiction=jurisdiction, year=year)
    taken = StatusSnapshot.objects.filter(installation__jurisdiction=jurisdiction, year=year)
    left_out = {
        *obligations.exclude(due_at=at).values_list("installation_id", flat=True),
        *obligations.filter(_WAITS_FOR_SURRENDERS).values_list("installation_id", flat=True),
        *taken.values_list("installation_id", flat=True),
    }
    counts_for = {row.installation_id: Counts(row.counts) for row in obligations}
    found = [
        standing
        for counts in sorted({Counts.COMPLETED, *counts_for.values()})
        for standing in standings(jurisdiction, year, at=at, counts=counts)
        if standing.installation.pk not in left_out
        and counts_for.get(standing.installation.pk, Counts.COMPLETED) is counts
    ]
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
                counts=counts_for.get(standing.installation.pk, Counts.COMPLETED),
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


# Obligations whose status cannot be told yet: a surrender that was proposed in time may still be approved.
_WAITS_FOR_SURRENDERS = Q(Exists(may_yet_be_in_time()), counts=Counts.PROPOSED)


def _deadlines(actor: Actor, now: datetime) -> list[Due]:
    """The deadlines that have passed of obligations whose status is not determined yet."""
    determined = StatusSnapshot.objects.filter(installation=OuterRef("installation"), year=OuterRef("year"))
    deadlines = (
        Obligation.objects.filter(due_at__lte=now)
        .exclude(Exists(determined))
        .exclude(_WAITS_FOR_SURRENDERS)
        .order_by("due_at", "jurisdiction_id", "year")
        .values_list("jurisdiction_id", "jurisdiction__code", "year", "due_at")
        .distinct()
    )
    return [
        Due(at, f"statuses of {code} for {year}", _determination(jurisdiction_id, year, at, actor, now))
        for jurisdiction_id, code, year, at in deadlines
    ]


def _determination(
    jurisdiction_id: int, year: int, at: datetime, actor: Actor, now: datetime
) -> Callable[[datetime], None]:
    def run(instant: datetime) -> None:
        with transaction.atomic():
            jurisdiction = Jurisdiction.objects.get(pk=jurisdiction_id)
            # Another process may have been quicker; then nothing is left to determine.
            determine_statuses(jurisdiction=jurisdiction, year=year, at=at, actor=actor, now=now)

    return run


def _holding_limits(actor: Actor, now: datetime) -> list[Due]:
    """The jurisdictions whose holding limits are otherwise than their rule, allocations and accounts make them by now."""

    def due(place: Jurisdiction) -> Due:
        return Due(
            now,
            f"holding limits of {place.code}",
            lambda instant: set_holding_limits(jurisdiction=place, actor=actor, now=instant),
        )

    def stale(place: Jurisdiction) -> bool:
        try:
            return holding_limits_are_stale(place, now)
        except MalformedRule:
            # Setting them says so.
            return True

    return [due(place) for place in Jurisdiction.objects.order_by("code") if stale(place)]


def _delayed(actor: Actor, now: datetime) -> list[Due]:
    """The delayed transactions whose time has come."""
    return _transactions(State.DELAYED, "due_at", execute, actor, now)


def _unapproved(actor: Actor, now: datetime) -> list[Due]:
    """The proposals that nobody approved in time."""
    return _transactions(State.AWAITING_APPROVAL, "expires_at", expire, actor, now)


def _transactions(state: State, column: str, act: Callable[..., object], actor: Actor, now: datetime) -> list[Due]:
    found = Transaction.objects.filter(state=state, completed_at__isnull=True, **{f"{column}__lte": now})

    def due(transaction_id: UUID, at: datetime) -> Due:
        def run(instant: datetime) -> None:
            act(transaction_id, actor=actor, now=instant)

        return Due(at, f"transaction {transaction_id}, {state}", run)

    return [due(*row) for row in found.order_by(column, "id").values_list("id", column)]


def _of_settlements(actor: Actor, now: datetime) -> list[Due]:
    """What else falls due where transactions are settled."""
    return [thing for settlement in settlements() for thing in settlement.due(actor, now)]


# Everything that can fall due; a new kind of thing is a new row here.
SOURCES: tuple[Callable[[Actor, datetime], list[Due]], ...] = (
    _deadlines,
    _delayed,
    _unapproved,
    _holding_limits,
    _of_settlements,
)
