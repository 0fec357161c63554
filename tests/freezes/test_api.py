"""Freezes over HTTP: end to end, who sees them, and how every wrong request is told."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import clock
from accounts.models import User, UserRole
from accounts.operations.set_rule import set_rule
from accounts.rules.access import Actor, Role
from registry.models import Freeze
from registry.operations.freeze import freeze_account
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.rules.serials import format_block
from tests.accounts import samples
from tests.api.conftest import REGISTRY, Market, key_for

PATH = "/api/v1/freezes"
BLOCK = format_block("CNBJ", "BEA", 2026, 11, 21)


@pytest.fixture
def staffed(market: Market) -> Market:
    for name, role, where in (
        ("junior", Role.JUNIOR_REGISTRY_ADMINISTRATOR, market.home),
        ("authority", Role.COMPLIANCE_AUTHORITY, market.home),
        ("auditor", Role.AUDITOR, market.home),
        ("tokyo", Role.SENIOR_REGISTRY_ADMINISTRATOR, market.elsewhere),
    ):
        user = samples.user(name)
        UserRole.objects.create(user=user, role=role, jurisdiction=where)
        market.keys[name] = key_for(user)
    return market


def order(**members: Any) -> dict[str, Any]:
    """Return an order to freeze serials, with other members as named (None: left out)."""
    review = (clock.now() + timedelta(days=30)).date().isoformat()
    whole = {"serial_block": BLOCK, "reason": "suspected theft", "review_on": review} | members
    return {name: value for name, value in whole.items() if value is not None}


def problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["detail"]
    assert not document["detail"].startswith(("problem.", "refusal."))
    return document


def test_one_freezes_two_release_and_the_units_move_again(staffed, ask):
    junior, senior, seller = ask("junior"), ask("administrator"), ask("seller")
    frozen = junior.post(PATH, order(serial_block=format_block("CNBJ", "BEA", 2026, 1, 1_001), reference="file 7"))
    assert frozen.status_code == 201, frozen.content
    row = frozen.json()
    address = f"{PATH}/{row['id']}"
    assert frozen["Location"].endswith(address)
    assert (row["jurisdiction"], row["active"], row["reference"], row["account"]) == ("CN-BJ", True, "file 7", None)
    assert seller.order(staffed.order()).status_code == 422
    asked = junior.post(f"{address}/request-release", {"reason": "found"}, key="k-2")
    assert (asked.status_code, asked.json()["release_reason"]) == (200, "found")
    assert junior.post(f"{address}/release", {}, key="k-3").status_code == 403
    released = senior.post(f"{address}/release", {}, key="k-4")
    assert (released.status_code, released.json()["active"]) == (200, False)
    assert junior.get(address).json() == released.json() | {"review_due": False}
    assert seller.order(staffed.order(), key="k-5").status_code == 201


def test_a_request_is_taken_back_by_who_made_it_and_only_by_them(staffed, ask):
    junior, senior = ask("junior"), ask("administrator")
    address = f"{PATH}/{junior.post(PATH, order()).json()['id']}"
    back = f"{address}/withdraw-release-request"
    assert problem(junior.post(back, {}, key="k-2"), 422)["code"] == "freeze-release-is-not-requested"
    junior.post(f"{address}/request-release", {"reason": "found"}, key="k-3")
    assert problem(senior.post(back, {}, key="k-4"), 422)["code"] == "freeze-request-is-anothers"
    assert problem(junior.post(back, {"reason": "x"}, key="k-5"), 400)
    assert problem(junior.post(f"{PATH}/999/withdraw-release-request", {}, key="k-6"), 404)
    first, again = (junior.post(back, {}, key="k-7") for _ in range(2))
    assert (first.status_code, first.json()["release_requested_by"]) == (200, None)
    assert (again.content, again["Idempotency-Replayed"]) == (first.content, "true")
    assert problem(senior.post(f"{address}/release", {}, key="k-8"), 422)["code"] == "freeze-release-is-not-requested"


@pytest.mark.parametrize(("value", "marked"), [(None, 91), ({"days": 10}, 11), ("soon", 0)], ids=str)
def test_a_freeze_that_stood_longer_than_the_rule_says_is_marked_for_review(staffed, ask, value, marked):
    home, now = staffed.home, clock.now()
    if value is not None:
        told = {"valid_from": (now - timedelta(days=2)).date(), "confidence": "V", "source": "s", "now": now}
        set_rule(jurisdiction=home, key="freeze.review-period", value=value, actor=REGISTRY, **told)
    junior = User.objects.get(username="junior")
    actor = Actor(junior.pk, f"user:{junior.pk}", frozenset({"junior-registry-administrator@CN-BJ"}))
    far, soon = (now + timedelta(days=400)).date(), now.astimezone(ZoneInfo(home.time_zone)).date()
    frozen = [
        freeze_account(staffed[name], reason="r", review_on=review_on, actor=actor, now=now - days * timedelta(days=1))
        for name, days, review_on in (
            ("seller", max(marked - 2, 0), far), ("buyer", marked, far), ("issuance", 0, soon), ("cancelled", marked, far),
        )
    ]  # fmt: skip
    request_release(frozen[3].id, actor=actor, now=now)
    senior = User.objects.get(username="administrator")
    release(
        frozen[3].id,
        actor=Actor(senior.pk, f"user:{senior.pk}", frozenset({"senior-registry-administrator@CN-BJ"})),
        now=now,
    )
    rows = ask("auditor").get(PATH).json()["results"]
    due = {row["id"]: row["review_due"] for row in rows}
    assert due == {frozen[0].id: marked == 0, frozen[1].id: True, frozen[2].id: True, frozen[3].id: False}
    for wanted in (True, False):
        found = ask("auditor").get(f"{PATH}?review_due={str(wanted).lower()}").json()["results"]
        assert {row["id"] for row in found} == {number for number, is_due in due.items() if is_due is wanted}
    assert ask("auditor").get(f"{PATH}/{frozen[1].id}").json()["review_due"] is True


def test_an_account_is_frozen_and_says_so(staffed, ask):
    assert ask("authority").post(PATH, order(serial_block=None, account=staffed["seller"])).status_code == 201
    assert ask("seller").get(f"/api/v1/accounts/{staffed['seller']}").json()["frozen"] is True
    assert ask("buyer").get(f"/api/v1/accounts/{staffed['buyer']}").json()["frozen"] is False
    refused = problem(ask("seller").order(staffed.order()), 422)
    assert [error["code"] for error in refused["errors"]] == [4003]


def test_a_completed_transaction_is_not_frozen(staffed, ask):
    done = ask("seller").order(staffed.order()).json()
    refused = problem(ask("junior").post(PATH, order(serial_block=None, transaction=done["id"])), 422)
    assert refused["code"] == 3003


def test_the_same_key_gets_the_first_answer_again(staffed, ask):
    first = ask("junior").post(PATH, body := order())
    again = ask("junior").post(PATH, body)
    assert again.content == first.content
    assert again["Idempotency-Replayed"] == "true"
    assert Freeze.objects.count() == 1
    assert problem(ask("junior").post(PATH, order(reason="another")), 422)["code"] == 3004
    assert problem(ask("junior").post(PATH, order(), key=None), 428)["errors"][0]["field"] == "Idempotency-Key"


# Members of the order, status, code and field of the answer.
WRONG: list[tuple[dict[str, Any], int, int | str, str]] = [
    ({"serial_block": None}, 422, "one-thing-is-frozen", "transaction"),
    ({"account": "CNBJ-TRA-1000004-01"}, 422, "one-thing-is-frozen", "account"),
    ({"serial_block": "CNBJ-BEA-2026-11-20"}, 400, 2001, "serial_block"),
    ({"serial_block": 7}, 400, "not-a-text", "serial_block"),
    ({"serial_block": "CNBJ-BEA-2026-11-20-00"}, 422, 2002, "serial_block"),
    ({"serial_block": format_block("CNBJ", "BEA", 2026, 21, 12)}, 422, 2004, "serial_block"),
    (
        {"serial_block": format_block("CNBJ", "BEA", 2026, 999, 1_002)},
        422,
        "freeze-of-serials-not-issued",
        "serial_block",
    ),
    ({"serial_block": format_block("CNBJ", "BEA", 2025, 11, 21)}, 422, "freeze-of-serials-not-issued", "serial_block"),
    ({"serial_block": format_block("KR11", "KAU", 2026, 11, 21)}, 422, "unknown-registry", "serial_block"),
    ({"serial_block": None, "account": "CNBJ-TRA-1-00"}, 422, 2002, "account"),
    ({"serial_block": None, "account": "ann"}, 400, 2001, "account"),
    ({"serial_block": None, "transaction": "7"}, 400, "no-uuid", "transaction"),
    (
        {"serial_block": None, "transaction": "00000000-0000-7000-8000-000000000007"},
        422,
        "unknown-transaction",
        "transaction",
    ),
    ({"reason": None}, 400, "required", "reason"),
    ({"reason": ""}, 400, "blank", "reason"),
    ({"reason": " "}, 422, "reason-missing", "reason"),
    ({"reason": "x" * 501}, 400, "max-length", "reason"),
    ({"reference": "x" * 101}, 400, "max-length", "reference"),
    ({"review_on": None}, 400, "required", "review_on"),
    ({"review_on": "2020-01-01"}, 422, "freeze-review-is-past", "review_on"),
    ({"review_on": "2026-02-30"}, 400, "invalid", "review_on"),
    ({"review_on": "tomorrow"}, 400, "wrong-form", "review_on"),
    ({"review_on": 20260901}, 400, "not-a-text", "review_on"),
    ({"until": "2026-09-01"}, 400, "unknown-field", "until"),
]


@pytest.mark.parametrize(("members", "status", "code", "field"), WRONG)
def test_a_wrong_request_is_told_with_its_code_and_field_and_freezes_nothing(
    staffed, ask, members, status, code, field
):
    told = problem(ask("junior").post(PATH, order(**members)), status)
    assert (code, field) in [(error["code"], error["field"]) for error in told["errors"]]
    assert Freeze.objects.count() == 0


def test_who_may_not_know_of_a_thing_is_told_that_there_is_none_and_who_may_not_freeze_it_that(staffed, ask):
    account = order(serial_block=None, account=staffed["seller"])
    for name in ("tokyo", "nobody", "stranger"):
        assert problem(ask(name).post(PATH, account), 422)["code"] == "unknown-account"
        assert problem(ask(name).post(PATH, order(), key="k-2"), 403)
    for name in ("seller", "auditor"):
        problem(ask(name).post(PATH, account), 403)
    problem(ask("").post(PATH, account), 401)
    assert Freeze.objects.count() == 0


def test_only_staff_of_the_jurisdiction_sees_its_freezes_and_the_auditor_only_looks(staffed, ask):
    number = ask("junior").post(PATH, order()).json()["id"]
    for name in ("junior", "administrator", "authority", "auditor"):
        assert [row["id"] for row in ask(name).get(PATH).json()["results"]] == [number]
        assert ask(name).get(f"{PATH}/{number}").json()["serial_block"] == BLOCK
    for name in ("tokyo", "seller", "nobody"):
        assert ask(name).get(PATH).json()["results"] == []
    for name in ("tokyo", "seller", "nobody"):
        problem(ask(name).get(f"{PATH}/{number}"), 404)
        problem(ask(name).post(f"{PATH}/{number}/request-release", {}), 404)
        problem(ask(name).post(f"{PATH}/{number}/release", {}), 404)
    for step in ("request-release", "release"):
        problem(ask("auditor").post(f"{PATH}/{number}/{step}", {}, key=step), 403)
    for number in (0, 4711, 2**63, 10**30):
        problem(ask("administrator").get(f"{PATH}/{number}"), 404)


def test_a_release_is_refused_to_who_asked_for_it(staffed, ask):
    senior = ask("administrator")
    address = f"{PATH}/{senior.post(PATH, order()).json()['id']}"
    early = problem(senior.post(f"{address}/release", {}, key="k-2"), 422)
    assert early["code"] == "freeze-release-is-not-requested"
    assert senior.post(f"{address}/request-release", {}, key="k-3").status_code == 200
    assert problem(senior.post(f"{address}/release", {}, key="k-4"), 422)["code"] == "freeze-released-by-its-requester"
    assert problem(senior.post(f"{address}/release", {"reason": "x"}, key="k-5"), 400)["errors"][0]["field"] == "reason"


def test_freezes_are_listed_in_pages_latest_first_and_by_whether_they_last(staffed, ask):
    junior, senior = ask("junior"), ask("administrator")
    numbers = [junior.post(PATH, order(), key=f"k-{n}").json()["id"] for n in range(3)]
    junior.post(f"{PATH}/{numbers[1]}/request-release", {}, key="r")
    senior.post(f"{PATH}/{numbers[1]}/release", {}, key="s")

    def listed(query: str) -> list[int]:
        return [row["id"] for row in junior.get(f"{PATH}{query}").json()["results"]]

    assert listed("") == numbers[::-1]
    assert listed("?active=true") == [numbers[2], numbers[0]]
    assert listed("?active=false") == [numbers[1]]
    first = junior.get(f"{PATH}?limit=2").json()
    assert [row["id"] for row in first["results"]] == [numbers[2], numbers[1]]
    assert [row["id"] for row in junior.get(first["next"]).json()["results"]] == [numbers[0]]
    for query, field in (("?active=maybe", "active"), ("?cursor=x", "cursor"), ("?account=x", "account")):
        assert problem(junior.get(f"{PATH}{query}"), 400)["errors"][0]["field"] == field


def test_a_list_of_many_costs_as_many_statements_as_one_of_few(staffed, ask):
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert ask("junior").get(PATH).status_code == 200
        return len(captured)

    ask("junior").post(PATH, order())
    before = cost()
    for number in range(5):
        ask("junior").post(PATH, order(), key=f"n-{number}")
    assert cost() == before
