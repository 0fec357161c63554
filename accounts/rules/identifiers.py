"""Account identifiers, for example JP13-OHA-1000042-47: registry, type, number and two check digits.

The check digits also close the identifiers of unit blocks. Nothing is accepted that does not print back to itself.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

_FORM = re.compile(r"([A-Z]{2}[A-Z0-9]{1,3})-([A-Z]{3})-([1-9][0-9]{0,17})-([0-9]{2})")
_VALUES = {letter: str(value) for value, letter in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-")}


class MalformedIdentifier(ValueError):
    """A text is no account identifier."""


class WrongCheckDigits(MalformedIdentifier):
    """A text has the form of an account identifier, but its check digits belong to another one."""


@dataclass(frozen=True, slots=True)
class AccountIdentifier:
    """The parts of an account identifier; its text is `str()` of it."""

    registry_code: str
    type_code: str
    number: int

    def __str__(self) -> str:
        return format_account_identifier(self.registry_code, self.type_code, self.number)


def check_digits(text: str) -> str:
    """Return the two check digits of a text of A-Z, 0-9 and dashes.

    Raises: ValueError for any other character. Source: ISO 7064 MOD 97-10, A=10 .. Z=35; every dash counts as 36, or
    `1-1000` and `11-000` would collide (domain.md section 3).
    """
    try:
        expanded = "".join(_VALUES[letter] for letter in text)
    except KeyError as error:
        raise ValueError(f"{error.args[0]!r} has no place in an identifier.") from error
    return f"{98 - int(expanded + '00') % 97:02d}"


def jurisdiction_of(registry_code: str) -> str:
    """Return the code of a jurisdiction, `CN-BJ`, by what stands in its serials, `CNBJ`."""
    return f"{registry_code[:2]}-{registry_code[2:]}"


def format_account_identifier(registry_code: str, type_code: str, number: int) -> str:
    """Return the identifier of an account."""
    body = f"{registry_code}-{type_code}-{number}"
    return f"{body}-{check_digits(body)}"


@lru_cache(maxsize=4096)
def parse_account_identifier(text: str) -> AccountIdentifier:
    """Return the parts of an identifier that prints back to exactly this text.

    Raises: MalformedIdentifier for another form, WrongCheckDigits for the right form with other digits.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise MalformedIdentifier(text)
    identifier = AccountIdentifier(match[1], match[2], int(match[3]))
    if str(identifier) != text:
        raise WrongCheckDigits(text)
    return identifier
