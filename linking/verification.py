"""Verifies the links hosted here: what is signed, what crossed and counts, quotas and margins, all derived anew.

`registry.verification` asks these queries in its own snapshot (`REGISTRY_VERIFIERS`); linking/verification.sql has them. They
prove invariant I1 of linking.md section 5.1 by issuer and series, and what every corridor brought against what is there.
"""

from collections.abc import Mapping
from pathlib import Path

from registry.verification import equations_of

EQUATIONS: Mapping[str, str] = equations_of(Path(__file__).with_suffix(".sql"))

COUNTS: Mapping[str, str] = {
    "links": "SELECT count(*) FROM linking_link",
    "crossings": "SELECT count(DISTINCT b.transaction_id) FROM registry_transactionblock b JOIN registry_transaction t"
    " ON t.id = b.transaction_id WHERE t.type_id IN ('3-0', '3-55')",
    "quotas": "SELECT count(*) FROM linking_quota",
    "margins": "SELECT count(*) FROM linking_margin",
}


class LinkVerifier:
    """What links add to `manage.py verify_ledger`."""

    def equations(self) -> Mapping[str, str]:
        """Return the queries of this floor by the names of their equations."""
        return EQUATIONS

    def counts(self) -> Mapping[str, str]:
        """Return what of links was looked at."""
        return COUNTS
