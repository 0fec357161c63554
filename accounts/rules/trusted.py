"""Trusted accounts: whom an account's representatives let it send to at once (domain.md section 3).

An addition is asked for by one person, decided by another and counts only some working days later, so that who steals one
key neither adds an account nor uses it before its holder could see it.
"""

from collections.abc import Mapping
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
