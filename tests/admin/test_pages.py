"""The administration: every page for everybody, nothing of the ledger to be changed, units found by account and by serial."""

import re
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import clock
from accounts.models import Account, Jurisdiction, User, UserRole
from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
from accounts.rules.access import Role
from audit.models import Entry
from registry.models import IssuanceCap, Transaction, UnitBlock
from registry.rules.serials import format_block
from tests.build import REGISTRY, Beijing, beijing
from tests.conftest import Own, begun_in, shared_by_module

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
# Users, their roles and groups are the system administrator's to edit; nothing else is edited as rows.
EDITABLE = {"accounts.User", "auth.Group"}
ODD = [
    "'",
    '"',
    "%",
    "\\",
    "\0",
    "CNBJ 0",
    "CNBJ 17",
    "9" * 30,
    str(2**63),
    "CNBJ-BEA-2026-1-1000-86",
    "北京",
    "💥",
    " ",
]


def traders() -> Beijing:
    made = beijing("ann", "bob", operators=("plant",))
    made.issue(1_000)
    made.move("ISS", "bob", 200)
    made.move("ISS", "ann", 200)
    return made


traders_database = shared_by_module(traders)


@pytest.fixture
def registry(traders_database: Own[Beijing], db: None) -> Beijing:
    return begun_in(traders_database)


def signed_in(name: str, *, superuser: bool = False, roles: tuple[tuple[Role, Beijing | None], ...] = ()) -> Client:
    user = User.objects.create(username=name, password="!", is_staff=True, is_superuser=superuser)
    for role, where in roles:
        UserRole.objects.create(user=user, role=role, jurisdiction=where and where.home)
    readers, _ = Group.objects.get_or_create(name="readers")
    readers.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    user.groups.add(readers)
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client


@pytest.fixture
def chief(registry: Beijing) -> Client:
    return signed_in("chief", superuser=True)


def address(model: type[Model], page: str, *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_list_and_page_opens_and_only_people_are_edited(chief, model):
    assert chief.get(address(model, "changelist")).status_code == 200
    editable = model._meta.label in EDITABLE
    assert chief.get(address(model, "add")).status_code == (200 if editable else 403)
    first = model.objects.order_by("pk").first()
    if first is None:
        return
    page = chief.get(address(model, "change", first.pk))
    assert page.status_code == 200
    assert ('name="_save"' in page.content.decode()) == editable
    assert page["Content-Security-Policy"].startswith("default-src 'none'")
    if not editable:
        assert chief.post(address(model, "change", first.pk), {"quantity": 5}).status_code == 403
        assert chief.post(address(model, "delete", first.pk), {"post": "yes"}).status_code == 403
        assert model.objects.filter(pk=first.pk).exists()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_no_search_is_an_error(chief, model):
    for term in ODD:
        assert chief.get(address(model, "changelist"), {"q": term}).status_code in (200, 302), term


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_nobody_looks_without_signing_in(registry, model):
    assert Client().get(address(model, "changelist")).status_code == 302


def rows(page: object) -> int:
    return len(page.context["cl"].result_list)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("CNBJ 601", 2),  # issued, then sent to ann
        ("601", 2),
        ("CNBJ 600", 1),
        ("CNBJ 1001", 0),
        ("JP13 601", 0),
        (format_block("CNBJ", "BEA", 2026, 1, 1_001), 3),
        (format_block("CNBJ", "BEA", 2026, 801, 802), 2),
    ],
)
def test_transactions_are_found_by_serial(chief, term, found):
    assert rows(chief.get(address(Transaction, "changelist"), {"q": term})) == found


def test_blocks_balances_and_transactions_are_found_by_account(registry, chief):
    for model in ("unitblock", "balance"):
        assert rows(chief.get(f"/admin/registry/{model}/", {"q": registry["ann"]})) == 1
    assert rows(chief.get("/admin/registry/transaction/", {"q": registry["ann"].lower()[:17]})) == 1
    assert rows(chief.get("/admin/registry/balance/", {"q": "CNBJ 601"})) == 1
    # Opened, and two representatives nominated and made active.
    assert rows(chief.get("/admin/audit/entry/", {"q": registry["ann"]})) == 5


def test_a_block_is_found_by_any_of_its_serials_and_printed(registry, chief):
    page = chief.get(address(UnitBlock, "changelist"), {"q": "CNBJ 700"})
    assert rows(page) == 1
    assert format_block("CNBJ", "BEA", 2026, 601, 801) in page.content.decode()
    assert rows(chief.get(address(UnitBlock, "changelist"), {"q": "CNBJ 999999"})) == 1  # not issued yet


def test_a_transaction_shows_its_ranges(registry, chief):
    transaction = Transaction.objects.get(acquiring=registry.accounts["ann"])
    page = chief.get(address(Transaction, "change", transaction.pk)).content.decode()
    assert format_block("CNBJ", "BEA", 2026, 601, 801) in page
    assert registry["ann"] in page


def test_people_see_their_own_jurisdiction(registry):
    mine = signed_in("bj", roles=((Role.SENIOR_REGISTRY_ADMINISTRATOR, registry),))
    nobody = signed_in("new")
    for model in (Account, Transaction, UnitBlock):
        assert rows(mine.get(address(model, "changelist"))) > 0
        assert rows(nobody.get(address(model, "changelist"))) == 0
    assert nobody.get(address(Account, "change", registry.accounts["ann"].pk)).status_code == 302


def test_a_list_of_many_costs_as_many_statements_as_one_of_few(registry, chief):
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            chief.get(address(Transaction, "changelist"))
            chief.get(address(UnitBlock, "changelist"))
            chief.get(address(Account, "changelist"))
        return len(captured)

    before = cost()
    for place in range(20):
        registry.move("ann", "bob", 2, (601 + 3 * place, 603 + 3 * place))
    registry.open(*(f"more-{place}" for place in range(10)))
    assert cost() == before


def test_a_registry_administrator_issues_under_a_cap_when_another_approves_and_others_do_not(registry):
    cap = registry.caps[2026]
    page = reverse("admin:registry_issuancecap_issue", args=[cap.pk])
    issuer = signed_in("issuer", roles=((Role.JUNIOR_REGISTRY_ADMINISTRATOR, registry),))
    assert issuer.get(page).status_code == 200
    proposed = issuer.post(page, {"quantity": "50", "key": str(uuid4())}, follow=True)
    waiting = Transaction.objects.get(type_id="1-0", state="AWAITING_APPROVAL")
    told = f"awaits the approval of another, senior administrator until {waiting.expires_at:%Y-%m-%d %H:%M} UTC"
    assert told in proposed.content.decode()
    assert proposed.redirect_chain == [(address(Transaction, "change", waiting.pk), 302)]
    assert IssuanceCap.objects.get(pk=cap.pk).issued == 1_000
    senior = signed_in("senior", roles=((Role.SENIOR_REGISTRY_ADMINISTRATOR, registry),))
    decide = reverse("admin:registry_transaction_decide", args=[waiting.pk])
    assert (
        "Completed: 50 t CO2e."
        in senior.post(decide, {"decision": "approve", "key": str(uuid4())}, follow=True).content.decode()
    )
    assert IssuanceCap.objects.get(pk=cap.pk).issued == 1_050
    refused = issuer.post(page, {"quantity": str(10**13), "key": str(uuid4())})
    assert refused.status_code == 200
    assert "there is room for" in refused.content.decode()
    for wrong in ("0", "-1", "1.5", "1e3", "", str(2**63)):
        assert issuer.post(page, {"quantity": wrong, "key": str(uuid4())}).status_code == 200
    assert Transaction.objects.filter(type_id="1-0").count() == 2
    auditor = signed_in("auditor", roles=((Role.AUDITOR, registry),))
    assert auditor.post(page, {"quantity": "50"}).status_code == 403
    assert signed_in("other").post(page, {"quantity": "50"}).status_code == 404


def test_a_form_to_issue_that_is_sent_twice_proposes_once(registry):
    page = reverse("admin:registry_issuancecap_issue", args=[registry.caps[2026].pk])
    issuer = signed_in("issuer", roles=((Role.JUNIOR_REGISTRY_ADMINISTRATOR, registry),))
    [key] = re.findall(r'name="key" value="([^"]+)"', issuer.get(page).content.decode())
    first, again = (issuer.post(page, {"quantity": "50", "key": key}, follow=True) for _ in range(2))
    assert first.redirect_chain == again.redirect_chain
    assert "This form was sent before" in again.content.decode()
    assert Transaction.objects.filter(type_id="1-0", state="AWAITING_APPROVAL").count() == 1
    assert "3004" in issuer.post(page, {"quantity": "51", "key": key}).content.decode()
    for without in ({}, {"key": ""}, {"key": "x"}):
        assert issuer.post(page, {"quantity": "50"} | without).status_code == 200
    assert Transaction.objects.filter(type_id="1-0", state="AWAITING_APPROVAL").count() == 1
    too_many = {"quantity": str(10**13), "key": str(uuid4())}
    told, told_again = (issuer.post(page, too_many).content.decode() for _ in range(2))
    assert told.count("there is room for") == told_again.count("there is room for") == 1
    # Corrected, it is another request.
    [anew] = re.findall(r'name="key" value="([^"]+)"', told)
    assert issuer.post(page, {"quantity": "5", "key": anew}).status_code == 302


def test_a_status_changes_by_its_operation_and_is_logged(registry):
    account = registry.accounts["ann"]
    client = signed_in("opener", roles=((Role.SENIOR_REGISTRY_ADMINISTRATOR, registry),))
    client.post(address(Account, "changelist"), {"action": "to_suspended", "_selected_action": [account.pk]})
    account.refresh_from_db()
    assert account.status == "SUSPENDED"
    assert Entry.objects.filter(event="account.status-changed", subject=account.identifier).count() == 1
    auditor = signed_in("auditor", roles=((Role.AUDITOR, registry),))
    told = auditor.post(
        address(Account, "changelist"), {"action": "to_open", "_selected_action": [account.pk]}, follow=True
    )
    assert "You have no role that permits this." in told.content.decode()
    account.refresh_from_db()
    assert account.status == "SUSPENDED"


def test_every_page_says_exercise_and_the_registrys_time(chief):
    page = chief.get("/admin/").content.decode()
    assert 'class="mode mode-exercise"' in page
    assert re.search(r"registry clock \d{4}-\d\d-\d\d \d\d:\d\d UTC", page)


@pytest.mark.parametrize(
    ("language", "word"), [("en", "Log out"), ("zh-hans", "注销"), ("ja", "ログアウト"), ("ko", "로그아웃")]
)
def test_the_administration_speaks_four_languages(chief, language, word):
    assert word in chief.get("/admin/", headers={"Accept-Language": language}).content.decode()


def test_seouls_caveat_and_what_is_to_be_confirmed_are_said(chief):
    set_up_jurisdictions(actor=REGISTRY, now=clock.now())
    seoul = Jurisdiction.objects.get(code="KR-11")
    assert "K-ETS" in chief.get(address(Jurisdiction, "changelist")).content.decode()
    assert "to be confirmed" in chief.get(address(Jurisdiction, "change", seoul.pk)).content.decode()
