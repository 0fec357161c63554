"""Reads of the conditions of a link's steps: ticked, missing or expired, for the API and the administration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from linking.degree_queries import recorded_ticks
from linking.models import Condition, Link
from linking.rules.degrees import (
    Degree,
    Missing,
    Tick,
    Ticker,
    conditions_of,
    lapsed_conditions,
    missing_conditions,
    step_after,
)
from linking.rules.terms import Direction


@dataclass(frozen=True, slots=True)
class ConditionNow:
    """A condition of a step. `side` None: the registry computes it; `way`: the corridor it is judged for, None: the link.

    `standing`: met, missing or expired; `expires_at`: until when it counts, or when it ended.
    """

    code: str
    ticked_by: str
    side: str | None
    way: Direction | None
    standing: str
    ticked_at: datetime | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConditionsNow:
    """The next degree (None: there is none), how each of its conditions stands, and what has lapsed of the steps already taken.

    What has lapsed is to be ticked anew; it lowers nothing.
    """

    step: Degree | None
    next: tuple[ConditionNow, ...]
    lapsed: tuple[ConditionNow, ...]


def conditions_now(link: Link, *, now: datetime) -> ConditionsNow:
    """Return how the conditions of a link stand, in four statements.

    The step to *unilateral* is about one corridor: its conditions are told for each. Source: linking.md section 2.
    """
    degree = Degree(link.degree)
    step = step_after(degree)
    sides = link.first.code, link.second.code
    there, back = Direction(*sides), Direction(*reversed(sides))
    ticks = recorded_ticks(link, now)
    lapsed = {
        (row.condition.code, row.side): row
        for way in (there, back)
        for row in lapsed_conditions(degree, ticks[way], now, origin=way.origin, destination=way.destination)
    }
    ways: tuple[Direction | None, ...] = (there, back) if step is Degree.UNILATERAL else (None,)
    return ConditionsNow(
        step,
        () if step is None else tuple(row for way in ways for row in _conditions(step, way, ticks, now, *sides)),
        tuple(_lapsed(row, ticks[None]) for row in lapsed.values()),
    )


def last_ticks(link: Link) -> Mapping[tuple[str, str | None], Condition]:
    """Return the last tick of each condition by each side, and by whichever side (None). In one statement.

    What the registry computes may rest on what somebody found, whichever side that was.
    """
    rows = Condition.objects.filter(link=link).select_related("ticked_by", "side").order_by("id")
    return {(row.code, side): row for row in rows for side in (row.side.code, None)}


def _lapsed(row: Missing, ticks: Iterable[Tick]) -> ConditionNow:
    condition, side = row.condition, row.side
    ticked_at = max(tick.ticked_at for tick in ticks if (tick.code, tick.side) == (condition.code, side))
    return ConditionNow(condition.code, str(condition.ticked_by), side, None, "expired", ticked_at, row.expired_at)


def _conditions(
    step: Degree, way: Direction | None, ticks: Mapping[Direction | None, tuple[Tick, ...]], now: datetime, *link: str
) -> Iterable[ConditionNow]:
    known = ticks[way]
    origin, destination = link if way is None else (way.origin, way.destination)
    lacking = {
        (row.condition.code, row.side): row
        for row in missing_conditions(step, known, now, origin=origin, destination=destination)
    }
    sides: Mapping[Ticker, tuple[str | None, ...]] = {
        Ticker.BOTH: (origin, destination),
        Ticker.ORIGIN: (origin,),
        Ticker.DESTINATION: (destination,),
        Ticker.SYSTEM: (None,),
    }
    for condition in conditions_of(step):
        for side in sides[condition.ticked_by]:
            lack = lacking.get((condition.code, side))
            last = max(
                (row for row in known if (row.code, row.side) == (condition.code, side)),
                key=lambda row: row.ticked_at,
                default=None,
            )
            # What the registry finds by itself it finds now; nobody ticked it.
            ticked_at = None if last is None or side is None else last.ticked_at
            yield ConditionNow(
                code=condition.code,
                ticked_by=str(condition.ticked_by),
                side=side,
                way=way,
                standing="met" if lack is None else "missing" if lack.expired_at is None else "expired",
                ticked_at=ticked_at,
                expires_at=None if last is None else last.expires_at,
            )
