"""Keeps sums of what accounts took in and gave out by the days that are over, from which statements begin.

They follow from the ranges: losing one costs time, never a unit. Each call takes one step (registry/migrations/sql/
0013_turnovers.sql says why there are three); a crash between two leaves a tally that nobody reads, and the next call goes on.
"""

from datetime import UTC, datetime, timedelta

from accounts import database

# What completes now may be written a moment later; a day is summed when it is over for as long as this.
SETTLED_AFTER = timedelta(hours=1)


def tally_turnovers(*, now: datetime) -> str:
    """Take one step towards the tally of the last day that is over, and return which: `summed` is the last, `done`: none left."""
    settled = (now - SETTLED_AFTER).astimezone(UTC)
    until = settled.replace(hour=0, minute=0, second=0, microsecond=0)
    return str(database.ask(f"SELECT registry_tally_turnovers({database.literal(until.isoformat())})"))
