"""Who settles a transaction: the one seam between `registry` and `linking`, named in settings by dotted path.

A settlement adds its own checks to the registry's and says which ranges a transaction moves. Inside one registry there is
nothing to add; `linking` brings quotas, recognitions and peers to the same two methods.
"""

from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from registry.rules.checks import Failure
from registry.rules.facts import Context, units_of
from registry.rules.types import Effect

# [origin, first, next, series, recognition, from account, to account, the period it is carried over into, the unit type it is
# converted into], half-open serials.
Movement = tuple[int, int, int, int, int, int | None, int, str | None, str | None]


class Settlement(Protocol):
    """What the operations ask of a settlement."""

    def checks(self, context: Context) -> tuple[Failure, ...]:
        """Return every reason of this path against the transaction."""

    def movements(self, context: Context) -> tuple[Movement, ...]:
        """Return the ranges that the transaction moves, each with its accounts on both sides."""


class InternalSettlement:
    """Settles inside one registry: the pieces go from the transferring to the acquiring account, as they are."""

    def checks(self, context: Context) -> tuple[Failure, ...]:
        """Return nothing: the registry's own checks say it all."""
        return ()

    def movements(self, context: Context) -> tuple[Movement, ...]:
        """Return one range per piece of each line."""
        return tuple(
            (
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


@cache
def settlement_for(path: str) -> Settlement:
    """Return the settlement that the settings name for `internal` or `external` transactions."""
    found: Settlement = import_string(settings.REGISTRY_SETTLEMENT[path])()
    return found
