"""Issue units under a cap: the only way a unit comes to be."""

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
from registry.rules.proposal import Line, Proposal


def issue(
    *,
    cap_id: int,
    acquiring: str,
    quantity: int,
    actor: Actor,
    now: datetime,
    project: str = "",
    period: str = "",
    client_reference: str = "",
    key: AnswerKey | None = None,
) -> Outcome:
    """Mint the next serials of a registry into its issuance account, under a cap of their type and vintage.

    `quantity` is in units of 1 t CO2e. The cap row and then the registry's open block are locked, so serials are taken in
    order and none twice. Source: domain.md sections 4 and 5 (issuance 1-0).

    Raises: Refused with all failures; AnsweredBefore with the first answer when `key` was used for the same request.
    """
    line = Line(transferring=None, acquiring=acquiring, quantity=quantity)
    proposal = Proposal(type="1-0", lines=(line,), cap=cap_id, client_reference=client_reference)

    def story(database: DatabaseTransaction) -> Outcome | Refused:
        facts = ledger.read(
            database, [proposal], actor=actor, now=now, key=None if key is None else (key.principal, key.key)
        )
        if key is not None and facts.answer is not None:
            if facts.answer.digest != key.digest:
                return Refused((checks.key_names_one_request(key.key),))
            raise AnsweredBefore(facts.answer)
        judged = ledger.context(proposal, facts, actor=actor, now=now)
        failures = checks.run(judged)
        if failures:
            refusal, plan = refused(judged, failures, actor=actor, now=now)
            ledger.record(database, with_answer(plan, key, refusal))
            return refusal
        terms = terms_of_proposal(judged)
        # After this point it must succeed.
        series_id = ledger.series_of(database, cap_id, project=project, period=period)
        outcome, plan = accepted(judged, actor=actor, now=now, terms=terms, series_id=series_id)
        ledger.apply(database, with_answer(plan, key, outcome))
        return outcome

    result = in_one_database_transaction(story)
    if isinstance(result, Refused):
        raise result
    return result
