"""Notices and cases of theft over HTTP: who reads them, two persons of the city in which the units lie, once for one key."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.rules.keys import Scope
from audit.models import Entry
from linking.models import TheftCase
from registry.models import Answer, Transaction
from tests.accounts import samples
from tests.api.conftest import Asked, key_for
from tests.conftest import begun_in, shared_by_module
from tests.linking.thefts import Chase, chase

API = "/api/v1"
ORDER = "court order 12"


def stolen(good_faith: str = "units-go-back") -> Chase:
    """Serials 1 to 100 of Beijing's ann, with Tokyo's bob, frozen by both cities."""
    made = chase(good_faith)
    made.sent(1, 101)
    made.freeze(1, 101)
    made.confirm(made.holds()[0])
    return made


thefts_database = shared_by_module(stolen)


@pytest.fixture
def theft(thefts_database, db) -> Chase:
    """The pilot with stolen units, rolled back after the test."""
    found: Chase = begun_in(thefts_database)
    return found


def ask(theft: Chase, city: str = "JP-13", officer: int = 0, scopes: tuple[Scope, ...] = tuple(Scope)) -> Asked:
    person = User.objects.get(pk=theft.pilot[city].officers[officer].user_id)
    return Asked(key_for(person, *scopes), Client(raise_request_exception=False))


def order(theft: Chase, **members: Any) -> dict[str, Any]:
    return {
        "hold": theft.holds()[0].pk,
        "acquired_for_value": True,
        "evidence": "contract and payment seen",
        "victim": theft.pilot["CN-BJ"]["ann"],
        "reference": ORDER,
    } | members


def proposed(theft: Chase) -> dict[str, Any]:
    answer = ask(theft).post(f"{API}/theft-cases", order(theft), key="proposed")
    assert answer.status_code == 201, answer.content
    case: dict[str, Any] = answer.json()
    assert answer["Location"].endswith(f"{API}/theft-cases/{case['id']}")
    return case


def refused(answer: Any) -> tuple[int, Any, str]:
    told = answer.json()
    return answer.status_code, told["code"], told["errors"][0]["pointer"] if told["errors"] else ""


def test_both_cities_read_the_notice_its_digest_and_what_became_of_each_hold(theft: Chase):
    [told] = ask(theft, "CN-BJ").get(f"{API}/notices").json()["results"]
    assert ask(theft, "JP-13").get(f"{API}/notices?freeze={told['freeze']}").json()["results"] == [told]
    assert ask(theft, "JP-13").get(f"{API}/notices/{told['id']}").json() == told
    assert (told["from_side"], told["to_side"]) == ("CN-BJ", "JP-13")
    assert hashlib.sha256(told["document"].encode()).hexdigest() == told["digest"]
    [hold] = told["holds"]
    assert hold["serials"] == {"registry": "CNBJ", "first": 1, "last": 100, "quantity": 100}
    assert (hold["state"], hold["id"]) == ("confirmed", theft.holds()[0].pk)
    assert ask(theft, "KR-11").get(f"{API}/notices").json()["results"] == []
    assert ask(theft, "KR-11").get(f"{API}/notices/{told['id']}").status_code == 404


def test_one_proposes_another_decides_and_the_units_are_home(theft: Chase):
    case = proposed(theft)
    assert (case["state"], case["outcome"], case["side"], case["for_side"]) == ("open", "return", "JP-13", "CN-BJ")
    assert (case["victim"], case["transaction"]) == (theft.pilot["CN-BJ"]["ann"], None)
    path = f"{API}/theft-cases/{case['id']}"
    assert ask(theft).get(path).json() == case
    assert refused(ask(theft).post(f"{path}/decide", {}, key="mine")) == (403, "not-permitted", "")
    done = ask(theft, officer=1).post(f"{path}/decide", {}, key="decided")
    assert done.status_code == 200, done.content
    told = done.json()
    assert (told["state"], told["decided_by"]) == ("decided", f"user:{theft.pilot['JP-13'].officers[1].user_id}")
    assert Transaction.objects.get(pk=told["transaction"]).type_id == "3-55"
    assert theft.holder(1) == theft.holder(100) == ("CN-BJ", "ann")
    again = ask(theft, officer=1).post(f"{path}/decide", {}, key="decided")
    assert (again.content, again["Idempotency-Replayed"]) == (done.content, "true")
    assert refused(ask(theft, officer=1).post(f"{path}/decide", {}, key="other"))[:2] == (422, "case-is-not-open")
    assert Entry.objects.filter(event="theft.case-decided").count() == 2


def test_who_proposed_does_not_decide_whatever_the_role(theft: Chase):
    senior = ask(theft, officer=1)
    case = senior.post(f"{API}/theft-cases", order(theft), key="proposed").json()
    answer = senior.post(f"{API}/theft-cases/{case['id']}/decide", {}, key="decided")
    assert refused(answer)[:2] == (422, "case-decided-by-its-proposer")
    assert not Answer.objects.filter(key="decided").exists()
    assert theft.holder(1) == ("JP-13", "bob")


def test_a_decision_that_the_checks_refuse_leaves_the_case_open_and_names_every_reason(theft: Chase):
    case = proposed(theft)
    theft.freeze(91, 101, by="JP-13")
    answer = ask(theft, officer=1).post(f"{API}/theft-cases/{case['id']}/decide", {}, key="decided")
    assert refused(answer)[:2] == (422, 4009)
    assert not Answer.objects.filter(key="decided").exists()
    assert ask(theft).get(f"{API}/theft-cases/{case['id']}").json()["state"] == "open"


def test_a_case_is_taken_back_and_another_one_proposed(theft: Chase):
    case = proposed(theft)
    answer = ask(theft, officer=1).post(f"{API}/theft-cases", order(theft), key="second")
    assert refused(answer)[:2] == (422, "case-is-open")
    path = f"{API}/theft-cases/{case['id']}/withdraw"
    assert ask(theft, "CN-BJ").post(path, {}).status_code == 403
    answer = ask(theft).post(path, {}, key="withdrawn")
    assert (answer.status_code, answer.json()["state"]) == (200, "withdrawn")
    again = ask(theft).post(path, {}, key="withdrawn")
    assert (again.content, again["Idempotency-Replayed"]) == (answer.content, "true")
    second = ask(theft, officer=1).post(f"{API}/theft-cases", order(theft), key="second")
    assert second.status_code == 201
    listed = ask(theft).get(f"{API}/theft-cases?limit=1").json()
    assert ([row["id"] for row in listed["results"]], listed["next"] is not None) == ([second.json()["id"]], True)
    [open_one] = ask(theft).get(f"{API}/theft-cases?state=open&hold={case['hold']}").json()["results"]
    assert open_one["id"] == second.json()["id"]


def test_the_other_city_reads_the_case_and_not_the_evidence_and_nobody_else_knows_of_it(theft: Chase):
    case = proposed(theft)
    path = f"{API}/theft-cases/{case['id']}"
    assert case["evidence"] == "contract and payment seen"
    assert ask(theft, "CN-BJ").get(path).json() == case | {"evidence": None}
    stranger = Asked(key_for(samples.user("stranger"), *Scope), Client(raise_request_exception=False))
    for asked in (stranger, ask(theft, "KR-11", 1)):
        assert asked.get(f"{API}/theft-cases").json()["results"] == []
        assert asked.get(path).status_code == 404
        assert asked.post(f"{path}/decide", {}).status_code == 404
        assert asked.post(f"{path}/withdraw", {}).status_code == 404


def test_only_who_administers_the_city_of_the_hold_proposes_by_a_key_for_administering(theft: Chase):
    answer = ask(theft, scopes=(Scope.READ, Scope.TRANSACT)).post(f"{API}/theft-cases", order(theft), key="a")
    assert answer.status_code == 403
    answer = ask(theft, "CN-BJ").post(f"{API}/theft-cases", order(theft), key="b")
    assert refused(answer) == (422, "unknown-hold", "/hold")
    assert not TheftCase.objects.exists()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"hold": 9_999}, (422, "unknown-hold", "/hold")),
        ({"hold": "1"}, (400, "not-an-integer", "/hold")),
        ({"acquired_for_value": 1}, (400, "not-a-flag", "/acquired_for_value")),
        ({"evidence": ""}, (400, "blank", "/evidence")),
        ({"victim": "ann"}, (400, 2001, "/victim")),
        ({"victim": "CNBJ-TRA-999999999-11"}, (422, "victim-is-not-at-home", "/victim")),
        ({"reference": ""}, (422, "order-reference-missing", "/reference")),
        ({"more": 1}, (400, "unknown-field", "/more")),
    ],
)
def test_a_case_that_lacks_something_is_refused_at_its_place(theft: Chase, changes, expected):
    answer = ask(theft).post(f"{API}/theft-cases", order(theft, **changes))
    assert refused(answer) == expected
    assert not TheftCase.objects.exists()


def test_the_freeze_of_the_citys_own_is_no_hold(theft: Chase):
    own = theft.holds()[0].confirmed_by_id
    answer = ask(theft).post(f"{API}/theft-cases", order(theft, hold=own))
    assert refused(answer) == (422, "unknown-hold", "/hold")


def kept() -> Chase:
    return stolen("buyer-keeps")


@pytest.fixture
def world() -> Callable[[], Chase]:
    return kept


def test_where_the_buyer_keeps_them_no_victim_is_named_and_nothing_moves(begun: Chase):
    members = order(begun)
    assert refused(ask(begun).post(f"{API}/theft-cases", members))[1:] == ("buyer-keeps-the-units", "/victim")
    del members["victim"]
    case = ask(begun).post(f"{API}/theft-cases", members, key="k-2").json()
    assert (case["outcome"], case["victim"], case["reference"]) == ("keep", None, "")
    answer = ask(begun, officer=1).post(f"{API}/theft-cases/{case['id']}/decide", {}, key="decided")
    assert (answer.status_code, answer.json()["transaction"]) == (200, None)
    assert begun.holder(1) == ("JP-13", "bob")
    assert begun.frozen("JP-13") == []
