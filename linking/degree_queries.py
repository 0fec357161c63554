"""What a step of a link's degree still needs: ticks as they were recorded, and what the registry finds by itself."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from django.db.models import Q

from linking.models import Agreement, Condition, DegreeChange, Leave, Link
from linking.rules.degrees import (
    CONDITIONS,
    Degree,
    Missing,
    Tick,
    Ticker,
    has_quota,
    is_restricted,
    missing_conditions,
    terms_fit,
)
from linking.rules.rates import AT_HOME
from linking.rules.terms import Direction, Terms, terms_from


def missing_for(link: Link, step: Degree, way: Direction | None, *, now: datetime) -> tuple[str, ...]:
    """Return the conditions that a step up to a degree lacks, each as its code, with the side that has not ticked it.

    `way`: the corridor that the step is about; None: the link. Source: linking.md section 2.
    """
    return tuple(
        row.condition.code if row.side is None else f"{row.condition.code} ({row.side})"
        for row in missing(link, step, way, now=now)
    )


def missing(link: Link, step: Degree, way: Direction | None, *, now: datetime) -> tuple[Missing, ...]:
    """Return the conditions that a step up to a degree lacks, in the table's order."""
    origin, destination = (link.first.code, link.second.code) if way is None else (way.origin, way.destination)
    ticks = (*_ticks(link), *_found(link, way, now))
    return missing_conditions(step, ticks, now, origin=origin, destination=destination)


def recorded_ticks(link: Link, now: datetime) -> Mapping[Direction | None, tuple[Tick, ...]]:
    """Return what is ticked or found of a link (None) and of each of its corridors, in three statements."""
    ways = (
        None,
        Direction(link.first.code, link.second.code),
        Direction(link.second.code, link.first.code),
    )
    ticked, terms, left = tuple(_ticks(link)), terms_in_force(link, now), _leaves(link, now)
    return {way: (*ticked, *_computed(way, terms, left, now)) for way in ways}


def _ticks(link: Link) -> Iterator[Tick]:
    steps = {row.code: row.step for row in CONDITIONS}
    computed = {row.code for row in CONDITIONS if row.ticked_by is Ticker.SYSTEM}
    changes = list(DegreeChange.objects.filter(link=link).order_by("at", "id"))
    for row in Condition.objects.filter(link=link).select_related("side"):
        ends = row.expires_at or _lowered_below(steps[row.code], changes, row.ticked_at)
        # That nothing blocks is computed where it is ticked; whichever side asks, it is the registry's finding.
        yield Tick(row.code, None if row.code in computed else row.side.code, row.ticked_at, ends)


def _lowered_below(step: Degree, changes: Iterable[DegreeChange], since: datetime) -> datetime | None:
    """When the link was first lowered below a step after an instant: until then a tick without an expiry counts."""
    return next(
        (
            row.at
            for row in changes
            if row.at > since and Degree(row.from_degree).rank >= step.rank > Degree(row.to_degree).rank
        ),
        None,
    )


def misfits_at(link: Link, degree: Degree, *, now: datetime) -> tuple[str, ...]:
    """Return why a link's terms in force do not fit the degree *formal*, as codes; of other degrees its conditions say it."""
    if degree is not Degree.FORMAL:
        return ()
    return tuple(row.code for row in terms_fit(degree, terms_in_force(link, now)))


def terms_in_force(link: Link, now: datetime) -> Mapping[tuple[str, str], Terms]:
    """Return the terms in force on a link's corridors, by (origin, destination)."""
    rows = Agreement.objects.filter(_holds("effective_from", "superseded_at", now), corridor__link=link)
    return {
        (row.corridor.origin.code, row.corridor.destination.code): terms_from(row.terms)
        for row in rows.select_related("corridor__origin", "corridor__destination").order_by("corridor_id")
    }


def _found(link: Link, way: Direction | None, now: datetime) -> Iterator[Tick]:
    """What the registry itself finds to be met now."""
    return _computed(way, terms_in_force(link, now), _leaves(link, now), now)


def _leaves(link: Link, now: datetime) -> set[tuple[str, str]]:
    leaves = Leave.objects.filter(_holds("valid_from", "valid_to", now), corridor__link=link)
    return {
        (row.corridor.origin.code, row.corridor.destination.code)
        for row in leaves.select_related("corridor__origin", "corridor__destination")
    }


def _computed(
    way: Direction | None, terms: Mapping[tuple[str, str], Terms], left: set[tuple[str, str]], now: datetime
) -> Iterator[Tick]:
    met = {
        "both-corridors-in-force": len(terms) == len(("there", "back")),
        "both-leaves-signed": len(left) == len(("there", "back")),
        "restriction-agreed": bool(terms) and all(map(is_restricted, terms.values())),
        "one-to-one": len(terms) == len(("there", "back")) and all(row.rate.rate == AT_HOME for row in terms.values()),
        "no-quota": not any(map(has_quota, terms.values())),
        "leave-signed": way is not None and (way.origin, way.destination) in left,
        "terms-in-force": way is not None and (way.origin, way.destination) in terms,
    }
    yield from (Tick(code, None, now) for code, is_met in met.items() if is_met)


def _holds(begins: str, ends: str, now: datetime) -> Q:
    return Q(**{f"{begins}__lte": now}) & (Q(**{f"{ends}__isnull": True}) | Q(**{f"{ends}__gt": now}))
