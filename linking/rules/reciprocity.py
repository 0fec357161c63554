"""The reciprocity clause: at which imbalance a corridor warns, tapers, and lets nothing in any more (linking.md section 3).

The imbalance is the worst case of one corridor in one year: all that is reserved is let in, nothing more comes by the other.
"""

from dataclasses import dataclass
from enum import StrEnum

from linking.rules.quotas import Quota
from linking.rules.terms import ReciprocityClause, Taper


class Level(StrEnum):
    """How far the imbalance has come."""

    QUIET = "quiet"
    WARN = "warn"
    TAPER = "taper"
    SUSPEND = "suspend"


def imbalance_of(row: Quota, opposite_used: int) -> int:
    """Return the imbalance in units: what entered and is reserved by a corridor less what entered by the opposite one.

    Below nought where the opposite corridor let in more.
    """
    return row.reserved + row.used - opposite_used


def level_at(clause: ReciprocityClause | None, imbalance: int) -> Level:
    """Return the level at an imbalance; without a clause, all is quiet."""
    if clause is None:
        return Level.QUIET
    if imbalance >= clause.suspend:
        return Level.SUSPEND
    if _step_at(clause, imbalance) is not None:
        return Level.TAPER
    return Level.WARN if imbalance >= clause.warn else Level.QUIET


def tapered_limit(limit: int | None, clause: ReciprocityClause | None, imbalance: int) -> int | None:
    """Return the entry limit after taper: `floor(limit * n / d)` of the last step that has begun. None: no entry quota."""
    step = None if clause is None else _step_at(clause, imbalance)
    return limit if limit is None or step is None else limit * step.numerator // step.denominator


@dataclass(frozen=True, slots=True)
class Meter:
    """What the meter of a corridor shows. `next_level` begins after `until_next` more units; None: there is none.

    `entry_limit`: what the entry quota is at this imbalance, in its measure; nought where nothing may enter.
    """

    level: Level
    imbalance: int
    next_level: Level | None
    until_next: int | None
    agreed_limit: int | None
    entry_limit: int | None


def meter_of(clause: ReciprocityClause | None, imbalance: int, limit: int | None) -> Meter:
    """Return what the meter shows at an imbalance, for an agreed entry limit (None: none)."""
    now = level_at(clause, imbalance)
    entry = 0 if now is Level.SUSPEND else tapered_limit(limit, clause, imbalance)
    ahead = [] if clause is None else [(at, level) for at, level in thresholds_of(clause) if at > imbalance]
    if not ahead:
        return Meter(now, imbalance, None, None, limit, entry)
    # Where two begin at one imbalance, the later one is what happens there.
    at = min(at for at, _ in ahead)
    following = [level for begins, level in ahead if begins == at][-1]
    return Meter(now, imbalance, following, at - imbalance, limit, entry)


def thresholds_of(clause: ReciprocityClause) -> tuple[tuple[int, Level], ...]:
    """Return the thresholds of a clause in units, rising, each with the level that begins there."""
    steps = tuple((step.starts_at, Level.TAPER) for step in clause.taper)
    return ((clause.warn, Level.WARN), *steps, (clause.suspend, Level.SUSPEND))


def _step_at(clause: ReciprocityClause, imbalance: int) -> Taper | None:
    return next((step for step in reversed(clause.taper) if step.starts_at <= imbalance), None)
