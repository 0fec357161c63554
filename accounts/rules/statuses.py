"""Statuses of an account: what each still allows (domain.md section 3), and how one may follow another."""

from collections.abc import Mapping
from enum import StrEnum


class AccountStatus(StrEnum):
    """Where an account stands. CLOSED is final."""

    REQUESTED = "REQUESTED"
    OPEN = "OPEN"
    SOME_RESTRICTED = "SOME_RESTRICTED"
    ALL_RESTRICTED = "ALL_RESTRICTED"
    SUSPENDED = "SUSPENDED"
    CLOSURE_PENDING = "CLOSURE_PENDING"
    CLOSED = "CLOSED"


class Movement(StrEnum):
    """What a transaction does to one account."""

    TRANSFER_OUT = "transfer_out"
    TRANSFER_IN = "transfer_in"
    SURRENDER = "surrender"
    CANCEL = "cancel"
    RETURN = "return"
    CARRY_OVER = "carry_over"
    CONVERT = "convert"
    LAPSE = "lapse"
    UNDO = "undo"


_ALL = frozenset(Movement)
_NONE: frozenset[Movement] = frozenset()
# What the registry does by order, however the account stands.
_BY_ORDER = frozenset({Movement.LAPSE, Movement.UNDO})

# SOME_RESTRICTED: may surrender, return, carry over and convert, not transfer out (domain.md section 3). SUSPENDED shuts every
# way out but lets what others owe arrive. CLOSURE_PENDING only empties the account.
ALLOWED: Mapping[AccountStatus, frozenset[Movement]] = {
    AccountStatus.REQUESTED: _NONE,
    AccountStatus.OPEN: _ALL,
    AccountStatus.SOME_RESTRICTED: _BY_ORDER
    | {Movement.TRANSFER_IN, Movement.SURRENDER, Movement.RETURN, Movement.CARRY_OVER, Movement.CONVERT},
    AccountStatus.ALL_RESTRICTED: _BY_ORDER,
    AccountStatus.SUSPENDED: _BY_ORDER | {Movement.TRANSFER_IN},
    AccountStatus.CLOSURE_PENDING: _BY_ORDER
    | {Movement.TRANSFER_OUT, Movement.SURRENDER, Movement.CANCEL, Movement.RETURN},
    AccountStatus.CLOSED: _NONE,
}

# The trigger `account_status_may_change` holds its own literal copy; a test compares the two.
TRANSITIONS: Mapping[AccountStatus, frozenset[AccountStatus]] = {
    AccountStatus.REQUESTED: frozenset({AccountStatus.OPEN, AccountStatus.CLOSED}),
    AccountStatus.OPEN: frozenset(
        {
            AccountStatus.SOME_RESTRICTED,
            AccountStatus.ALL_RESTRICTED,
            AccountStatus.SUSPENDED,
            AccountStatus.CLOSURE_PENDING,
        }
    ),
    AccountStatus.SOME_RESTRICTED: frozenset(
        {
            AccountStatus.OPEN,
            AccountStatus.ALL_RESTRICTED,
            AccountStatus.SUSPENDED,
            AccountStatus.CLOSURE_PENDING,
        }
    ),
    AccountStatus.ALL_RESTRICTED: frozenset(
        {
            AccountStatus.OPEN,
            AccountStatus.SOME_RESTRICTED,
            AccountStatus.SUSPENDED,
            AccountStatus.CLOSURE_PENDING,
        }
    ),
    AccountStatus.SUSPENDED: frozenset(
        {
            AccountStatus.OPEN,
            AccountStatus.SOME_RESTRICTED,
            AccountStatus.ALL_RESTRICTED,
            AccountStatus.CLOSURE_PENDING,
        }
    ),
    AccountStatus.CLOSURE_PENDING: frozenset({AccountStatus.OPEN, AccountStatus.CLOSED}),
    AccountStatus.CLOSED: frozenset(),
}


def status_allows(status: AccountStatus, movement: Movement) -> bool:
    """Return whether an account of this status takes part in such a movement."""
    return movement in ALLOWED[status]


def may_become(status: AccountStatus, following: AccountStatus) -> bool:
    """Return whether a status may follow another."""
    return following in TRANSITIONS[status]
