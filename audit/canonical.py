"""Canonical JSON (RFC 8785) for the subset the log uses: one value, one sequence of bytes, for anyone who recomputes it.

Objects, arrays, texts in NFC, integers, true, false and null. A float is refused: its printed form would be a matter of opinion.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum

# Beyond this JSON readers disagree about integers (RFC 7493 section 2.2).
GREATEST_INTEGER = 2**53 - 1
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), check_circular=False)


class NotCanonical(ValueError):
    """A value has no canonical form: a float, an integer beyond 2^53 - 1, a text that is not Unicode, another type."""


def canonical_json(value: object) -> bytes:
    """Return the canonical bytes of a value; texts are brought to NFC first, mappings need text keys.

    Raises: NotCanonical. Source: RFC 8785; keys are sorted by their UTF-16 code units (section 3.2.3).
    """
    if _is_plain(value):
        # Where all is ASCII, Python's own encoder writes the same bytes (no NFC, no order by surrogates), ten times as fast.
        printed = _ENCODER.encode(value)
        if printed.isascii():
            return printed.encode()
    parts: list[str] = []
    _write(value, parts)
    try:
        return "".join(parts).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("A lone surrogate has no canonical form.") from error


def _is_plain(value: object) -> bool:
    """Whether a value is of plain JSON types throughout, with text keys and integers that are exact in every reader."""
    kind = type(value)
    # A word of a table (StrEnum) prints as the text it is; other subclasses may print otherwise.
    if kind is str or value is None or kind is bool or isinstance(value, StrEnum):
        return True
    if isinstance(value, dict):
        return kind is dict and all(type(key) is str for key in value) and all(map(_is_plain, value.values()))
    if isinstance(value, list | tuple):
        return kind in (list, tuple) and all(map(_is_plain, value))
    return isinstance(value, int) and kind is int and -GREATEST_INTEGER <= value <= GREATEST_INTEGER


def _write(value: object, parts: list[str]) -> None:
    if value is None or isinstance(value, bool):
        parts.append(json.dumps(value))
    elif isinstance(value, str):
        parts.append(_text(value))
    elif isinstance(value, int):
        if abs(value) > GREATEST_INTEGER:
            raise NotCanonical(f"The integer {value} is not exact in every reader.")
        parts.append(str(int(value)))
    elif isinstance(value, Mapping):
        _write_object(value, parts)
    elif isinstance(value, Sequence) and not isinstance(value, bytes | bytearray | memoryview):
        separator = "["
        for item in value:
            parts.append(separator)
            _write(item, parts)
            separator = ","
        parts.append("]" if value else "[]")
    else:
        raise NotCanonical(f"A {type(value).__name__} has no canonical form.")


def _write_object(value: Mapping[object, object], parts: list[str]) -> None:
    members: dict[str, object] = {}
    for key, member in value.items():
        if not isinstance(key, str):
            raise NotCanonical(f"The key {key!r} is not a text.")
        members[_nfc(key)] = member
    if len(members) != len(value):
        raise NotCanonical("Two keys are the same text in NFC.")
    separator = "{"
    for key in sorted(members, key=_utf16):
        parts.append(f"{separator}{_text(key)}:")
        _write(members[key], parts)
        separator = ","
    parts.append("}" if members else "{}")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")


def _nfc(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _text(text: str) -> str:
    # Python escapes exactly what RFC 8785 section 3.2.2.2 says when it is told to leave other letters alone.
    return json.dumps(_nfc(str(text)), ensure_ascii=False)
