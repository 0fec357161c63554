"""Orders over HTTP: carried out once, told to those who may know, and answered in the same bytes when asked again."""

import re
from uuid import UUID

from accounts.models import User
from accounts.rules.keys import Scope
from registry.models import Transaction
from registry.rules.serials import format_block
from tests.api.conftest import key_for

UTC_WITH_Z = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def test_an_order_is_carried_out_at_once_and_says_which_serials_moved(market, ask):
    answer = ask("seller").order(market.order())
    transaction = answer.json()
    assert answer.status_code == 201
    assert transaction["state"] == "COMPLETED"
    assert transaction["quantity"] == 10
    assert sum(block["quantity"] for block in transaction["serial_blocks"]) == 10
    block = transaction["serial_blocks"][0]
    assert re.fullmatch(r"CNBJ-BEA-2026-\d+-\d+-\d\d", block["block"])
    assert block["last"] - block["first"] + 1 == block["quantity"]
    assert UTC_WITH_Z.fullmatch(transaction["completed_at"])
    assert transaction["mode"] == "exercise"
    assert answer["Location"] == f"/api/v1/transactions/{transaction['id']}"
    assert answer["Cache-Control"] == "no-store"


def test_reading_a_transaction_gives_what_proposing_it_gave(market, ask):
    proposed = ask("seller").order(market.order(client_reference="mine", reason="a sale"))
    read = ask("seller").get(proposed["Location"])
    assert read.json() == proposed.json() | {"initiated_by": read.json()["initiated_by"], "steps": []}


def test_named_serial_blocks_move_and_no_others(market, ask):
    held = ask("seller").get(f"/api/v1/accounts/{market['seller']}/blocks").json()["results"][0]
    first = held["first"]
    named = format_block("CNBJ", "BEA", 2026, first + 3, first + 8)
    answer = ask("seller").order(market.order(unit_type=None, quantity=5, serial_blocks=[named]))
    assert answer.status_code == 201, answer.content
    assert [block["block"] for block in answer.json()["serial_blocks"]] == [named]


def test_the_same_request_again_is_answered_byte_for_byte_and_moves_nothing(market, ask):
    first = ask("seller").order(market.order())
    again = ask("seller").order(dict(reversed(market.order().items())))
    assert again.content == first.content
    assert again.status_code == 201
    assert again["Idempotency-Replayed"] == "true"
    assert again["Location"] == first["Location"]
    assert "Idempotency-Replayed" not in first
    assert Transaction.objects.filter(type_id="10-50", quantity=10).count() == 1


def test_a_refusal_is_answered_again_byte_for_byte_too(market, ask):
    first = ask("seller").order(market.order(quantity=10_000))
    again = ask("seller").order(market.order(quantity=10_000))
    assert first.status_code == again.status_code == 422
    assert first.content == again.content
    assert first["Content-Type"] == again["Content-Type"] == "application/problem+json"
    assert again["Idempotency-Replayed"] == "true"


def test_a_key_names_one_request(market, ask):
    ask("seller").order(market.order())
    answer = ask("seller").order(market.order(quantity=11))
    problem = answer.json()
    assert answer.status_code == 422
    assert problem["code"] == 3004
    assert problem["errors"][0]["field"] == "Idempotency-Key"


def test_two_people_may_choose_the_same_key(market, ask):
    assert ask("seller").order(market.order()).status_code == 201
    answer = ask("buyer").order(
        market.order(transferring_account=market["buyer"], acquiring_account=market["seller"], quantity=3)
    )
    assert answer.status_code == 201
    assert "Idempotency-Replayed" not in answer


def test_an_order_without_a_key_is_told_to_bring_one(market, ask):
    answer = ask("seller").order(market.order(), key=None)
    assert answer.status_code == 428
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"
    for key in ("x" * 256, "a key", "é"):
        assert ask("seller").order(market.order(), key=key).status_code == 400


def test_a_key_made_for_reading_moves_nothing(market, ask, db):
    market.keys["reader"] = key_for(User.objects.get(username="seller"), Scope.READ)
    answer = ask("reader").order(market.order())
    assert answer.status_code == 403
    assert answer.json()["type"] == "/api/problems/not-permitted"


def test_every_failure_is_told_together(market, ask):
    answer = ask("seller").order(market.order(acquiring_account=market["seller"], quantity=100_000))
    codes = [error["code"] for error in answer.json()["errors"]]
    assert answer.status_code == 422
    assert {4005, 4010} <= set(codes)
    assert answer.json()["code"] == codes[0]


def test_identifiers_sort_by_time_and_lists_tell_the_latest_first(market, ask):
    for place in range(3):
        ask("seller").order(market.order(quantity=place + 1), key=f"k-{place}")
    found = ask("seller").get("/api/v1/transactions?limit=3").json()["results"]
    assert [row["quantity"] for row in found] == [3, 2, 1]
    ids = [UUID(row["id"]) for row in found]
    assert ids == sorted(ids, reverse=True)


def test_lists_are_narrowed_by_their_parameters(market, ask):
    ask("seller").order(market.order(quantity=7))
    asked = ask("seller")

    def quantities(query: str) -> list[int]:
        answer = asked.get(f"/api/v1/transactions?{query}")
        assert answer.status_code == 200, answer.content
        return [row["quantity"] for row in answer.json()["results"]]

    assert quantities("type=10-50") == [7, 600]
    assert quantities("type=4-0") == []
    assert quantities("state=COMPLETED&unit_type=BEA") == [7, 600]
    assert quantities("unit_type=KAU") == []
    assert quantities(f"account={market['buyer']}") == [7]
    assert quantities(f"account={market['stranger']}") == []
    at = asked.get("/api/v1/transactions").json()["results"][0]["proposed_at"]
    assert quantities(f"proposed_from={at}") == [7]
    assert quantities(f"proposed_before={at}") == [600]
    assert quantities("proposed_from=2020-01-01T00:00:00%2B08:00") == [7, 600]


def test_pages_lead_to_one_another_and_back(market, ask):
    for place in range(5):
        ask("seller").order(market.order(quantity=place + 1), key=f"k-{place}")
    asked = ask("seller")
    pages, address = [], "/api/v1/transactions?limit=2"
    while address:
        page = asked.get(address.replace("http://testserver", "")).json()
        pages.append(page)
        address = page["next"]
    assert [[row["quantity"] for row in page["results"]] for page in pages] == [[5, 4], [3, 2], [1, 600]]
    assert pages[0]["previous"] is None
    back = asked.get(pages[2]["previous"].replace("http://testserver", "")).json()
    assert back["results"] == pages[1]["results"]
    first = asked.get(back["previous"].replace("http://testserver", "")).json()
    assert first["results"] == pages[0]["results"]
    assert first["previous"] is None


def test_the_life_of_a_serial_names_every_transaction_it_was_in(market, ask):
    transaction = ask("seller").order(market.order()).json()
    block = transaction["serial_blocks"][0]
    unit = ask("administrator").get(f"/api/v1/units/CNBJ/{block['first']}").json()
    assert [event["type"] for event in unit["events"]] == ["1-0", "10-50", "10-50"]
    assert unit["events"][-1]["transaction"] == transaction["id"]
    assert unit["account"] == market["buyer"]
    assert (unit["unit_type"], unit["vintage"], unit["standing"]) == ("BEA", 2026, "held")


def test_holdings_are_whole_and_blocks_sum_to_them(market, ask):
    ask("seller").order(market.order())
    holding = ask("seller").get(f"/api/v1/accounts/{market['seller']}/holdings").json()["results"]
    blocks = ask("seller").get(f"/api/v1/accounts/{market['seller']}/blocks").json()["results"]
    assert [(row["quantity"], row["reserved"], row["free"]) for row in holding] == [(590, 0, 590)]
    assert holding[0]["recognition"] == {
        "id": 0,
        "numerator": 1,
        "denominator": 1,
        "applicable_period": "",
        "agreement": None,
    }
    assert sum(block["quantity"] for block in blocks) == 590
