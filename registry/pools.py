"""Units that draws found: what a draw selects by, and the pool that it fills, handed out line by line."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.rules.account_types import Family
from registry.rules.checks_of_form import VINTAGES
from registry.rules.facts import Piece
from registry.rules.proposal import MOST_RANGES, Line, Proposal
from registry.rules.types import TYPES

# More than any registry can ever issue; keeps a hopeless order inside PostgreSQL's bigint.
MOST_UNITS = 10**15

# What a draw selects by: account, registry, unit type, vintage, recognition, obligation (whose eligible vintages count), and
# whether it is for units whose validity has ended.
Selector = tuple[str, str, str, int | None, int, int | None, bool]


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


def selector_of(line: Line, proposal: Proposal) -> Selector:
    return (
        line.transferring or "",
        line.registry,
        line.unit_type,
        # No vintage outside the table of years finds anything; -1 keeps it inside PostgreSQL's integer (check 2008 refuses it).
        line.vintage if line.vintage is None or line.vintage in VINTAGES else -1,
        line.recognition or 0,
        proposal.obligation,
        TYPES[proposal.type].family is Family.LAPSE,
    )


def draw_request(selector: Selector, quantity: int, now: datetime) -> dict[str, Any]:
    names = ("account", "registry", "unit_type", "vintage", "recognition", "obligation", "lapsing")
    drawn = {"quantity": quantity, "most": MOST_RANGES + 1, "now": now.isoformat()}
    return dict(zip(names, selector, strict=True)) | drawn


def _part(piece: Piece, first: int, following: int) -> Piece:
    return Piece(piece.origin_id, first, following, piece.series_id, piece.recognition_id, piece.vintage)
