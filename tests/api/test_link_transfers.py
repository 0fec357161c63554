"""Transfers across a link over HTTP: explained before they are made, made, and told by what they count as everywhere after."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings

from accounts import clock
from linking.models import Quota
from linking.rules.degrees import Degree
from registry.models import Transaction
from registry.verification import Verified, verify
from tests.api.linked import Linked, linked_market

API = "/api/v1"


@pytest.fixture
def world() -> Callable[[], Linked]:
    return linked_market


@pytest.fixture
def links(begun: Linked) -> Iterator[Linked]:
    """The linked pilot in commits of its own, since an explanation is a snapshot; the whole ledger is verified afterwards."""
    yield begun
    assert isinstance(verify(), Verified), verify()


def explained(links: Linked, order: dict[str, Any], name: str = "cn") -> Any:
    answer = links.ask(name).post(f"{API}/transactions?dry_run=true", order, key="dry")
    assert answer.status_code == 200, answer.content
    return answer.json()


def made(links: Linked, order: dict[str, Any], name: str = "cn", key: str = "made") -> Any:
    answer = links.ask(name).post(f"{API}/transactions", order, key=key)
    assert answer.status_code == 201, answer.content
    return answer.json()


def home(links: Linked, quantity: int, **members: Any) -> dict[str, Any]:
    """Return an order of units of Beijing from Ann in Tokyo back to Bob in Beijing."""
    return {
        "type": "3-0",
        "transferring_account": links.account("JP-13", "ann"),
        "acquiring_account": links.account("CN-BJ", "bob"),
        "registry": "CNBJ",
        "unit_type": "BEA",
        "quantity": quantity,
    } | members


def read(links: Linked, path: str, name: str = "jp") -> Any:
    answer = links.ask(name).get(f"{API}/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def quota(crossing: dict[str, Any], kind: str) -> tuple[int, int, int, int]:
    row = next(row for row in crossing["quotas"] if row["kind"] == kind)
    return row["quantity"], row["limit"], row["left_before"], row["left_after"]


def test_an_explanation_names_corridor_terms_rate_worth_quotas_and_imbalance(links):
    told = explained(links, links.order(61))
    assert (told["accepted"], told["terms"]["state"], told["worth"]) == (True, "COMPLETED", None)
    [crossing] = told["crossings"]
    assert (crossing["way"], crossing["corridor"], crossing["origin"], crossing["destination"]) == (
        "entry",
        links.corridor(),
        "CN-BJ",
        "JP-13",
    )
    [agreement] = read(links, f"agreements?corridor={links.corridor()}")["results"]
    assert (crossing["agreement"], crossing["version"], crossing["digest"]) == (agreement["id"], 1, agreement["digest"])
    assert (crossing["rate"]["numerator"], crossing["rate"]["denominator"], crossing["recognised"]) == (4, 5, 48)
    assert quota(crossing, "entry") == (49, 200, 200, 151)
    assert quota(crossing, "leave") == (61, 250, 250, 189)
    assert quota(crossing, "vintage") == (61, 400, 400, 339)
    assert quota(crossing, "holder") == (61, 300, 300, 239)
    assert quota(crossing, "net-flow") == (61, 500, 500, 439)
    assert (crossing["imbalance_before"], crossing["imbalance_after"]) == (0, 61)
    assert (crossing["level_before"], crossing["level_after"]) == ("quiet", "warn")
    assert [block["to_recognition"]["recognised"] for block in told["serial_blocks"]] == [48]


def test_an_explanation_leaves_nothing_behind(links):
    before = (Transaction.objects.count(), Quota.objects.count())
    explained(links, links.order(61))
    assert (Transaction.objects.count(), Quota.objects.count()) == before


def test_a_delayed_transfer_is_explained_with_when_it_is_due(links):
    told = explained(links, links.order(10, acquiring_account=links.account("JP-13", "far")))
    assert (told["accepted"], told["approval"], told["terms"]["state"]) == (True, "representative", "AWAITING_APPROVAL")
    assert told["after_approval"]["state"] == "DELAYED"
    assert told["after_approval"]["due_at"] is not None
    assert told["crossings"][0]["recognised"] == 8


def test_what_would_be_refused_is_explained_with_how_much_is_missing(links):
    told = explained(links, links.order(300))
    failed = {check["code"]: check["details"] for check in told["checks"] if not check["holds"]}
    assert set(failed) == {6005}
    assert failed[6005] == [
        "The entry quota of the corridor CN-BJ -> JP-13 has 200 left of 200, 240 are asked for.",
        "The leave quota of the corridor CN-BJ -> JP-13 has 250 left of 250, 300 are asked for.",
    ]
    assert (told["accepted"], told["serial_blocks"]) == (False, [])
    [crossing] = told["crossings"]
    assert quota(crossing, "entry") == (240, 200, 200, -40)
    assert crossing["level_after"] == "suspend"
    refused = links.ask("cn").post(f"{API}/transactions", links.order(300))
    assert {(error["code"], error["field"]) for error in refused.json()["errors"]} == {(6005, "quantity")}


def test_without_terms_the_corridor_is_named_and_nothing_more(links):
    told = explained(links, links.order(10, acquiring_account=links.account("KR-11", "ann")))
    assert {check["code"] for check in told["checks"] if not check["holds"]} == {6001, 6002, 6015}
    [crossing] = told["crossings"]
    assert (crossing["corridor"], crossing["agreement"], crossing["rate"], crossing["quotas"]) == (
        links.corridor("CN-BJ", "KR-11"),
        None,
        None,
        [],
    )
    assert (crossing["origin"], crossing["destination"], crossing["recognised"]) == ("CN-BJ", "KR-11", None)


def test_a_stranger_to_the_account_is_told_nothing_of_the_crossing(links):
    told = explained(links, links.order(10), "nobody")
    assert (told["accepted"], told["crossings"]) == (False, [])


def test_checks_of_links_are_judged_where_a_link_is_crossed(links):
    def judged(order: dict[str, Any]) -> set[int]:
        return {check["code"] for check in explained(links, order)["checks"] if check["code"] >= 6000}

    table = {row["code"] for row in read(links, "checks")["results"] if row["group"] == "link"}
    assert judged(links.order(10)) == table
    inside = links.order(10, type="10-50", acquiring_account=links.account("CN-BJ", "bob"))
    assert judged(inside) == set()


def test_a_transfer_tells_what_its_units_count_as_before_and_after(links):
    outcome = made(links, links.order(61))
    [block] = outcome["serial_blocks"]
    assert block["recognition"] is None
    counted = block["to_recognition"]
    assert (counted["numerator"], counted["denominator"], counted["recognised"]) == (4, 5, 48)
    for name in ("cn", "jp"):
        assert read(links, f"transactions/{outcome['id']}", name)["serial_blocks"] == outcome["serial_blocks"]
    assert read(links, f"recognitions/{counted['id']}")["corridor"] == links.corridor()


def test_an_approval_answers_as_the_transaction_is_read(links):
    order = links.order(30, acquiring_account=links.account("JP-13", "far"))
    waiting = made(links, order)
    approved = links.ask("cn-second").post(f"{API}/transactions/{waiting['id']}/approve", {}).json()
    assert approved["state"] == "DELAYED"
    assert approved["serial_blocks"] == waiting["serial_blocks"]
    assert read(links, f"transactions/{waiting['id']}", "cn")["serial_blocks"] == waiting["serial_blocks"]
    assert waiting["serial_blocks"][0]["to_recognition"]["id"] is not None


def test_holdings_tell_quantity_rate_and_recognised_value(links):
    made(links, links.order(61))
    account = links.account("JP-13", "ann")
    own, foreign = sorted(read(links, f"accounts/{account}/holdings")["results"], key=lambda row: row["quantity"])[::-1]
    assert (own["recognition"]["id"], own["quantity"], own["recognised"]) == (0, 1_000, 1_000)
    assert (foreign["registry"], foreign["quantity"], foreign["recognised"]) == ("CNBJ", 61, 48)
    recognition = foreign["recognition"]
    assert (recognition["numerator"], recognition["denominator"]) == (4, 5)
    [agreement] = read(links, f"agreements?corridor={links.corridor()}")["results"]
    assert recognition["agreement"] == agreement["id"]
    now = clock.now().isoformat().replace("+00:00", "Z")
    for asked in (f"recognition={recognition['id']}", "rate=4/5", "rate=8/10", f"rate=4/5&as_of={now}"):
        [row] = read(links, f"accounts/{account}/holdings?{asked}")["results"]
        assert (row["registry"], row["quantity"], row["recognised"]) == ("CNBJ", 61, 48), asked
    assert [row["registry"] for row in read(links, f"accounts/{account}/holdings?rate=1/1")["results"]] == ["JP13"]
    blocks = read(links, f"accounts/{account}/blocks?recognition={recognition['id']}")["results"]
    assert [row["quantity"] for row in blocks] == [61]


@pytest.mark.parametrize("asked", ["rate=0.8", "rate=4/0", "rate=4", "rate=", "recognition=-1", "recognition=a"])
def test_a_product_that_cannot_be_is_refused_by_name(links, asked):
    answer = links.ask("jp").get(f"{API}/accounts/{links.account('JP-13', 'ann')}/holdings?{asked}")
    assert answer.status_code == 400
    assert [error["field"] for error in answer.json()["errors"]] == [asked.partition("=")[0]]


def test_a_statement_names_the_recognition(links):
    outcome = made(links, links.order(61))
    path = f"accounts/{links.account('JP-13', 'ann')}/statement?from=2026-01-01T00:00:00Z"
    [line] = [row for row in read(links, path)["results"] if row["registry"] == "CNBJ"]
    assert (line["direction"], line["quantity_in"], line["type_text"]) == ("in", 61, "transfer across a link")
    assert line["recognition"]["id"] == outcome["serial_blocks"][0]["to_recognition"]["id"]
    assert line["recognition"]["agreement"] is not None
    file = b"".join(links.ask("jp").get(f"{API}/{path}&format=csv").streaming_content).decode()
    assert any(row.split(",")[11:13] == ["", "4/5"] or "4/5" in row for row in file.splitlines())


def test_the_way_home_is_explained_with_what_it_gives_back(links):
    out = made(links, links.order(61))
    counted = out["serial_blocks"][0]["to_recognition"]
    told = explained(links, home(links, 10, recognition=counted["id"]), "jp")
    [crossing] = told["crossings"]
    assert (crossing["way"], crossing["corridor"], crossing["version"]) == ("return", links.corridor(), 1)
    assert (crossing["rate"]["id"], crossing["recognised"], crossing["level_after"]) == (counted["id"], 8, None)
    assert quota(crossing, "entry") == (8, 200, 151, 159)
    back = made(links, home(links, 10, recognition=counted["id"]), "jp", key="home")
    [block] = back["serial_blocks"]
    assert (block["recognition"]["id"], block["recognition"]["recognised"]) == (counted["id"], 8)
    assert block["to_recognition"] is None
    [row] = read(links, f"quotas?kind=entry&corridor={links.corridor()}")["results"]
    assert (row["quota"]["used"], row["quota"]["left"]) == (41, 159)


def test_an_onward_transfer_is_explained_as_home_and_out(links):
    at = clock.now()
    links.pilot.agree("CN-BJ", "KR-11", at, rate=(9, 10))
    links.pilot.raise_to(Degree.UNILATERAL, "CN-BJ", "KR-11", at)
    counted = made(links, links.order(50))["serial_blocks"][0]["to_recognition"]
    order = home(links, 20, recognition=counted["id"], acquiring_account=links.account("KR-11", "ann"))
    told = explained(links, order, "jp")
    assert told["accepted"], told["checks"]
    assert [(row["way"], row["corridor"], row["recognised"]) for row in told["crossings"]] == [
        ("return", links.corridor(), 16),
        ("entry", links.corridor("CN-BJ", "KR-11"), 18),
    ]
    [block] = made(links, order, "jp", key="onward")["serial_blocks"]
    assert (block["recognition"]["numerator"], block["to_recognition"]["numerator"]) == (4, 9)


def test_a_surrender_of_units_from_abroad_is_told_by_its_worth(links):
    obligation = links.pilot["JP-13"].obligation("plant", 100, 2025)
    counted = made(links, links.order(70, acquiring_account=links.account("JP-13", "plant")))["serial_blocks"][0]
    order = {
        "type": "10-2",
        "transferring_account": links.account("JP-13", "plant"),
        "acquiring_account": links.account("JP-13", "SUR"),
        "registry": "CNBJ",
        "unit_type": "BEA",
        "recognition": counted["to_recognition"]["id"],
        "quantity": 33,
        "obligation": obligation.pk,
    }
    told = explained(links, order, "jp")
    used = {"node": "CN-BJ linked", "quantity": 26, "limit": 50, "left_before": 50, "left_after": 24, "binds": True}
    assert (told["worth"], told["uses"]) == (26, [used])
    [block] = made(links, order, "jp", key="surrendered")["serial_blocks"]
    assert block["recognition"] == block["to_recognition"]
    assert (block["recognition"]["recognised"], block["quantity"]) == (26, 33)
    told = explained(links, order | {"quantity": 32}, "jp")
    # 65 units at 4/5 are 52 t; 26 are told already, and half of 100 t is the operator's.
    assert (told["worth"], told["accepted"]) == (26, False)
    assert [(row["left_before"], row["left_after"]) for row in told["uses"]] == [(24, -2)]
    assert {check["code"] for check in told["checks"] if not check["holds"]} == {6006}
    for name, seen in {"jp": 1, "jp-junior": 1, "cn": 0, "cn-senior": 0, "nobody": 0}.items():
        rows = read(links, "quotas?kind=use", name)["results"]
        assert len(rows) == seen, name
        for row in rows:
            assert (row["installation"], row["node"], row["corridor"]) == ("plant", "CN-BJ linked", None)
            assert (row["quota"]["measure"], row["quota"]["used"], row["quota"]["left"]) == ("recognised", 26, 24)
    [margin] = read(links, f"links/{links.link()}")["margins"]
    assert (margin["quantity"], margin["value"], margin["margin"], margin["retired"]) == (33, 26, 7, 7)


API_PAGE = (settings.BASE_DIR / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"```http\n(\w+) (\S+)\n(?:\n(.*?))?```\n```json\n(.*?)```", re.DOTALL)
ACCOUNTS = {"CNBJ-TRA-1000007-89": ("CN-BJ", "ann"), "JP13-TRA-1000008-52": ("JP-13", "ann")}


def test_the_page_of_the_api_tells_a_transfer_across_a_link_as_it_is(links):
    told = API_PAGE.partition("<!-- across a link -->")[2].partition("<!-- end -->")[0]
    for printed, (city, name) in ACCOUNTS.items():
        told = told.replace(printed, links.account(city, name))
    examples = EXAMPLE.findall(told)
    assert [method for method, *_ in examples] == ["POST", "POST", "GET", "GET"]
    for method, path, body, expected in examples:
        reader = links.ask("cn" if method == "POST" else "jp")
        answer = reader.get(path) if method == "GET" else reader.post(path, json.loads(body))
        assert answer.status_code in (200, 201), answer.content
        assert_told(json.loads(expected), answer.json(), path)


def assert_told(expected: Any, found: Any, place: str) -> None:
    """Assert that an answer has all that the page prints of it; `...` there stands for anything."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert_told(value, found[name], f"{place} {name}")
    elif isinstance(expected, list):
        assert len(expected) == len(found), place
        for number, value in enumerate(expected):
            assert_told(value, found[number], f"{place} {number}")
    elif expected != "...":
        assert expected == found, place
