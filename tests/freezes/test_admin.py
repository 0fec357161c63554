"""The administration: a freeze from the account's, the transaction's and the list's page, and its release by two."""

from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import clock
from accounts.models import Account
from accounts.rules.access import Role
from registry.models import Freeze, Transaction
from registry.rules.serials import format_block
from tests.admin.test_pages import address, signed_in
from tests.build import Beijing, beijing
from tests.conftest import Own, begun_in, shared_by_module

SET = "/admin/registry/freeze/set/"
BLOCK = format_block("CNBJ", "BEA", 2026, 601, 611)


def four_traders() -> Beijing:
    made = beijing("ann", "bob")
    made.open("eve", holder="Eve")
    made.open("dan", holder="Dan")
    made.issue(1_000)
    made.move("ISS", "ann", 200, (601, 801))
    made.move("ISS", "eve", 100, (501, 601))
    return made


four_traders_database = shared_by_module(four_traders)


@pytest.fixture
def registry(four_traders_database: Own[Beijing], db: None) -> Beijing:
    return begun_in(four_traders_database)


def staff(registry: Beijing, role: Role, name: str) -> Client:
    return signed_in(name, roles=((role, registry),))


@pytest.fixture
def junior(registry: Beijing) -> Client:
    return staff(registry, Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior")


@pytest.fixture
def senior(registry: Beijing) -> Client:
    return staff(registry, Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior")


def form(**fields: str) -> dict[str, str]:
    review = (clock.now() + timedelta(days=30)).date().isoformat()
    return {"reason": "suspected theft", "reference": "file 7", "review_on": review, "key": str(uuid4())} | fields


def act(client: Client, name: str, number: int) -> str:
    """Choose an action for a freeze in the list, and return what is told."""
    data = {"action": name, "_selected_action": [number], "reason": "found"}
    return " ".join(map(str, get_messages(client.post(address(Freeze, "changelist"), data).wsgi_request)))


def link_on(client: Client, model: Any, row: Any) -> str | None:
    """Return the way to freeze that the page of a row shows."""
    page = client.get(address(model, "change", row.pk)).content.decode()
    return next((part.split('"')[0] for part in page.split('href="') if part.startswith(SET)), None)


def test_an_account_is_frozen_from_its_page_and_released_by_two(registry, junior, senior):
    link = link_on(junior, Account, registry.accounts["ann"])
    assert link == f"{SET}?account={registry['ann']}"
    assert registry["ann"] in junior.get(link).content.decode()
    assert junior.post(link, form()).status_code == 302
    frozen = Freeze.objects.get()
    assert (frozen.reason, frozen.reference, frozen.frozen_by.username) == ("suspected theft", "file 7", "junior")
    assert Account.objects.get(pk=registry.accounts["ann"].pk).frozen
    page = junior.get(address(Freeze, "changelist")).content.decode()
    assert registry["ann"] in page
    assert "Nobody has asked" in act(senior, "release", frozen.pk)
    assert "done" in act(senior, "request_release", frozen.pk).lower()
    assert "another person does" in act(senior, "release", frozen.pk)
    assert "role" in act(junior, "release", frozen.pk).lower() or Freeze.objects.get().released_at is None
    second = staff(registry, Role.SENIOR_REGISTRY_ADMINISTRATOR, "second")
    act(second, "release", frozen.pk)
    frozen.refresh_from_db()
    assert (frozen.released_by and frozen.released_by.username, frozen.release_reason) == ("second", "found")
    assert not Account.objects.get(pk=registry.accounts["ann"].pk).frozen


def test_a_form_that_is_sent_twice_freezes_once_and_names_one_account(registry, junior):
    entered = form()
    first, again = (junior.post(f"{SET}?account={registry['ann']}", entered, follow=True) for _ in range(2))
    assert first.redirect_chain == again.redirect_chain
    assert "Nothing was frozen twice" in again.content.decode()
    assert junior.post(f"{SET}?account={registry['bob']}", entered).status_code == 200
    assert Freeze.objects.count() == 1


def test_a_request_is_taken_back_in_the_list_and_a_freeze_says_when_it_is_to_be_reviewed(registry, junior, senior):
    today = clock.now().astimezone(ZoneInfo("Asia/Shanghai")).date()
    for name, review_on in (("bob", today + timedelta(days=9)), ("ann", today)):
        junior.post(f"{SET}?account={registry[name]}", form(review_on=review_on.isoformat()))
    page = junior.get(address(Freeze, "changelist")).content.decode()
    assert page.count("to be reviewed") == 1
    frozen = Freeze.objects.get(account__identifier=registry["ann"])
    act(junior, "request_release", frozen.pk)
    assert "Only who asked" in act(senior, "withdraw_request", frozen.pk)
    act(junior, "withdraw_request", frozen.pk)
    frozen.refresh_from_db()
    assert frozen.release_requested_at is None
    act(senior, "release", frozen.pk)
    frozen.refresh_from_db()
    assert frozen.released_at is None


def test_a_transaction_that_waits_is_frozen_from_its_page_and_one_that_ended_is_not(registry, junior):
    waiting = Transaction.objects.get(pk=registry.move("eve", "dan", 20).transaction_id)
    ended = Transaction.objects.get(pk=registry.move("ann", "bob", 20).transaction_id)
    assert link_on(junior, Transaction, ended) is None
    link = link_on(junior, Transaction, waiting)
    assert link == f"{SET}?transaction={waiting.pk}"
    assert junior.post(link, form()).status_code == 302
    assert Transaction.objects.get(pk=waiting.pk).state == "ON_HOLD"
    refused = junior.post(f"{SET}?transaction={ended.pk}", form())
    assert refused.status_code == 200
    assert "errorlist" in refused.content.decode()
    assert Freeze.objects.count() == 1


def test_serials_are_frozen_from_the_list(registry, junior):
    assert SET in junior.get(address(Freeze, "changelist")).content.decode()
    assert junior.post(SET, form(serial_block=BLOCK)).status_code == 302
    assert BLOCK in junior.get(address(Freeze, "change", Freeze.objects.get().pk)).content.decode()


@pytest.mark.parametrize(
    "fields",
    [
        {"serial_block": "CNBJ-BEA-2026-601-610-00"},
        {"serial_block": ""},
        {"serial_block": format_block("CNBJ", "BEA", 2026, 999, 1_002)},
        {"serial_block": format_block("KR11", "KAU", 2026, 1, 2)},
        {"reason": ""},
        {"review_on": "2020-01-01"},
        {"review_on": "soon"},
    ],
)
def test_a_wrong_form_is_shown_again_with_what_is_wrong(registry, junior, fields):
    answer = junior.post(SET, form(**({"serial_block": BLOCK} | fields)))
    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert Freeze.objects.count() == 0


def test_others_neither_freeze_nor_see(registry, junior):
    junior.post(SET, form(serial_block=BLOCK))
    number = Freeze.objects.get().pk
    auditor = staff(registry, Role.AUDITOR, "auditor")
    assert auditor.get(address(Freeze, "change", number)).status_code == 200
    nobody = signed_in("nobody")
    assert nobody.get(address(Freeze, "change", number)).status_code == 302
    for client in (auditor, nobody):
        for query in ("", f"?account={registry['ann']}", "?transaction=x", "?account=x"):
            assert client.post(f"{SET}{query}", form(serial_block=BLOCK)).status_code == 403
        act(client, "request_release", number)
    assert Client().get(SET).status_code == 302
    assert Freeze.objects.get().release_requested_by is None


def test_a_superuser_looks_and_does_not_freeze(registry, junior):
    """The system administrator is no registry administrator: no unit is stopped by their hand."""
    junior.post(SET, form(serial_block=BLOCK))
    chief = signed_in("chief", superuser=True)
    assert BLOCK in chief.get(address(Freeze, "changelist")).content.decode()
    assert chief.post(SET, form(serial_block=BLOCK)).status_code == 403


def test_a_list_of_many_costs_as_many_statements_as_one_of_few(registry, junior):
    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert junior.get(reverse("admin:registry_freeze_changelist")).status_code == 200
        return len(captured)

    junior.post(SET, form(serial_block=BLOCK))
    before = cost()
    for _ in range(5):
        junior.post(SET, form(serial_block=BLOCK))
    junior.post(f"{SET}?account={registry['ann']}", form())
    assert cost() <= before
