"""Propose many transactions at once, in as many round trips as one."""

from collections.abc import Sequence
from datetime import datetime

from accounts.rules.access import Actor
from registry import ledger
from registry.operations.outcome import Outcome, Refused, completed, refused
from registry.rules import checks
from registry.rules.proposal import Proposal
from registry.settlement import settlement_for


class BatchRefused(Exception):
    """An all-or-nothing batch was refused: the refusals by place; nothing moved."""

    def __init__(self, refusals: dict[int, Refused]) -> None:
        super().__init__(f"{len(refusals)} refused")
        self.refusals = refusals


def propose_batch(
    proposals: Sequence[Proposal], *, actor: Actor, now: datetime, all_or_nothing: bool = False
) -> list[Outcome | Refused]:
    """Judge proposals in their order, each on what the earlier ones left, and carry out the accepted ones in one commit.

    The sorted union of the accounts is locked first, so two batches never deadlock. With `all_or_nothing`, one refusal
    leaves everything as it was. One result per proposal, in order.

    Raises: BatchRefused when `all_or_nothing` and any proposal is refused.
    """

    def story() -> list[Outcome | Refused]:
        facts = ledger.read(proposals, actor=actor, now=now)
        results: list[Outcome | Refused] = []
        accepted, refusals = ledger.Plan(), ledger.Plan()
        for proposal in proposals:
            judged = ledger.context(proposal, facts, actor=actor, now=now)
            failures = checks.run(judged) + settlement_for("internal").checks(judged)
            result: Outcome | Refused
            if failures:
                ledger.give_back(judged, facts)
                result, plan = refused(judged, failures, actor=actor, now=now)
                refusals.entries.extend(plan.entries)
            else:
                result, plan = completed(judged, actor=actor, now=now)
                _append(accepted, plan)
            results.append(result)
        if refusals.entries and (all_or_nothing or not accepted.transactions):
            ledger.record(refusals)
            return results
        # After this point it must succeed.
        accepted.entries.extend(refusals.entries)
        ledger.apply(accepted)
        return results

    results = ledger.in_one_database_transaction(story) if proposals else []
    refusals = {place: result for place, result in enumerate(results) if isinstance(result, Refused)}
    if all_or_nothing and refusals:
        raise BatchRefused(refusals)
    return results


def _append(batch: ledger.Plan, plan: ledger.Plan) -> None:
    """Add one transaction's plan; its ranges name it by its place among the transactions."""
    place = len(batch.transactions)
    batch.transactions.extend(plan.transactions)
    batch.ranges.extend([place, *row[1:]] for row in plan.ranges)
    batch.entries.extend(plan.entries)
