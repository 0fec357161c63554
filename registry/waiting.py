"""A transaction as `registry_waiting` tells of it, and the proposal that it was."""

from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from registry.facts import StoredAnswer, instant, stored_answer
from registry.rules.proposal import Line, Proposal, SerialRange
from registry.rules.states import State


@dataclass(frozen=True, slots=True)
class Waiting:
    """A transaction as it stands under lock, with what it proposed in the words of a proposal. Times are UTC.

    `pieces` are the ranges it has reserved, in their order; none where its type can reserve nothing.
    """

    id: str
    state: State
    proposal: Proposal
    quantity: int
    series_id: int | None
    transferring: str | None
    acquiring: str
    jurisdiction: str
    initiator_id: int | None
    approver_id: int | None
    proposed_at: datetime
    expires_at: datetime | None
    due_at: datetime | None
    answer: StoredAnswer | None


def waiting_from(row: dict[str, Any], answer: dict[str, Any] | None) -> Waiting:
    """Turn a row and the first answer to its key, as `registry_waiting` answers them, into a transaction."""
    return Waiting(
        id=row["id"],
        state=State(row["state"]),
        proposal=_proposal(row),
        quantity=row["quantity"],
        series_id=row["series_id"],
        transferring=row["transferring"],
        acquiring=row["acquiring"],
        jurisdiction=row["jurisdiction"],
        initiator_id=row["initiator_id"],
        approver_id=row["approver_id"],
        proposed_at=datetime.fromisoformat(row["proposed_at"]),
        expires_at=instant(row["expires_at"]),
        due_at=instant(row["due_at"]),
        answer=stored_answer(answer),
    )


def _proposal(row: dict[str, Any]) -> Proposal:
    """The proposal of a recorded transaction: its ranges named, one line for each pair of accounts and series in a row."""
    lines: list[Line] = []
    for names, ranges in groupby(row["ranges"], key=lambda part: tuple(part[:7])):
        transferring, acquiring, registry, unit_type, vintage, recognition, becomes = names
        serials = tuple(SerialRange(registry, first, following) for *_, first, following in ranges)
        quantity = sum(one.quantity for one in serials)
        lines.append(
            Line(transferring, acquiring, quantity, registry, unit_type, vintage, recognition, serials, becomes)
        )
    if not lines:
        lines.append(Line(row["transferring"], row["acquiring"], row["quantity"]))
    return Proposal(
        type=row["type_id"],
        lines=tuple(lines),
        obligation=row["obligation_id"],
        allocation=row["allocation_id"],
        cap=row["cap_id"],
        returns=row["returns_id"],
        reverses=row["reverses_id"],
        reference=row["reference"],
        reason=row["reason"],
        beneficiary=row["beneficiary"],
        client_reference=row["client_reference"],
    )
