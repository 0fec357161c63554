"""What the next step of a link asks for, as its page lists it."""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from accounts.models import Jurisdiction
from accounts.texts import text
from linking.condition_queries import conditions_of_next_step, last_ticks
from linking.models import Link
from linking.rules.degrees import BLOCKS


def steps_shown(link: Link, own: Jurisdiction | None, now: datetime) -> Iterator[dict[str, Any]]:
    """Yield what the next step asks for: once, or for each corridor that could be the one that a step to *unilateral* opens.

    `own`: the side that the reader acts for.
    """
    _, conditions = conditions_of_next_step(link, now=now)
    ticks = last_ticks(link)
    for way, found in groupby(conditions, key=lambda row: row.way):
        rows = [
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
            for row in found
        ]
        yield {
            "way": "" if way is None else f"{way.origin} -> {way.destination}",
            "rows": rows,
            "is_complete": not any(row["is_missing"] for row in rows),
        }
