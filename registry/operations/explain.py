"""Explain a proposal without making it: every check with its outcome, what would move, who would have to approve, when."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from accounts.rules.access import Actor
from registry import ledger
from registry.database_transaction import DatabaseTransaction
from registry.operations.judging import failures_of, settled
from registry.operations.outcome import MovedRange, ranges_of
from registry.operations.terms import Terms, terms_of_approval, terms_of_proposal
from registry.rules.approval import approval_of
from registry.rules.checks import Failure
from registry.rules.crossings import NOTHING_TOLD, Told
from registry.rules.proposal import Proposal
from registry.rules.types import Approval
from registry.settlement import settlement_of


@dataclass(frozen=True, slots=True)
class Explained:
    """What would become of a proposal. `terms` None: the checks refuse it. `after_approval`: what an approval now leads to.

    `told`: which corridors it would use, whether it would be accepted or not.
    """

    proposal: Proposal
    failures: tuple[Failure, ...]
    ranges: tuple[MovedRange, ...]
    approval: Approval | None
    terms: Terms | None
    after_approval: Terms | None
    told: Told = NOTHING_TOLD


def explain(proposal: Proposal, *, actor: Actor, now: datetime) -> Explained:
    """Judge a proposal in a read-only snapshot: no lock is taken, nobody is stalled, nothing changes, no entry is left.

    Source: domain.md section 5, `dry_run`. The ranges are those that would move if nothing else moved first.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        database = DatabaseTransaction()
        facts = ledger.read(database, [proposal], actor=actor, now=now, lock=False)
        judged = settled(database, ledger.context(proposal, facts, actor=actor, now=now), lock=False)
        failures = failures_of(judged)
        told = settlement_of(judged).told(judged)
        if failures:
            return Explained(proposal, failures, (), None, None, None, told)
        needed = approval_of(judged)
        return Explained(
            proposal,
            (),
            ranges_of(judged),
            needed,
            terms_of_proposal(judged),
            terms_of_approval(judged) if needed else None,
            told,
        )
