"""The states of a transaction: one table of what may follow what (domain.md section 5).

The trigger `transactions_keep_to_their_states` holds its own literal copy; a test compares the two. docs/states.md is printed
from here. A state's name is the text `transaction-state.<STATE>`.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """Where a transaction stands."""

    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    DELAYED = "DELAYED"
    ON_HOLD = "ON_HOLD"
    PROPOSED = "PROPOSED"
    ACCEPTED = "ACCEPTED"
    COMPLETED = "COMPLETED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    TERMINATED = "TERMINATED"


class Units(StrEnum):
    """What a transaction in some state does to the units it names."""

    RESERVED = "reserved"
    ESCROWED = "escrowed"
    MOVED = "moved"
    RELEASED = "released"


# How a transaction may begin. A refused proposal has no state: it leaves a log entry and an answer.
FIRST = frozenset({State.AWAITING_APPROVAL, State.DELAYED, State.PROPOSED, State.COMPLETED})

UNITS_IN: Mapping[State, Units] = {
    State.AWAITING_APPROVAL: Units.RESERVED,
    State.DELAYED: Units.RESERVED,
    State.ON_HOLD: Units.RESERVED,
    State.PROPOSED: Units.RESERVED,
    State.ACCEPTED: Units.ESCROWED,
    State.COMPLETED: Units.MOVED,
    State.REJECTED: Units.RELEASED,
    State.CANCELLED: Units.RELEASED,
    State.TERMINATED: Units.RELEASED,
}

# (from, to): the event that leads there.
TRANSITIONS: Mapping[tuple[State, State], str] = {
    (State.AWAITING_APPROVAL, State.DELAYED): "approved",
    (State.AWAITING_APPROVAL, State.PROPOSED): "approved",
    (State.AWAITING_APPROVAL, State.COMPLETED): "approved",
    (State.AWAITING_APPROVAL, State.REJECTED): "refused",
    (State.AWAITING_APPROVAL, State.CANCELLED): "expired",
    (State.AWAITING_APPROVAL, State.ON_HOLD): "frozen",
    (State.DELAYED, State.PROPOSED): "due",
    (State.DELAYED, State.COMPLETED): "due",
    (State.DELAYED, State.TERMINATED): "check failed",
    (State.DELAYED, State.CANCELLED): "withdrawn",
    (State.DELAYED, State.ON_HOLD): "frozen",
    (State.ON_HOLD, State.AWAITING_APPROVAL): "released",
    (State.ON_HOLD, State.DELAYED): "released",
    (State.ON_HOLD, State.PROPOSED): "released",
    (State.PROPOSED, State.ACCEPTED): "accepted",
    (State.PROPOSED, State.TERMINATED): "refused by the other registry",
    (State.PROPOSED, State.CANCELLED): "aborted",
    (State.PROPOSED, State.ON_HOLD): "frozen",
    (State.ACCEPTED, State.COMPLETED): "receipt",
}

FINAL = frozenset(State) - {before for before, _ in TRANSITIONS}


def may_become(state: State, following: State) -> bool:
    """Return whether a transaction in one state may go to another. A final state is final (check 3003)."""
    return (state, following) in TRANSITIONS
