"""The types of transaction: one frozen row each (domain.md section 5; codes of the Data Exchange Standards).

Which accounts may take part is said once, in the table of account types, by family. The database holds its own literal copy
(migrations/sql/0007_transaction_types.sql); a test compares the two. A type's name is the text `transaction-type.<code>`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from accounts.rules.account_types import ACCOUNT_TYPES, Family
from accounts.rules.statuses import Movement


class Effect(StrEnum):
    """What a transaction does to its units: make them, give them another holder, retire them for ever, undo retiring, carry them
    over, where they are, into another period, retire them and make as many of another type in their place, or bring them from one
    registry into another, where they count as that one recognises them."""

    MINT = "mint"
    MOVE = "move"
    RETIRE = "retire"
    RESTORE = "restore"
    CARRY = "carry"
    CONVERT = "convert"
    CROSS = "cross"


class Approval(StrEnum):
    """Who must approve what somebody initiated: nobody, since a record was approved before; a second person of the same side."""

    RECORD = "record"
    REPRESENTATIVE = "representative"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class TransactionType:
    """One type. `movement`: what it does to the transferring account, as that account's status must allow.

    `by_order`: proposed by a registry administrator only, whoever holds the units. `undoes`: the types it reverses.
    `delayed`: waits where the acquiring account is not trusted. `limited`: counts against the limits of the transferring account.
    """

    code: str
    family: Family
    effect: Effect
    movement: Movement
    by_order: bool = False
    within_one_registry: bool = True
    needs_obligation: bool = False
    needs_allocation: bool = False
    undoes: tuple[str, ...] = ()
    needs_excess: bool = False
    needs_case: bool = False
    needs_reason: bool = False
    delayed: bool = False
    limited: bool = False

    @property
    def needs_original(self) -> bool:
        """Whether it names the transaction that it undoes: a reversal or a correction."""
        return bool(self.undoes)

    @property
    def approval(self) -> Approval:
        """Who must approve it."""
        if self.needs_allocation or self.needs_case:
            return Approval.RECORD
        return Approval.ADMINISTRATOR if self.by_order else Approval.REPRESENTATIVE

    @property
    def reserves(self) -> bool:
        """Whether it can reserve its units while it waits: not those that are yet to be issued, nor retired ones."""
        return self.effect not in {Effect.MINT, Effect.RESTORE}

    @property
    def event(self) -> str:
        """The log's name for such a transaction."""
        return f"transaction.{self.family}"

    @property
    def from_types(self) -> tuple[str, ...]:
        """Codes of the account types it may come from, sorted; none where units are issued."""
        return tuple(sorted(code for code, row in ACCOUNT_TYPES.items() if self.family in row.may_send))

    @property
    def to_types(self) -> tuple[str, ...]:
        """Codes of the account types it may go to, sorted."""
        return tuple(sorted(code for code, row in ACCOUNT_TYPES.items() if self.family in row.may_receive))


_ROWS = (
    TransactionType("1-0", Family.ISSUANCE, Effect.MINT, Movement.TRANSFER_OUT, by_order=True),
    TransactionType(
        "10-40", Family.ALLOCATION, Effect.MOVE, Movement.TRANSFER_OUT, by_order=True, needs_allocation=True
    ),
    TransactionType("10-37", Family.AUCTION_DELIVERY, Effect.MOVE, Movement.TRANSFER_OUT, by_order=True),
    TransactionType("10-50", Family.TRANSFER, Effect.MOVE, Movement.TRANSFER_OUT, delayed=True, limited=True),
    # Across a link: out of the issuer's registry, home to it, or onward from one to another, each by recognition of the issuer.
    TransactionType(
        "3-0",
        Family.EXTERNAL_TRANSFER,
        Effect.CROSS,
        Movement.TRANSFER_OUT,
        within_one_registry=False,
        delayed=True,
        limited=True,
    ),
    # Stolen units that were found abroad go home to whom they were taken from, as a case says that two persons have decided
    # (linking.md section 6). The standards have no code for it; 3-55 is this registry's own.
    TransactionType(
        "3-55",
        Family.EXTERNAL_TRANSFER,
        Effect.CROSS,
        Movement.UNDO,
        by_order=True,
        within_one_registry=False,
        needs_case=True,
        needs_reason=True,
    ),
    TransactionType("10-2", Family.SURRENDER, Effect.RETIRE, Movement.SURRENDER, needs_obligation=True),
    TransactionType("4-0", Family.CANCELLATION, Effect.RETIRE, Movement.CANCEL, needs_reason=True),
    TransactionType(
        "4-48", Family.MANDATORY_CANCELLATION, Effect.RETIRE, Movement.CANCEL, by_order=True, needs_reason=True
    ),
    # What an account that closes still holds goes to another one.
    TransactionType("10-91", Family.CLOSURE, Effect.MOVE, Movement.TRANSFER_OUT, delayed=True, limited=True),
    # What was allocated too much goes back, within the excess that the authority determined.
    TransactionType("10-42", Family.RETURN, Effect.MOVE, Movement.RETURN, needs_excess=True),
    # Units of one period count in the next, as the dated rule `carry-over.<unit type>` says. They stay in their account.
    TransactionType("7-0", Family.CARRY_OVER, Effect.CARRY, Movement.CARRY_OVER),
    # Units of one type are retired and as many of another made in their place, in the operator's own account, as the dated rule
    # `conversion.<unit type>` says.
    TransactionType("2-0", Family.CONVERSION, Effect.CONVERT, Movement.CONVERT),
    # Units past their dated validity. The standards have no code for it; 4-99 is this registry's own.
    TransactionType("4-99", Family.LAPSE, Effect.RETIRE, Movement.LAPSE, by_order=True, needs_reason=True),
    # A reversal is a new transaction that names the one it undoes, with all the same serials or nothing.
    TransactionType(
        "10-82",
        Family.REVERSAL,
        Effect.RESTORE,
        Movement.UNDO,
        by_order=True,
        undoes=("10-2",),
        needs_reason=True,
    ),
    TransactionType(
        "10-190",
        Family.REVERSAL,
        Effect.RESTORE,
        Movement.UNDO,
        by_order=True,
        undoes=("4-0",),
        needs_reason=True,
    ),
    TransactionType(
        "10-41", Family.REVERSAL, Effect.MOVE, Movement.UNDO, by_order=True, undoes=("10-40",), needs_reason=True
    ),
    # For the registry's own error. Between different holders only with the holder's consent or a court's reference.
    TransactionType(
        "10-55",
        Family.CORRECTION,
        Effect.MOVE,
        Movement.UNDO,
        by_order=True,
        undoes=("10-50", "10-37", "10-91"),
        needs_reason=True,
    ),
)

TYPES: Mapping[str, TransactionType] = {row.code: row for row in _ROWS}
