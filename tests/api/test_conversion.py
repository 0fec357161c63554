"""Conversion over HTTP: proposed, approved and read; every refusal is a 4xx with its code."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client

from accounts import clock
from accounts.models import DatedRule
from accounts.operations.set_rule import set_rule
from registry.models import IssuanceCap, UnitType
from registry.operations.execute import expire
from registry.operations.issue import issue
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal
from tests.accounts import samples
from tests.api.conftest import REGISTRY, Asked, Market, key_for, make_market, open_for, represent

RULE = {"to": "BEC", "years": 5}


def add_offsets(market: Market) -> None:
    """An operator's account with 100 offsets of this year, which may become BEC; two persons act for it."""
    year = clock.now().year
    for code in ("PHR", "BEC", "BED"):
        unit_type = UnitType.objects.create(jurisdiction=market.home, code=code, kind="offset")
        cap = IssuanceCap.objects.create(
            unit_type=unit_type, vintage=year, limit=100, valid_from=date(year - 1, 1, 1), source="test"
        )
        if code == "PHR":
            issue(cap_id=cap.pk, acquiring=market["issuance"], quantity=100, actor=REGISTRY, now=clock.now())
    open_for(market, "plant", "OHA")
    for name in ("plant", "plant-second"):
        user = samples.user(name)
        represent(market.accounts["plant"], user)
        market.keys[name] = key_for(user)
    line = Line(market["issuance"], market["plant"], 100, "CNBJ", "PHR")
    propose(Proposal("10-50", (line,)), actor=REGISTRY, now=clock.now())
    DatedRule.objects.create(
        jurisdiction=market.home,
        key="conversion.PHR",
        valid_from=date(2020, 1, 1),
        value=RULE,
        confidence="D",
        source="test",
    )


@pytest.fixture
def offsets(market: Market) -> Market:
    add_offsets(market)
    return market


def order(market: Market, **members: Any) -> dict[str, Any]:
    named = {"type": "2-0", "transferring_account": market["plant"], "acquiring_account": market["cancelled"]}
    return market.order(**named | {"unit_type": "PHR", "quantity": 40} | members)


def codes(answer: Any) -> list[Any]:
    return [error["code"] for error in answer.json()["errors"]]


def holdings(market: Market, asked: Asked) -> dict[str, tuple[int, int]]:
    rows = asked.get(f"/api/v1/accounts/{market['plant']}/holdings").json()["results"]
    return {row["unit_type"]: (row["quantity"], row["reserved"]) for row in rows}


def test_offsets_become_another_type_when_another_representative_agrees(offsets, ask):
    proposed = ask("plant").order(order(offsets))
    assert (proposed.status_code, proposed.json()["state"]) == (201, "AWAITING_APPROVAL"), proposed.content
    (waiting,) = proposed.json()["serial_blocks"]
    assert (waiting["unit_type"], waiting["becomes"], waiting["made_from"]) == ("PHR", "BEC", None)
    assert holdings(offsets, ask("plant")) == {"PHR": (100, 40)}
    own = ask("plant").post(f"{proposed['Location']}/approve", {}, key="k-2")
    assert (own.status_code, codes(own)) == (422, [4013])
    done = ask("plant-second").post(f"{proposed['Location']}/approve", {}, key="k-2")
    assert (done.status_code, done.json()["state"]) == (200, "COMPLETED"), done.content
    retired, made = done.json()["serial_blocks"]
    assert (made["unit_type"], made["made_from"], made["transferring_account"]) == ("BEC", retired["block"], None)
    assert (made["acquiring_account"], made["quantity"]) == (offsets["plant"], 40)
    assert holdings(offsets, ask("plant")) == {"PHR": (60, 0), "BEC": (40, 0)}
    again = ask("plant-second").post(f"{proposed['Location']}/approve", {}, key="k-2")
    assert (again.content, again["Idempotency-Replayed"]) == (done.content, "true")
    # What was said at the completion is what is read for ever, and by unit.
    assert ask("plant").get(proposed["Location"]).json()["serial_blocks"] == done.json()["serial_blocks"]
    unit = ask("plant").get(f"/api/v1/units/CNBJ/{made['first'] + 3}").json()
    assert [(one["type"], one["made_from"], one["became"]) for one in unit["events"]] == [
        ("2-0", retired["first"] + 3, None)
    ]
    before = ask("plant").get(f"/api/v1/units/CNBJ/{retired['first'] + 3}").json()
    assert (before["standing"], before["events"][-1]["became"]) == ("cancelled", made["first"] + 3)


def test_a_conversion_is_explained(committed_db):
    market = make_market()
    add_offsets(market)
    asked = Asked(market.keys["plant"], Client(raise_request_exception=False))
    told = asked.post("/api/v1/transactions?dry_run=true", order(market)).json()
    assert (told["accepted"], told["approval"], told["after_approval"]["state"]) == (
        True,
        "representative",
        "COMPLETED",
    )
    assert [block["becomes"] for block in told["serial_blocks"]] == ["BEC"]
    refused = asked.post("/api/v1/transactions?dry_run=true", order(market, unit_type="BEC"), key="k-2").json()
    assert not refused["accepted"]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"unit_type": "BEA"}, {4010}),
        ({"quantity": 101}, {4010}),
        ({"recognition": 7}, {4010}),
        ({"obligation": 1}, {2011}),
    ],
)
def test_a_refusal_says_why(offsets, ask, members, expected):
    answer = ask("plant").order(order(offsets, **members))
    assert (answer.status_code, set(codes(answer))) == (422, expected)


def test_it_goes_to_the_cancellation_account_alone(offsets, ask):
    for name, code in (("surrendered", 4007), ("buyer", 4007), ("plant", 4005)):
        answer = ask("plant").order(order(offsets, acquiring_account=offsets[name]), key=f"k-{name}")
        assert (answer.status_code, code in codes(answer)) == (422, True), answer.content


def test_a_rule_that_was_rewritten_since_the_proposal_is_told_at_the_approval(offsets, ask):
    proposed = ask("plant").order(order(offsets))
    set_rule(
        jurisdiction=offsets.home, key="conversion.PHR", value={"to": "BED", "years": 5}, valid_from=date(2025, 1, 1),
        confidence="D", source="a correction", actor=REGISTRY, now=clock.now(),
    )  # fmt: skip
    refused = ask("plant-second").post(f"{proposed['Location']}/approve", {}, key="k-2")
    assert (refused.status_code, codes(refused)) == (422, [5017]), refused.content
    expire(proposed.json()["id"], actor=REGISTRY, now=clock.now() + timedelta(days=15))
    assert ask("plant").get(proposed["Location"]).json()["state"] == "CANCELLED"
    assert holdings(offsets, ask("plant")) == {"PHR": (100, 0)}


def test_a_rule_that_is_gone_and_a_window_that_is_over_are_told_too(offsets, ask):
    proposed = ask("plant").order(order(offsets))
    DatedRule.objects.filter(key="conversion.PHR").update(valid_to=date(2021, 1, 1))
    for answer in (
        ask("plant-second").post(f"{proposed['Location']}/approve", {}, key="k-2"),
        ask("plant").order(order(offsets), key="k-3"),
    ):
        assert (answer.status_code, codes(answer)) == (422, [5017])
    withdrawn = ask("plant").post(f"{proposed['Location']}/withdraw", {}, key="k-4")
    assert (withdrawn.status_code, withdrawn.json()["state"]) == (200, "CANCELLED")


def test_a_cap_that_is_full_by_the_approval_is_told(offsets, ask):
    first, second = (ask("plant").order(order(offsets, quantity=30), key=f"k-{turn}") for turn in range(2))
    IssuanceCap.objects.filter(unit_type__code="BEC").update(limit=59)
    done = [ask("plant-second").post(f"{one['Location']}/approve", {}, key=one["Location"]) for one in (first, second)]
    assert [answer.status_code for answer in done] == [200, 422]
    assert codes(done[1]) == [5001]


def test_a_stranger_is_told_that_there_is_no_such_account(offsets, ask):
    answer = ask("buyer").order(order(offsets))
    assert (answer.status_code, codes(answer)) == (422, [4001])
