"""The good-faith clause: what becomes of stolen units that a buyer abroad holds (linking.md section 6).

People answer for one fact, whether who holds the units acquired them for value before the notice; the clause of the terms that
they came by says the rest. PostgreSQL holds the same rule (linking/migrations/sql/0004_holds.sql).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from linking.rules.terms import GoodFaith
from registry.rules.freezes import Objection


class CaseOutcome(StrEnum):
    """Who has the units in the end: whoever holds them, or whom they were taken from."""

    KEEP = "keep"
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What a case of theft is proposed by. `clause`: of the terms that the units came by; `are_abroad`: not at home again.

    `hold_is_confirmed`: the freeze of the registry's own that took the hold's place still stands. `victim_is_at_home`: the
    account named is of the issuer's registry; None: none is named.
    """

    clause: GoodFaith
    are_abroad: bool
    hold_is_confirmed: bool
    release_is_requested: bool
    has_case: bool
    acquired_for_value: bool
    evidence: str
    reference: str
    victim_is_at_home: bool | None

    @property
    def outcome(self) -> CaseOutcome:
        """What the clause says of it."""
        return outcome_of(self.clause, acquired_for_value=self.acquired_for_value)


def outcome_of(clause: GoodFaith, *, acquired_for_value: bool) -> CaseOutcome:
    """Return what becomes of units: a buyer for value keeps them where the clause says so; else they go home."""
    is_kept = clause is GoodFaith.BUYER_KEEPS and acquired_for_value
    return CaseOutcome.KEEP if is_kept else CaseOutcome.RETURN


def objections_to_case(facts: CaseFacts) -> Iterator[Objection]:
    """Yield what a case lacks. A return names an account at home and the court's or authority's reference; no other case does."""
    goes_home = facts.outcome is CaseOutcome.RETURN
    if not facts.hold_is_confirmed:
        yield Objection("hold-is-not-confirmed")
    if facts.release_is_requested:
        yield Objection("freeze-release-is-requested")
    if facts.has_case:
        yield Objection("case-is-open")
    if not facts.evidence.strip():
        yield Objection("evidence-missing", "evidence")
    if goes_home and not facts.are_abroad:
        yield Objection("units-are-at-home")
    if goes_home and not facts.victim_is_at_home:
        yield Objection("victim-is-not-at-home", "victim")
    if not goes_home and facts.victim_is_at_home is not None:
        yield Objection("buyer-keeps-the-units", "victim")
    if goes_home and not facts.reference.strip():
        yield Objection("order-reference-missing", "reference")
