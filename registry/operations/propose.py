"""Propose a transaction: the story of every movement of units but issuance."""

from datetime import datetime

from accounts.rules.access import Actor
from registry import ledger
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.outcome import (
    AnsweredBefore,
    AnswerKey,
    Outcome,
    Refused,
    accepted,
    refused,
    with_answer,
)
from registry.operations.terms import terms_of_proposal
from registry.rules import checks
from registry.rules.proposal import Proposal
from registry.settlement import settlement_for


def propose(proposal: Proposal, *, actor: Actor, now: datetime, key: AnswerKey | None = None) -> Outcome:
    """Judge a proposal and carry it out, or let it wait for approval or its delay with its units reserved, or refuse it.

    Quantities are units of 1 t CO2e; `now` is the registry's clock, UTC. Source: domain.md sections 5 and 6.

    Raises: Refused with all failures; AnsweredBefore with the first answer when `key` was used for the same request.
    """

    def story(database: DatabaseTransaction) -> Outcome | Refused:
        facts = ledger.read(
            database, [proposal], actor=actor, now=now, key=None if key is None else (key.principal, key.key)
        )
        if key is not None and facts.answer is not None:
            if facts.answer.digest != key.digest:
                return Refused((checks.key_names_one_request(key.key),))
            raise AnsweredBefore(facts.answer)
        judged = ledger.context(proposal, facts, actor=actor, now=now)
        failures = checks.run(judged) + settlement_for("internal").checks(judged)
        if failures:
            refusal, plan = refused(judged, failures, actor=actor, now=now)
            ledger.record(database, with_answer(plan, key, refusal))
            return refusal
        terms = terms_of_proposal(judged)
        # After this point it must succeed.
        outcome, plan = accepted(judged, actor=actor, now=now, terms=terms)
        ledger.apply(database, with_answer(plan, key, outcome))
        return outcome

    result = in_one_database_transaction(story)
    if isinstance(result, Refused):
        raise result
    return result
