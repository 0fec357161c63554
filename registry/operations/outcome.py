"""What an operation answers, and how a decision becomes the plan that the ledger writes."""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.rules.access import Actor
from audit import entries
from registry.facts import StoredAnswer
from registry.identity import transaction_id
from registry.operations.terms import Terms
from registry.plan import Plan
from registry.rules.checks import Failure
from registry.rules.crossings import Recognised
from registry.rules.facts import Context
from registry.rules.states import State
from registry.rules.types import Effect
from registry.rules.warnings import DeadlineWarning
from registry.settlement import settlement_of


@dataclass(frozen=True, slots=True)
class MovedRange:
    """Serials `[first, next)` of one series that moved, with their accounts. Units of 1 t CO2e.

    `becomes`: the period that they are carried over into, or the unit type that they are converted into; empty: they stay
    what they are. `made_from`: the serials `[first, next)` that these were made in place of, one for one in their order.
    `recognition`, `to_recognition`: what they count as before and after, None where they are at home.
    """

    registry: str
    unit_type: str
    vintage: int
    first: int
    next: int
    transferring: str | None
    acquiring: str
    becomes: str = ""
    made_from: "MovedRange | None" = None
    recognition: Recognised | None = None
    to_recognition: Recognised | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A transaction as it was recorded."""

    transaction_id: UUID
    type: str
    state: str
    transferring: str | None
    acquiring: str
    quantity: int
    ranges: tuple[MovedRange, ...]
    obligation: int | None
    allocation: int | None
    reason: str
    beneficiary: str
    client_reference: str
    proposed_at: datetime
    completed_at: datetime | None
    returns: int | None = None
    reverses: str | None = None
    reference: str = ""
    expires_at: datetime | None = None
    due_at: datetime | None = None
    # Which deadlines are near while it waits.
    warnings: tuple[DeadlineWarning, ...] = ()
    # What only a reader of the transferring account learns: who acted, and why. Read with one transaction, not with a list.
    initiated_by: str | None = None
    steps: tuple["StepTaken", ...] = ()


@dataclass(frozen=True, slots=True)
class StepTaken:
    """One change of a transaction's state. `by` None: the registry itself, or not the reader's to know."""

    event: str
    from_state: str
    to_state: str
    at: datetime
    by: str | None
    reason: str
    failures: tuple[int, ...]


class Refused(Exception):
    """The checks refused a proposal; every failure is listed, and nothing moved."""

    def __init__(self, failures: tuple[Failure, ...]) -> None:
        super().__init__(", ".join(str(failure.code) for failure in failures))
        self.failures = failures


class AnsweredBefore(Exception):
    """The same request was answered already: this is the first answer, byte for byte."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__("answered before")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """An idempotency key: whose, which, the digest of the request, and how the edge prints its answer.

    `print_answer` returns the HTTP status and body to store with the effect, so that a repeated request gets the same bytes.
    """

    principal: str
    key: str
    digest: str
    print_answer: Callable[[Any], tuple[int, str]] = field(compare=False)


def accepted(
    judged: Context, *, actor: Actor, now: datetime, terms: Terms, series_id: int | None = None
) -> tuple[Outcome, Plan]:
    """Make the outcome of an accepted proposal, in the first state that its terms say, and the plan that writes it."""
    proposal, kind = judged.proposal, judged.type
    first_line = proposal.lines[0]
    is_completed = terms.state is State.COMPLETED
    outcome = Outcome(
        transaction_id=transaction_id(now),
        type=kind.code,
        state=terms.state,
        transferring=first_line.transferring,
        acquiring=first_line.acquiring,
        quantity=proposal.quantity,
        # What waits and cannot reserve its units names them when it completes.
        ranges=ranges_of(judged) if is_completed or kind.reserves else (),
        obligation=proposal.obligation,
        allocation=proposal.allocation,
        reason=proposal.reason,
        beneficiary=proposal.beneficiary,
        client_reference=proposal.client_reference,
        proposed_at=now,
        completed_at=now if is_completed else None,
        returns=proposal.returns,
        reverses=proposal.reverses,
        reference=proposal.reference,
        expires_at=terms.expires_at,
        due_at=terms.due_at,
        warnings=terms.warnings,
    )
    acquiring = judged.accounts[first_line.acquiring]
    transferring = None if first_line.transferring is None else judged.accounts[first_line.transferring]
    plan = Plan()
    plan.transactions.append(
        {
            "id": str(outcome.transaction_id),
            "type_id": kind.code,
            "state": outcome.state,
            "jurisdiction_id": (transferring or acquiring).jurisdiction_id,
            "transferring_id": None if transferring is None else transferring.id,
            "acquiring_id": acquiring.id,
            "quantity": outcome.quantity,
            "cap_id": proposal.cap,
            "series_id": series_id,
            "obligation_id": proposal.obligation,
            "allocation_id": proposal.allocation,
            "returns_id": proposal.returns,
            "reverses_id": proposal.reverses,
            "reference": proposal.reference,
            "reason": proposal.reason,
            "beneficiary": proposal.beneficiary,
            "client_reference": proposal.client_reference,
            "initiator_id": actor.user_id,
            "proposed_at": now.isoformat(),
            "completed_at": now.isoformat() if is_completed else None,
            "expires_at": terms.expires_at.isoformat() if terms.expires_at else None,
            "due_at": terms.due_at.isoformat() if terms.due_at else None,
        }
    )
    if outcome.ranges:
        move(plan, judged, series_id)
    event = kind.event if is_completed else "transaction.proposed"
    content = _log_content(outcome)
    if kind.effect is Effect.CARRY:
        content["to_periods"] = sorted({str(row[8]) for row in plan.ranges})
    elif kind.effect is Effect.CONVERT:
        content["to_unit_types"] = sorted({str(row[9]) for row in plan.ranges})
    plan.entries.extend(log_of(judged, actor, now, event, str(outcome.transaction_id), content))
    return outcome, plan


def move(plan: Plan, judged: Context, series_id: int | None = None) -> None:
    """Add the ranges of an accepted transaction, the plan's first, as its settlement says."""
    for row in settlement_of(judged).movements(judged):
        origin, first, following, series, *rest = astuple(row)
        plan.ranges.append([0, origin, first, following, series_id or series, *rest])
    plan.sinks.update(account.id for account in judged.accounts.values() if account.retires)


def refused(judged: Context, failures: tuple[Failure, ...], *, actor: Actor, now: datetime) -> tuple[Refused, Plan]:
    """Make the refusal, and the plan that leaves nothing but its log entry."""
    content = {
        "type": judged.type.code,
        "transferring": judged.proposal.lines[0].transferring or "",
        "acquiring": judged.proposal.lines[0].acquiring,
        "quantity": judged.proposal.quantity,
        "failures": sorted({failure.code for failure in failures}),
    }
    plan = Plan(entries=log_of(judged, actor, now, "transaction.refused", "", content))
    return Refused(failures), plan


def with_answer(plan: Plan, key: AnswerKey | None, result: object) -> Plan:
    """Add the answer for an idempotency key to the plan that it answers for."""
    if key is not None:
        status, body = key.print_answer(result)
        plan.answers.append(
            {"principal": key.principal, "key": key.key, "digest": key.digest, "status": status, "body": body}
        )
    return plan


def ranges_of(judged: Context, *, completes: bool = False) -> tuple[MovedRange, ...]:
    """Return the ranges that an accepted transaction moves, as they are printed; those that it makes where it `completes`."""
    ranges: list[MovedRange] = []
    converted: list[tuple[int, int, MovedRange]] = []
    apart: list[MovedRange] = []
    settlement = settlement_of(judged)
    elsewhere = settlement.elsewhere(judged)
    for found in judged.lines:
        names = {named.serials.first: named.unit_type for named in found.named}
        for piece in found.pieces:
            unit_type = names.get(piece.first) or found.line.unit_type
            registry = found.line.serials[0].registry if found.line.serials else found.line.registry
            before, after = settlement.recognised(judged, found.line, piece)
            ranges.append(
                MovedRange(
                    registry,
                    unit_type,
                    piece.vintage,
                    piece.first,
                    piece.next,
                    found.line.transferring,
                    found.line.acquiring,
                    found.line.becomes or _becomes(judged, registry, unit_type),
                    recognition=before,
                    to_recognition=after,
                )
            )
            if judged.type.effect is Effect.CONVERT and completes:
                converted.append((piece.series_id, piece.first, ranges[-1]))
            for other in elsewhere:
                if other.origin_id == piece.origin_id and piece.first <= other.first < piece.next:
                    apart.append(replace(ranges[-1], first=other.first, acquiring=other.acquiring))
                    ranges[-1] = replace(ranges[-1], next=other.first)
    # As they are recorded: what goes into accounts that retire comes last.
    return (*apart, *(part for part in ranges if part.first < part.next), *_made(judged, converted))


def _becomes(judged: Context, registry: str, unit_type: str) -> str:
    if judged.type.effect is Effect.CARRY:
        return judged.carry_overs[registry, unit_type].to_period
    return judged.conversions[registry, unit_type].to if judged.type.effect is Effect.CONVERT else ""


def _made(judged: Context, converted: list[tuple[int, int, MovedRange]]) -> Iterator[MovedRange]:
    """Yield what the completion of a conversion makes: the next serials, in the order of series and serial.

    The open block is locked since the facts were read, so `registry_convert` (registry/migrations/sql) makes these.
    """
    taken = 0
    for _, _, retired in sorted(converted, key=lambda row: row[:2]):
        start = (judged.conversions[retired.registry, retired.unit_type].next_serial or 0) + taken
        quantity = retired.next - retired.first
        taken += quantity
        yield MovedRange(
            retired.registry,
            retired.becomes,
            retired.vintage,
            start,
            start + quantity,
            None,
            retired.transferring or "",
            made_from=retired,
        )


def _log_content(outcome: Outcome) -> dict[str, Any]:
    """What the log says of a transaction: accounts and serials, no free text (which may name a person)."""
    return {
        "transaction": str(outcome.transaction_id),
        "type": outcome.type,
        "state": outcome.state,
        "quantity": outcome.quantity,
        "obligation": outcome.obligation or 0,
        "allocation": outcome.allocation or 0,
        "returns": outcome.returns or 0,
        "reverses": outcome.reverses or "",
        "ranges": [
            [r.registry, r.unit_type, r.vintage, r.first, r.next, r.transferring or "", r.acquiring]
            for r in outcome.ranges
        ],
    }


def log_of(
    judged: Context, actor: Actor, now: datetime, event: str, subject: str, content: dict[str, Any]
) -> list[dict[str, Any]]:
    """Make the entry of an event in the log of every registry that it concerns; of what was refused, in the sender's alone."""
    settlement = settlement_of(judged)
    registries = settlement.registries(judged)
    return [
        row
        for registry in registries[: None if subject else 1]
        for row in entries.rows(
            registry=registry,
            event=event,
            occurred_at=now,
            actor=actor.name,
            subject=subject,
            content=content if not subject else content | settlement.log_content(judged),
        )
    ]
