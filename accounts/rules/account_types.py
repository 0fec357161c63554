"""The account types: one frozen row each (domain.md section 3). A type's name is the text `account-type.<code>`, or the
jurisdiction's own, `account-type.OHA.JP-13`.

The database holds its own copy of what its constraints need (migrations/sql/0002_account_types.sql); a test compares.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class HolderKind(StrEnum):
    """What an account holder is."""

    ORGANISATION = "organisation"
    PERSON = "person"
    AUTHORITY = "authority"


class UnitKind(StrEnum):
    """What a unit is: given out under a cap, earned by over-fulfilment, or earned by a project elsewhere."""

    ALLOWANCE = "allowance"
    CREDIT = "credit"
    OFFSET = "offset"


class Standing(StrEnum):
    """What units in an account count as in the conservation of units."""

    HELD = "held"
    SURRENDERED = "surrendered"
    CANCELLED = "cancelled"
    LAPSED = "lapsed"


class Family(StrEnum):
    """Families of transaction types, as far as an account type allows them."""

    ISSUANCE = "issuance"
    ALLOCATION = "allocation"
    AUCTION_DELIVERY = "auction-delivery"
    TRANSFER = "transfer"
    EXTERNAL_TRANSFER = "external-transfer"
    SURRENDER = "surrender"
    CANCELLATION = "cancellation"
    MANDATORY_CANCELLATION = "mandatory-cancellation"
    RETURN = "return"
    CARRY_OVER = "carry-over"
    CONVERSION = "conversion"
    CLOSURE = "closure"
    LAPSE = "lapse"
    REVERSAL = "reversal"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class AccountType:
    """One type. `for_installation`: an account of it belongs to one installation."""

    code: str
    holders: frozenset[HolderKind]
    unit_kinds: frozenset[UnitKind]
    may_send: frozenset[Family]
    may_receive: frozenset[Family]
    administrative: bool = False
    for_installation: bool = False
    standing: Standing = Standing.HELD

    @property
    def retires(self) -> bool:
        """Whether units in such an account never move again, except by a reversal."""
        return self.standing is not Standing.HELD


_AUTHORITY = frozenset({HolderKind.AUTHORITY})
_ANYONE = frozenset({HolderKind.ORGANISATION, HolderKind.PERSON})
_ORGANISATION = frozenset({HolderKind.ORGANISATION})
_ANY_UNIT = frozenset(UnitKind)
_UNDONE = frozenset({Family.REVERSAL, Family.CORRECTION})
# What every account that holds units for somebody may take part in.
_OUT = frozenset(
    {
        Family.TRANSFER,
        Family.EXTERNAL_TRANSFER,
        Family.CANCELLATION,
        Family.MANDATORY_CANCELLATION,
        Family.CARRY_OVER,
        Family.CLOSURE,
        Family.LAPSE,
    }
)
_IN = frozenset(
    {
        Family.TRANSFER,
        Family.EXTERNAL_TRANSFER,
        Family.AUCTION_DELIVERY,
        Family.CARRY_OVER,
        Family.CLOSURE,
    }
)


def _administrative(code: str, sends: frozenset[Family], receives: frozenset[Family]) -> AccountType:
    return AccountType(code, _AUTHORITY, _ANY_UNIT, sends | _UNDONE, receives | _UNDONE, administrative=True)


def _retiring(code: str, standing: Standing, *receives: Family) -> AccountType:
    return AccountType(
        code,
        _AUTHORITY,
        _ANY_UNIT,
        frozenset({Family.REVERSAL}),
        frozenset(receives),
        administrative=True,
        standing=standing,
    )


_ROWS = (
    # Units come into being here and go on to the accounts they are given out or sold from.
    _administrative(
        "ISS",
        frozenset({Family.TRANSFER, Family.ALLOCATION, Family.AUCTION_DELIVERY, Family.MANDATORY_CANCELLATION}),
        frozenset({Family.ISSUANCE}),
    ),
    _administrative(
        "ALL",
        frozenset({Family.TRANSFER, Family.ALLOCATION, Family.MANDATORY_CANCELLATION, Family.LAPSE}),
        frozenset({Family.TRANSFER, Family.RETURN}),
    ),
    _administrative(
        "AUC",
        frozenset({Family.TRANSFER, Family.AUCTION_DELIVERY, Family.MANDATORY_CANCELLATION, Family.LAPSE}),
        frozenset({Family.TRANSFER}),
    ),
    _administrative(
        "RES",
        frozenset({Family.TRANSFER, Family.MANDATORY_CANCELLATION, Family.LAPSE}),
        frozenset({Family.TRANSFER, Family.RETURN}),
    ),
    _retiring("SUR", Standing.SURRENDERED, Family.SURRENDER),
    _retiring("CAN", Standing.CANCELLED, Family.CANCELLATION, Family.CONVERSION),
    _retiring("MCN", Standing.CANCELLED, Family.MANDATORY_CANCELLATION),
    _retiring("LAP", Standing.LAPSED, Family.LAPSE),
    # One escrow per link; what crosses it is the link's business alone.
    _administrative("LNK", frozenset({Family.EXTERNAL_TRANSFER}), frozenset({Family.EXTERNAL_TRANSFER})),
    # Where the part of surrendered foreign units goes that a discount leaves uncounted, if the agreement pools it, and where the
    # registry's own units are set aside that cover a rate above one.
    _administrative(
        "MRG", frozenset({Family.MANDATORY_CANCELLATION}), frozenset({Family.SURRENDER, Family.AUCTION_DELIVERY})
    ),
    AccountType(
        "OHA",
        _ANYONE | _AUTHORITY,
        _ANY_UNIT,
        _OUT | _UNDONE | {Family.SURRENDER, Family.RETURN, Family.CONVERSION},
        _IN | _UNDONE | {Family.ALLOCATION},
        for_installation=True,
    ),
    AccountType("TRA", _ANYONE, _ANY_UNIT, _OUT | _UNDONE, _IN | _UNDONE),
    AccountType("EXS", _ORGANISATION, _ANY_UNIT, _OUT | _UNDONE, _IN | _UNDONE),
)

ACCOUNT_TYPES: Mapping[str, AccountType] = {row.code: row for row in _ROWS}
