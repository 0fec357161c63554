"""Readiness over HTTP: every point with its facts and sources, what if, and what is refused."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import DatedRule
from linking.rules.readiness import POINTS
from tests.conftest import begun_in, shared_by_module
from tests.linking.test_readiness_queries import pilot

AT = "/api/v1/readiness"
PAIR = f"{AT}/CN-BJ/KR-11"

readiness_api_database = shared_by_module(pilot)


@pytest.fixture(autouse=True)
def cities(readiness_api_database, db):
    return begun_in(readiness_api_database)


def point(answer: dict, code: str) -> dict:
    return next(row for row in answer["points"] if row["point"] == code)


def test_two_jurisdictions_are_told_point_by_point_with_facts_marks_and_sources(client):
    told = client.get(f"{PAIR}?as_of=2026-07-01").json()
    assert [row["point"] for row in told["points"]] == list(POINTS)
    assert told["blocks"] == ["legal-basis", "mrv"]
    assert sum(told["outcomes"].values()) == len(POINTS)
    assert told["what_if"] is None
    cap = point(told, "cap-type")
    assert (cap["outcome"], cap["to_be_confirmed"]) == ("needs-rule", True)
    assert cap["terms"] == [{"term": "rate", "name": "rate"}]
    assert "compliance value" in cap["agreement_says"]
    [fact] = cap["first"]["facts"]
    assert (fact["confidence"], fact["to_be_confirmed"]) == ("RM", True)
    assert "/BJ/cap_type" in fact["source"]
    assert cap["second"]["value"] == "n 4, total_Mt 2537.3"
    assert all(fact["source"] for row in told["points"] for side in ("first", "second") for fact in row[side]["facts"])
    missing = point(told, "deadline")
    assert (missing["outcome"], missing["missing"], missing["first"]) == (
        "missing", ["CN-BJ"], {"value": "", "facts": []},
    )  # fmt: skip


def test_seouls_construct_is_said_wherever_seoul_takes_part(client):
    for row in client.get(AT).json()["results"]:
        sides = [row["first"], row["second"]]
        assert bool(row["caveats"]) == ("KR-11" in [side["code"] for side in sides])
        for side in sides:
            assert side["caveat"].startswith("Seoul runs no") == (side["code"] == "KR-11")
            assert side["name"].endswith("(model)") == (side["code"] == "KR-11")
    told = client.get(PAIR).json()
    assert told["caveats"]
    assert "Seoul (model)" in point(told, "legal-basis")["reason_text"]
    assert client.get(f"{AT}/CN-BJ/JP-13").json()["caveats"] == []


def test_every_two_jurisdictions_are_told_at_a_glance(client):
    rows = client.get(f"{AT}?as_of=2026-07-01").json()["results"]
    assert [(row["first"]["code"], row["second"]["code"]) for row in rows] == [
        ("CN-BJ", "JP-13"), ("CN-BJ", "KR-11"), ("JP-13", "KR-11"),
    ]  # fmt: skip
    one = client.get(f"{PAIR}?as_of=2026-07-01").json()
    assert [row["outcome"] for row in rows[1]["points"]] == [row["outcome"] for row in one["points"]]


def test_with_the_sides_exchanged_the_answer_is_the_same_with_sides_exchanged(client):
    one, other = client.get(PAIR).json(), client.get(f"{AT}/KR-11/CN-BJ").json()
    assert (one["first"], one["outcomes"]) == (other["second"], other["outcomes"])
    for row, turned in zip(one["points"], other["points"], strict=True):
        assert (row["outcome"], row["first"], row["second"]) == (turned["outcome"], turned["second"], turned["first"])


@pytest.mark.parametrize(
    ("language", "blocks", "name"),
    [
        ("en", "blocks", "Type of cap"),
        ("zh-hans", "阻碍连接", "总量类型"),
        ("ja", "リンクを阻む", "総量上限の種類"),
        ("ko", "연계 불가", "총량 한도의 유형"),
    ],
)
def test_points_and_outcomes_are_told_in_four_languages(client, language, blocks, name):
    told = client.get(f"{PAIR}?as_of=2026-07-01", headers={"Accept-Language": language}).json()
    assert point(told, "legal-basis")["outcome_name"] == blocks
    assert point(told, "cap-type")["name"] == name
    for row in told["points"]:
        texts = [row["name"], row["outcome_name"], row["reason_text"], row["agreement_says"]]
        texts += [term["name"] for term in row["terms"]]
        assert not any(text.startswith("readiness.") for text in texts)
        assert language == "en" or not any(text.isascii() and text for text in texts)


def test_a_proposed_rule_is_told_with_what_it_would_turn_and_is_not_recorded(client):
    before = DatedRule.objects.count()
    asked = {
        "as_of": "2026-07-01", "rule_of": "CN-BJ", "rule_key": "offset.forbidden",
        "rule_value": '{"kinds": ["international"]}', "rule_from": "2026-12-01",
    }  # fmt: skip
    told = client.get(PAIR, asked).json()["what_if"]
    assert told["rule_value"] == {"kinds": ["international"]}
    assert [row["point"] for row in told["reads"]] == ["offsets"]
    [turn] = told["turns"]
    assert (turn["before"]["outcome"], turn["after"]["outcome"]) == ("needs-rule", "blocks")
    assert "international" in turn["after"]["reason_text"]
    assert DatedRule.objects.count() == before
    ended = client.get(PAIR, {"rule_of": "KR-11", "rule_key": "caveat"}).json()["what_if"]
    assert [row["point"] for row in ended["turns"]] == ["legal-basis"]


@pytest.mark.parametrize(
    "pair", ["CN-BJ/CN-SH", "CN-SH/CN-BJ", "cn-bj/JP-13", "CN-BJ/JP-13%00", "CN-SH/CN-SH", "北京/JP-13"]
)
def test_a_jurisdiction_that_is_not_hosted_here_is_not_found(client, pair):
    answer = client.get(f"{AT}/{pair}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "not-found"


def test_a_jurisdiction_is_not_compared_with_itself(client):
    answer = client.get(f"{AT}/CN-BJ/CN-BJ")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert (answer.json()["code"], answer.json()["errors"][0]["field"]) == ("same-jurisdiction", "second")


RULE = "rule_of=CN-BJ&rule_key=cap.type&rule_value=absolute"


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("as_of=2026-02-30", "as_of", "invalid"),
        ("as_of=yesterday", "as_of", "invalid"),
        ("as_of=2026-07-01T00:00:00Z", "as_of", "invalid"),
        ("known_at=2026-07-01", "known_at", "unknown-parameter"),
        ("as_of=2026-07-01&as_of=2026-07-02", "as_of", "named-twice"),
        ("rule_of=CN-BJ", "rule_key", "required"),
        ("rule_key=cap.type", "rule_of", "required"),
        ("rule_value=absolute&rule_of=CN-BJ", "rule_key", "required"),
        ("rule_of=JP-13&rule_key=cap.type", "rule_of", "unknown-word"),
        ("rule_of=CN-BJ&rule_key=capital", "rule_key", "rule-not-read"),
        ("rule_of=CN-BJ&rule_key=cap%20type", "rule_key", "wrong-form"),
        (f"{RULE}&as_of=2026-07-01&rule_from=2026-06-30", "rule_from", "rule-not-ahead"),
        (f"{RULE}&rule_from=soon", "rule_from", "invalid"),
        ("rule_of=CN-BJ&rule_key=cap.type&rule_value=[1.5]", "rule_value", "wrong-form"),
        ("rule_of=CN-BJ&rule_key=cap.type&rule_value=%00", "rule_value", "not-a-text"),
        (f"rule_of=CN-BJ&rule_key=cap.type&rule_value={'x' * 2_001}", "rule_value", "max-length"),
    ],
)
def test_what_is_not_of_the_documented_form_is_refused_with_its_field(client, query, field, code):
    answer = client.get(f"{PAIR}?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert (field, code) in [(error["field"], error["code"]) for error in answer.json()["errors"]]


def test_an_unknown_day_of_the_list_is_refused_with_its_field(client):
    answer = client.get(f"{AT}?as_of=2026-13-01")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "as_of")


def test_every_fault_of_a_proposed_rule_is_told_at_once(client):
    answer = client.get(f"{PAIR}?rule_of=JP-13&rule_key=capital&rule_value=[&rule_from=2001-01-01").json()
    assert {error["field"] for error in answer["errors"]} == {"rule_of", "rule_key", "rule_value", "rule_from"}


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_any_day_of_the_calendar_may_be_asked(client, day):
    assert client.get(f"{PAIR}?as_of={day}&{RULE}").status_code == 200


def test_an_answer_costs_as_many_statements_however_many_rules_there_are(client, cities):
    def cost(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    addresses = (AT, PAIR, f"{PAIR}?{RULE}")
    before = [cost(address) for address in addresses]
    DatedRule.objects.bulk_create(
        DatedRule(
            jurisdiction=home, key=f"unit.X{number}", valid_from="2020-01-01", value={"kind": "offset"}, confidence="V",
            source="test",
        )
        for home in cities.values()
        for number in range(50)
    )  # fmt: skip
    assert [cost(address) for address in addresses] == before
    assert before[0] <= before[1] < before[2] <= 5


def test_what_a_client_has_already_is_not_sent_again(client):
    tag = client.get(PAIR)["ETag"]
    assert client.get(PAIR, headers={"If-None-Match": tag}).status_code == 304
