"""What fails inside says nothing outside; what can succeed later says when; texts follow the reader's language."""

import logging
import threading
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.test import Client
from django.utils import translation

from accounts.rules.identifiers import format_account_identifier
from accounts.texts import text
from config.problems import KINDS
from registry.api.refusals import FIELD_OF_CHECK
from registry.rules.checks import CHECKS
from tests.api.conftest import Asked, make_market


@pytest.fixture
def failing(committed_db: str, owner: psycopg.Connection[tuple]):
    """A market in a database of its own, and a way to let its log refuse every entry with an error of choice."""
    market = make_market()

    def fail(error: str) -> None:
        owner.execute(
            f"""CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'secret of the house' USING ERRCODE = '{error}'; END $$;
            CREATE TRIGGER fails BEFORE INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION fails()"""
        )

    return market, fail, Asked(market.keys["seller"], Client(raise_request_exception=False))


def test_an_unexpected_error_says_nothing_outside_and_everything_in_the_log(failing, caplog):
    market, fail, seller = failing
    fail("integrity_constraint_violation")
    with caplog.at_level(logging.ERROR):
        answer = seller.order(market.order())
    assert (answer.status_code, answer.json()["code"]) == (500, "unexpected")
    assert b"secret" not in answer.content
    assert "secret of the house" in caplog.text
    assert seller.get(f"/api/v1/accounts/{market['seller']}/holdings").json()["results"][0]["quantity"] == 600


def test_concurrent_work_that_stays_in_the_way_is_told_as_busy(failing):
    market, fail, seller = failing
    fail("serialization_failure")
    answer = seller.order(market.order())
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer["Retry-After"] == "1"
    assert answer["Content-Type"] == "application/problem+json"


def test_one_key_used_by_many_at_once_is_answered_once(committed_db: str):
    market = make_market()
    # Unknown accounts: there is no row whose lock would put the requests in a row.
    unknown = [format_account_identifier("CNBJ", "TRA", number) for number in (9_999_998, 9_999_999)]
    bodies = [market.order(), market.order(transferring_account=unknown[0], acquiring_account=unknown[1])]
    for place, body in enumerate(bodies):
        answers: list[Any] = []
        together = threading.Barrier(4)

        def ask(body=body, place=place, answers=answers, together=together) -> None:
            seller = Asked(market.keys["seller"], Client(raise_request_exception=False))
            together.wait()
            answers.append(seller.order(body, key=f"race-{place}"))
            connections.close_all()

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {answer.status_code for answer in answers} == {(201, 422)[place]}
        assert len({answer.content for answer in answers}) == 1
        assert sorted("Idempotency-Replayed" in answer for answer in answers) == [False, True, True, True]


def test_texts_follow_the_readers_language_and_fall_back_to_english(market, ask):
    for language in ("en", "ja", "ko", "zh-hans", "xx"):
        answer = ask("stranger").get(f"/api/v1/accounts/{market['seller']}", Accept_Language=language)
        assert answer.json()["title"]
        assert not answer.json()["title"].startswith("problem.")
        assert "Accept-Language" in answer["Vary"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_problem_has_its_texts_and_its_address(client, kind):
    with translation.override("en"):
        for code in (f"problem.{kind}", f"problem.{kind}.detail"):
            assert text(code) != code
    answer = client.get(f"/api/problems/{kind}")
    assert answer.json()["status"] == KINDS[kind]


def test_every_check_that_names_a_member_is_in_the_table():
    assert set(FIELD_OF_CHECK) <= set(CHECKS)


def test_the_check_table_is_told_with_its_texts(client):
    rows = client.get("/api/v1/checks").json()["results"]
    assert [row["code"] for row in rows] == sorted(CHECKS)
    assert all(row["text"] != f"check.{row['code']}" for row in rows)
    assert len(client.get("/api/problems").json()["results"]) == len(KINDS)
