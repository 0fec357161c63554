"""The certificate: who gets one, of what, in which language, and that the page needs and runs nothing else."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from uuid import UUID

import pytest
from django.conf import settings as django
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import translation

from accounts import clock
from accounts.models import Account, Holder, Jurisdiction, User
from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
from accounts.texts import text
from registry.certificates import Certificate, page_of
from registry.operations.outcome import MovedRange, Outcome
from tests.api.conftest import Asked, key_for
from tests.build import NOW, REGISTRY, beijing

LANGUAGES = ("en", "zh-hans", "ja", "ko")
TITLES = {
    "en": "Certificate of voluntary cancellation",
    "zh-hans": "自愿注销证明",
    "ja": "無効化証明書（任意）",
    "ko": "자발적 취소 증명서",
}
HOSTILE = "<script>alert('x')</script> & 北京"


def cancelled(market, ask, **more) -> str:
    order = market.order(type="4-0", acquiring_account=market["cancelled"], reason="For the forest", **more)
    answer = ask("seller").order(order, key="cancel")
    assert answer.status_code == 201, answer.content
    # A cancellation needs a second person.
    approver = Asked(key_for(User.objects.get(username="seller-second")), Client())
    approved = approver.post(f"{answer['Location']}/approve", {}, key="approve")
    assert approved.json()["state"] == "COMPLETED", approved.content
    return f"{answer['Location']}/certificate"


def test_a_cancellation_is_certified_with_all_that_it_says(market, ask):
    path = cancelled(market, ask, beneficiary="The Forest", client_reference="ref-7", quantity=1)
    page = ask("seller").get(f"{path}?language=en")
    assert page["Content-Type"] == "text/html; charset=utf-8"
    told = page.content.decode()
    transaction = ask("seller").get(path.removesuffix("/certificate")).json()
    for expected in (
        TITLES["en"],
        "Emissions-unit registry of Beijing",
        "voluntary cancellation (4-0)",
        "CN-BJ organisation",
        market["seller"],
        "The Forest",
        "For the forest",
        "ref-7",
        transaction["id"],
        transaction["serial_blocks"][0]["block"],
        "1 unit = 1 tonne of carbon dioxide equivalent",
        "Asia/Shanghai (UTC+08:00)",
        f"{transaction['completed_at'][:10]} {transaction['completed_at'][11:19]} UTC",
        "EXERCISE",
    ):
        assert expected in told, expected
    assert "K-ETS" not in told
    assert "Obligation year" not in told


def test_a_surrender_names_the_year_of_its_obligation(db):
    registry = beijing("ann", operators=("plant",))
    registry.issue(100)
    registry.move("ISS", "plant", 50)
    outcome = registry.move("plant", "SUR", 30, type_code="10-2", obligation=registry.obligation("plant", 2025).pk)
    client = signed_in("chief", superuser=True)
    told = client.get(f"/admin/registry/transaction/{outcome.transaction_id}/certificate/?language=en").content.decode()
    assert re.search(r"<dt>Obligation year</dt><dd[^>]*>2025</dd>", told)
    assert "Certificate of surrender" in told
    assert "2026-06-01 20:00:00 Asia/Shanghai (UTC+08:00)" in told
    assert "2026-06-01 12:00:00 UTC" in told


def signed_in(name: str, *, superuser: bool = False) -> Client:
    user = User.objects.create(username=name, password="!", is_staff=True, is_superuser=superuser)
    readers, _ = Group.objects.get_or_create(name="readers")
    readers.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    user.groups.add(readers)
    client = Client()
    client.force_login(user)
    return client


def test_whoever_may_not_know_both_sides_is_told_that_nothing_is_there(market, ask):
    path = cancelled(market, ask)
    assert ask("seller").get(path).status_code == ask("administrator").get(path).status_code == 200
    for name in ("stranger", "buyer", "nobody"):
        answer = ask(name).get(path)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert ask("").get(path).status_code == 401


def test_a_transfer_has_no_certificate(market, ask):
    answer = ask("seller").get(ask("seller").order(market.order())["Location"] + "/certificate")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [("language=fr", "language", "unknown-word"), ("lang=en", "lang", "unknown-parameter")],
)
def test_a_wrong_parameter_is_named(market, ask, query, field, code):
    answer = ask("seller").get(f"{cancelled(market, ask)}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["field"], answer.json()["code"]) == (400, field, code)


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("?language=ko", "ja", "ko"),
        ("", "ja, en;q=0.5", "ja"),
        ("", "fr, ko;q=0.5", "ko"),
        ("", "zh-CN", "zh-hans"),
        ("", "fr", "zh-hans"),  # the jurisdiction's
        ("", "", "zh-hans"),
        ("", "en-GB", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_then_one_accepted_then_the_jurisdictions(
    market, ask, query, accepted, language
):
    headers = {"Accept_Language": accepted} if accepted else {}
    page = ask("seller").get(cancelled(market, ask) + query, **headers)
    assert page["Content-Language"] == language
    assert f"<h1>{TITLES[language]}</h1>" in page.content.decode()


class Inside(HTMLParser):
    """Counts what a strict policy would refuse."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.refused: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.refused += [tag] if tag in {"script", "link", "img", "iframe", "object", "form", "base"} else []
        self.refused += [name for name, _ in attrs if name == "style" or name.startswith("on") or name == "src"]


def test_the_page_runs_nothing_loads_nothing_and_names_its_one_style(market, ask):
    page = ask("seller").get(cancelled(market, ask, beneficiary=HOSTILE, client_reference=HOSTILE))
    told = page.content.decode()
    assert Inside(told).refused == []
    (style,) = re.findall(r"<style>(.*?)</style>", told, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page["Content-Security-Policy"]
    assert page["Content-Security-Policy"].startswith("default-src 'none'")
    assert page["Cache-Control"] == "no-store"
    assert "&lt;script&gt;" in told


def test_every_text_of_a_certificate_is_translated(db):
    with translation.override("en"):
        english = _texts()
    for language in LANGUAGES[1:]:
        with translation.override(language):
            own = _texts()
        same = {code for code, told in own.items() if told == english[code]}
        assert not same, f"{language}: {same}"


def _texts() -> dict[str, str]:
    codes = re.findall(
        r'^msgid "((?:certificate|jurisdiction|transaction-type|unit-type|account-type)\..+)"$',
        (django.BASE_DIR / "locale/en/LC_MESSAGES/django.po").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return {code: text(code) for code in codes}


def seouls(reversed_by: UUID | None = None) -> Certificate:
    set_up_jurisdictions(actor=REGISTRY, now=clock.now())
    seoul = Jurisdiction.objects.get(code="KR-11")
    account = Account(identifier="KR11-TRA-1-00", jurisdiction=seoul, type_id="TRA", holder=Holder(name="한빛 발전"))
    outcome = Outcome(
        transaction_id=UUID("01930000-0000-7000-8000-000000000000"),
        type="4-48",
        state="COMPLETED",
        transferring=account.identifier,
        acquiring="",
        quantity=1_234_567,
        ranges=(MovedRange("KR11", "KAU", 2026, 1, 1_234_568, account.identifier, ""),),
        obligation=None,
        allocation=None,
        reason="명령",
        beneficiary="",
        client_reference="",
        proposed_at=NOW,
        completed_at=NOW,
    )
    return Certificate(outcome, account, NOW, None, reversed_by)


@pytest.mark.parametrize("language", LANGUAGES)
def test_seouls_certificate_says_what_must_be_said_of_seoul(db, language):
    told = page_of(seouls(), language).content.decode()
    with translation.override(language):
        caveat = text("jurisdiction.KR-11.caveat")
    assert "K-ETS" in caveat
    assert caveat in told
    assert "1,234,567" in told
    assert "2026-06-01 21:00:00 Asia/Seoul (UTC+09:00)" in told


def test_a_reversed_transactions_certificate_says_that_it_is_void(db):
    other = UUID("01930000-0000-7000-8000-000000000001")
    assert f"reversed by transaction {other}; the certificate is void" in page_of(seouls(other), "en").content.decode()
    assert "is void" not in page_of(seouls(), "en").content.decode()


def test_outside_an_exercise_nothing_says_exercise(db, settings):
    found = seouls()
    settings.REGISTRY_MODE = "pilot"
    told = page_of(found, "en").content.decode()
    assert "EXERCISE" not in told
    assert "exercise" not in re.sub(r"<style>.*?</style>", "", told, flags=re.DOTALL)


def test_the_administration_shows_it_to_who_may_look_at_the_transaction(market, ask):
    path = cancelled(market, ask)
    own = f"/admin/registry/transaction/{path.split('/')[-2]}/"
    chief = signed_in("chief", superuser=True)
    assert f'href="{own}certificate/?language=ja"' in chief.get(f"{own}change/").content.decode()
    page = chief.get(f"{own}certificate/?language=ja")
    assert TITLES["ja"] in page.content.decode()
    assert page["Content-Security-Policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert chief.get(f"{own}certificate/?language=xx").status_code == 404
    assert signed_in("elsewhere").get(f"{own}certificate/").status_code == 404
    assert Client().get(f"{own}certificate/").status_code == 302
    transfer = ask("seller").order(market.order(), key="transfer").json()["id"]
    assert chief.get(f"/admin/registry/transaction/{transfer}/certificate/").status_code == 404
