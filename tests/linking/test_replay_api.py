"""Replays over HTTP: for administrators and auditors of either side, with every fault at its place, and nothing changed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.rules.access import Role
from accounts.rules.keys import Scope
from linking.replay_printing import printed_replay
from linking.replays import compare, terms_changed
from registry.models import Transaction
from tests.api.conftest import Asked, key_for
from tests.build import official
from tests.linking.cities import NOW, Pilot
from tests.linking.test_verification import moved


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return moved


def replay(made: Pilot, person: int | None, body: Any, *scopes: Scope, number: int = 0) -> Any:
    """Ask for a replay of Beijing -> Tokyo as somebody; `person`: a user's id, None for nobody."""
    key = None if person is None else key_for(User.objects.get(pk=person), *(scopes or (Scope.READ,)))
    corridor = number or made.corridor("CN-BJ", "JP-13").pk
    path = f"/api/v1/corridors/{corridor}/replay"
    return Asked(key, Client(raise_request_exception=False)).post(path, body, key=None)


def test_administrators_and_auditors_of_either_side_may_ask(begun: Pilot):
    corridor = begun.corridor("CN-BJ", "JP-13")
    halved = {"numerator": 1, "denominator": 2}
    expected = printed_replay(compare(corridor, terms=terms_changed(corridor, {"rate": halved}, now=NOW)))
    auditor = official(Role.AUDITOR, "jp-auditor", "JP-13")
    before = Transaction.objects.count()
    for person in (begun["CN-BJ"].officers[0], begun["JP-13"].officers[1], auditor):
        answer = replay(begun, person.user_id, {"changes": {"rate": halved}})
        assert (answer.status_code, answer.json()) == (200, expected)
    assert expected["under_changes"]["worth_let_in"] == 77
    assert Transaction.objects.count() == before


def test_nobody_else_may(begun: Pilot):
    assert replay(begun, None, {}).status_code == 401
    assert replay(begun, begun["JP-13"].people[0].user_id, {}).status_code == 403
    assert replay(begun, begun["KR-11"].officers[0].user_id, {}).status_code == 403
    officer = begun["JP-13"].officers[0].user_id
    assert replay(begun, officer, {}, Scope.TRANSACT).status_code == 403
    assert replay(begun, officer, {}, number=10**6).status_code == 404
    assert replay(begun, officer, {}, number=2**63).status_code == 404


def test_a_span_a_degree_and_whole_terms_may_be_asked_for(begun: Pilot):
    officer = begun["JP-13"].officers[0].user_id
    document = replay(begun, officer, {"changes": {"entry_quota": {"limit": 82}}}).json()["terms"]
    body = {"terms": document, "degree": "restricted", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}
    told = replay(begun, officer, body).json()
    assert (told["from"], told["to"], told["degree"]) == (body["from"], body["to"], "restricted")
    assert [row["code"] for row in told["under_changes"]["refused_by_code"]] == [6005]
    assert told["as_it_was"]["transfers_refused"] == 0
    plain = replay(begun, officer, {}).json()
    assert plain["as_it_was"] == plain["under_changes"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"changes": {"rate": {"numerator": 5}}}, "not-lowest", "/changes/rate/numerator"),
        ({"changes": {"holder_limit": "many"}}, "not-an-integer", "/changes/holder_limit"),
        ({"changes": {}, "terms": {}}, "terms-or-changes", "/changes"),
        ({"changes": {"corridor": {"destination": "KR-11"}}}, "terms-of-another-corridor", "/changes"),
        ({"terms": {}}, "missing", "/terms/corridor"),
        ({"changes": []}, "wrong-form", "/changes"),
        ({"degree": "married"}, "unknown-word", "/degree"),
        ({"rate": "3/4"}, "unknown-field", "/rate"),
    ],
)
def test_what_cannot_be_replayed_is_told_at_its_place(begun: Pilot, body, code, pointer):
    answer = replay(begun, begun["CN-BJ"].officers[0].user_id, body)
    assert answer.status_code in {400, 422}
    assert (code, pointer) in [(row["code"], row["pointer"]) for row in answer.json()["errors"]]
