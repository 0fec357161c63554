"""Propose many transactions at once, in as many round trips as one where they do not bear on one another."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from accounts.rules.access import Actor
from audit import entries
from registry import ledger
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.facts import Facts
from registry.operations.judging import failures_of, names_of, refuse_what_was_answered, settled
from registry.operations.outcome import AnswerKey, Outcome, Refused, accepted, refused, with_answer
from registry.operations.terms import TermsReader
from registry.plan import Plan
from registry.rules.proposal import Proposal
from registry.rules.types import TYPES, Effect


class BatchRefused(Exception):
    """An all-or-nothing batch was refused: the refusals by place; nothing moved."""

    def __init__(self, refusals: dict[int, Refused]) -> None:
        super().__init__(f"{len(refusals)} refused")
        self.refusals = refusals


def propose_batch(
    proposals: Sequence[Proposal],
    *,
    actor: Actor,
    now: datetime,
    all_or_nothing: bool = False,
    key: AnswerKey | None = None,
) -> list[Outcome | Refused]:
    """Judge proposals as if proposed one after another, and write the accepted ones in one commit.

    The sorted union of the accounts is locked first, so two batches never deadlock. With `all_or_nothing`, one refusal
    leaves everything as it was. One result per proposal, in order. The statements do not grow in number with the proposals, but
    with how often one bears on an earlier one: it sends on what that received, or may draw the same units by another rule.

    Raises: BatchRefused when `all_or_nothing` and any proposal is refused; Refused when `key` named another request;
    AnsweredBefore with the first answer when it named this one.
    """

    def story(database: DatabaseTransaction) -> list[Outcome | Refused]:
        facts = ledger.read(database, proposals, actor=actor, now=now, key=names_of(key))
        refuse_what_was_answered(key, facts.answer)
        waves = list(_waves(proposals))
        batch = _Batch(database, actor, now, all_or_nothing, key)
        return batch.at_once(proposals, facts) if len(waves) == 1 else batch.in_waves(waves)

    results = in_one_database_transaction(story) if proposals else []
    refusals = _refusals(results)
    if all_or_nothing and refusals:
        raise BatchRefused(refusals)
    return results


def _refusals(results: Sequence[Outcome | Refused]) -> dict[int, Refused]:
    return {place: result for place, result in enumerate(results) if isinstance(result, Refused)}


def _waves(proposals: Sequence[Proposal]) -> Iterator[Sequence[Proposal]]:
    """Cut proposals into runs, each as long as it can be, within which none bears on another but by what it leaves."""
    begun = 0
    while begun < len(proposals):
        end = begun + 2
        while end < len(proposals) and not _meet(proposals[begun:end]):
            end = begun + 2 * (end - begun)
        # More proposals meet where fewer do, so the first end at which they meet is found by halving.
        ends = range(begun + 2, min(end, len(proposals)) + 1)
        wave = 1 + bisect_left(ends, True, key=lambda stop: _meet(proposals[begun:stop]))
        yield proposals[begun : begun + wave]
        begun += wave


def _meet(proposals: Sequence[Proposal]) -> bool:
    """Whether one proposal may bear on another but by what it leaves.

    It sends what another receives, names serials that another names or may select, selects by other rules from what another
    selects from, or takes from a quota that another may take from.
    """
    if _share_quotas(proposals):
        return True
    lines = [line for proposal in proposals for line in proposal.lines]
    received = {line.acquiring for line in lines}
    if any(line.transferring in received for line in lines):
        return True
    named = sorted((part.registry, part.first, part.next) for line in lines for part in line.serials)
    if any(left[0] == right[0] and right[1] < left[2] for left, right in pairwise(named)):
        return True
    selectors = {
        (line.transferring, line.registry, line.unit_type, line.recognition or 0, line.vintage, proposal.obligation)
        for proposal in proposals
        for line in proposal.lines
        if not line.serials
    }
    selected_from = {selector[0] for selector in selectors}
    if any(line.serials and line.transferring in selected_from for line in lines):
        return True
    # Two that say different vintages select different units; one that says none selects from all of them.
    vintages: dict[tuple[str | int | None, ...], list[int | None]] = {}
    for *units, vintage, _ in selectors:
        vintages.setdefault(tuple(units), []).append(vintage)
    return any(len(said) > 1 and (None in said or len(set(said)) < len(said)) for said in vintages.values())


def _share_quotas(proposals: Sequence[Proposal]) -> bool:
    """Whether two cross a link, or surrender what may be from abroad for one obligation: one takes what the other left."""
    if sum(TYPES[proposal.type].effect is Effect.CROSS for proposal in proposals) > 1:
        return True
    obligations = [
        proposal.obligation
        for proposal in proposals
        if proposal.obligation is not None and any(line.serials or line.recognition for line in proposal.lines)
    ]
    return len(set(obligations)) < len(obligations)


@dataclass(slots=True)
class _Batch:
    """One batch on its way: who asks, when, how, and where its rules are read from."""

    database: DatabaseTransaction
    actor: Actor
    now: datetime
    all_or_nothing: bool
    key: AnswerKey | None
    terms: TermsReader = field(default_factory=TermsReader)
    references: set[tuple[str | None, str]] = field(default_factory=set)

    def at_once(self, proposals: Sequence[Proposal], facts: Facts) -> list[Outcome | Refused]:
        """Judge all on one reading of the facts and write all at once: as many round trips as for one."""
        results, batch, refusals = self._judge_all(proposals, facts)
        if refusals.entries and (self.all_or_nothing or not batch.transactions):
            ledger.record(self.database, self._answered(refusals, results))
            return results
        # After this point it must succeed.
        batch.entries.extend(refusals.entries)
        ledger.apply(self.database, self._answered(batch, results))
        return results

    def in_waves(self, waves: Sequence[Sequence[Proposal]]) -> list[Outcome | Refused]:
        """Judge and write one wave after another, in one database transaction, whose accounts are locked already."""
        results: list[Outcome | Refused] = []
        refusals = Plan()
        self.database.savepoint()
        for wave in waves:
            facts = ledger.read(self.database, wave, actor=self.actor, now=self.now)
            judged, batch, refused_now = self._judge_all(wave, facts)
            refusals.entries.extend(refused_now.entries)
            if batch.transactions:
                ledger.apply(self.database, batch, last=False)
            results.extend(judged)
        if refusals.entries and self.all_or_nothing:
            self.database.back_to_savepoint()
        if refusals.entries or self.key is not None:
            ledger.record(self.database, self._answered(refusals, results))
        return results

    def _judge_all(self, proposals: Sequence[Proposal], facts: Facts) -> tuple[list[Outcome | Refused], Plan, Plan]:
        """Judge proposals as if one after another; return their results, what the accepted write, and what the refused do."""
        results: list[Outcome | Refused] = []
        batch, refusals = Plan(), Plan()
        for proposal in proposals:
            result, plan = self._judge(proposal, facts)
            if isinstance(result, Refused):
                refusals.entries.extend(plan.entries)
            else:
                _append(batch, plan)
            results.append(result)
        return results, batch, refusals

    def _judge(self, proposal: Proposal, facts: Facts) -> tuple[Outcome | Refused, Plan]:
        judged = ledger.context(
            proposal, facts, actor=self.actor, now=self.now, references_before=frozenset(self.references)
        )
        judged = settled(self.database, judged)
        failures = failures_of(judged)
        if failures:
            ledger.give_back(judged, facts)
            return refused(judged, failures, actor=self.actor, now=self.now)
        self.references |= {(line.transferring, proposal.client_reference) for line in proposal.lines}
        return accepted(judged, actor=self.actor, now=self.now, terms=self.terms.of_proposal(judged))

    def _answered(self, plan: Plan, results: list[Outcome | Refused]) -> Plan:
        """Add the answer for the batch's key, and the entry that tells of the batch as a whole."""
        if self.key is None:
            return plan
        refusals = _refusals(results)
        plan.entries.extend(
            entries.rows(
                registry="",
                event="transaction.batch",
                occurred_at=self.now,
                actor=self.actor.name,
                subject="",
                content={"proposals": len(results), "refused": len(refusals), "all_or_nothing": self.all_or_nothing},
            )
        )
        return with_answer(plan, self.key, BatchRefused(refusals) if self.all_or_nothing and refusals else results)


def _append(batch: Plan, plan: Plan) -> None:
    """Add one transaction's plan; its ranges name it by its place among the transactions."""
    place = len(batch.transactions)
    batch.transactions.extend(plan.transactions)
    batch.ranges.extend([place, *row[1:]] for row in plan.ranges)
    batch.entries.extend(plan.entries)
    batch.sinks |= plan.sinks
