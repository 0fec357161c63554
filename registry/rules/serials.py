"""Unit blocks as they are printed: CNBJ-BEA-2026-1-1000-86 is originating registry, unit type, vintage, first and last serial,
and two check digits over the text before the last dash.

Nothing is accepted that does not print back to itself. Inside, serials are half-open: `[first, next)`.
"""

import re
from dataclasses import dataclass

from accounts.rules.identifiers import check_digits

GREATEST_SERIAL = 10**15 - 1
# One unit at least, in the form alone: whether it exists is the ledger's to say.
FORM = r"[A-Z]{2}[A-Z0-9]{1,3}-[A-Z][A-Z0-9]{1,9}-[1-9][0-9]{3}-[1-9][0-9]{0,14}-[1-9][0-9]{0,14}-[0-9]{2}"
_FORM = re.compile(FORM)


class MalformedBlock(ValueError):
    """A text is no printed unit block."""


class WrongBlockCheckDigits(MalformedBlock):
    """A text has the form of a unit block, but its check digits belong to another one."""


class ReversedBlock(MalformedBlock):
    """A unit block's last serial is before its first."""


@dataclass(frozen=True, slots=True)
class SerialBlock:
    """Serials `[first, next)` of one registry, unit type and vintage; its text is `str()` of it."""

    registry: str
    unit_type: str
    vintage: int
    first: int
    next: int

    @property
    def last(self) -> int:
        """The last serial, inclusive."""
        return self.next - 1

    @property
    def quantity(self) -> int:
        """Units in the block, t CO2e."""
        return self.next - self.first

    def __str__(self) -> str:
        return format_block(self.registry, self.unit_type, self.vintage, self.first, self.next)


def format_block(registry: str, unit_type: str, vintage: int, first: int, following: int) -> str:
    """Return the printed form of serials `[first, following)`. Source: domain.md section 4."""
    body = f"{registry}-{unit_type}-{vintage}-{first}-{following - 1}"
    return f"{body}-{check_digits(body)}"


def parse_block(text: str) -> SerialBlock:
    """Return the unit block that prints back to exactly this text.

    Raises: MalformedBlock for another form, WrongBlockCheckDigits for other digits, ReversedBlock.
    """
    if _FORM.fullmatch(text) is None:
        raise MalformedBlock(text)
    registry, unit_type, vintage, first, last, _ = text.split("-")
    block = SerialBlock(registry, unit_type, int(vintage), int(first), int(last) + 1)
    if str(block) != text:
        raise WrongBlockCheckDigits(text)
    if block.first >= block.next:
        raise ReversedBlock(text)
    return block
