"""Issue units under a cap: the only way a unit comes to be."""

from datetime import datetime

from accounts.rules.access import Actor
from registry import ledger
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.judging import decide, names_of, refuse_what_was_answered, told
from registry.operations.outcome import AnswerKey, Outcome, Refused
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
        facts = ledger.read(database, [proposal], actor=actor, now=now, key=names_of(key))
        refuse_what_was_answered(key, facts.answer)
        judged = ledger.context(proposal, facts, actor=actor, now=now)

        def series() -> int:
            return ledger.series_of(database, cap_id, project=project, period=period)

        return decide(database, judged, actor=actor, now=now, key=key, series=series)

    return told(in_one_database_transaction(story))
