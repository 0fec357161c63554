"""Undo a completed transaction by a new one that names it: a reversal, or a correction of the registry's own error."""

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from uuid import UUID

from accounts.refusals import NotFound
from accounts.rules.access import Actor
from registry import ledger
from registry.database_transaction import DatabaseTransaction, in_one_database_transaction
from registry.operations.judging import decide, names_of, refuse_what_was_answered, settled, told
from registry.operations.outcome import AnswerKey, Outcome, Refused
from registry.rules import checks
from registry.rules.proposal import Line, Proposal
from registry.rules.types import TYPES

# Which type undoes which.
UNDONE_BY: Mapping[str, str] = {undone: row.code for row in TYPES.values() for undone in row.undoes}


def reverse(
    original_id: UUID,
    *,
    reason: str,
    actor: Actor,
    now: datetime,
    reference: str = "",
    key: AnswerKey | None = None,
) -> Outcome:
    """Propose to undo a transaction: all the same serials, still there and free, back to where they came from, or nothing.

    By a registry administrator of its jurisdiction; a senior one approves. Once only, within the dated limit. A transfer between
    different holders is undone only with a `reference`: the holder's consent or a court's order. Source: domain.md section 5.

    Raises: NotFound; Refused with all failures; AnsweredBefore.
    """

    def story(database: DatabaseTransaction) -> Outcome | Refused:
        # The original's row is locked, so two reversals of it are judged one after the other.
        original = ledger.waiting(database, str(original_id), names_of(key))
        if original is None or not actor.administers(original.jurisdiction):
            raise NotFound("transaction")
        refuse_what_was_answered(key, original.answer)
        kind = UNDONE_BY.get(original.proposal.type)
        if kind is None:
            return Refused(checks.not_undone(original.id))
        proposal = Proposal(kind, _back(original.proposal), reverses=original.id, reference=reference, reason=reason)
        facts = ledger.read(database, [proposal], actor=actor, now=now)
        judged = settled(database, ledger.context(proposal, facts, actor=actor, now=now))
        return decide(database, judged, actor=actor, now=now, key=key)

    return told(in_one_database_transaction(story))


def _back(proposal: Proposal) -> tuple[Line, ...]:
    """The lines of the original the other way round, one for each pair of accounts and series."""
    lines = [line for line in proposal.lines if line.transferring is not None]
    ways = groupby(
        lines,
        key=lambda line: (
            line.acquiring, line.transferring, line.registry, line.unit_type, line.vintage, line.recognition
        ),
    )  # fmt: skip
    back = []
    for (sender, acquirer, registry, unit_type, vintage, recognition), same in ways:
        serials = tuple(one for line in same for one in line.serials)
        quantity = sum(one.quantity for one in serials)
        back.append(Line(sender, str(acquirer), quantity, registry, unit_type, vintage, recognition, serials))
    return tuple(back)
