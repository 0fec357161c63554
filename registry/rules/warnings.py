"""Warnings: what waits near a deadline says so to everybody who may do something about it.

How near is a dated rule `transaction.deadline-warning`: `{"working_days": 5}`, from the beginning of the 5th working day before
the deadline's own day, or `{"hours": 48}`, so many elapsed hours before it. Where no rule is recorded, the first holds.

Source: domain.md section 5 ("what waits for approval near a deadline warns both persons").
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from accounts.rules.calendars import ONE_DAY, Calendar
from registry.rules.deadlines import Counts
from registry.rules.states import State

KEY = "transaction.deadline-warning"
# More would reach beyond the years that a calendar around an instant covers.
MOST_WORKING_DAYS = 60
MOST_HOURS = 60 * 24
WAITING = frozenset({State.AWAITING_APPROVAL, State.DELAYED, State.ON_HOLD})


class WarningNotUnderstood(ValueError):
    """A dated rule's value does not say how near a deadline warns. It is no reason to fall back on the default."""


class WarningCode(StrEnum):
    """What a transaction that waits is warned of."""

    SURRENDER_DEADLINE_NEAR = "surrender-deadline-near"
    SURRENDER_DEADLINE_PASSED = "surrender-deadline-passed"
    APPROVAL_EXPIRES_SOON = "approval-expires-soon"


@dataclass(frozen=True, slots=True)
class WarningRule:
    """So many working days before the deadline's day, or so many hours before the deadline; one of the two is nought."""

    working_days: int = 0
    hours: int = 0


@dataclass(frozen=True, slots=True)
class DeadlineWarning:
    """One warning, and the instant of the deadline it is about, UTC."""

    code: WarningCode
    deadline: datetime


DEFAULT = WarningRule(working_days=5)


def warning_rule_of(value: object) -> WarningRule:
    """Return the rule that a dated rule's value says; None (no rule in force): the default. Raises: WarningNotUnderstood."""
    match value:
        case None:
            return DEFAULT
        case {"working_days": int(days), **others} if (
            not others and type(days) is int and 1 <= days <= MOST_WORKING_DAYS
        ):
            return WarningRule(working_days=days)
        case {"hours": int(hours), **others} if not others and type(hours) is int and 1 <= hours <= MOST_HOURS:
            return WarningRule(hours=hours)
    raise WarningNotUnderstood(f"{KEY} cannot be {value!r}")


def warns_from(deadline: datetime, rule: WarningRule, calendar: Calendar) -> datetime:
    """Return the instant, UTC, from which a deadline warns; of one beyond the calendar, that is years away, the deadline itself.

    It warns from another instant when it is nearer. Raises: OutsideCalendar for one before the calendar.
    """
    if calendar.day_of(deadline) > calendar.until:
        return deadline
    if rule.hours:
        return deadline - timedelta(hours=rule.hours)
    # The end of a day belongs to that day, not to the next.
    day = calendar.day_of(deadline - timedelta(microseconds=1))
    for _ in range(rule.working_days):
        day = calendar.previous_working_day(day - ONE_DAY)
    return calendar.at(day, time())


def warnings_of(
    state: str,
    *,
    now: datetime,
    expires_at: datetime | None,
    surrender_due_at: datetime | None,
    counts: str,
    warns: Callable[[datetime], datetime],
) -> tuple[DeadlineWarning, ...]:
    """Return what a transaction is warned of now. `surrender_due_at`, `counts`: its obligation's; `warns`: `warns_from` there.

    A surrender whose proposal counts was in time, or late, from the beginning. The clock of what is on hold stands.
    """
    if state not in WAITING:
        return ()
    found = []
    if surrender_due_at is not None and counts != Counts.PROPOSED:
        if now > surrender_due_at:
            found.append(DeadlineWarning(WarningCode.SURRENDER_DEADLINE_PASSED, surrender_due_at))
        elif now >= warns(surrender_due_at):
            found.append(DeadlineWarning(WarningCode.SURRENDER_DEADLINE_NEAR, surrender_due_at))
    # What expired and was not ended yet, however long ago, is not looked up in a calendar.
    if state == State.AWAITING_APPROVAL and expires_at is not None and (now >= expires_at or now >= warns(expires_at)):
        found.append(DeadlineWarning(WarningCode.APPROVAL_EXPIRES_SOON, expires_at))
    return tuple(found)
