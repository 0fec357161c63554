"""Jurisdictions with their dated rules, and what is said of how sure they are."""

import pytest

from accounts import clock
from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
from tests.api.conftest import REGISTRY

MEANINGS = {"V", "D", "RH", "RM", "RL"}


@pytest.fixture
def pilot(db):
    """The pilot's three jurisdictions."""
    return set_up_jurisdictions(actor=REGISTRY, now=clock.now())


def test_jurisdictions_are_told_with_what_must_be_said_of_them(pilot, client):
    rows = {row["code"]: row for row in client.get("/api/v1/jurisdictions").json()["results"]}
    assert list(rows) == ["CN-BJ", "JP-13", "KR-11"]
    assert rows["KR-11"]["caveat"].startswith("Seoul")
    assert rows["CN-BJ"]["caveat"] == ""
    assert (rows["JP-13"]["name"], rows["JP-13"]["registry"]) == ("Tokyo", "JP13")


def test_rules_are_told_with_their_confidence_and_source(pilot, client):
    rules = client.get("/api/v1/jurisdictions/KR-11").json()["rules"]
    assert rules
    assert {rule["confidence"] for rule in rules} <= MEANINGS
    for rule in rules:
        assert rule["to_be_confirmed"] == (rule["confidence"] in ("RM", "RL"))
        assert rule["source"]
        assert not rule["confidence_meaning"].startswith("confidence.")


def test_rules_are_told_as_they_held_on_a_day(pilot, client):
    at = "/api/v1/jurisdictions/CN-BJ"
    every = client.get(f"{at}?key=offset.limit").json()["rules"]
    assert len(every) > 1
    for rule in every:
        found = client.get(f"{at}?key=offset.limit&on={rule['valid_from']}").json()["rules"]
        assert found == [rule]
    assert client.get(f"{at}?on=1990-01-01").json()["rules"] == []


def test_a_jurisdiction_that_is_not_hosted_here_is_not_found(pilot, client):
    for code in ("CN-SH", "cn-bj", "CNBJ"):
        assert client.get(f"/api/v1/jurisdictions/{code}").status_code == 404
