"""Readiness in the administration: for every signed-in member of staff, in words as well as colours, and nothing to change."""

import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import DatedRule, User
from linking.rules.readiness import POINTS, Outcome
from tests.conftest import begun_in, shared_by_module
from tests.linking.test_readiness import CASES
from tests.linking.test_readiness_queries import pilot

readiness_pages_database = shared_by_module(pilot)
PAIR = ("CN-BJ", "KR-11")


@pytest.fixture(autouse=True)
def cities(readiness_pages_database, db):
    return begun_in(readiness_pages_database)


@pytest.fixture
def staff() -> Client:
    """Somebody who may sign in and has no role and no permission at all."""
    client = Client(raise_request_exception=True)
    client.force_login(User.objects.create(username="new", password="!", is_staff=True))
    return client


def at(*pair: str) -> str:
    return reverse("readiness-page", args=pair) if pair else reverse("readiness-pages")


def test_the_index_leads_every_member_of_staff_to_the_pages(staff):
    index = staff.get("/admin/").content.decode()
    assert f'href="{at()}"' in index
    every = staff.get(at()).content.decode()
    assert f'href="{at(*PAIR)}"' in every


def test_nobody_looks_without_signing_in():
    for address in (at(), at(*PAIR)):
        answer = Client().get(address)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/admin/login/")
    trader = Client()
    trader.force_login(User.objects.create(username="trader", password="!"))
    assert trader.get(at()).status_code == 302


def test_every_point_is_told_in_words_with_facts_and_terms_under_the_strict_policy(staff):
    page = staff.get(at(*PAIR), {"as_of": "2026-07-01"})
    body = page.content.decode()
    assert page["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<style" not in body
    assert " style=" not in body
    assert " onclick" not in body
    assert body.count('<tr class="is-') == len(POINTS)
    for code in POINTS:
        assert f'id="point-{code}"' in body
    for told in (
        '<span class="outcome outcome-blocks">blocks</span>',
        '<span class="outcome outcome-missing">a fact is missing</span>',
        "to be confirmed",
        "no rule in force is recorded",
        "seed facts /BJ/cap_type: RM",
        "The agreement must say",
        "2026-07-01",
    ):
        assert told in body


def test_seouls_construct_is_said_at_the_head_of_each_comparison(staff):
    caveat = "Seoul runs no emissions trading system of its own"
    for address in (at(), at(*PAIR), at("KR-11", "JP-13")):
        body = staff.get(address).content.decode()
        assert body.index(caveat) < body.index('<table class="readiness"')
        assert "Seoul (model)" in body
    assert caveat not in staff.get(at("CN-BJ", "JP-13")).content.decode()


def test_what_a_proposed_rule_would_turn_is_shown_and_nothing_is_recorded(staff):
    before = DatedRule.objects.count()
    asked = {"rule_of": "CN-BJ", "rule_key": "verification", "rule_value": "verified <b>", "rule_from": "", "as_of": ""}
    page = staff.get(at(*PAIR), asked)
    body = page.content.decode()
    assert page.status_code == 200
    answer = body[body.index('id="what-if-answer"') : body.index('id="readiness-points"')]
    assert "Reporting and verification" in answer
    assert "outcome-blocks" in answer
    assert "outcome-compatible" in answer
    assert "Seoul runs no" in answer
    assert 'value="verified &lt;b&gt;"' in body
    same = staff.get(at(*PAIR), asked | {"rule_key": "currency", "rule_value": "CNY"}).content.decode()
    assert "No outcome would turn." in same
    assert DatedRule.objects.count() == before


@pytest.mark.parametrize(
    "asked",
    [
        {"as_of": "soon"},
        {"as_of": "\0"},
        {"rule_of": "CN-BJ"},
        {"rule_of": "JP-13", "rule_key": "cap.type"},
        {"rule_of": "CN-BJ", "rule_key": "nothing"},
        {"rule_of": "CN-BJ", "rule_key": "cap.type", "rule_value": "\0"},
        {"rule_of": "CN-BJ", "rule_key": "cap.type", "rule_value": "[" * 2_000},
    ],
    ids=["day", "nul-day", "no-key", "other", "unread", "nul-value", "nested"],
)
def test_what_cannot_be_asked_is_told_on_the_page_with_the_comparison(staff, asked):
    page = staff.get(at(*PAIR), asked)
    assert page.status_code == 400
    assert 'class="errornote"' in page.content.decode()
    assert 'id="readiness-points"' in page.content.decode()


def test_pages_of_what_is_not_hosted_here_are_not_found(staff):
    for pair in (("CN-BJ", "CN-SH"), ("CN-BJ", "CN-BJ"), ("CN-BJ", "\0")):
        assert staff.get(at(*pair)).status_code == 404


@pytest.mark.parametrize(("language", "blocks"), [("zh-hans", "阻碍连接"), ("ja", "リンクを阻む"), ("ko", "연계 불가")])
def test_the_pages_speak_the_readers_language(staff, language, blocks):
    for address in (at(), at(*PAIR)):
        body = staff.get(address, headers={"Accept-Language": language}).content.decode()
        assert f'<span class="outcome outcome-blocks">{blocks}</span>' in body
        assert "readiness.outcome" not in body
        assert ">readiness." not in body


def test_every_text_of_readiness_is_there_in_four_languages():
    codes = {}
    for language in ("en", "zh_Hans", "ja", "ko"):
        told = (settings.BASE_DIR / f"locale/{language}/LC_MESSAGES/django.po").read_text(encoding="utf-8")
        codes[language] = set(re.findall(r'^msgid "(readiness\.[^"]+)"$', told, re.MULTILINE))
    assert codes["en"] == codes["zh_Hans"] == codes["ja"] == codes["ko"]
    wanted = {f"readiness.point.{point}" for point in POINTS} | {f"readiness.outcome.{outcome}" for outcome in Outcome}
    wanted |= {f"readiness.reason.{reason}" for *_, reason in CASES}
    for code, point in POINTS.items():
        wanted |= {f"readiness.term.{term}" for term in point.terms}
        # What the table can lead to, whether an invented case does or not.
        wanted |= {f"readiness.reason.{code}.{kind}" for kind in point.blocking}
        wanted |= {f"readiness.says.{code}"} if point.terms else set()
        wanted |= {f"readiness.reason.{code}.missing"} if point.essential else set()
    assert wanted <= codes["en"]


def test_nothing_is_posted_to_the_pages(staff):
    before = DatedRule.objects.count()
    staff.post(at(*PAIR), {"rule_of": "CN-BJ", "rule_key": "verification", "rule_value": "verified"})
    assert DatedRule.objects.count() == before
