"""On which terms an accepted transaction begins or goes on: its state, until when it may be approved, when it is executed.

The rules are dated records of the transferring account's jurisdiction, on the day of its own calendar; days and hours are counted in
its calendar. Read after the checks have passed, and only where something has to wait.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts import queries as people
from accounts.calendars import calendar_of
from accounts.rules.calendars import Calendar
from registry.rules.approval import first_state, state_after_approval
from registry.rules.delays import DelayRule, executes_at, parse_delay_rule
from registry.rules.facts import Context
from registry.rules.states import State

# How long a proposal waits for approval where no dated rule says so (`transaction.approval-expiry`).
APPROVAL_EXPIRY = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Terms:
    """A state, and what ends it: the instant at which an unapproved proposal expires, or a delayed one is due. UTC."""

    state: State
    expires_at: datetime | None = None
    due_at: datetime | None = None


COMPLETED = Terms(State.COMPLETED)


def terms_of_proposal(judged: Context) -> Terms:
    """Return the terms on which a proposal whose checks pass begins."""
    state = first_state(judged)
    if state is State.COMPLETED:
        return COMPLETED
    if state is State.AWAITING_APPROVAL:
        return Terms(state, expires_at=judged.now + _expiry(judged))
    return Terms(state, due_at=_due_at(judged))


def terms_of_approval(judged: Context) -> Terms:
    """Return the terms on which a transaction goes on when it is approved now."""
    state = state_after_approval(judged)
    return COMPLETED if state is State.COMPLETED else Terms(state, due_at=_due_at(judged))


def _expiry(judged: Context) -> timedelta:
    rule = _rule(judged, "transaction.approval-expiry")
    return timedelta(days=int(rule["days"])) if isinstance(rule, dict) else APPROVAL_EXPIRY


def _due_at(judged: Context) -> datetime:
    """The instant by the calendars of both sides; across several pairs of accounts the latest."""
    rule = _rule(judged, "transaction.delay")
    delay = DelayRule() if rule is None else parse_delay_rule(rule)
    pairs = {
        (judged.accounts[line.transferring].jurisdiction_id, judged.accounts[line.acquiring].jurisdiction_id)
        for line in judged.proposal.lines
        if line.transferring is not None
    }
    return max(
        executes_at(judged.now, delay, calendar_of(sending), None if acquiring == sending else calendar_of(acquiring))
        for sending, acquiring in pairs
    )


def _rule(judged: Context, key: str) -> object:
    home = judged.accounts[judged.proposal.lines[0].transferring or judged.proposal.lines[0].acquiring].jurisdiction_id
    found = people.rule_in_force(home, key, calendar_of(home).day_of(judged.now))
    return None if found is None else found.value


__all__ = ["COMPLETED", "Calendar", "Terms", "terms_of_approval", "terms_of_proposal"]
