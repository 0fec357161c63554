"""Reads of the conditions of a link's next step: ticked, missing or expired, for the API and the administration."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from linking.degree_queries import recorded_ticks
from linking.models import Condition, Link
from linking.rules.degrees import Degree, Tick, Ticker, conditions_of, missing_conditions, step_after
from linking.rules.terms import Direction


@dataclass(frozen=True, slots=True)
class ConditionNow:
    """A condition of the next step. `side` None: the registry computes it; `way`: the corridor it is judged for, None: the link.

    `standing`: met, missing or expired; `expires_at`: until when it counts, or when it ended.
    """

    code: str
    ticked_by: str
    side: str | None
    way: Direction | None
    standing: str
    ticked_at: datetime | None
    expires_at: datetime | None


def conditions_of_next_step(link: Link, *, now: datetime) -> tuple[Degree | None, tuple[ConditionNow, ...]]:
    """Return the next degree (None: there is none) and how each of its conditions stands, in four statements at most.

    The step to *unilateral* is about one corridor: its conditions are told for each. Source: linking.md section 2.
    """
    step = step_after(Degree(link.degree))
    if step is None:
        return None, ()
    one, other = link.first.code, link.second.code
    ways: tuple[Direction | None, ...] = (None,)
    if step is Degree.UNILATERAL:
        ways = (Direction(one, other), Direction(other, one))
    ticks = recorded_ticks(link, now)
    return step, tuple(row for way in ways for row in _conditions(step, way, ticks, now, one, other))


def last_ticks(link: Link) -> Mapping[tuple[str, str | None], Condition]:
    """Return the last tick of each condition by each side, and by whichever side (None). In one statement.

    What the registry computes may rest on what somebody found, whichever side that was.
    """
    rows = Condition.objects.filter(link=link).select_related("ticked_by", "side").order_by("id")
    return {(row.code, side): row for row in rows for side in (row.side.code, None)}


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
