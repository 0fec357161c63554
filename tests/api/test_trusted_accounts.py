"""Trusted accounts over HTTP: the way onto the list and off it, who sees it, and how refusals are told."""

from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Representative, TrustedAccount, User
from accounts.operations.set_account_options import set_account_options
from accounts.rules.identifiers import format_account_identifier
from accounts.rules.keys import Scope
from audit.models import Entry
from tests.api.conftest import REGISTRY, Market, key_for, make_market
from tests.conftest import Own, begun_in, shared_by_module
from tests.trusted.people import NOW

ABROAD = [format_account_identifier("SGSG", "TRA", number) for number in range(1, 9)]
UNKNOWN = format_account_identifier("CNBJ", "TRA", 9_999_999)


strangers_database = shared_by_module(partial(make_market, strangers=True))


@pytest.fixture
def market(strangers_database: Own[Market], db: None) -> Market:
    """Accounts of holders of their own, for those of one holder trust one another anyway."""
    return begun_in(strangers_database)


@pytest.fixture
def path(market) -> str:
    """The list of the seller, whom `seller` and `second` represent; both may initiate and approve."""
    market.keys["second"] = key_for(User.objects.get(username="seller-second"))
    return f"/api/v1/accounts/{market['seller']}/trusted-accounts"


def test_one_asks_another_approves_and_a_third_request_takes_it_off(market, ask, path):
    asked = ask("seller").post(path, {"account": market["buyer"], "note": "our buyer"})
    assert asked.status_code == 201, asked.content
    row = asked.json()
    me = f"user:{User.objects.get(username='seller').id}"
    assert (row["account"], row["note"], row["state"], row["state_name"]) == (
        market["buyer"],
        "our buyer",
        "REQUESTED",
        "Requested",
    )
    assert (row["requested_by"], row["decided_by"], row["active_from"]) == (me, None, None)
    approved = ask("second").post(f"{path}/{row['id']}/approve", {}).json()
    assert (approved["state"], approved["removed_at"]) == ("APPROVED", None)
    assert datetime.fromisoformat(approved["active_from"]) > datetime.fromisoformat(approved["decided_at"])
    removed = ask("seller").post(f"{path}/{row['id']}/remove", {"reason": "sold"}).json()
    assert (removed["state"], removed["removed_by"], removed["removal_reason"]) == ("REMOVED", me, "sold")
    assert ask("buyer").get(path).status_code == 404
    assert ask("administrator").get(path).json()["results"] == [removed]


@pytest.mark.parametrize(("step", "state"), [("reject", "REJECTED"), ("approve", "APPROVED")])
def test_a_second_person_decides_and_the_first_is_told_why_not(market, ask, path, step, state):
    row = ask("seller").post(path, {"account": market["buyer"]}).json()
    own = ask("seller").post(f"{path}/{row['id']}/{step}", {})
    assert (own.status_code, own.json()["code"]) == (422, "trusted-account-decided-by-its-requester")
    assert ask("second").post(f"{path}/{row['id']}/{step}", {}).json()["state"] == state


def test_a_request_is_taken_back(market, ask, path):
    row = ask("seller").post(path, {"account": market["buyer"]}).json()
    taken = ask("second").post(f"{path}/{row['id']}/withdraw", {})
    assert (taken.status_code, taken.json()["state"]) == (200, "WITHDRAWN")
    late = ask("second").post(f"{path}/{row['id']}/approve", {})
    assert (late.status_code, late.json()["code"]) == (422, "trusted-account-state-does-not-follow")


def test_a_repeated_request_does_nothing_twice(market, ask, path):
    body = {"account": market["buyer"]}
    first, again = (ask("seller").post(path, body, key=None) for _ in range(2))
    assert first.json() == again.json()
    address = f"{path}/{first.json()['id']}"
    for step, who in (("approve", "second"), ("remove", "seller")):
        once, twice = (ask(who).post(f"{address}/{step}", {}, key=None) for _ in range(2))
        assert (once.status_code, once.json()) == (200, twice.json())
    assert TrustedAccount.objects.count() == 1
    assert Entry.objects.filter(event__startswith="trusted-account.").count() == 3


def test_no_body_is_as_good_as_an_empty_one_where_nothing_more_is_said(market, ask, path):
    row = ask("seller").post(path, {"account": market["buyer"]}).json()
    second = ask("second")
    for step in ("approve", "remove"):
        answer = second.client.generic(
            "POST", f"{path}/{row['id']}/{step}", headers={"Authorization": f"Bearer {second.key}"}
        )
        assert answer.status_code == 200, answer.content


@pytest.mark.parametrize(
    ("account", "code", "status"),
    [
        (ABROAD[0][:-2] + "00", "trusted-account-has-wrong-check-digits", 422),
        (UNKNOWN, "trusted-account-unknown", 422),
        ("own", "trusted-account-of-the-same-holder", 422),
        ("bob", "wrong-form", 400),
        (ABROAD[0] + "\n", "wrong-form", 400),
        ("", "wrong-form", 400),
        (7, "not-a-text", 400),
        (None, "null", 400),
    ],
)
def test_a_refusal_names_the_member_and_why(market, ask, path, account, code, status):
    answer = ask("seller").post(path, {"account": market["seller"] if account == "own" else account})
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    document = answer.json()
    assert document["code"] == code
    (error,) = document["errors"]
    assert (error["field"], error["pointer"]) == ("account", "/account")
    assert error["detail"]
    assert "refusal." not in error["detail"]


def test_unknown_and_missing_members_are_refused(market, ask, path):
    row = ask("seller").post(path, {"account": market["buyer"]}).json()
    for address, body, field in (
        (path, {"account": market["buyer"], "active_from": "2026-01-01T00:00:00Z"}, "active_from"),
        (path, {"note": "x"}, "account"),
        (path, {"account": market["buyer"], "note": "x" * 501}, "note"),
        (f"{path}/{row['id']}/approve", {"reason": "x"}, "reason"),
        (f"{path}/{row['id']}/remove", {"why": "x"}, "why"),
    ):
        answer = ask("seller").post(address, body)
        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (400, [field]), body


def test_who_may_not_know_of_the_account_is_told_what_is_told_of_none(market, ask, path):
    row = ask("seller").post(path, {"account": market["buyer"]}).json()
    missing = f"/api/v1/accounts/{UNKNOWN}/trusted-accounts"
    for who in ("stranger", "buyer", "nobody"):
        assert ask(who).get(path).status_code == 404
        hidden, none = (ask(who).post(place, {"account": market["buyer"]}) for place in (path, missing))
        assert (hidden.status_code, none.status_code) == (404, 404)
        assert hidden.json() | {"instance": ""} == none.json() | {"instance": ""}
        for step in ("approve", "reject", "withdraw", "remove"):
            assert ask(who).post(f"{path}/{row['id']}/{step}", {}).status_code == 404


def test_an_addition_of_another_list_is_not_found(market, ask, path):
    row = ask("seller").post(path, {"account": market["buyer"]}).json()
    other = f"/api/v1/accounts/{market['buyer']}/trusted-accounts"
    for address in (
        f"{other}/{row['id']}",
        f"{path}/{row['id'] + 1}",
        f"{path}/{10**18 - 1}",
        f"{path}/0",
        f"{path}/x",
    ):
        for who in ("buyer", "seller"):
            assert ask(who).post(f"{address}/withdraw", {}).status_code == 404, address


def test_who_knows_of_the_account_and_has_no_right_is_not_permitted(market, ask, path):
    row = ask("seller").post(path, {"account": market["buyer"]}).json()
    Representative.objects.filter(user__username="seller-second").update(rights="READ_ONLY")
    for who in ("second", "administrator"):
        assert ask(who).post(path, {"account": ABROAD[0]}).status_code == 403
        for step in ("approve", "reject", "withdraw"):
            assert ask(who).post(f"{path}/{row['id']}/{step}", {}).status_code == 403
    assert ask("second").post(f"{path}/{row['id']}/remove", {}).status_code == 403


def test_an_administrator_removes_by_order_and_says_which(market, ask, path):
    row = ask("seller").post(path, {"account": market["buyer"]}).json()
    ask("second").post(f"{path}/{row['id']}/approve", {})
    address = f"{path}/{row['id']}/remove"
    refused = ask("administrator").post(address, {}).json()
    assert (refused["code"], refused["errors"][0]["field"]) == ("reason-missing", "reason")
    assert ask("administrator").post(address, {"reason": "order 7"}).json()["state"] == "REMOVED"


def test_a_key_for_reading_changes_nothing(market, ask, path):
    market.keys["reading"] = key_for(User.objects.get(username="seller"), Scope.READ)
    assert ask("reading").get(path).status_code == 200
    assert ask("reading").post(path, {"account": market["buyer"]}).status_code == 403


def test_the_list_goes_by_pages_and_by_state(market, ask, path):
    ids = [ask("seller").post(path, {"account": account}).json()["id"] for account in ABROAD]
    ask("second").post(f"{path}/{ids[2]}/approve", {})
    address, found = f"{path}?limit=3", []
    while address:
        page = ask("second").get(address).json()
        found += [row["id"] for row in page["results"]]
        address = page["next"] and "{0.path}?{0.query}".format(urlsplit(page["next"]))
    assert found == ids
    assert [row["id"] for row in ask("second").get(f"{path}?state=APPROVED").json()["results"]] == [ids[2]]
    assert ask("second").get(f"{path}?state=approved").status_code == 400
    with CaptureQueriesContext(connection) as few:
        ask("second").get(f"{path}?limit=1")
    with CaptureQueriesContext(connection) as many:
        ask("second").get(f"{path}?limit=8")
    assert len(few) == len(many)


def test_an_account_shows_its_options(market, ask):
    names = ("one_person_surrender", "one_person_trusted_transfer", "trusted_only")

    def shown() -> list[bool]:
        account = ask("seller").get(f"/api/v1/accounts/{market['seller']}").json()
        return [account[name] for name in names]

    assert shown() == [False, False, False]
    for place, name in enumerate(names):
        set_account_options(identifier=market["seller"], reason="letter", actor=REGISTRY, now=NOW, **{name: True})
        assert shown() == [earlier <= place for earlier in range(3)]
