"""On which terms an accepted transaction begins or goes on: its state, until when it may be approved, when it is executed.

The rules are dated records of the transferring account's jurisdiction, on the day of its own calendar; days and hours are
counted in its calendar. Read after the checks have passed, and only where something has to wait.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from accounts.calendars import calendar_and_rules
from accounts.rules.calendars import Calendar
from registry.rules.approval import first_state, state_after_approval
from registry.rules.deadlines import Counts
from registry.rules.delays import KEY as DELAY
from registry.rules.delays import delay_rule_of, executes_at
from registry.rules.facts import Context
from registry.rules.states import State
from registry.rules.warnings import KEY as WARNING
from registry.rules.warnings import DeadlineWarning, WarningNotUnderstood, warning_rule_of, warnings_of, warns_from
from registry.settlement import settlement_of

EXPIRY = "transaction.approval-expiry"
KEYS = (EXPIRY, DELAY, WARNING)
# How long a proposal waits for approval where no dated rule says so.
APPROVAL_EXPIRY = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Terms:
    """A state, and what ends it: the instant at which an unapproved proposal expires, or a delayed one is due. UTC.

    `warnings`: which deadlines are near that it may miss while it waits.
    """

    state: State
    expires_at: datetime | None = None
    due_at: datetime | None = None
    warnings: tuple[DeadlineWarning, ...] = ()


COMPLETED = Terms(State.COMPLETED)


@dataclass(slots=True)
class TermsReader:
    """Finds terms, reading each jurisdiction's calendar and rules at an instant once, however many proposals ask."""

    _known: dict[tuple[int, datetime], tuple[Calendar, dict[str, Any]]] = field(default_factory=dict)

    def of_proposal(self, judged: Context) -> Terms:
        """Return the terms on which a proposal whose checks pass begins."""
        state = first_state(judged)
        if state is State.COMPLETED:
            return COMPLETED
        if state is State.AWAITING_APPROVAL:
            expires_at = judged.now + self._expiry(judged)
            return Terms(state, expires_at=expires_at, warnings=self._warnings(judged, state, expires_at))
        return Terms(state, due_at=self._due_at(judged))

    def of_approval(self, judged: Context) -> Terms:
        """Return the terms on which a transaction goes on when it is approved now."""
        state = state_after_approval(judged)
        return COMPLETED if state is State.COMPLETED else Terms(state, due_at=self._due_at(judged))

    def _warnings(self, judged: Context, state: State, expires_at: datetime) -> tuple[DeadlineWarning, ...]:
        """What a proposal that waits for approval is warned of; a rule that nobody understands is no reason to refuse it."""
        obligation = judged.obligation
        try:
            return warnings_of(
                state,
                now=judged.now,
                expires_at=expires_at,
                surrender_due_at=None if obligation is None else obligation.due_at,
                counts=Counts.COMPLETED if obligation is None else obligation.counts,
                warns=lambda deadline: self._warns_from(judged, deadline),
            )
        except WarningNotUnderstood:
            return ()

    def _warns_from(self, judged: Context, deadline: datetime) -> datetime:
        rule = warning_rule_of(self._rule(judged, WARNING))
        return warns_from(deadline, rule, self._calendar(self._home(judged), judged.now))

    def _expiry(self, judged: Context) -> timedelta:
        rule = self._rule(judged, EXPIRY)
        return timedelta(days=int(rule["days"])) if isinstance(rule, dict) else APPROVAL_EXPIRY

    def _due_at(self, judged: Context) -> datetime:
        """The instant by the calendars of both sides; across several pairs of accounts the latest."""
        delay = delay_rule_of(self._rule(judged, DELAY))
        pairs = {
            (judged.accounts[line.transferring].jurisdiction_id, judged.accounts[line.acquiring].jurisdiction_id)
            for line in judged.proposal.lines
            if line.transferring is not None
        }
        due_at = max(
            executes_at(
                judged.now,
                delay,
                self._calendar(sending, judged.now),
                None if acquiring == sending else self._calendar(acquiring, judged.now),
            )
            for sending, acquiring in pairs
        )
        return settlement_of(judged).due_at(judged, due_at)

    def _calendar(self, jurisdiction_id: int, now: datetime) -> Calendar:
        return self._read(jurisdiction_id, now)[0]

    def _read(self, jurisdiction_id: int, now: datetime) -> tuple[Calendar, dict[str, Any]]:
        if (jurisdiction_id, now) not in self._known:
            self._known[jurisdiction_id, now] = calendar_and_rules(jurisdiction_id, now, KEYS)
        return self._known[jurisdiction_id, now]

    def _home(self, judged: Context) -> int:
        first = judged.proposal.lines[0]
        return judged.accounts[first.transferring or first.acquiring].jurisdiction_id

    def _rule(self, judged: Context, key: str) -> object:
        return self._read(self._home(judged), judged.now)[1].get(key)


def terms_of_proposal(judged: Context) -> Terms:
    """Return the terms on which a proposal whose checks pass begins."""
    return TermsReader().of_proposal(judged)


def terms_of_approval(judged: Context) -> Terms:
    """Return the terms on which a transaction goes on when it is approved now."""
    return TermsReader().of_approval(judged)
