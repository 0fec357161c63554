"""Settles what crosses a link between two registries of this deployment, and what is done with units abroad.

One database transaction moves the units, takes or gives back quota, pins what they count as, and writes the log of every registry
concerned (linking.md section 5). What PostgreSQL does by itself is in linking/migrations/sql/0001_crossing.sql.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from accounts.rules.access import Actor
from accounts.rules.identifiers import jurisdiction_of
from linking import due, explaining
from linking import facts as link_facts
from linking.rules import checks
from linking.rules.crossing import NOTHING, LinkFacts, parts_of
from linking.rules.rates import AT_HOME, Rate, worth_of
from linking.rules.settlement_days import Way, settles_from
from linking.rules.terms import Settling
from registry.database_transaction import DatabaseTransaction
from registry.due import Due
from registry.rules.check_table import Failure
from registry.rules.crossings import Recognised, Told
from registry.rules.facts import Context, Piece, units_of
from registry.rules.proposal import Line
from registry.rules.types import Effect
from registry.settlement import Elsewhere, InternalSettlement, Movement


class LinkedSettlement:
    """Settles between registries that are hosted together: units keep their serials, and count as the corridor says."""

    def read(self, database: DatabaseTransaction, context: Context, *, lock: bool) -> LinkFacts:
        """Lock and read what is known of the corridors and quotas that the transaction bears on."""
        return link_facts.read(database, context, lock=lock)

    def checks(self, context: Context) -> tuple[Failure, ...]:
        """Return every failure of the checks 6xxx."""
        return checks.run(context, _facts(context))

    def movements(self, context: Context) -> tuple[Movement, ...]:
        """Return the ranges: across a link with what they count as there, of a surrender with the margin that is pooled."""
        moved = InternalSettlement().movements(context)
        if context.type.effect is Effect.CROSS:
            return tuple(_crossing(context, moved))
        if context.type.needs_obligation:
            return tuple(_surrendered(context, moved))
        return moved

    def elsewhere(self, context: Context) -> tuple[Elsewhere, ...]:
        """Return the units of a surrender that make up a pooled margin. What waits names them in a line of their own."""
        found = _facts(context)
        if not context.type.needs_obligation or context.own is not None or found.margin_account is None:
            return ()
        account_id, identifier = found.margin_account
        return tuple(
            Elsewhere(row.origin_id, row.first, row.next, identifier)
            for row in _surrendered(context, InternalSettlement().movements(context))
            if row.to_account_id == account_id
        )

    def due_at(self, context: Context, due_at: datetime) -> datetime:
        """Return when what is delayed is executed: not before it is due, on a day on which all terms concerned settle.

        Where no such day is left it is due as it is, and check 6009 ends it.
        """
        ways = tuple(
            Way(corridor.agreement.terms.settlement_days, corridor.time_zone)
            for corridor in _facts(context).corridors.values()
            if corridor.agreement is not None
        )
        needs_calendars = any(way.days is Settling.WORKING for way in ways)
        calendars = link_facts.calendars_of(context, parts_of(context)).values() if needs_calendars else ()
        return settles_from(due_at, ways, tuple(calendars)) or due_at

    def registries(self, context: Context) -> tuple[str, ...]:
        """Return the jurisdictions whose logs tell of it: of both sides, and the issuers' of units that are abroad."""
        sides = dict.fromkeys(
            account.jurisdiction
            for line in context.proposal.lines
            for account in (context.accounts.get(line.transferring or ""), context.accounts.get(line.acquiring))
            if account is not None
        )
        issuers = {registry for found in context.lines for registry, _, _ in units_of(found)}
        codes = map(jurisdiction_of, sorted(issuers))
        return tuple(dict.fromkeys((*sides, *codes)))

    def log_content(self, context: Context) -> dict[str, object]:
        """Return by which terms units cross, and at what rates they are surrendered: the log alone says what they are worth."""
        found = _facts(context)
        content: dict[str, object] = {"links": list(_told(context, found))}
        if context.type.needs_obligation:
            content["worth"] = _worth(context, found)
        return content

    def recognised(self, context: Context, line: Line, piece: Piece) -> tuple[Recognised | None, Recognised | None]:
        """Return what a piece counts as before and after it moves; None: it is at home there."""
        found = _facts(context)
        known = found.recognitions.get(piece.recognition_id)
        before = None
        if known is not None and known.agreement_id is not None:
            before = Recognised(piece.recognition_id, known.rate.numerator, known.rate.denominator)
        acquirer = context.accounts.get(line.acquiring)
        if context.type.effect is not Effect.CROSS or acquirer is None:
            return before, before
        corridor = found.corridors.get((piece.origin_id, acquirer.jurisdiction_id))
        if corridor is None or corridor.agreement is None:
            return before, None
        rate = corridor.agreement.terms.rate.rate
        after = found.recognised_as.get((piece.origin_id, acquirer.jurisdiction_id, piece.recognition_id))
        return before, Recognised(after, rate.numerator, rate.denominator)

    def told(self, context: Context) -> Told:
        """Return each corridor that it uses, and of a surrender with foreign units its worth and the parts of the use quota."""
        found = _facts(context)
        knows_all = len(checks.known_parts(context)) == len(tuple(parts_of(context)))
        crossings = explaining.crossings(context, found)
        if not (context.type.needs_obligation and knows_all):
            return Told(is_external=True, crossings=crossings)
        uses = explaining.uses(context, found)
        return Told(is_external=True, crossings=crossings, worth=_worth(context, found), uses=uses)

    def due(self, actor: Actor, now: datetime) -> list[Due]:
        """Return what waits and can settle no more, since its terms have ended, and the corridors whose end is to be stated."""
        return due.found(actor, now)


def _facts(context: Context) -> LinkFacts:
    found = context.settled_by
    return found if isinstance(found, LinkFacts) else NOTHING


def _crossing(context: Context, moved: tuple[Movement, ...]) -> Iterator[Movement]:
    recognised_as = _facts(context).recognised_as
    homes = {account.id: account.jurisdiction_id for account in context.accounts.values()}
    for row in moved:
        after = recognised_as[row.origin_id, homes[row.to_account_id], row.recognition_id]
        yield replace(row, to_recognition_id=after)


def _surrendered(context: Context, moved: tuple[Movement, ...]) -> Iterator[Movement]:
    """Let the part of foreign units that makes up their margin go to the margin account, where their terms pool it."""
    found = _facts(context)
    home = next(iter(context.accounts.values())).jurisdiction_id
    pooled = _pooled_units(found, home, moved)
    for row in reversed(moved):
        recognised = found.recognitions.get(row.recognition_id)
        key = None if recognised is None else (row.origin_id, recognised.rate)
        margin = 0
        if recognised is not None and recognised.pools_margin and key in pooled:
            margin = min(pooled[key], row.next - row.first)
            pooled[key] -= margin
        if margin > 0 and found.margin_account is not None:
            yield replace(row, first=row.next - margin, to_account_id=found.margin_account[0])
        if row.next - margin > row.first:
            yield replace(row, next=row.next - margin)


def _pooled_units(found: LinkFacts, home: int, moved: tuple[Movement, ...]) -> dict[tuple[int, Rate], int]:
    """What this surrender adds to the margin of each issuer and rate, of units whose terms pool it; one at least is retired.

    What is retired by other terms at the same rate counts before it.
    """
    pooling: dict[tuple[int, Rate], int] = defaultdict(int)
    before: dict[tuple[int, Rate], int] = defaultdict(int)
    for earlier in found.surrendered:
        before[earlier.origin_id, earlier.rate] += earlier.units
    for row in moved:
        recognised = found.recognitions.get(row.recognition_id)
        if recognised is None or row.origin_id == home:
            continue
        counted = pooling if recognised.pools_margin else before
        counted[row.origin_id, recognised.rate] += row.next - row.first
    return {key: max(0, min(units - 1, units - worth_of(units, key[1], before[key]))) for key, units in pooling.items()}


def _told(context: Context, found: LinkFacts) -> Iterator[list[object]]:
    """Yield [issuer, from, to, corridor's version or 0, rate before, rate after, units] for what crosses or is abroad."""
    sums: dict[tuple[object, ...], int] = defaultdict(int)
    for part in parts_of(context):
        before = found.recognitions.get(part.recognition_id)
        corridor = found.corridors.get((part.origin_id, part.acquirer.jurisdiction_id)) if part.enters else None
        agreement = None if corridor is None else corridor.agreement
        after = AT_HOME if agreement is None else agreement.terms.rate.rate
        if not part.is_crossing and before is not None:
            after = before.rate
        sums[
            part.registry,
            part.sender.jurisdiction,
            part.acquirer.jurisdiction,
            0 if agreement is None else agreement.version,
            _printed(AT_HOME if before is None else before.rate),
            _printed(after),
        ] += part.quantity
    yield from ([*names, units] for names, units in sums.items())


def _worth(context: Context, found: LinkFacts) -> int:
    """What a surrender adds to the recognised tonnes of its obligation, those surrendered at the same rates before included."""
    home, before, added = 0, dict[tuple[int, Rate], int](), dict[tuple[int, Rate], int]()
    for row in found.surrendered:
        before[row.origin_id, row.rate] = before.get((row.origin_id, row.rate), 0) + row.units
    for part in parts_of(context):
        recognised = found.recognitions.get(part.recognition_id)
        if recognised is None or not part.is_foreign:
            home += part.quantity
        else:
            key = part.origin_id, recognised.rate
            added[key] = added.get(key, 0) + part.quantity
    return home + sum(worth_of(units, key[1], before.get(key, 0)) for key, units in added.items())


def _printed(rate: Rate) -> str:
    return f"{rate.numerator}/{rate.denominator}"
