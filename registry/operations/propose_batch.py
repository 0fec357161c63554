"""Propose many transactions at once, in as many round trips as one where they do not bear on one another."""

from collections.abc import Sequence
from datetime import datetime

from accounts.rules.access import Actor
from registry import ledger
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.outcome import Outcome, Refused, accepted, refused
from registry.operations.terms import terms_of_proposal
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
    """Judge proposals as if proposed one after another, and carry out the accepted ones in one commit.

    The sorted union of the accounts is locked first, so two batches never deadlock. With `all_or_nothing`, one refusal
    leaves everything as it was. One result per proposal, in order.

    Raises: BatchRefused when `all_or_nothing` and any proposal is refused.
    """

    def story(database: DatabaseTransaction) -> list[Outcome | Refused]:
        facts = ledger.read(database, proposals, actor=actor, now=now)
        if _meet(proposals):
            return _one_by_one(database, proposals, actor, now, all_or_nothing)
        return _at_once(database, proposals, facts, actor, now, all_or_nothing)

    results = in_one_database_transaction(story) if proposals else []
    refusals = {place: result for place, result in enumerate(results) if isinstance(result, Refused)}
    if all_or_nothing and refusals:
        raise BatchRefused(refusals)
    return results


def _meet(proposals: Sequence[Proposal]) -> bool:
    """Whether one proposal may bear on another but by what it leaves.

    It names serials, sends what another receives, selects from what another selects from by another vintage or obligation, or
    uses another's client reference.
    """
    references = [
        (name, proposal.client_reference)
        for proposal in proposals
        if proposal.client_reference
        for name in {line.transferring for line in proposal.lines}
    ]
    if len(set(references)) < len(references):
        return True
    lines = [line for proposal in proposals for line in proposal.lines]
    received = {line.acquiring for line in lines}
    if any(line.serials or line.transferring in received for line in lines):
        return True
    selectors = {
        (line.transferring, line.registry, line.unit_type, line.recognition, line.vintage, proposal.obligation)
        for proposal in proposals
        for line in proposal.lines
    }
    return len({selector[:4] for selector in selectors}) < len(selectors)


def _at_once(
    database: DatabaseTransaction,
    proposals: Sequence[Proposal],
    facts: ledger.Facts,
    actor: Actor,
    now: datetime,
    all_or_nothing: bool,
) -> list[Outcome | Refused]:
    """Judge all on one reading of the facts and write all at once: as many round trips as for one."""
    results: list[Outcome | Refused] = []
    batch, refusals = ledger.Plan(), ledger.Plan()
    for proposal in proposals:
        judged = ledger.context(proposal, facts, actor=actor, now=now)
        failures = checks.run(judged) + settlement_for("internal").checks(judged)
        result: Outcome | Refused
        if failures:
            ledger.give_back(judged, facts)
            result, plan = refused(judged, failures, actor=actor, now=now)
            refusals.entries.extend(plan.entries)
        else:
            result, plan = accepted(judged, actor=actor, now=now, terms=terms_of_proposal(judged))
            _append(batch, plan)
        results.append(result)
    if refusals.entries and (all_or_nothing or not batch.transactions):
        ledger.record(database, refusals)
        return results
    # After this point it must succeed.
    batch.entries.extend(refusals.entries)
    ledger.apply(database, batch)
    return results


def _one_by_one(
    database: DatabaseTransaction, proposals: Sequence[Proposal], actor: Actor, now: datetime, all_or_nothing: bool
) -> list[Outcome | Refused]:
    """Judge and write each in its turn, in one database transaction, whose accounts are locked already."""
    results: list[Outcome | Refused] = []
    refusals = ledger.Plan()
    database.savepoint()
    for proposal in proposals:
        facts = ledger.read(database, [proposal], actor=actor, now=now)
        judged = ledger.context(proposal, facts, actor=actor, now=now)
        failures = checks.run(judged) + settlement_for("internal").checks(judged)
        result: Outcome | Refused
        if failures:
            result, plan = refused(judged, failures, actor=actor, now=now)
            refusals.entries.extend(plan.entries)
        else:
            result, plan = accepted(judged, actor=actor, now=now, terms=terms_of_proposal(judged))
            ledger.apply(database, plan, last=False)
        results.append(result)
    if refusals.entries:
        if all_or_nothing:
            database.back_to_savepoint()
        ledger.record(database, refusals)
    return results


def _append(batch: ledger.Plan, plan: ledger.Plan) -> None:
    """Add one transaction's plan; its ranges name it by its place among the transactions."""
    place = len(batch.transactions)
    batch.transactions.extend(plan.transactions)
    batch.ranges.extend([place, *row[1:]] for row in plan.ranges)
    batch.entries.extend(plan.entries)
    batch.sinks |= plan.sinks
