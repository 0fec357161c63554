"""Who settles a transaction: the one seam between `registry` and `linking`, named in settings by dotted path.

A settlement adds its own checks to the registry's, says which ranges a transaction moves, and finds what else falls due on its
path. Inside one registry there is nothing to add; `linking` brings corridors, quotas and recognitions to the same methods.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from accounts.rules.access import Actor
from registry.database_transaction import DatabaseTransaction
from registry.due import Due
from registry.rules.checks import Failure
from registry.rules.crossings import NOTHING_TOLD, Recognised, Told
from registry.rules.facts import Context, Piece, units_of
from registry.rules.proposal import Line
from registry.rules.types import Effect


@dataclass(frozen=True, slots=True)
class Movement:
    """Serials `[first, next)` with their accounts on both sides; `from_account_id` None: they are issued.

    `to_period`: what they are carried over into; `to_unit_type`: what they are converted into; `to_recognition_id`: what they
    count as across a link.
    """

    origin_id: int
    first: int
    next: int
    series_id: int
    recognition_id: int
    from_account_id: int | None
    to_account_id: int
    to_period: str | None = None
    to_unit_type: str | None = None
    to_recognition_id: int | None = None


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Serials `[first, next)`, the last of a piece, that go to another account than the one their line names."""

    origin_id: int
    first: int
    next: int
    acquiring: str


class Settlement(Protocol):
    """What the operations ask of a settlement."""

    def read(self, database: DatabaseTransaction, context: Context, *, lock: bool) -> object:
        """Lock and return what this path knows beyond the registry's facts; it is kept as the context's `settled_by`."""

    def checks(self, context: Context) -> tuple[Failure, ...]:
        """Return every reason of this path against the transaction."""

    def movements(self, context: Context) -> tuple[Movement, ...]:
        """Return the ranges that the transaction moves, each with its accounts on both sides."""

    def elsewhere(self, context: Context) -> tuple[Elsewhere, ...]:
        """Return what goes to another account than its line names."""

    def due_at(self, context: Context, due_at: datetime) -> datetime:
        """Return when a transaction that is delayed until an instant is executed: then, or later."""

    def registries(self, context: Context) -> tuple[str, ...]:
        """Return the jurisdictions whose logs tell of the transaction, that of the transferring account first."""

    def log_content(self, context: Context) -> dict[str, object]:
        """Return what the log says of the transaction beyond its accounts and ranges."""

    def recognised(self, context: Context, line: Line, piece: Piece) -> tuple[Recognised | None, Recognised | None]:
        """Return what a piece counts as before and after it moves; None: it is at home there."""

    def told(self, context: Context) -> Told:
        """Return what an explanation says of the transaction beyond its checks, for what the actor may know of."""

    def due(self, actor: Actor, now: datetime) -> list[Due]:
        """Return what is due on this path by `now`, beyond delays and expiries."""


class InternalSettlement:
    """Settles inside one registry: the pieces go from the transferring to the acquiring account, as they are."""

    def read(self, database: DatabaseTransaction, context: Context, *, lock: bool) -> object:
        """Return nothing: the registry's own facts say it all."""
        return None

    def checks(self, context: Context) -> tuple[Failure, ...]:
        """Return nothing: the registry's own checks say it all."""
        return ()

    def movements(self, context: Context) -> tuple[Movement, ...]:
        """Return one range per piece of each line."""
        return tuple(
            Movement(
                piece.origin_id,
                piece.first,
                piece.next,
                piece.series_id,
                piece.recognition_id,
                None if found.line.transferring is None else context.accounts[found.line.transferring].id,
                context.accounts[found.line.acquiring].id,
                context.carry_overs[registry, unit_type].to_period if context.type.effect is Effect.CARRY else None,
                context.conversions[registry, unit_type].to if context.type.effect is Effect.CONVERT else None,
            )
            for found in context.lines
            for registry, unit_type, piece in units_of(found)
        )

    def elsewhere(self, context: Context) -> tuple[Elsewhere, ...]:
        """Return nothing: everything goes where its line says."""
        return ()

    def due_at(self, context: Context, due_at: datetime) -> datetime:
        """Return the same instant."""
        return due_at

    def registries(self, context: Context) -> tuple[str, ...]:
        """Return the transferring account's jurisdiction; where units are issued, the acquiring one's."""
        line = context.proposal.lines[0]
        home = context.accounts.get(line.transferring or line.acquiring)
        return ("" if home is None else home.jurisdiction,)

    def log_content(self, context: Context) -> dict[str, object]:
        """Return nothing more."""
        return {}

    def recognised(self, context: Context, line: Line, piece: Piece) -> tuple[Recognised | None, Recognised | None]:
        """Return nothing: inside one registry its own units are at home."""
        return None, None

    def told(self, context: Context) -> Told:
        """Return nothing: no link is crossed."""
        return NOTHING_TOLD

    def due(self, actor: Actor, now: datetime) -> list[Due]:
        """Return nothing: the registry itself executes and expires what waits."""
        return []


@cache
def _settlement(path: str) -> Settlement:
    found: Settlement = import_string(settings.REGISTRY_SETTLEMENT[path])()
    return found


def settlement_of(context: Context) -> Settlement:
    """Return who settles a transaction: another where it crosses to another registry or is about units from abroad."""
    if context.type.effect is Effect.CROSS:
        return _settlement("external")
    for found in context.lines:
        sender = context.accounts.get(found.line.transferring or "")
        if sender is not None and any(registry != sender.registry for registry, _, _ in units_of(found)):
            return _settlement("external")
    return _settlement("internal")


def settlements() -> tuple[Settlement, ...]:
    """Return everyone who settles, in the order of the settings."""
    return tuple(_settlement(path) for path in settings.REGISTRY_SETTLEMENT)
