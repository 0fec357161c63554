"""Carry-over over HTTP, and orders that say by a recognition which of two products of one vintage they are of."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import clock
from accounts.models import DatedRule, User
from accounts.operations.set_rule import set_rule
from registry.models import Recognition, Transaction
from registry.operations.execute import expire
from registry.rules.serials import format_block
from tests.api.conftest import REGISTRY, Asked, Market, key_for, make_market

BANKING: dict[str, Any] = {"first_vintage": 2024, "last_vintage": 2026, "to_period": "2027"}


def bank(market: Market) -> None:
    DatedRule.objects.create(
        jurisdiction=market.home, key="carry-over.BEA", valid_from=date(2020, 1, 1), value=BANKING, confidence="D",
        source="test",
    )  # fmt: skip


@pytest.fixture
def banking(market: Market) -> Market:
    """The market, where 2024 to 2026 may be banked into 2027, and the key of a second representative of the seller."""
    bank(market)
    market.keys["second"] = key_for(User.objects.get(username="seller-second"))
    return market


def order(market: Market, **members: Any) -> dict[str, Any]:
    return market.order(**{"type": "7-0", "acquiring_account": market["seller"], "quantity": 100} | members)


def banked(market: Market, ask: Any, **members: Any) -> int:
    """Carry units over and return the recognition that they have then."""
    proposed = ask("seller").order(order(market, **members), key="to-bank")
    assert (proposed.status_code, proposed.json()["state"]) == (201, "AWAITING_APPROVAL"), proposed.content
    done = ask("second").post(f"{proposed['Location']}/approve", {}, key="to-bank")
    assert (done.status_code, done.json()["state"]) == (200, "COMPLETED"), done.content
    return Recognition.objects.get(applicable_period="2027").pk


def codes(answer: Any) -> list[Any]:
    return [error["code"] for error in answer.json()["errors"]]


def holdings(market: Market, asked: Asked, name: str) -> dict[str, int]:
    rows = asked.get(f"/api/v1/accounts/{market[name]}/holdings").json()["results"]
    return {row["recognition"]["applicable_period"]: row["free"] for row in rows}


def test_units_are_carried_over_when_another_representative_agrees(banking, ask):
    recognition = banked(banking, ask)
    assert holdings(banking, ask("seller"), "seller") == {"": 500, "2027": 100}
    rows = ask("seller").get(f"/api/v1/accounts/{banking['seller']}/holdings").json()["results"]
    assert [row["recognition"]["id"] for row in rows] == [0, recognition]
    blocks = ask("seller").get(f"/api/v1/accounts/{banking['seller']}/blocks").json()["results"]
    assert {b["recognition"]["applicable_period"] for b in blocks} == {"", "2027"}


def test_a_carry_over_names_its_own_account_twice_and_no_other(banking, ask):
    answer = ask("seller").order(order(banking, acquiring_account=banking["buyer"]))
    assert (answer.status_code, codes(answer)) == (422, [4005])


def test_a_carry_over_is_explained(committed_db):
    market = make_market()
    bank(market)
    asked = Asked(market.keys["seller"], Client(raise_request_exception=False))
    told = asked.post("/api/v1/transactions?dry_run=true", order(market), key="k-0").json()
    assert (told["accepted"], told["approval"], told["terms"]["state"]) == (True, "representative", "AWAITING_APPROVAL")
    assert (sum(block["quantity"] for block in told["serial_blocks"]), Recognition.objects.count()) == (100, 1)


def test_a_carry_over_is_answered_again_as_at_first(banking, ask):
    first, again = (ask("seller").order(order(banking)) for _ in range(2))
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert Transaction.objects.filter(type_id="7-0").count() == 1


def test_without_a_rule_the_answer_says_which_serials_and_why(market, ask):
    answer = ask("seller").order(order(market))
    assert (answer.status_code, answer.json()["code"], codes(answer)) == (422, 5009, [5009])
    assert "2026" in answer.json()["errors"][0]["detail"]


def test_an_order_says_by_a_recognition_which_product_it_is_of(banking, ask):
    recognition = banked(banking, ask)
    sold = ask("seller").order(banking.order(quantity=60, recognition=recognition), key="k-2")
    assert (sold.status_code, sold.json()["state"]) == (201, "COMPLETED"), sold.content
    # The period goes with the units.
    assert holdings(banking, ask("buyer"), "buyer") == {"2027": 60}
    rest = ask("seller").order(banking.order(quantity=41, recognition=recognition), key="k-3")
    assert (rest.status_code, codes(rest)) == (422, [4010])
    # Without one, an order means units as they were issued.
    plain = ask("seller").order(banking.order(quantity=500), key="k-4")
    assert (plain.status_code, holdings(banking, ask("seller"), "seller")) == (201, {"2027": 40})
    assert codes(ask("seller").order(banking.order(quantity=1), key="k-5")) == [4010]


def test_named_blocks_have_chosen_the_product_already(banking, ask):
    recognition = banked(banking, ask)
    (block,) = (
        b for b in ask("seller").get(f"/api/v1/accounts/{banking['seller']}/blocks").json()["results"]
        if b["recognition"]["id"] == recognition
    )  # fmt: skip
    named = banking.order(quantity=100, unit_type=None, serial_blocks=[block["block"]])
    assert ask("seller").order(named, key="k-2").status_code == 201
    assert holdings(banking, ask("buyer"), "buyer") == {"2027": 100}


def test_units_are_banked_once_also_over_http(banking, ask):
    recognition = banked(banking, ask)
    again = ask("seller").order(order(banking, recognition=recognition, quantity=10), key="k-2")
    assert (again.status_code, codes(again)) == (422, [5009])


@pytest.mark.parametrize("recognition", [7, 2**31 - 1])
def test_a_recognition_of_nothing_finds_nothing(banking, ask, recognition):
    answer = ask("seller").order(banking.order(recognition=recognition))
    assert (answer.status_code, codes(answer)) == (422, [4010])


@pytest.mark.parametrize("recognition", [-1, 2**31, "1", 1.0, True, None, [0], "0/1"])
def test_a_recognition_is_the_id_of_one(banking, ask, recognition):
    answer = ask("seller").order(banking.order() | {"recognition": recognition})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "recognition"), answer.content


def test_a_recognition_beside_named_blocks_contradicts_what_they_are(banking, ask):
    """Blocks of another recognition are not what the order is of; nothing is moved by half a meaning."""
    recognition = banked(banking, ask)
    blocks = ask("seller").get(f"/api/v1/accounts/{banking['seller']}/blocks").json()["results"]
    plain = next(b for b in blocks if b["recognition"]["id"] == 0)
    named = format_block("CNBJ", "BEA", 2026, plain["first"], plain["first"] + 5)
    wrong = banking.order(quantity=5, unit_type=None, serial_blocks=[named], recognition=recognition)
    answer = ask("seller").order(wrong, key="k-2")
    assert (answer.status_code, codes(answer)) == (422, [4008]), answer.content
    right = ask("seller").order(wrong | {"recognition": 0}, key="k-3")
    assert right.status_code == 201, right.content


def test_a_rule_that_was_rewritten_since_the_proposal_is_told_at_the_approval(banking, ask):
    """The period that is recorded is compared with the one that the rule of that day says now; before, this was a 500."""
    proposed = ask("seller").order(order(banking))
    set_rule(
        jurisdiction=banking.home, key="carry-over.BEA", value=BANKING | {"to_period": "2028"},
        valid_from=date(2025, 1, 1), confidence="D", source="a correction", actor=REGISTRY, now=clock.now(),
    )  # fmt: skip
    refused = ask("second").post(f"{proposed['Location']}/approve", {}, key="k-2")
    assert (refused.status_code, codes(refused)) == (422, [5009]), refused.content
    # It waits on; what its units are reserved for is released when it is withdrawn, and then the new rule applies.
    assert ask("seller").get(proposed["Location"]).json()["state"] == "AWAITING_APPROVAL"
    withdrawn = ask("seller").post(f"{proposed['Location']}/withdraw", {}, key="k-3")
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "CANCELLED")
    anew = ask("seller").order(order(banking), key="k-4")
    done = ask("second").post(f"{anew['Location']}/approve", {}, key="k-4")
    assert (done.status_code, holdings(banking, ask("seller"), "seller")) == (200, {"": 500, "2028": 100})


def test_a_carry_over_whose_rule_was_rewritten_still_expires(banking, ask):
    proposed = ask("seller").order(order(banking))
    DatedRule.objects.filter(key="carry-over.BEA").update(valid_to=date(2021, 1, 1))
    expire(proposed.json()["id"], actor=REGISTRY, now=clock.now() + timedelta(days=15))
    assert ask("seller").get(proposed["Location"]).json()["state"] == "CANCELLED"
    assert holdings(banking, ask("seller"), "seller") == {"": 600}
