"""Whoever may not know of an account, a transaction or a holder is told what is told of those that do not exist."""

import pytest

from accounts.rules.identifiers import format_account_identifier

UNKNOWN = format_account_identifier("CNBJ", "TRA", 9_999_999)


@pytest.mark.parametrize("path", ["", "/holdings", "/blocks", "/obligations"])
def test_a_strangers_account_is_not_found_in_the_same_words_as_no_account(market, ask, path):
    hidden = ask("stranger").get(f"/api/v1/accounts/{market['seller']}{path}")
    missing = ask("stranger").get(f"/api/v1/accounts/{UNKNOWN}{path}")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content.replace(market["seller"].encode(), b"") == missing.content.replace(UNKNOWN.encode(), b"")
    assert ask("seller").get(f"/api/v1/accounts/{market['seller']}{path}").status_code == 200


def test_people_see_the_accounts_they_represent_and_administrators_all_of_their_jurisdiction(market, ask):
    def seen(name: str) -> set[str]:
        return {row["identifier"] for row in ask(name).get("/api/v1/accounts").json()["results"]}

    assert seen("seller") == {market["seller"]}
    assert seen("stranger") == {market["stranger"]}
    assert seen("nobody") == set()
    assert seen("administrator") == {market[name] for name in market.accounts if name != "stranger"}


def test_an_account_says_which_right_its_reader_has(market, ask):
    assert ask("seller").get(f"/api/v1/accounts/{market['seller']}").json()["right"] == "INITIATE_AND_APPROVE"
    assert ask("administrator").get(f"/api/v1/accounts/{market['seller']}").json()["right"] is None


def test_a_transaction_is_for_its_two_sides_and_their_registry(market, ask):
    path = ask("seller").order(market.order())["Location"]
    for name in ("seller", "buyer", "administrator"):
        assert ask(name).get(path).status_code == 200, name
    for name in ("stranger", "nobody"):
        assert ask(name).get(path).status_code == 404, name
        assert ask(name).get("/api/v1/transactions").json()["results"] == []


def test_the_life_of_a_unit_is_told_as_far_as_its_reader_may_know(market, ask):
    first = ask("seller").order(market.order()).json()["serial_blocks"][0]["first"]
    path = f"/api/v1/units/CNBJ/{first}"
    assert [event["type"] for event in ask("buyer").get(path).json()["events"]] == ["10-50"]
    assert ask("seller").get(path).json()["account"] is None
    outsider = ask("stranger").get(path).json()
    assert (outsider["account"], outsider["events"], outsider["reserved"]) == (None, [], None)
    assert outsider["unit_type"] == "BEA"


def test_serials_never_issued_are_not_found(market, ask):
    for path in ("CNBJ/1001", "CNBJ/0", "CNBJ/01", "CNBJ/-1", "XXXX/1", "JP13/1", "CNBJ/1000000000000000", "CNBJ/1e3"):
        assert ask("administrator").get(f"/api/v1/units/{path}").status_code == 404, path


def test_an_order_from_a_strangers_account_says_only_that_it_is_not_found(market, ask):
    hidden = ask("stranger").order(market.order()).json()
    missing = ask("stranger").order(market.order(transferring_account=UNKNOWN), key="k-2").json()
    assert [error["code"] for error in hidden["errors"]] == [error["code"] for error in missing["errors"]]


@pytest.mark.parametrize(
    "path", ["accounts", "transactions", "units/CNBJ/1", "transactions/01930000-0000-7000-8000-000000000000"]
)
def test_without_a_key_nothing_of_units_or_accounts_is_told(market, ask, path):
    answer = ask("").get(f"/api/v1/{path}")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"


def test_a_wrong_key_is_refused_whatever_is_wrong_with_it(market, ask):
    for key in ("x", market.keys["seller"] + "x", f"{'0' * 12}.{'A' * 43}"):
        market.keys["wrong"] = key
        answer = ask("wrong").get("/api/v1/accounts")
        assert (answer.status_code, answer.json()["code"]) == (401, "key-refused")


@pytest.mark.parametrize("path", ["jurisdictions", "jurisdictions/CN-BJ", "unit-types", "checks"])
def test_the_law_and_the_tables_are_for_everybody(market, ask, path):
    answer = ask("").get(f"/api/v1/{path}")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-cache"
    again = ask("").get(f"/api/v1/{path}", If_None_Match=answer["ETag"])
    assert (again.status_code, again.content) == (304, b"")
