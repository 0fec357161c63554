"""The registry's tables, for reading. The ledger's are written by `registry.ledger` alone, through SQL functions."""

from registry.models.compliance import (
    Allocation,
    AllocationExcess,
    AllocationTable,
    Obligation,
    RecordedEmissions,
    StatusSnapshot,
)
from registry.models.ledger import Answer, Balance, Holding, Issue, Recognition, Series, UnitBlock
from registry.models.limits import DailyUse, HoldingLimit, Limit
from registry.models.periods import ExcessApplication, RecordedBase
from registry.models.transactions import Freeze, Transaction, TransactionBlock, TransactionStep, TransactionType
from registry.models.units import IssuanceCap, UnitType, UnitValidity

__all__ = [
    "Allocation",
    "AllocationExcess",
    "AllocationTable",
    "Answer",
    "Balance",
    "DailyUse",
    "ExcessApplication",
    "Freeze",
    "Holding",
    "HoldingLimit",
    "IssuanceCap",
    "Issue",
    "Limit",
    "Obligation",
    "Recognition",
    "RecordedBase",
    "RecordedEmissions",
    "Series",
    "StatusSnapshot",
    "Transaction",
    "TransactionBlock",
    "TransactionStep",
    "TransactionType",
    "UnitBlock",
    "UnitType",
    "UnitValidity",
]
