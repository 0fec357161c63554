"""Account identifiers: what prints is read back, and nothing else is accepted."""

from contextlib import suppress

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.rules.identifiers import (
    AccountIdentifier,
    MalformedIdentifier,
    WrongCheckDigits,
    check_digits,
    parse_account_identifier,
)

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
identifiers = st.builds(
    AccountIdentifier,
    st.text(LETTERS, min_size=2, max_size=2).flatmap(
        lambda country: st.text(LETTERS + DIGITS, min_size=1, max_size=3).map(lambda part: country + part)
    ),
    st.text(LETTERS, min_size=3, max_size=3),
    st.integers(1, 10**18 - 1),
)


def test_the_designs_example_has_its_digits() -> None:
    identifier = AccountIdentifier("JP13", "OHA", 1000042)
    assert str(identifier) == "JP13-OHA-1000042-47"
    assert parse_account_identifier("JP13-OHA-1000042-47") == identifier


def test_the_dash_counts() -> None:
    assert check_digits("1-1000") != check_digits("11-000")


@given(identifiers)
def test_what_prints_is_read_back(identifier: AccountIdentifier) -> None:
    assert parse_account_identifier(str(identifier)) == identifier


@given(identifiers, st.data())
def test_one_wrong_letter_is_found(identifier: AccountIdentifier, data: st.DataObject) -> None:
    text = str(identifier)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.sampled_from([c for c in LETTERS + DIGITS + "-" if c != text[place]]))
    with pytest.raises(MalformedIdentifier):
        parse_account_identifier(text[:place] + letter + text[place + 1 :])


@given(identifiers, st.data())
def test_two_neighbours_exchanged_are_found(identifier: AccountIdentifier, data: st.DataObject) -> None:
    text = str(identifier)
    place = data.draw(st.integers(0, len(text) - 2))
    exchanged = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    if exchanged != text:
        with pytest.raises(MalformedIdentifier):
            parse_account_identifier(exchanged)


@given(st.text())
def test_any_text_is_an_identifier_or_refused(text: str) -> None:
    with suppress(MalformedIdentifier):
        assert str(parse_account_identifier(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "JP13-OHA-1000042",
        "JP13-OHA-1000042-47\n",
        " JP13-OHA-1000042-47",
        "jp13-OHA-1000042-47",
        "JP13-OHA-01000042-47",
        "JP13-OHA-１０００042-47",
        "JP13-OHA-0-47",
        "JP13-OHA--1-47",
        "JP13–OHA–1000042–47",
        "JP13-OHA-9999999999999999999-47",
    ],
    ids=repr,
)
def test_another_form_is_refused(text: str) -> None:
    with pytest.raises(MalformedIdentifier) as refused:
        parse_account_identifier(text)
    assert not isinstance(refused.value, WrongCheckDigits)


def test_wrong_digits_are_told_apart_from_a_wrong_form() -> None:
    with pytest.raises(WrongCheckDigits):
        parse_account_identifier("JP13-OHA-1000042-48")


@pytest.mark.parametrize("text", ["a", "é", "JP 13", "_"])
def test_other_letters_have_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="no place"):
        check_digits(text)


def test_the_databases_own_check_digits_are_the_same(as_application_role: psycopg.Connection[tuple]) -> None:
    bodies = [f"{registry}-{code}-{number}" for registry in ("JP13", "CNBJ", "KR11", "XXUK") for code in ("OHA", "TRA")
              for number in (1, 7, 1000042, 10**18 - 1)]  # fmt: skip
    found = as_application_role.execute(
        "SELECT body, accounts_check_digits(body) FROM unnest(%s::text[]) AS body", [bodies]
    ).fetchall()
    assert dict(found) == {body: check_digits(body) for body in bodies}
