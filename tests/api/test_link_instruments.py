"""Instruments over HTTP: proposed, signed, taken back; corridors suspended; conditions ticked: once and only once, by who may."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import connections

from accounts import clock
from accounts.models import User
from accounts.rules.keys import Scope
from audit.models import Entry
from linking.models import Condition, Instrument, Signature, Suspension
from registry.models import Answer
from tests.api.conftest import key_for
from tests.api.linked import Linked, linked_market, place
from tests.conftest import begun_in, shared_by_module
from tests.linking.cities import terms

API = "/api/v1"
links_database = shared_by_module(linked_market)


@pytest.fixture
def links(links_database, db) -> Linked:
    """The linked pilot, rolled back after the test."""
    found: Linked = begun_in(links_database)
    return found


@pytest.fixture
def world() -> Callable[[], Linked]:
    """Of tests whose commits are real."""
    return linked_market


def proposal(links: Linked, kind: str, document: dict[str, Any], link: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "link": link or links.link("CN-BJ", "KR-11"), "document": document}


def leave(origin: str = "CN-BJ", destination: str = "KR-11") -> dict[str, Any]:
    return {
        "corridor": {"origin": origin, "destination": destination},
        "limit": 500,
        "valid_from": "2026-01-01T00:00:00Z",
        "valid_to": None,
    }


def proposed(links: Linked, document: dict[str, Any], kind: str = "leave", name: str = "cn-junior") -> dict[str, Any]:
    answer = links.ask(name).post(f"{API}/instruments", proposal(links, kind, document), key="proposed")
    assert answer.status_code == 201, answer.content
    instrument: dict[str, Any] = answer.json()
    return instrument


def sign(links: Linked, name: str, instrument: dict[str, Any], key: str = "signed", digest: str = "") -> Any:
    path = f"{API}/instruments/{instrument['id']}/sign"
    return links.ask(name).post(path, {"digest": digest or instrument["digest"]}, key=key)


def test_terms_are_proposed_and_signed_by_two_persons_of_each_side(links):
    document = terms("CN-BJ", "KR-11", clock.now())
    instrument = proposed(links, document, "terms")
    assert (instrument["state"], instrument["side"], instrument["signatures"]) == ("open", None, [])
    assert instrument["document"] == document
    assert instrument["missing"] == [{"side": "CN-BJ", "count": 2}, {"side": "KR-11", "count": 2}]
    for name in ("cn-junior", "cn-senior", "kr-junior", "kr-senior"):
        answer = sign(links, name, instrument)
        assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["state"], told["missing"], len(told["signatures"])) == ("concluded", [], 4)
    [agreement] = links.ask("nobody").get(f"{API}/agreements?corridor={told['corridor']}").json()["results"]
    assert (agreement["version"], agreement["digest"]) == (1, instrument["digest"])


def test_every_fault_of_a_document_is_told_with_its_place(links):
    document = terms("CN-BJ", "KR-11", clock.now(), version=0, margin="kept")
    rate = document["rate"]
    assert isinstance(rate, dict)
    rate["numerator"] = "4"
    del document["notice_days"]
    answer = links.ask("cn-junior").post(f"{API}/instruments", proposal(links, "terms", document))
    assert answer.status_code == 422
    assert {place(error) for error in answer.json()["errors"]} == {
        ("out-of-range", "/document/version"),
        ("not-one-of", "/document/margin"),
        ("not-an-integer", "/document/rate/numerator"),
        ("missing", "/document/notice_days"),
    }
    assert not any("terms-fault" in error["detail"] for error in answer.json()["errors"])
    assert not Answer.objects.filter(key="k-1").exists()


def test_what_is_refused_about_a_member_is_told_at_its_place(links):
    wrong = terms("CN-BJ", "KR-11", clock.now(), unit_types=["NONE"])
    answer = links.ask("cn-junior").post(f"{API}/instruments", proposal(links, "terms", wrong))
    assert [place(error) for error in answer.json()["errors"]] == [("unit-type-unknown", "/document/unit_types")]
    step = {"from": "none", "to": "indirect", "open": None, "reason": "a step"}
    answer = links.ask("cn-junior").post(f"{API}/instruments", proposal(links, "raise", step))
    assert (answer.status_code, answer.json()["code"]) == (422, "conditions-missing")
    assert "mechanism-listed (CN-BJ)" in answer.json()["detail"]
    answer = links.ask("cn-junior").post(f"{API}/instruments", proposal(links, "lower", step))
    assert [place(error) for error in answer.json()["errors"]] == [("kind-is-another", "/kind")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"link": 9_999}, (422, "unknown-link")),
        ({"link": "1"}, (400, "not-an-integer")),
        ({"kind": "treaty"}, (400, "unknown-word")),
        ({"document": []}, (400, "not-an-object")),
        ({"document": None}, (400, "not-an-object")),
        ({"more": 1}, (400, "unknown-field")),
    ],
)
def test_a_proposal_of_another_form_is_refused(links, changes, expected):
    body = proposal(links, "leave", leave()) | changes
    answer = links.ask("cn-junior").post(f"{API}/instruments", body)
    assert (answer.status_code, answer.json()["code"]) == expected


def test_a_repeated_request_is_carried_out_once_and_answered_alike(links):
    body = proposal(links, "leave", leave())
    first = links.ask("cn-junior").post(f"{API}/instruments", body, key="once")
    again = links.ask("cn-junior").post(f"{API}/instruments", body, key="once")
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert (again["Idempotency-Replayed"], again["Location"]) == ("true", first["Location"])
    assert links.ask("cn-senior").get(first["Location"]).json() == first.json()
    other = links.ask("cn-junior").post(f"{API}/instruments", body | {"document": leave("CN-BJ", "JP-13")}, key="once")
    assert (other.status_code, other.json()["code"]) == (422, 3004)
    unnamed = links.ask("cn-junior").post(f"{API}/instruments", body, key=None)
    assert unnamed.status_code == 428


def test_a_signature_repeated_under_its_key_is_one_signature(links):
    instrument = proposed(links, leave())
    first, again = (sign(links, "cn-junior", instrument) for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert again.content == first.content
    assert Signature.objects.filter(instrument=instrument["id"]).count() == 1
    anew = sign(links, "cn-junior", instrument, key="another")
    assert (anew.status_code, anew.json()["code"]) == (422, "signed-already")


def test_a_refused_signature_leaves_no_answer_and_is_judged_again(links):
    instrument = proposed(links, leave())
    assert sign(links, "cn-junior", instrument, digest="0" * 64).json()["code"] == "digest-is-another"
    assert not Answer.objects.filter(key="signed").exists()
    assert sign(links, "cn-junior", instrument).status_code == 200


def test_the_last_signature_is_a_seniors_and_nobody_signs_for_another_side(links):
    instrument = proposed(links, leave())
    sign(links, "cn-senior", instrument)
    assert sign(links, "cn-junior", instrument).json()["code"] == "second-signature-is-a-seniors"
    # The leave is the origin's alone; Seoul sees it, and signs nothing.
    assert sign(links, "kr-senior", instrument).status_code == 403
    # Tokyo is on neither side of the link.
    assert sign(links, "jp-senior", instrument).status_code == 404
    assert sign(links, "cn-second-senior", instrument).json()["state"] == "concluded"
    assert sign(links, "cn-junior", instrument, key="late").json()["code"] == "instrument-is-not-open"


def test_an_instrument_is_taken_back_before_it_is_concluded(links):
    instrument = proposed(links, leave())
    path = f"{API}/instruments/{instrument['id']}/withdraw"
    told = links.ask("cn-senior").post(path, {}).json()
    assert (told["state"], told["missing"]) == ("withdrawn", [])
    assert sign(links, "cn-junior", instrument).json()["code"] == "instrument-is-not-open"


def test_instruments_are_for_the_staff_of_the_two_sides(links):
    instrument = proposed(links, leave())
    path = f"{API}/instruments/{instrument['id']}"
    for name, status in {"cn-senior": 200, "kr-junior": 200, "jp-senior": 404, "nobody": 404, "cn": 404}.items():
        assert links.ask(name).get(path).status_code == status, name
    open_ones = f"{API}/instruments?state=open&link={links.link('CN-BJ', 'KR-11')}"
    assert [row["id"] for row in links.ask("kr-senior").get(open_ones).json()["results"]] == [instrument["id"]]
    assert links.ask("nobody").get(open_ones).json()["results"] == []
    assert links.ask("cn-senior").get(f"{API}/instruments?kind=delink").json()["results"] == []


def test_a_key_for_transactions_signs_nothing(links):
    # Of an administrator who may: the key alone is not for this.
    links.keys["cn-junior"] = key_for(User.objects.get(username="cn-junior"), Scope.READ, Scope.TRANSACT)
    answer = links.ask("cn-junior").post(f"{API}/instruments", proposal(links, "leave", leave()))
    assert answer.status_code == 403
    path = f"{API}/corridors/{links.corridor()}/suspend"
    assert links.ask("cn-junior").post(path, {"reason": "x"}).status_code == 403
    assert links.ask("cn-junior").get(f"{API}/instruments").status_code == 200
    assert Instrument.objects.filter(kind="leave", concluded_at=None).count() == 0


def test_one_administrator_suspends_a_corridor_at_once(links):
    path = f"{API}/corridors/{links.corridor()}/suspend"
    first, again = (links.ask("jp-junior").post(path, {"reason": "a theft"}, key="stop") for _ in range(2))
    assert (first.status_code, first.json()["state"]) == (200, "suspended")
    assert again.content == first.content
    assert Suspension.objects.count() == 1
    refused = links.ask("cn").post(f"{API}/transactions", links.order(10))
    assert 6011 in {error["code"] for error in refused.json()["errors"]}
    twice = links.ask("jp-senior").post(path, {"reason": "again"})
    assert (twice.status_code, twice.json()["code"]) == (422, "corridor-is-suspended")
    assert links.ask("kr-senior").post(path, {"reason": "x"}).status_code == 403
    assert links.ask("jp-junior").post(f"{API}/corridors/9999/suspend", {"reason": "x"}).status_code == 404
    assert links.ask("cn-junior").post(path, {"reason": "  "}).json()["code"] == "reason-missing"


def test_a_condition_is_ticked_for_the_side_that_its_officer_administers(links):
    path = f"{API}/links/{links.link('CN-BJ', 'KR-11')}/conditions"
    body = {"code": "contacts-named", "evidence": "letters of 2 and 3 March"}
    first, again = (links.ask("kr-junior").post(path, body, key="tick") for _ in range(2))
    assert (first.status_code, first.json()["side"]) == (200, "KR-11")
    assert first.json()["expires_at"] is not None
    assert again.content == first.content
    assert Condition.objects.filter(code="contacts-named", evidence=body["evidence"]).count() == 1
    for code in ("one-to-one", "no-such-thing"):
        refused = links.ask("kr-junior").post(path, body | {"code": code})
        assert (refused.status_code, refused.json()["code"]) == (422, "condition-is-not-ticked"), code
    assert links.ask("jp-junior").post(path, body).status_code == 403
    assert links.ask("kr-junior").post(f"{API}/links/9999/conditions", body).status_code == 404


def test_an_answer_is_kept_exactly_with_its_act(begun: Linked, owner: psycopg.Connection):
    """Where the answer cannot be kept, nothing is signed either: no row, no entry of the log."""
    instrument = proposed(begun, leave())
    entries = Entry.objects.count()
    owner.execute("ALTER TABLE registry_answer ADD CONSTRAINT refused CHECK (key <> 'signed')")
    assert sign(begun, "cn-junior", instrument).status_code == 500
    assert Signature.objects.filter(instrument=instrument["id"]).count() == 0
    assert Entry.objects.count() == entries
    owner.execute("ALTER TABLE registry_answer DROP CONSTRAINT refused")
    assert sign(begun, "cn-junior", instrument).status_code == 200


def test_eight_requests_with_one_key_are_one_suspension_and_one_answer(begun: Linked):
    path, body = f"{API}/corridors/{begun.corridor()}/suspend", {"reason": "a theft"}

    def ask(_: int) -> Any:
        try:
            return begun.ask("jp-junior").post(path, body, key="stop")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert Suspension.objects.count() == 1


def test_the_application_changes_no_answer(begun: Linked, as_application_role: psycopg.Connection):
    proposed(begun, leave())
    for statement in (
        "UPDATE registry_answer SET body = '{}'",
        "DELETE FROM registry_answer",
        "INSERT INTO registry_answer (principal, key, digest, status, body) VALUES ('user:1', 'k', 'd', 201, '{}')",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            as_application_role.execute(statement)
    taken = Answer.objects.get(key="proposed")
    again = f'{{"principal": "{taken.principal}", "key": "proposed", "digest": "d", "status": 201, "body": ""}}'
    with pytest.raises(psycopg.errors.UniqueViolation):
        as_application_role.execute("SELECT registry_keep_answer(%s::jsonb)", [again])
