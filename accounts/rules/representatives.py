"""What an authorised representative of an account may do (domain.md sections 1 and 3)."""

from collections.abc import Mapping
from enum import StrEnum


class Rights(StrEnum):
    """The right a holder gives to a representative of one account."""

    READ_ONLY = "READ_ONLY"
    INITIATE = "INITIATE"
    APPROVE = "APPROVE"
    INITIATE_AND_APPROVE = "INITIATE_AND_APPROVE"
    SURRENDER = "SURRENDER"


class RepresentativeState(StrEnum):
    """Where a nomination stands. REMOVED and REJECTED are final: the person is nominated anew."""

    REQUESTED = "REQUESTED"
    ACTIVE = "ACTIVE"
    SUSPENDED = "SUSPENDED"
    REMOVED = "REMOVED"
    REJECTED = "REJECTED"


class Action(StrEnum):
    """What a representative may want to do with the account."""

    READ = "read"
    INITIATE = "initiate"
    APPROVE = "approve"
    INITIATE_SURRENDER = "initiate_surrender"


PERMITTED: Mapping[Rights, frozenset[Action]] = {
    Rights.READ_ONLY: frozenset({Action.READ}),
    Rights.INITIATE: frozenset({Action.READ, Action.INITIATE, Action.INITIATE_SURRENDER}),
    Rights.APPROVE: frozenset({Action.READ, Action.APPROVE}),
    Rights.INITIATE_AND_APPROVE: frozenset({Action.READ, Action.INITIATE, Action.INITIATE_SURRENDER, Action.APPROVE}),
    Rights.SURRENDER: frozenset({Action.READ, Action.INITIATE_SURRENDER}),
}

# The trigger `representative_may_change` holds its own literal copy; a test compares the two.
STATE_TRANSITIONS: Mapping[RepresentativeState, frozenset[RepresentativeState]] = {
    RepresentativeState.REQUESTED: frozenset({RepresentativeState.ACTIVE, RepresentativeState.REJECTED}),
    RepresentativeState.ACTIVE: frozenset({RepresentativeState.SUSPENDED, RepresentativeState.REMOVED}),
    RepresentativeState.SUSPENDED: frozenset({RepresentativeState.ACTIVE, RepresentativeState.REMOVED}),
    RepresentativeState.REMOVED: frozenset(),
    RepresentativeState.REJECTED: frozenset(),
}

FINAL_STATES = frozenset(state for state, following in STATE_TRANSITIONS.items() if not following)


def right_permits(rights: Rights, action: Action) -> bool:
    """Return whether a representative with this right may do such a thing."""
    return action in PERMITTED[rights]


def state_may_become(state: RepresentativeState, following: RepresentativeState) -> bool:
    """Return whether a state of a nomination may follow another."""
    return following in STATE_TRANSITIONS[state]
