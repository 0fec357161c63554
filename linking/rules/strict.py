"""Reads JSON strictly into frozen dataclasses, by the form that stands beside each field: all faults at once, or the value.

A form never guesses: true is no integer, a list that is a set is in order and names nothing twice, and a text is what everybody
sees, without signs that do not show. What is read prints back to the same document, or it is refused.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cache
from itertools import pairwise
from typing import Annotated, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at a field, `rate.numerator` or `use_quota.0.name`. Its text is `terms-fault.<code>`, `params` filled in."""

    path: str
    code: str
    params: tuple[tuple[str, str | int], ...] = ()


Faults = list[Fault]


@dataclass(frozen=True, slots=True)
class Form:
    """One form: what it is called, how it is read (`None` after a fault), how it prints, and the dataclass that is inside it."""

    says: str
    read: Callable[[object, str, Faults], object]
    show: Callable[[object], object] = lambda value: value
    inside: Callable[..., object] | None = None


@dataclass(frozen=True, slots=True)
class Called:
    """The member's name in the document, where Python has the word for itself."""

    name: str


def fault(path: str, code: str, **params: str | int) -> Fault:
    """Return a fault; its params are kept in the order of their names."""
    return Fault(path, code, tuple(sorted(params.items())))


def integer(least: int, greatest: int) -> Form:
    """An integer from `least` to `greatest`; true and false are none."""

    def read(value: object, path: str, faults: Faults) -> object:
        if isinstance(value, bool) or not isinstance(value, int):
            faults.append(fault(path, "not-an-integer"))
        elif not least <= value <= greatest:
            faults.append(fault(path, "out-of-range", least=least, greatest=greatest))
        return value

    return Form(f"integer, {least:,} to {greatest:,}", read)


def _read_flag(value: object, path: str, faults: Faults) -> object:
    if not isinstance(value, bool):
        faults.append(fault(path, "not-a-flag"))
    return value


FLAG = Form("true or false", _read_flag)


def code(pattern: str, example: str) -> Form:
    """A short text of one pattern."""
    compiled = re.compile(pattern)

    def read(value: object, path: str, faults: Faults) -> object:
        if not isinstance(value, str):
            faults.append(fault(path, "not-a-text"))
        elif compiled.fullmatch(value) is None:
            faults.append(fault(path, "malformed", example=example))
        return value

    return Form(f"text like {example}", read)


def prose(least: int, greatest: int) -> Form:
    """A text of so many characters in NFC, without blanks at its ends, line ends or any sign that does not show."""

    def read(value: object, path: str, faults: Faults) -> object:
        if not isinstance(value, str):
            faults.append(fault(path, "not-a-text"))
        elif not least <= len(value) <= greatest:
            faults.append(fault(path, "length", least=least, greatest=greatest))
        elif value != value.strip() or any(unicodedata.category(sign)[0] in "CZ" and sign != " " for sign in value):
            faults.append(fault(path, "unseen-signs"))
        elif not unicodedata.is_normalized("NFC", value):
            faults.append(fault(path, "not-nfc"))
        return value

    return Form(f"text, {least} to {greatest} characters", read)


def choice(words: type[StrEnum]) -> Form:
    """One word of a closed list."""
    known = {str(word): word for word in words}

    def read(value: object, path: str, faults: Faults) -> object:
        found = known.get(value) if isinstance(value, str) else None
        if found is None:
            faults.append(fault(path, "not-one-of", words=", ".join(known)))
        return found

    return Form(" or ".join(known), read, str)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def show_instant(value: object) -> str:
    """Return an instant as RFC 3339 in UTC, to the second."""
    assert isinstance(value, datetime)
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def show_day(value: object) -> str:
    """Return a day as RFC 3339 has it."""
    assert isinstance(value, date)
    return value.isoformat()


def _time(says: str, parse: Callable[[str], object], show: Callable[[object], str], example: str) -> Form:
    """A time that prints back to the very text that was read."""

    def read(value: object, path: str, faults: Faults) -> object:
        try:
            found = parse(value) if isinstance(value, str) else None
        except ValueError:
            found = None
        if found is None or not _is_printed(found, value, show):
            faults.append(fault(path, "malformed", example=example))
            return None
        return found

    return Form(says, read, show)


def _is_printed(found: object, value: object, show: Callable[[object], str]) -> bool:
    try:
        return (not isinstance(found, datetime) or found.tzinfo is not None) and show(found) == value
    except OverflowError:
        return False


INSTANT = _time("instant, RFC 3339 in UTC", _instant, show_instant, "2026-07-01T00:00:00Z")
DAY = _time("day", date.fromisoformat, show_day, "2026-07-15")


def listed(form: Form, least: int, greatest: int, *, in_order: bool) -> Form:
    """A list of `least` to `greatest` items of one form; `in_order`: it is a set, rising, and names nothing twice."""

    def read(value: object, path: str, faults: Faults) -> object:
        if not isinstance(value, list):
            faults.append(fault(path, "not-a-list"))
            return None
        if not least <= len(value) <= greatest:
            faults.append(fault(path, "count", least=least, greatest=greatest))
            return None
        before = len(faults)
        found = tuple(form.read(item, f"{path}.{place}", faults) for place, item in enumerate(value))
        shown = [str(form.show(item)) for item in found] if len(faults) == before else []
        if in_order and any(a >= b for a, b in pairwise(shown)):
            faults.append(fault(path, "not-in-order"))
        return found

    def show(value: object) -> object:
        assert isinstance(value, tuple)
        return [form.show(item) for item in value]

    says = f"list of {least:,} to {greatest:,}{', rising' if in_order else ''}: {form.says}"
    return Form(says, read, show, form.inside)


def or_null(form: Form) -> Form:
    """A form, or null where there is none."""

    def read(value: object, path: str, faults: Faults) -> object:
        return None if value is None else form.read(value, path, faults)

    return Form(f"{form.says}; or null", read, lambda value: None if value is None else form.show(value), form.inside)


def part(made: Callable[..., object]) -> Form:
    """An object that has exactly the members of a dataclass."""

    def read(value: object, path: str, faults: Faults) -> object:
        return read_part(made, value, path, faults)

    return Form("object", read, show_part, made)


@cache
def members_of(made: Callable[..., object]) -> Mapping[str, tuple[str, Form]]:
    """Return the members of a dataclass's document in order: the name there, the field's name and the form of each."""
    members: dict[str, tuple[str, Form]] = {}
    for name, hint in get_type_hints(made, include_extras=True).items():
        assert get_origin(hint) is Annotated
        extras = get_args(hint)[1:]
        called = next((extra.name for extra in extras if isinstance(extra, Called)), name)
        members[called] = (name, next(extra for extra in extras if isinstance(extra, Form)))
    return members


def read_part(made: Callable[..., T], value: object, path: str, faults: Faults) -> T | None:
    """Return the dataclass that an object says; None and faults where a member is unknown, missing or not of its form."""
    if not isinstance(value, dict):
        faults.append(fault(path, "not-an-object"))
        return None
    members = members_of(made)
    before = len(faults)
    faults += [fault(_at(path, str(name)), "unknown") for name in value if name not in members]
    faults += [fault(_at(path, name), "missing") for name in members if name not in value]
    found = {
        field: form.read(value[name], _at(path, name), faults)
        for name, (field, form) in members.items()
        if name in value
    }
    return made(**found) if len(faults) == before else None


def show_part(value: object) -> dict[str, object]:
    """Return the object that a dataclass of forms was read from."""
    made: Callable[..., object] = type(value)
    return {name: form.show(getattr(value, field)) for name, (field, form) in members_of(made).items()}


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
