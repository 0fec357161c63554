"""Trusted accounts: whom an account's representatives let it send to at once (domain.md section 3).

An addition is asked for by one person, decided by another and counts only some working days later, so that who steals one
key neither adds an account nor uses it before its holder could see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from accounts.rules.access import Act
from accounts.rules.representatives import Action, Rights, right_permits


class TrustedAccountState(StrEnum):
    """Where an addition to the list stands. An APPROVED one counts from its `active_from` on."""

    REQUESTED = "REQUESTED"
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"
    WITHDRAWN = "WITHDRAWN"
    REMOVED = "REMOVED"


# The trigger `trusted_account_may_change` holds its own literal copy; a test compares the two.
TRUSTED_TRANSITIONS: Mapping[TrustedAccountState, frozenset[TrustedAccountState]] = {
    TrustedAccountState.REQUESTED: frozenset(
        {TrustedAccountState.APPROVED, TrustedAccountState.REJECTED, TrustedAccountState.WITHDRAWN}
    ),
    TrustedAccountState.APPROVED: frozenset({TrustedAccountState.REMOVED}),
    TrustedAccountState.REJECTED: frozenset(),
    TrustedAccountState.WITHDRAWN: frozenset(),
    TrustedAccountState.REMOVED: frozenset(),
}
LIVE_STATES = frozenset(state for state, following in TRUSTED_TRANSITIONS.items() if following)

# What a representative must be permitted to bring an addition into a state, and what staff must be.
_ACTIONS: Mapping[TrustedAccountState, Action] = {
    TrustedAccountState.REQUESTED: Action.INITIATE,
    TrustedAccountState.APPROVED: Action.APPROVE,
    TrustedAccountState.REJECTED: Action.APPROVE,
    TrustedAccountState.WITHDRAWN: Action.INITIATE,
    TrustedAccountState.REMOVED: Action.INITIATE,
}
ACTS: Mapping[TrustedAccountState, Act] = {
    TrustedAccountState.REQUESTED: Act.REQUEST_TRUSTED_ACCOUNT,
    TrustedAccountState.APPROVED: Act.DECIDE_TRUSTED_ACCOUNT,
    TrustedAccountState.REJECTED: Act.DECIDE_TRUSTED_ACCOUNT,
    TrustedAccountState.WITHDRAWN: Act.REQUEST_TRUSTED_ACCOUNT,
    TrustedAccountState.REMOVED: Act.REMOVE_TRUSTED_ACCOUNT,
}

# The dated rule that says when an approved addition begins to count: {"working_days": 4, "hour": 12}.
ACTIVATION_RULE = "trusted-account.activation"


@dataclass(frozen=True, slots=True)
class ActivationTerms:
    """At which hour of which working day after the day of its approval an addition begins to count."""

    working_days: int
    hour: int


# Where no rule is recorded: noon of the fourth working day.
DEFAULT_ACTIVATION = ActivationTerms(working_days=4, hour=12)


def activation_terms(value: object) -> ActivationTerms:
    """Return what a rule's value says. Raises: ValueError for one that does not say exactly this."""
    if not isinstance(value, Mapping) or set(value) != {"working_days", "hour"}:
        raise ValueError(f"{ACTIVATION_RULE} says working_days and hour, not {value!r}")
    days, hour = value["working_days"], value["hour"]
    if type(days) is not int or type(hour) is not int or days < 1 or not 0 <= hour <= 23:
        raise ValueError(f"{ACTIVATION_RULE} is not understood: {value!r}")
    return ActivationTerms(days, hour)


def trusted_state_may_become(state: TrustedAccountState, following: TrustedAccountState) -> bool:
    """Return whether a state of an addition may follow another."""
    return following in TRUSTED_TRANSITIONS[state]


def representative_may(rights: Rights | None, state: TrustedAccountState) -> bool:
    """Return whether a representative with this right may bring an addition into the state."""
    return rights is not None and right_permits(rights, _ACTIONS[state])


def staff_may(*, administrative: bool, state: TrustedAccountState) -> bool:
    """Return whether it is for registry administrators to bring an addition into the state.

    They act for administrative accounts, which have no representatives. From any other list they only remove, by order:
    adding is the account's own.
    """
    return administrative or state is TrustedAccountState.REMOVED
