"""Reads a request's body as strict JSON: nothing is guessed, rounded or dropped, and every fault names its field.

What other readers let pass silently (a name twice, 1e3 for an integer, a NaN, half a surrogate pair) is refused here, because
two readers of one order must not understand two quantities.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

# Room for the 3,000 serial blocks that one transaction may name, several times over.
LARGEST_BODY_BYTES = 1024 * 1024
# A refused body is read to its end up to this size, so that its sender gets to read the answer.
MOST_DISCARDED_BYTES = 32 * 1024 * 1024
DEEPEST_NESTING = 16
# PostgreSQL's bigint.
GREATEST_INTEGER = 2**63 - 1
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a body: a word of `config.problems`, and where it is (RFC 6901)."""

    code: str
    pointer: str


class MalformedBody(Exception):
    """A body is no JSON object that every reader would understand alike; every fault found is listed."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(", ".join(f"{fault.code} at {fault.pointer or '/'}" for fault in faults))
        self.faults = faults


class BodyTooLarge(Exception):
    """A body is larger than `LARGEST_BODY_BYTES`."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """Stands where a value was refused while parsing, until its place in the document is known."""

    code: str


class _Repeated(dict[str, Any]):
    """An object that names one member twice, until its place in the document is known."""

    repeated: frozenset[str] = frozenset()


class StrictJSONParser(BaseParser):
    """Parses `application/json` in UTF-8 (RFC 8259) with unique names (RFC 7493), and integers for numbers."""

    media_type = "application/json"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the body's object.

        Raises: BodyTooLarge, MalformedBody; UnsupportedMediaType for another character set.
        """
        _refuse_other_character_sets(media_type or self.media_type)
        return parse_object(_read(stream))


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that the bytes are, with nothing but objects, arrays, texts, integers, booleans and null.

    Raises: MalformedBody with every fault.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedBody(Fault("not-utf-8", "")) from None
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_float=lambda _: _Refused("not-an-integer"),
            parse_constant=lambda _: _Refused("not-an-integer"),
            parse_int=_integer,
        )
    except RecursionError:
        raise MalformedBody(Fault("nested-too-deep", "")) from None
    except ValueError:
        raise MalformedBody(Fault("not-json", "")) from None
    faults = tuple(_faults(document, "", 0))
    if faults:
        raise MalformedBody(*faults)
    if not isinstance(document, dict):
        raise MalformedBody(Fault("not-an-object", ""))
    return document


def _refuse_other_character_sets(media_type: str) -> None:
    parameters = media_type.lower().replace('"', "").replace(" ", "").split(";")[1:]
    if any(parameter.startswith("charset=") and parameter != "charset=utf-8" for parameter in parameters):
        raise UnsupportedMediaType(media_type)


def _read(stream: IO[bytes]) -> bytes:
    body = stream.read(LARGEST_BODY_BYTES + 1)
    if len(body) <= LARGEST_BODY_BYTES:
        return body
    discarded = len(body)
    while discarded < MOST_DISCARDED_BYTES and (chunk := stream.read(_CHUNK_BYTES)):
        discarded += len(chunk)
    raise BodyTooLarge


def _integer(digits: str) -> int | _Refused:
    # Measured before it is converted: a number of a million digits costs seconds.
    if len(digits) > 20 or abs(number := int(digits)) > GREATEST_INTEGER:
        return _Refused("too-great")
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    twice = _Repeated(members)
    twice.repeated = frozenset(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    return twice


def _faults(value: object, pointer: str, depth: int) -> Iterator[Fault]:
    if depth > DEEPEST_NESTING:
        yield Fault("nested-too-deep", pointer)
    elif isinstance(value, _Refused):
        yield Fault(value.code, pointer)
    elif isinstance(value, str):
        yield from _text_faults(value, pointer)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _faults(item, f"{pointer}/{place}", depth + 1)
    elif isinstance(value, dict):
        for name, member in value.items():
            at = member_pointer(pointer, name)
            yield from _text_faults(name, at)
            if isinstance(value, _Repeated) and name in value.repeated:
                yield Fault("named-twice", at)
            yield from _faults(member, at, depth + 1)


def _text_faults(text: str, pointer: str) -> Iterator[Fault]:
    if "\x00" in text:
        # PostgreSQL's text cannot hold it.
        yield Fault("not-a-text", pointer)
    else:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            yield Fault("not-a-text", pointer)


def member_pointer(pointer: str, name: str) -> str:
    """Return the JSON pointer (RFC 6901) of a member; what cannot be printed of its name is replaced."""
    printable = name[:100].encode("utf-8", "replace").decode("utf-8").replace("\x00", "�")
    return f"{pointer}/{printable.replace('~', '~0').replace('/', '~1')}"
