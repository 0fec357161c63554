"""The only writer of unit blocks and balances, and the only reader of the facts that decide about them.

Two SQL functions do the work (registry/migrations/sql): `registry_facts` locks the accounts, reads what the checks need and
selects blocks, writing nothing; `registry_effect` re-verifies every piece and applies everything, or raises. This module
turns proposals into the first one's request, its answer into the checks' facts, and decisions into the second one's plan.
"""

import json
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import Any

from django.db import connection

from accounts.rules.access import Actor
from accounts.rules.account_types import Family
from registry.database_transaction import DatabaseTransaction
from registry.rules.checks_of_form import VINTAGES, is_range
from registry.rules.facts import (
    AccountFacts,
    AllocationFacts,
    CapFacts,
    CarryOverFacts,
    Context,
    HoldingLimitFacts,
    LimitFacts,
    LimitsFacts,
    LineFacts,
    Moment,
    NamedPiece,
    ObligationFacts,
    OriginalFacts,
    Piece,
    ReturnFacts,
    UnitTypeFacts,
)
from registry.rules.proposal import MOST_RANGES, Line, Proposal, SerialRange
from registry.rules.states import State
from registry.rules.types import TYPES

# More than any registry can ever issue; keeps a hopeless order inside PostgreSQL's bigint.
MOST_UNITS = 10**15

# What a draw selects by: account, registry, unit type, vintage, recognition, obligation (whose eligible vintages count), and
# whether it is for units whose validity has ended.
Selector = tuple[str, str, str, int | None, int, int | None, bool]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """The first answer to an idempotency key, as it was given."""

    digest: str
    status: int
    body: str


@dataclass(slots=True)
class Pool:
    """What one draw found, handed out line by line: free units of the selector and the pieces chosen for the sum."""

    free: int
    pieces: deque[Piece]

    def take(self, quantity: int) -> tuple[Piece, ...]:
        """Return pieces of exactly `quantity` units (fewer where the pool ends), each from the end of its block."""
        taken: list[Piece] = []
        while quantity > 0 and self.pieces:
            piece = self.pieces.popleft()
            if piece.quantity > quantity:
                cut = piece.next - quantity
                self.pieces.appendleft(_part(piece, piece.first, cut))
                piece = _part(piece, cut, piece.next)
            taken.append(piece)
            quantity -= piece.quantity
            self.free -= piece.quantity
        return tuple(taken)

    def give_back(self, pieces: Iterable[Piece]) -> None:
        """Return what a refused proposal had taken."""
        for piece in pieces:
            self.pieces.append(piece)
            self.free += piece.quantity


@dataclass(slots=True)
class Facts:
    """One answer of `registry_facts`."""

    accounts: Mapping[str, AccountFacts]
    pools: Mapping[Selector, Pool]
    named: Mapping[SerialRange, tuple[NamedPiece, ...]]
    registries: frozenset[str]
    unit_types: Mapping[tuple[str, str], UnitTypeFacts]
    obligations: Mapping[int, ObligationFacts]
    allocations: Mapping[int, AllocationFacts]
    caps: Mapping[int, CapFacts]
    returns: ReturnFacts | None
    original: OriginalFacts | None
    carry_overs: Mapping[tuple[str, str], CarryOverFacts]
    periods: Mapping[int, str]
    answer: StoredAnswer | None
    used_references: frozenset[tuple[str, str]]
    exercise: bool
    # Units that proposals judged on these facts send, by account, and bring, by holder and jurisdiction, in one batch.
    sent: Counter[str] = field(default_factory=Counter)
    brought: Counter[tuple[int | None, int]] = field(default_factory=Counter)


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


@dataclass(slots=True)
class Plan:
    """What `registry_effect` and `registry_proceed` write: rows by column name, ranges by position."""

    transactions: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    ranges: list[list[Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    # Acquiring accounts that retire units, which the facts did not lock.
    sinks: set[int] = field(default_factory=set)

    def as_json(self) -> str:
        """Return the plan as the JSON that the SQL functions read.

        Ranges stay in the order of the plan, since a later one may send on what an earlier one brought; but those into sinks
        come last and sorted, so that two plans that fill the same sinks lock their balance rows in one order.
        """
        filling = [row for row in self.ranges if row[7] in self.sinks]
        if filling:
            # By acquiring account, series and recognition: the key of the balance row.
            filling.sort(key=lambda row: (row[7], row[4], row[5]))
            self.ranges = [row for row in self.ranges if row[7] not in self.sinks] + filling
        return json.dumps(
            {
                "transactions": self.transactions,
                "steps": self.steps,
                "ranges": self.ranges,
                "entries": self.entries,
                "answers": self.answers,
            }
        )


def read(
    database: DatabaseTransaction,
    proposals: Sequence[Proposal],
    *,
    actor: Actor,
    now: datetime,
    key: tuple[str, str] | None = None,
    lock: bool = True,
    own: str | None = None,
) -> Facts:
    """Lock the accounts of the proposals and return the facts about them; with `lock` false, only look.

    What the transaction `own` has reserved counts as free for it.
    """
    draws: dict[Selector, int] = {}
    named: dict[SerialRange, None] = {}
    for proposal in proposals:
        for line in proposal.lines:
            if line.serials:
                named |= dict.fromkeys(filter(is_range, line.serials))
            elif line.transferring is not None:
                selector = _selector(line, proposal)
                draws[selector] = draws.get(selector, 0) + line.quantity
    request: dict[str, Any] = {
        "accounts": sorted({name for p in proposals for line in p.lines for name in _accounts(line)}),
        "user": actor.user_id,
        "now": now.isoformat(),
        "day": now.date().isoformat(),
        "draws": [_draw_request(selector, min(quantity, MOST_UNITS), now) for selector, quantity in draws.items()],
        "named": [
            {"registry": r.registry, "first": r.first, "next": r.next, "most": MOST_RANGES + 1, "own": own}
            for r in named
        ],
        "references": sorted(
            {
                (line.transferring, p.client_reference)
                for p in proposals
                for line in p.lines
                if p.client_reference and line.transferring
            }
        )
        if own is None
        else [],
        "obligations": sorted({p.obligation for p in proposals if p.obligation is not None}),
        "allocations": sorted({p.allocation for p in proposals if p.allocation is not None}),
        "cap": next((p.cap for p in proposals if p.cap is not None), None),
        "returns": next((p.returns for p in proposals if p.returns is not None), None),
        "carries": any(TYPES[p.type].family is Family.CARRY_OVER for p in proposals) or None,
        "original": next((p.reverses for p in proposals if p.reverses is not None), None),
        "undoing": next((p.type for p in proposals if p.reverses is not None), None),
        "limited": sorted(
            {line.transferring for p in proposals if TYPES[p.type].limited for line in p.lines if line.transferring}
        ),
        "own": own,
    }
    request = {name: value for name, value in request.items() if value not in ([], None)}
    if key is not None:
        request["principal"], request["key"] = key
    answer = json.loads(database.ask("registry_facts", json.dumps(request), lock) or "null")
    return _facts(answer, list(draws), list(named))


def context(
    proposal: Proposal,
    facts: Facts,
    *,
    actor: Actor,
    now: datetime,
    moment: Moment = Moment.PROPOSAL,
    initiator_id: int | None = None,
    references_before: frozenset[tuple[str | None, str]] = frozenset(),
) -> Context:
    """Give a proposal its share of the facts. What it takes from a pool is `give_back`'s to return if it is refused.

    `references_before` are the client references of proposals of the same batch.
    """
    lines = []
    for line in proposal.lines:
        if line.serials:
            pieces = tuple(piece for serials in line.serials for piece in facts.named.get(serials, ()))
            lines.append(LineFacts(line, 0, tuple(p.piece for p in pieces if p.piece is not None), pieces))
        elif line.transferring is None:
            lines.append(LineFacts(line, 0, _minted(line, proposal, facts)))
        else:
            pool = facts.pools[_selector(line, proposal)]
            free = pool.free
            lines.append(LineFacts(line, free, pool.take(line.quantity) if line.quantity <= free else ()))
    sent_before, brought_before = dict(facts.sent), dict(facts.brought)
    _count(proposal, facts, 1)
    return Context(
        now=now,
        actor=actor,
        proposal=proposal,
        type=TYPES[proposal.type],
        accounts=facts.accounts,
        lines=tuple(lines),
        registries=facts.registries,
        unit_types=facts.unit_types,
        obligation=facts.obligations.get(proposal.obligation or 0),
        allocation=facts.allocations.get(proposal.allocation or 0),
        cap=facts.caps.get(proposal.cap or 0),
        returns=facts.returns if proposal.returns is not None else None,
        original=facts.original if proposal.reverses is not None else None,
        carry_overs=facts.carry_overs,
        periods=facts.periods,
        moment=moment,
        initiator_id=initiator_id,
        exercise=facts.exercise,
        used_references=facts.used_references | references_before,
        sent_before=sent_before,
        brought_before=brought_before,
    )


def give_back(judged: Context, facts: Facts) -> None:
    """Return to the pools and limits what a refused proposal had taken, for the next proposal of the batch."""
    _count(judged.proposal, facts, -1)
    for line in judged.lines:
        if not line.line.serials and line.line.transferring is not None:
            facts.pools[_selector(line.line, judged.proposal)].give_back(line.pieces)


def _count(proposal: Proposal, facts: Facts, times: int) -> None:
    """Count a proposal, or take it back, against what limits the next one of its batch."""
    for line in proposal.lines:
        sender, acquirer = facts.accounts.get(line.transferring or ""), facts.accounts.get(line.acquiring)
        if sender is not None and sender.limits is not None and TYPES[proposal.type].limited:
            facts.sent[sender.identifier] += times * line.quantity
        if acquirer is None or acquirer.holding_limit is None:
            continue
        holder = (acquirer.holder_id, acquirer.jurisdiction_id)
        if sender is None or (sender.holder_id, sender.jurisdiction_id) != holder:
            facts.brought[holder] += times * line.quantity


def limits_of(account_id: int, *, now: datetime) -> LimitsFacts | None:
    """Return the limits of an account now and what counts against them today; None where nothing limits it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT registry_limits_of(%s, %s)", [account_id, now])
        return _limits(json.loads(cursor.fetchone()[0] or "null"))


def holding_limits_are_stale(*, jurisdiction_id: int, day: date, others: int | None, above_allocation: int) -> bool:
    """Return whether the holding limits of a jurisdiction are otherwise than a rule makes them; `others` None: than none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT registry_holding_limits_are_stale(%s, %s, %s, %s)",
            [jurisdiction_id, day, others, above_allocation],
        )
        return bool(cursor.fetchone()[0])


def set_holding_limits(
    database: DatabaseTransaction,
    *,
    jurisdiction_id: int,
    day: date,
    others: int | None,
    above_allocation: int,
    plan: Plan,
) -> int:
    """Make the holding limits of a jurisdiction anew, with the plan's log entries; `others` None: there are none.

    Returns how many holders have one.
    """
    request = {
        "jurisdiction": jurisdiction_id,
        "day": day.isoformat(),
        "others": others,
        "above_allocation": above_allocation,
        "entries": plan.entries,
    }
    return int(database.ask("registry_set_holding_limits", json.dumps(request)) or 0)


def series_of(database: DatabaseTransaction, cap_id: int, *, project: str, period: str) -> int:
    """Return the series of units to be issued under a cap, made when it is the first of its kind."""
    return int(database.ask("registry_series_of", cap_id, project, period) or 0)


def apply(database: DatabaseTransaction, plan: Plan, *, last: bool = True) -> None:
    """Write decided transactions, their ranges, log entries and answers: all or nothing; with `last`, commit.

    Raises: OperationalError (serialization failure) when a piece is no longer as it was decided; IntegrityError when
    PostgreSQL finds a rule broken that the checks let through.
    """
    database.ask("registry_effect", plan.as_json(), last=last)


def waiting(database: DatabaseTransaction, transaction_id: str, key: tuple[str, str] | None = None) -> Waiting | None:
    """Lock a transaction with its accounts and return it, also where it has ended; None where there is none."""
    request: dict[str, Any] = {"transaction": transaction_id}
    if key is not None:
        request["principal"], request["key"] = key
    found = json.loads(database.ask("registry_waiting", json.dumps(request)) or "{}")
    row = found["transaction"]
    if row is None:
        return None
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
        expires_at=_instant(row["expires_at"]),
        due_at=_instant(row["due_at"]),
        answer=_answer(found["answer"]),
    )


def proceed(database: DatabaseTransaction, plan: Plan) -> None:
    """Take decided steps of waiting transactions, which move or release what they reserved, and commit.

    Raises: as `apply`.
    """
    database.ask("registry_proceed", plan.as_json(), last=True)


def freeze_or_release(database: DatabaseTransaction, act: str, row: dict[str, Any], plan: Plan) -> int:
    """Record a freeze, the wish to release it or its end, or its release, and commit; return its id.

    `act`: `freeze`, `ask`, `withdraw` or `release`.

    Raises: as `apply`.
    """
    written = {act: row, "entries": plan.entries, "answers": plan.answers}
    return int(database.ask("registry_freeze_or_release", json.dumps(written)) or 0)


def record(database: DatabaseTransaction, plan: Plan) -> None:
    """Write log entries and the answer of a refusal, and commit; no unit is touched."""
    database.ask("registry_record", plan.as_json(), last=True)


def open_serial_space(jurisdiction_id: int) -> None:
    """Open the serial space of an issuing registry: one open block from serial 1. Done once, harmless again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT registry_open_serial_space(%s)", [jurisdiction_id])


def merge_neighbours(account_id: int) -> int:
    """Merge like neighbours among an account's blocks and return how many went; maintenance, changes nothing that counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT registry_merge_neighbours(%s)", [account_id])
        return int(cursor.fetchone()[0])


def _proposal(row: dict[str, Any]) -> Proposal:
    """The proposal of a recorded transaction: its ranges named, one line for each pair of accounts and series in a row."""
    lines: list[Line] = []
    for names, ranges in groupby(row["ranges"], key=lambda part: tuple(part[:6])):
        transferring, acquiring, registry, unit_type, vintage, recognition = names
        serials = tuple(SerialRange(registry, first, following) for *_, first, following in ranges)
        quantity = sum(one.quantity for one in serials)
        lines.append(Line(transferring, acquiring, quantity, registry, unit_type, vintage, recognition, serials))
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


def _accounts(line: Line) -> tuple[str, ...]:
    return (line.acquiring,) if line.transferring is None else (line.transferring, line.acquiring)


def _selector(line: Line, proposal: Proposal) -> Selector:
    return (
        line.transferring or "",
        line.registry,
        line.unit_type,
        # No vintage outside the table of years finds anything; -1 keeps it inside PostgreSQL's integer (check 2008 refuses it).
        line.vintage if line.vintage is None or line.vintage in VINTAGES else -1,
        line.recognition,
        proposal.obligation,
        TYPES[proposal.type].family is Family.LAPSE,
    )


def _draw_request(selector: Selector, quantity: int, now: datetime) -> dict[str, Any]:
    names = ("account", "registry", "unit_type", "vintage", "recognition", "obligation", "lapsing")
    drawn = {"quantity": quantity, "most": MOST_RANGES + 1, "now": now.isoformat()}
    return dict(zip(names, selector, strict=True)) | drawn


def _part(piece: Piece, first: int, following: int) -> Piece:
    return Piece(piece.origin_id, first, following, piece.series_id, piece.recognition_id, piece.vintage)


def _minted(line: Line, proposal: Proposal, facts: Facts) -> tuple[Piece, ...]:
    """The serials an issuance will take: the next ones. Its series is known only once it is made."""
    cap = facts.caps.get(proposal.cap or 0)
    if cap is None or cap.next_serial is None:
        return ()
    end = cap.next_serial + line.quantity
    return (Piece(cap.jurisdiction_id, cap.next_serial, end, 0, 0, cap.vintage),)


def _facts(answer: dict[str, Any], draws: list[Selector], named: list[SerialRange]) -> Facts:
    """Turn the answer of `registry_facts` into frozen facts."""
    registries: set[str] = set()
    unit_types: dict[tuple[str, str], UnitTypeFacts] = {}
    pools: dict[Selector, Pool] = {}
    for selector, found in zip(draws, answer.get("draws") or [], strict=True):
        _, registry, unit_type, *_ = selector
        if found["origin"] is not None:
            registries.add(registry)
        if found["kind"] is not None:
            unit_types[registry, unit_type] = UnitTypeFacts(unit_type, registry, found["kind"], found["origin"])
        pools[selector] = Pool(found["free"], deque(Piece(*piece) for piece in found["pieces"]))
    pieces: dict[SerialRange, tuple[NamedPiece, ...]] = {}
    for serials, found in zip(named, answer.get("named") or [], strict=True):
        if found["origin"] is not None:
            registries.add(serials.registry)
        pieces[serials] = tuple(_named_piece(serials.registry, row) for row in found["pieces"])
        for row in found["pieces"]:
            if row[6] is not None:
                unit_types[serials.registry, row[6]] = UnitTypeFacts(row[6], serials.registry, row[7], row[0])
    return Facts(
        accounts={
            name: _account(
                name, found, (answer.get("limits") or {}).get(name), (answer.get("holding_limits") or {}).get(name)
            )
            for name, found in answer["accounts"].items()
        },
        pools=pools,
        named=pieces,
        registries=frozenset(registries),
        unit_types=unit_types,
        obligations={int(i): _obligation(row) for i, row in (answer.get("obligations") or {}).items()},
        allocations={int(i): AllocationFacts(id=int(i), **row) for i, row in (answer.get("allocations") or {}).items()},
        caps=_caps(answer.get("cap"), registries, unit_types),
        returns=ReturnFacts(**answer["returns"]) if answer.get("returns") else None,
        original=_original(answer.get("original")),
        carry_overs=_carry_overs((answer.get("carries") or {}).get("rules")),
        periods={int(i): period for i, period in ((answer.get("carries") or {}).get("periods") or {}).items()},
        answer=_answer(answer.get("answer")),
        used_references=frozenset((account, used) for account, used in answer.get("references") or []),
        exercise=answer.get("exercise", False),
    )


def _named_piece(registry: str, row: list[Any]) -> NamedPiece:
    origin, first, following, series, recognition, vintage, unit_type, _kind, account, bound, retired, until = row
    piece = None if account is None else Piece(origin, first, following, series, recognition, vintage)
    serials = SerialRange(registry, first, following)
    return NamedPiece(piece, serials, account, bound, bool(retired), unit_type, _instant(until))


def _limits(found: dict[str, Any] | None) -> LimitsFacts | None:
    if found is None:
        return None
    levels = tuple(LimitFacts(*level) for level in found["levels"])
    return LimitsFacts(date.fromisoformat(found["day"]), found["used"], levels)


def _account(
    identifier: str, found: dict[str, Any], limits: dict[str, Any] | None, holding_limit: list[int] | None
) -> AccountFacts:
    return AccountFacts(
        id=found["id"],
        identifier=identifier,
        type=found["type"],
        status=found["status"],
        jurisdiction_id=found["jurisdiction_id"],
        jurisdiction=found["jurisdiction"],
        registry=found["registry"],
        retires=found["retires"],
        holder_id=found["holder"],
        installation_id=found["installation"],
        right=found["right"],
        frozen=found["frozen"],
        one_person_surrender=found["one_person_surrender"],
        one_person_trusted_transfer=found["one_person_trusted_transfer"],
        trusted_only=found["trusted_only"],
        other_approvers=found["other_approvers"],
        trusts=frozenset(found["trusts"] or ()),
        limits=_limits(limits),
        holding_limit=None if holding_limit is None else HoldingLimitFacts(*holding_limit),
    )


def _obligation(row: dict[str, Any]) -> ObligationFacts:
    return ObligationFacts(
        id=row["id"],
        jurisdiction_id=row["jurisdiction_id"],
        installation_id=row["installation_id"],
        year=row["year"],
        opens_at=_instant(row["opens_at"]),
        closes_at=_instant(row["closes_at"]),
        eligible_until_vintage=row["eligible_until_vintage"],
        due_at=_instant(row["due_at"]),
        counts=row["counts"],
        determined_at=_instant(row["determined_at"]),
    )


def _caps(
    found: dict[str, Any] | None, registries: set[str], unit_types: dict[tuple[str, str], UnitTypeFacts]
) -> dict[int, CapFacts]:
    if found is None:
        return {}
    kind = found.pop("kind")
    cap = CapFacts(**found)
    registries.add(cap.registry)
    unit_types[cap.registry, cap.unit_type] = UnitTypeFacts(cap.unit_type, cap.registry, kind, cap.jurisdiction_id)
    return {cap.id: cap}


def _original(row: dict[str, Any] | None) -> OriginalFacts | None:
    if row is None:
        return None
    ranges = frozenset((part[0], part[1], part[2], part[3], part[4]) for part in row["ranges"] or ())
    return OriginalFacts(**row | {"ranges": ranges, "completed_at": _instant(row["completed_at"])})


def _carry_overs(rows: list[Any] | None) -> dict[tuple[str, str], CarryOverFacts]:
    return {
        (registry, unit_type): CarryOverFacts(rule["first_vintage"], rule["last_vintage"], rule["to_period"])
        for registry, unit_type, rule in rows or ()
    }


def _answer(row: dict[str, Any] | None) -> StoredAnswer | None:
    return None if row is None else StoredAnswer(row["digest"], row["status"], row["body"])


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
