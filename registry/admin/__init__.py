"""The administration of units: the ledger to be read and searched, caps to be issued under, allocation tables to be run."""

from registry.admin import compliance, freezes, issuing, ledger, limits, periods, recording, transactions

__all__ = ["compliance", "freezes", "issuing", "ledger", "limits", "periods", "recording", "transactions"]
