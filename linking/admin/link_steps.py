"""What the steps of a link ask for, as its page lists it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from accounts.models import Jurisdiction
from accounts.texts import text
from linking.condition_queries import ConditionNow, conditions_now, last_ticks
from linking.models import Condition, Link
from linking.rules.degrees import BLOCKS

Ticks = Mapping[tuple[str, str | None], Condition]


def steps_shown(link: Link, own: Jurisdiction | None, now: datetime) -> dict[str, Any]:
    """Return what has lapsed of the steps taken, and what the next one asks for: once, or for each corridor that it could open.

    `own`: the side that the reader acts for.
    """
    found, ticks = conditions_now(link, now=now), last_ticks(link)
    lapsed = {"way": "", "rows": _rows(found.lapsed, ticks, own)}
    return {"steps": list(_steps(found.next, ticks, own)), "lapsed": [lapsed] if found.lapsed else []}


def _steps(conditions: Iterable[ConditionNow], ticks: Ticks, own: Jurisdiction | None) -> Iterator[dict[str, Any]]:
    for way, found in groupby(conditions, key=lambda row: row.way):
        rows = _rows(found, ticks, own)
        yield {
            "way": "" if way is None else f"{way.origin} -> {way.destination}",
            "rows": rows,
            "is_complete": not any(row["is_missing"] for row in rows),
        }


def _rows(conditions: Iterable[ConditionNow], ticks: Ticks, own: Jurisdiction | None) -> list[dict[str, Any]]:
    return [
        {
            "code": row.code,
            "name": text(f"condition.{row.code}"),
            "asks": text(f"condition-evidence.{row.code}"),
            "side": row.side,
            # What the registry finds where it is ticked, either side ticks.
            "is_ours": own is not None and (row.side == own.code or (row.side is None and row.code == BLOCKS)),
            "tick": ticks.get((row.code, row.side)),
            "is_missing": row.standing != "met",
            "has_expired": row.standing == "expired",
            "ticked_by": text(f"condition-ticked-by.{row.ticked_by}"),
        }
        for row in conditions
    ]
