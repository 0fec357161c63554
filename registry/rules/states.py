"""The states of a transaction: one table of what may follow what (domain.md section 5).

The triggers `transactions_keep_to_their_states` and `steps_take_effect` hold their own literal copies; a test compares them.
docs/states.md is printed from here. A state's name is the text `transaction-state.<STATE>`, a step's `transaction-step.<step>`.
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


class Step(StrEnum):
    """What brings a transaction from one state to the next."""

    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    DUE = "due"
    CHECK_FAILED = "check-failed"
    FROZEN = "frozen"
    RELEASED = "released"
    ACCEPTED = "accepted"
    REFUSED_ELSEWHERE = "refused-elsewhere"
    ABORTED = "aborted"
    RECEIVED = "received"


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

# (step, from): the states it may lead to. What is on hold goes back to where it was held.
STEPS: Mapping[tuple[Step, State], frozenset[State]] = {
    (Step.APPROVED, State.AWAITING_APPROVAL): frozenset({State.DELAYED, State.PROPOSED, State.COMPLETED}),
    (Step.REFUSED, State.AWAITING_APPROVAL): frozenset({State.REJECTED}),
    (Step.EXPIRED, State.AWAITING_APPROVAL): frozenset({State.CANCELLED}),
    (Step.WITHDRAWN, State.AWAITING_APPROVAL): frozenset({State.CANCELLED}),
    # The terms that it was proposed under have ended: only what crosses a link ends so (linking.md 1).
    (Step.CHECK_FAILED, State.AWAITING_APPROVAL): frozenset({State.TERMINATED}),
    (Step.FROZEN, State.AWAITING_APPROVAL): frozenset({State.ON_HOLD}),
    (Step.DUE, State.DELAYED): frozenset({State.PROPOSED, State.COMPLETED}),
    (Step.CHECK_FAILED, State.DELAYED): frozenset({State.TERMINATED}),
    (Step.WITHDRAWN, State.DELAYED): frozenset({State.CANCELLED}),
    (Step.FROZEN, State.DELAYED): frozenset({State.ON_HOLD}),
    (Step.RELEASED, State.ON_HOLD): frozenset({State.AWAITING_APPROVAL, State.DELAYED, State.PROPOSED}),
    (Step.ACCEPTED, State.PROPOSED): frozenset({State.ACCEPTED}),
    (Step.REFUSED_ELSEWHERE, State.PROPOSED): frozenset({State.TERMINATED}),
    (Step.ABORTED, State.PROPOSED): frozenset({State.CANCELLED}),
    (Step.FROZEN, State.PROPOSED): frozenset({State.ON_HOLD}),
    (Step.RECEIVED, State.ACCEPTED): frozenset({State.COMPLETED}),
}

TRANSITIONS = frozenset((before, after) for (_, before), following in STEPS.items() for after in following)
FINAL = frozenset(State) - {before for before, _ in TRANSITIONS}


def may_take(step: Step, state: State) -> bool:
    """Return whether a transaction in a state may take a step (checks 3002 and 3003)."""
    return (step, state) in STEPS
