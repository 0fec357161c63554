"""Whatever is sent, the answer is a problem document that names the code and the field, and no row of the ledger changes."""

import json

import pytest
from django.db import connection

from registry.rules.serials import format_block
from tests.api.conftest import Market

LEDGER = (
    "registry_transaction",
    "registry_transactionblock",
    "registry_unitblock",
    "registry_holding",
    "registry_issue",
    "registry_series",
    "registry_issuancecap",
)


def digest() -> str:
    """Return the digest of every row of the ledger."""
    tables = " UNION ALL ".join(f"SELECT '{name}' AS t, to_jsonb(r)::text AS r FROM {name} r" for name in LEDGER)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT md5(string_agg(t || r, E'\\n' ORDER BY t, r)) FROM ({tables}) AS everything")
        return str(cursor.fetchone()[0])


def problem_of(answer, status=None):
    """Return the problem document an answer is, having looked at its form."""
    assert 400 <= answer.status_code < 500, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].startswith("/api/problems/")
    assert problem["title"]
    assert problem["detail"]
    assert not problem["title"].startswith("problem.")
    if status:
        assert answer.status_code == status, problem
    return problem


# Members of an order, the code and the field of the answer.
WRONG_MEMBERS = [
    ({"quantity": 0}, 2003, "quantity"),
    ({"quantity": -1}, 2003, "quantity"),
    ({"quantity": 1.5}, "not-an-integer", "quantity"),
    ({"quantity": "1e3"}, 2003, "quantity"),
    ({"quantity": "10"}, 2003, "quantity"),
    ({"quantity": True}, 2003, "quantity"),
    ({"quantity": [10]}, 2003, "quantity"),
    ({"quantity": {"of": 10}}, 2003, "quantity"),
    ({"quantity": 2**63}, "too-great", "quantity"),
    ({"quantity": 2**63 - 1}, 2003, "quantity"),
    ({"quantity": 10**15}, 2003, "quantity"),
    ({"quantity": -(2**63)}, "too-great", "quantity"),
    ({"quantity": 10**400}, "too-great", "quantity"),
    ({"quantity": float("nan")}, "not-an-integer", "quantity"),
    ({"quantity": float("-inf")}, "not-an-integer", "quantity"),
    ({"vintage": 1}, 2008, "vintage"),
    ({"vintage": "2026"}, "not-an-integer", "vintage"),
    ({"vintage": 2**40}, 2008, "vintage"),
    ({"obligation": 0}, "out-of-range", "obligation"),
    ({"obligation": 2**63}, "too-great", "obligation"),
    ({"type": "10-99"}, "unknown-word", "type"),
    ({"type": "1-0"}, "unknown-word", "type"),
    ({"type": 10}, "unknown-word", "type"),
    ({"transferring_account": "CNBJ-TRA-1"}, 2001, "transferring_account"),
    ({"transferring_account": 1}, "not-a-text", "transferring_account"),
    ({"acquiring_account": "CNBJ-TRA-01000001-00"}, 2001, "acquiring_account"),
    ({"acquiring_account": ""}, 2001, "acquiring_account"),
    ({"acquiring_account": "a\x00b"}, "not-a-text", "acquiring_account"),
    ({"unit_type": "bea"}, "wrong-form", "unit_type"),
    ({"unit_type": ["BEA"]}, "not-a-text", "unit_type"),
    ({"registry": "B"}, "wrong-form", "registry"),
    ({"registry": "CNBJ\n"}, "wrong-form", "registry"),
    ({"serial_blocks": []}, "min-length", "serial_blocks"),
    ({"serial_blocks": "CNBJ-BEA-2026-1-10-86"}, "not-a-list", "serial_blocks"),
    ({"serial_blocks": ["1-10"]}, 2001, "serial_blocks"),
    ({"serial_blocks": [7]}, "not-a-text", "serial_blocks"),
    ({"serial_blocks": ["CNBJ-BEA-2026-1-1000000000000000-86"]}, 2001, "serial_blocks"),
    ({"reason": "x" * 501}, "max-length", "reason"),
    ({"reason": 5}, "not-a-text", "reason"),
    ({"reason": "\x00"}, "not-a-text", "reason"),
    ({"reason": "\ud800"}, "not-a-text", "reason"),
    ({"beneficiary": {}}, "not-a-text", "beneficiary"),
    ({"client_reference": [1]}, "not-a-text", "client_reference"),
    ({"amount": 5}, "unknown-field", "amount"),
    ({"Quantity": 5}, "unknown-field", "Quantity"),
    ({"a/b~c": 5}, "unknown-field", "a~1b~0c"),
    ({"\x00": 5}, "not-a-text", "�"),
]


@pytest.mark.parametrize(("members", "code", "field"), WRONG_MEMBERS)
def test_a_wrong_member_is_named_and_nothing_changes(market: Market, ask, members, code, field):
    before = digest()
    answer = ask("seller").order(json.dumps(market.order() | members))
    problem = problem_of(answer, 400)
    assert (code, field) in [(error["code"], error["field"]) for error in problem["errors"]]
    assert digest() == before


@pytest.mark.parametrize("name", ["type", "transferring_account", "acquiring_account", "quantity"])
def test_a_missing_member_is_named_and_so_is_one_that_is_null(market, ask, name):
    before = digest()
    for body, code in ((market.order(**{name: None}), "required"), (market.order() | {name: None}, "null")):
        problem = problem_of(ask("seller").order(json.dumps(body)), 400)
        assert [(error["code"], error["field"], error["pointer"]) for error in problem["errors"]] == [
            (code, name, f"/{name}")
        ]
    assert digest() == before


def test_all_wrong_members_are_named_at_once(market, ask):
    problem = problem_of(
        ask("seller").order(json.dumps(market.order(quantity=0, vintage=1) | {"x": 1, "type": "?"})), 400
    )
    assert {error["field"] for error in problem["errors"]} == {"quantity", "vintage", "x", "type"}


# Members that have the documented form, yet name nothing that can be.
REFUSED_MEMBERS = [
    ({"acquiring_account": "CNBJ-TRA-1000005-00"}, 2002, "acquiring_account"),
    ({"unit_type": None}, "required", "unit_type"),
    ({"quantity": 601}, 4010, "quantity"),
    ({"serial_blocks": ["CNBJ-BEA-2026-1-10-00"]}, 2002, "serial_blocks"),
    ({"serial_blocks": [format_block("CNBJ", "BEA", 2026, 10, 2)]}, 2004, "serial_blocks"),
    (
        {"serial_blocks": [format_block("CNBJ", "BEA", 2026, 1, 11)], "vintage": 2025},
        "contradicts-serial-blocks",
        "vintage",
    ),
    (
        {"serial_blocks": [format_block("CNBJ", "BEA", 2026, 1, 11)], "unit_type": "KAU"},
        "contradicts-serial-blocks",
        "unit_type",
    ),
    ({"serial_blocks": [format_block("CNBJ", "BEA", 2026, 10**15 - 11, 10**15 - 1)]}, 4008, "serial_blocks"),
]


@pytest.mark.parametrize(("members", "code", "field"), REFUSED_MEMBERS)
def test_an_order_that_cannot_be_is_refused_and_nothing_changes(market: Market, ask, members, code, field):
    before = digest()
    problem = problem_of(ask("seller").order(json.dumps(market.order(**members))), 422)
    assert (code, field) in [(error["code"], error["field"]) for error in problem["errors"]]
    assert digest() == before


def test_an_account_of_another_registry_is_refused(market, ask):
    before = digest()
    problem = problem_of(ask("seller").order(market.order(acquiring_account=market["stranger"])), 422)
    assert "acquiring_account" in {error["field"] for error in problem["errors"]}
    assert digest() == before


# Bodies that are no order at all: bytes, status, code.
WRONG_BODIES = [
    (b"", 400, "required"),
    (b"{", 400, "not-json"),
    (b"null", 400, "not-an-object"),
    (b"[]", 400, "not-an-object"),
    (b'"x"', 400, "not-an-object"),
    (b"5", 400, "not-an-object"),
    (b"1e3", 400, "not-an-integer"),
    (b"{} {}", 400, "not-json"),
    (b"{'a': 1}", 400, "not-json"),
    (b'{"a": 01}', 400, "not-json"),
    (b'{"a": 1,}', 400, "not-json"),
    (b'{"quantity": 1, "quantity": 2}', 400, "named-twice"),
    (b'{"reason": {"a": 1, "a": 1}}', 400, "named-twice"),
    (b'{"quantity": 1e3}', 400, "not-an-integer"),
    (b'{"quantity": 10.0}', 400, "not-an-integer"),
    (b'{"quantity": NaN}', 400, "not-an-integer"),
    (b'{"quantity": Infinity}', 400, "not-an-integer"),
    (b'{"quantity": ' + b"9" * 5000 + b"}", 400, "too-great"),
    (b'{"reason": "\xff"}', 400, "not-utf-8"),
    (b'{"reason": "\xed\xa0\x80"}', 400, "not-utf-8"),
    ('{"reason": "é"}'.encode("latin-1"), 400, "not-utf-8"),
    ('{"reason": "é"}'.encode("utf-16"), 400, "not-utf-8"),
    (b'\xef\xbb\xbf{"quantity": 1}', 400, "not-json"),
    (b'{"reason": "\\ud800"}', 400, "not-a-text"),
    (b'{"reason": "\\u0000"}', 400, "not-a-text"),
    (b"[" * 100_000, 400, "nested-too-deep"),
    (b'{"a":' * 20 + b"1" + b"}" * 20, 400, "nested-too-deep"),
    (b"[" * 900 + b"]" * 900, 400, "nested-too-deep"),
    (b'{"reason": "' + b"x" * 10_000_000 + b'"}', 413, "body-too-large"),
    (b" " * 10_000_000, 413, "body-too-large"),
]


@pytest.mark.parametrize(("body", "status", "code"), WRONG_BODIES, ids=lambda value: str(value)[:40])
def test_a_body_that_is_no_order_is_refused_and_nothing_changes(market: Market, ask, body, status, code):
    before = digest()
    problem = problem_of(ask("seller").order(body), status)
    assert code in {problem["code"], *(error["code"] for error in problem["errors"])}
    assert digest() == before


@pytest.mark.parametrize(
    "media_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application",
        "",
        "application/json; charset=utf-16",
    ],
)
def test_another_media_type_is_not_supported(market, ask, media_type):
    before = digest()
    answer = ask("seller").post("/api/v1/transactions", json.dumps(market.order()), content_type=media_type)
    problem_of(answer, 415)
    assert digest() == before


def test_json_says_that_it_is_utf_8_or_nothing(market, ask):
    for place, media_type in enumerate(("application/json", 'application/json; charset="UTF-8"')):
        body = json.dumps(market.order())
        answer = ask("seller").post("/api/v1/transactions", body, key=f"k-{place}", content_type=media_type)
        assert answer.status_code == 201, answer.content


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
def test_another_method_is_not_allowed_and_the_allowed_are_named(market, ask, method):
    asked = ask("seller")
    answer = getattr(asked.client, method)("/api/v1/transactions", headers={"Authorization": f"Bearer {asked.key}"})
    problem_of(answer, 405)
    assert set(answer["Allow"].split(", ")) == {"GET", "HEAD", "POST"}
    assert ask("seller").post("/api/v1/accounts", {}).status_code == 405


def test_another_form_of_answer_is_not_acceptable(market, ask):
    problem_of(ask("seller").get("/api/v1/accounts", Accept="text/html"), 406)
    assert ask("seller").get("/api/v1/accounts", Accept="text/html, */*;q=0.1").status_code == 200


@pytest.mark.parametrize(
    "path", ["", "v1", "v1/", "v2/accounts", "v1/accounts/", "v1/transactions/7", "v1/transactions/", "nothing"]
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_is_a_problem_too(market, ask, method, path):
    answer = getattr(ask("seller").client, method)(f"/api/{path}")
    assert problem_of(answer, 404)["code"] == "not-found"


# Queries: path, the code and the parameter of the answer.
WRONG_QUERIES = [
    ("transactions?colour=red", "unknown-parameter", "colour"),
    ("transactions?limit=0", "min-value", "limit"),
    ("transactions?limit=101", "max-value", "limit"),
    ("transactions?limit=1.0", "not-an-integer", "limit"),
    ("transactions?limit=%2B1", "not-an-integer", "limit"),
    ("transactions?limit=99999999999999999999", "not-an-integer", "limit"),
    ("transactions?limit=", "not-an-integer", "limit"),
    ("transactions?limit=1&limit=2", "named-twice", "limit"),
    ("transactions?type=10-99", "invalid-choice", "type"),
    ("transactions?state=DONE", "invalid-choice", "state"),
    ("transactions?account=x", "wrong-form", "account"),
    ("unit-types?registry=CNBJ%0A", "wrong-form", "registry"),
    ("transactions?account=%00", "not-a-text", "account"),
    ("transactions?proposed_from=yesterday", "invalid", "proposed_from"),
    ("transactions?proposed_from=2026-01-01T00:00:00", "no-offset", "proposed_from"),
    ("transactions?proposed_from=2026-02-30T00:00:00Z", "invalid", "proposed_from"),
    ("transactions?proposed_from=0001-01-01T00:00:00%2B14:00", "wrong-form", "proposed_from"),
    ("transactions?proposed_before=9999-12-31T23:59:59-14:00", "wrong-form", "proposed_before"),
    ("transactions?cursor=", "blank", "cursor"),
    ("transactions?cursor=x", "unknown-cursor", "cursor"),
    ("transactions?cursor=W10", "unknown-cursor", "cursor"),
    ("transactions?cursor=WyJuZXh0Iiw1XQ", "unknown-cursor", "cursor"),
    ("transactions?cursor=bnVsbA", "unknown-cursor", "cursor"),
    ("transactions?cursor=%C3%A9", "unknown-cursor", "cursor"),
    ("transactions?cursor=" + "W" * 201, "max-length", "cursor"),
    ("accounts?cursor=WyJuZXh0Iiw1XQ", "unknown-cursor", "cursor"),
    ("accounts?cursor=WyJuZXh0IiwiXHUwMDAwIl0", "unknown-cursor", "cursor"),
    ("accounts?jurisdiction=Beijing", "wrong-form", "jurisdiction"),
    ("accounts?type=XXX", "invalid-choice", "type"),
    ("jurisdictions?x=1", "unknown-parameter", "x"),
    ("jurisdictions/CN-BJ?on=today", "invalid", "on"),
    ("jurisdictions/CN-BJ?key=a%20b", "wrong-form", "key"),
    ("unit-types?registry=b", "wrong-form", "registry"),
    ("checks?page=1", "unknown-parameter", "page"),
]


@pytest.mark.parametrize(("query", "code", "parameter"), WRONG_QUERIES)
def test_a_wrong_parameter_is_named(market, ask, query, code, parameter):
    problem = problem_of(ask("seller").get(f"/api/v1/{query}"), 400)
    assert [(error["code"], error["field"]) for error in problem["errors"]] == [(code, parameter)]


def test_an_order_takes_no_parameters(market, ask):
    before = digest()
    problem = problem_of(ask("seller").post("/api/v1/transactions?limit=5", market.order()), 400)
    assert [(error["code"], error["field"]) for error in problem["errors"]] == [("unknown-parameter", "limit")]
    assert digest() == before


def test_times_far_away_and_with_odd_offsets_are_understood(market, ask):
    for instant in ("9203-01-14T14:51:45%2B19:04", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"):
        for parameter in ("proposed_from", "proposed_before"):
            assert ask("seller").get(f"/api/v1/transactions?{parameter}={instant}").status_code == 200


def test_nothing_is_named_with_nul(market, ask):
    for path in ("jurisdictions/%00", "accounts/%00", "accounts/%00/holdings", "units/%00/1", "units/CN%00/1"):
        problem_of(ask("seller").get(f"/api/v1/{path}"), 404)


def test_a_request_for_another_host_is_a_problem_too(market, ask):
    problem_of(ask("seller").get("/api/v1/accounts", Host="elsewhere.example"), 400)
