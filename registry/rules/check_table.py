"""The table of checks: how one is declared, and what a failed one says. Codes are public, stable and never reused.

A check is a function of the `Context` with a positive name; it yields a finding for each way in which it does not hold. The
text of a code is `check.<code>` in the translation files, filled from the finding's params.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from registry.rules.facts import Context


class Group(StrEnum):
    """The thousands of a code (domain.md section 6)."""

    FORM = "form"
    SEQUENCE = "sequence"
    GENERAL = "general"
    TYPE = "type"
    LINK = "link"


_GROUP_OF = {2: Group.FORM, 3: Group.SEQUENCE, 4: Group.GENERAL, 5: Group.TYPE, 6: Group.LINK}


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a check does not hold: the accounts or serials concerned, and what the text is filled with."""

    subjects: tuple[str, ...] = ()
    params: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed check, as it is reported."""

    code: int
    params: Mapping[str, str | int] = field(default_factory=dict)
    subjects: tuple[str, ...] = ()


Judge = Callable[[Context], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """One row. `transient`: the same proposal can succeed later. `reference`: the source of the rule."""

    code: int
    name: str
    group: Group
    transient: bool
    reference: str
    judge: Judge | None


class CodeUsedTwice(ValueError):
    """Two checks claim one code."""


CHECKS: dict[int, Check] = {}


def check(code: int, *, transient: bool = False, reference: str = "domain.md 6") -> Callable[[Judge], Judge]:
    """Declare a check under its code.

    Raises: CodeUsedTwice, at import.
    """

    def declare(judge: Judge) -> Judge:
        add(Check(code, judge.__name__, _GROUP_OF[code // 1000], transient, reference, judge))
        return judge

    return declare


def add(row: Check) -> None:
    """Add a row to the table. A row without `judge` is found elsewhere and only told by the table.

    Raises: CodeUsedTwice.
    """
    if row.code in CHECKS:
        raise CodeUsedTwice(f"{row.code} is {CHECKS[row.code].name} and cannot be {row.name}")
    CHECKS[row.code] = row


def about(*subjects: str, **params: str | int) -> Finding:
    """Return a finding about accounts or serials."""
    return Finding(subjects, params)
