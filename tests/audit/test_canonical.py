"""Canonical JSON: one value, one sequence of bytes."""

import json
import unicodedata
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import GREATEST_INTEGER, NotCanonical, _write, canonical_json

texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-GREATEST_INTEGER, GREATEST_INTEGER) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts.map(lambda t: unicodedata.normalize("NFC", t)), inner),
)


def _nfc(value: object) -> object:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_nfc(item) for item in value]
    if isinstance(value, dict):
        return {_nfc(key): _nfc(item) for key, item in value.items()}
    return value


@given(values)
def test_canonical_bytes_read_back_to_the_same_value(value: object) -> None:
    assert json.loads(canonical_json(value)) == _nfc(value)


@given(values)
def test_canonical_bytes_are_canonical_again(value: object) -> None:
    assert canonical_json(json.loads(canonical_json(value))) == canonical_json(value)


ascii_texts = st.text(st.characters(max_codepoint=127))
words = st.sampled_from(StrEnum("Word", ["ONE", "TWO"]))
ascii_values = st.recursive(
    st.none() | st.booleans() | words | st.integers(-GREATEST_INTEGER, GREATEST_INTEGER) | ascii_texts,
    lambda inner: st.lists(inner) | st.dictionaries(ascii_texts, inner),
)


@given(ascii_values)
def test_plain_ascii_values_are_written_as_all_others_are(value: object) -> None:
    parts: list[str] = []
    _write(value, parts)
    assert canonical_json(value) == "".join(parts).encode()


def test_keys_are_sorted_by_their_utf_16_code_units() -> None:
    # The example of RFC 8785 section 3.2.3; the emoji's surrogates come before U+FB33.
    keys = ["€", "\r", "דּ", "1", "😀", "\x80", "ö"]
    found = list(json.loads(canonical_json(dict.fromkeys(map(str, ["€", "\r", "1", "😀", "\x80", "ö", "\ue000"]), 0))))
    assert len(keys) == len(found)
    assert found == ["\r", "1", "\x80", "ö", "€", "😀", "\ue000"]


def test_control_characters_are_escaped_as_the_standard_says() -> None:
    assert canonical_json('\x00\x1f\b\t\n\f\r"\\/\x7f€') == (b'"\\u0000\\u001f\\b\\t\\n\\f\\r\\"\\\\/\x7f\xe2\x82\xac"')


def test_nothing_is_written_between_members() -> None:
    assert canonical_json({"b": [1, True, None], "a": {}, "c": []}) == b'{"a":{},"b":[1,true,null],"c":[]}'


def test_texts_are_brought_to_nfc() -> None:
    assert canonical_json("e\u0301") == canonical_json("é")


@pytest.mark.parametrize(
    "value",
    [
        0.5,
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        b"bytes",
        {1: 2},
        {"é": 1, "e\u0301": 2},
        "\ud800",
        {"\ud800": 1},
        pytest.param(object(), id="an object"),
    ],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical_json({"inside": [value]})
