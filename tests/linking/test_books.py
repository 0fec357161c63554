"""The issuer's books: every unit issued is in one place, at home or abroad; its log tells of what happens abroad."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from audit.models import Entry
from linking.books import Place, issuer_books
from linking.models import Margin, Quota
from linking.rules.degrees import Degree
from registry.operations.outcome import Outcome
from tests.linking.cities import NOW, Pilot, pilot
from tests.linking.surrenders import cancel, surrender, undo


def with_a_use_quota() -> Pilot:
    """The pilot with Beijing's units at 4/5 in Tokyo, where they may cover a tenth of an operator's emissions."""
    made = pilot()
    node = {
        "name": "linked",
        "within": None,
        "origins": ["CN-BJ"],
        "unit_types": [],
        "base": "verified-emissions",
        "numerator": 1,
        "denominator": 10,
        "window": "year",
    }
    made.agree("CN-BJ", "JP-13", rate=(4, 5), use_quota=[node])
    made.agree("JP-13", "CN-BJ", net_flow_limit=1_000_000)
    made.raise_to(Degree.RECIPROCAL, "CN-BJ", "JP-13")
    return made


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return with_a_use_quota


def sent(linked: Pilot) -> None:
    linked.send(("CN-BJ", "ann"), ("JP-13", "plant"), 100, (1, 101))


def used() -> int:
    return Quota.objects.get(kind="use").used


def logs_of(outcome: Outcome) -> dict[str, dict[str, object]]:
    """What each registry's log says of a transaction's completion, the last that it says of it."""
    rows = Entry.objects.filter(subject=str(outcome.transaction_id)).order_by("id")
    return {row.registry: json.loads(bytes(row.body))["content"] for row in rows}


def test_everything_issued_is_at_home_before_anything_leaves(linked: Pilot):
    books = issuer_books("CN-BJ")
    assert (books.issued, books.home, books.abroad) == (1_000, Place("CN-BJ", held=1_000), ())
    assert books.balance


def test_units_abroad_are_told_by_host_and_retired_ones_by_how(linked: Pilot):
    sent(linked)
    surrender(linked, "plant", 50, (1, 51))
    cancel(linked, "plant", 20, (51, 71))
    books = issuer_books("CN-BJ")
    assert books.home == Place("CN-BJ", held=900)
    assert books.abroad == (Place("JP-13", held=30, surrendered=50, cancelled=20),)
    assert (books.held_abroad, books.retired_abroad) == (30, 70)
    assert books.balance


def test_the_hosts_own_books_do_not_count_what_was_issued_elsewhere(linked: Pilot):
    sent(linked)
    surrender(linked, "plant", 50, (1, 51))
    books = issuer_books("JP-13")
    assert (books.issued, books.home, books.abroad) == (1_000, Place("JP-13", held=1_000), ())


def test_a_reversed_surrender_undoes_its_effect_on_the_issuers_books_and_gives_back_quota_and_margin(linked: Pilot):
    sent(linked)
    before = issuer_books("CN-BJ")
    outcome = surrender(linked, "plant", 55, (1, 56))
    assert issuer_books("CN-BJ").retired_abroad == 55
    assert (used(), Margin.objects.get().quantity, Margin.objects.get().margin) == (44, 55, 11)
    undo(linked, outcome)
    assert issuer_books("CN-BJ") == before
    assert (used(), Margin.objects.get().quantity, Margin.objects.get().margin) == (0, 0, 0)


def test_what_was_given_back_can_be_surrendered_again_up_to_the_same_limit(linked: Pilot):
    sent(linked)
    obligation = linked["JP-13"].obligation("plant", 500)
    undo(linked, surrender(linked, "plant", 62, (1, 63), obligation))
    surrender(linked, "plant", 62, (1, 63), obligation)
    assert (used(), Quota.objects.get(kind="use").limit) == (49, 50)


def test_the_issuers_log_tells_of_the_surrender_the_cancellation_and_the_reversal_of_its_units_abroad(linked: Pilot):
    sent(linked)
    surrendered = surrender(linked, "plant", 50, (1, 51))
    cancelled = cancel(linked, "plant", 20, (51, 71))
    reversed_ = undo(linked, surrendered)
    for outcome in (surrendered, cancelled, reversed_):
        told = logs_of(outcome)
        assert set(told) == {"CN-BJ", "JP-13"}
        assert told["CN-BJ"] == told["JP-13"]
        assert told["CN-BJ"]["quantity"] == outcome.quantity
        assert told["CN-BJ"]["ranges"] != []
    assert logs_of(surrendered)["CN-BJ"]["worth"] == 40


def test_the_books_stand_as_they_were_at_any_instant(linked: Pilot):
    """By the transactions, and by the balances: two paths to the same figures."""
    sent(linked)
    outcome = surrender(linked, "plant", 50, (1, 51))
    later = NOW + timedelta(days=3)
    linked.send(("JP-13", "plant"), ("CN-BJ", "bob"), 10, (91, 101), issuer="CN-BJ", now=later)
    undo(linked, outcome)
    assert issuer_books("CN-BJ", later) == issuer_books("CN-BJ")
    just_before = issuer_books("CN-BJ", later - timedelta(microseconds=1))
    assert (just_before.home.held, just_before.abroad) == (900, (Place("JP-13", held=100),))
    first = issuer_books("CN-BJ", NOW - timedelta(microseconds=1))
    assert (first.issued, first.home, first.abroad, first.balance) == (0, Place("CN-BJ"), (), True)
