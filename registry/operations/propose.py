"""Propose a transaction: the story of every movement of units but issuance."""

from datetime import datetime

from accounts.rules.access import Actor
from registry import ledger
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.judging import decide, names_of, refuse_what_was_answered, settled, told
from registry.operations.outcome import AnswerKey, Outcome, Refused
from registry.rules.proposal import Proposal


def propose(proposal: Proposal, *, actor: Actor, now: datetime, key: AnswerKey | None = None) -> Outcome:
    """Judge a proposal and carry it out, or let it wait for approval or its delay with its units reserved, or refuse it.

    Quantities are units of 1 t CO2e; `now` is the registry's clock, UTC. Source: domain.md sections 5 and 6.

    Raises: Refused with all failures; AnsweredBefore with the first answer when `key` was used for the same request.
    """

    def story(database: DatabaseTransaction) -> Outcome | Refused:
        facts = ledger.read(database, [proposal], actor=actor, now=now, key=names_of(key))
        refuse_what_was_answered(key, facts.answer)
        judged = settled(database, ledger.context(proposal, facts, actor=actor, now=now))
        return decide(database, judged, actor=actor, now=now, key=key)

    return told(in_one_database_transaction(story))
