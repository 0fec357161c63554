"""The only writer of unit blocks and balances, and the only reader of the facts that decide about them.

Two SQL functions do the work (registry/migrations/sql): `registry_facts` locks the accounts, reads what the checks need and
selects blocks, writing nothing; `registry_effect` re-verifies every piece and applies everything, or raises. This module
asks them: proposals become the first one's request, and its answer is shared out among them. What it answers is read in
`registry.facts`, draws are in `registry.pools`, a transaction that waits in `registry.waiting`, what a decision writes in
`registry.plan`.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection

from accounts.rules.access import Actor
from accounts.rules.account_types import Family
from registry.database_transaction import DatabaseTransaction
from registry.facts import Facts, facts_from, limits_from
from registry.plan import Plan
from registry.pools import MOST_UNITS, Selector, draw_request, selector_of
from registry.rules.checks_of_form import is_range
from registry.rules.facts import Context, LimitsFacts, LineFacts, Moment, Piece
from registry.rules.proposal import MOST_RANGES, Line, Proposal, SerialRange
from registry.rules.types import TYPES, Effect
from registry.waiting import Waiting, waiting_from


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
                selector = selector_of(line, proposal)
                draws[selector] = draws.get(selector, 0) + line.quantity
    request: dict[str, Any] = {
        "accounts": sorted({name for p in proposals for line in p.lines for name in _accounts(line)}),
        "user": actor.user_id,
        "now": now.isoformat(),
        "day": now.date().isoformat(),
        "draws": [draw_request(selector, min(quantity, MOST_UNITS), now) for selector, quantity in draws.items()],
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
        "converts": sorted(
            {
                part.registry
                for p in proposals
                if TYPES[p.type].effect is Effect.CONVERT
                for line in p.lines
                for part in line.serials or (line,)
            }
        ),
        "original": next((p.reverses for p in proposals if p.reverses is not None), None),
        "undoing": next((p.type for p in proposals if p.reverses is not None), None),
        "senders": sorted({line.transferring for p in proposals for line in p.lines if line.transferring}),
        "limited": sorted(
            {line.transferring for p in proposals if TYPES[p.type].limited for line in p.lines if line.transferring}
        ),
        "own": own,
    }
    request = {name: value for name, value in request.items() if value not in ([], None)}
    if key is not None:
        request["principal"], request["key"] = key
    answer = json.loads(database.ask("registry_facts", json.dumps(request), lock) or "null")
    return facts_from(answer, list(draws), list(named))


def context(
    proposal: Proposal,
    facts: Facts,
    *,
    actor: Actor,
    now: datetime,
    moment: Moment = Moment.PROPOSAL,
    initiator_id: int | None = None,
    own: str | None = None,
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
            pool = facts.pools[selector_of(line, proposal)]
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
        conversions=facts.conversions,
        moment=moment,
        own=own,
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
            facts.pools[selector_of(line.line, judged.proposal)].give_back(line.pieces)


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
        return limits_from(json.loads(cursor.fetchone()[0] or "null"))


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
    return waiting_from(row, found["answer"])


def proceed(database: DatabaseTransaction, plan: Plan) -> None:
    """Take decided steps of waiting transactions, which move or release what they reserved, and commit.

    Raises: as `apply`.
    """
    database.ask("registry_proceed", plan.as_json(), last=True)


def freeze_or_release(
    database: DatabaseTransaction, act: str, row: dict[str, Any], plan: Plan, *, confirms: int | None = None
) -> int:
    """Record a freeze, the wish to release it or its end, or its release, and commit; return its id.

    `act`: `freeze`, `ask`, `withdraw`, `release` or, of a hold that has expired, `lapse`. `confirms`: the hold whose place a new
    freeze takes.

    Raises: as `apply`.
    """
    written: dict[str, Any] = {act: row, "entries": plan.entries, "answers": plan.answers}
    if confirms is not None:
        written["confirms"] = confirms
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


def _accounts(line: Line) -> tuple[str, ...]:
    return (line.acquiring,) if line.transferring is None else (line.transferring, line.acquiring)


def _minted(line: Line, proposal: Proposal, facts: Facts) -> tuple[Piece, ...]:
    """The serials an issuance will take: the next ones. Its series is known only once it is made."""
    cap = facts.caps.get(proposal.cap or 0)
    if cap is None or cap.next_serial is None:
        return ()
    end = cap.next_serial + line.quantity
    return (Piece(cap.jurisdiction_id, cap.next_serial, end, 0, 0, cap.vintage),)
