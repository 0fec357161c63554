"""Holds for another registry over HTTP and in the administration: who sees them, and how one is confirmed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from accounts import clock
from accounts.models import User, UserRole
from accounts.rules.access import Role
from registry.models import Freeze
from registry.rules.serials import format_block
from tests.admin.test_pages import signed_in
from tests.api.conftest import Asked, key_for
from tests.linking.thefts import Chase, chase

PATH = "/api/v1/freezes"


@pytest.fixture
def world() -> Callable[[], Chase]:
    return chase


@pytest.fixture
def theft(begun: Chase) -> Chase:
    """Serials 1 to 100 of Beijing, held in Tokyo."""
    begun.sent(1, 101)
    begun.freeze(1, 101)
    return begun


def person(theft: Chase, city: str, officer: int = 0) -> User:
    return User.objects.get(pk=theft.pilot[city].officers[officer].user_id)


def ask(theft: Chase, city: str, officer: int = 0) -> Asked:
    return Asked(key_for(person(theft, city, officer)), Client(raise_request_exception=False))


def said(**members: Any) -> dict[str, Any]:
    return {"reason": "confirmed", "review_on": (clock.now() + timedelta(days=30)).date().isoformat()} | members


def test_the_city_that_holds_sees_until_when_and_for_which_freeze_and_confirms(theft: Chase):
    tokyo, beijing = ask(theft, "JP-13"), ask(theft, "CN-BJ")
    (hold,) = tokyo.get(PATH).json()["results"]
    (frozen,) = beijing.get(PATH).json()["results"]
    assert (hold["jurisdiction"], hold["notice_of"], hold["active"]) == ("JP-13", frozen["id"], True)
    assert (hold["expires_at"], frozen["expires_at"], frozen["notice_of"]) == ("2026-07-02T04:00:00Z", None, None)
    assert beijing.post(f"{PATH}/{hold['id']}/confirm", said()).status_code == 404
    own = tokyo.post(f"{PATH}/{hold['id']}/confirm", said())
    assert own.status_code == 201, own.content
    assert own.json()["serial_block"] == hold["serial_block"] == format_block("CNBJ", "BEA", 2026, 1, 101)
    again = tokyo.post(f"{PATH}/{hold['id']}/confirm", said())
    assert (again.content, again["Idempotency-Replayed"]) == (own.content, "true")
    refused = tokyo.post(f"{PATH}/{hold['id']}/confirm", said(), key="k-2")
    assert (refused.status_code, refused.json()["code"]) == (422, "freeze-is-released")
    refused = tokyo.post(f"{PATH}/{own.json()['id']}/confirm", said(), key="k-3")
    assert (refused.status_code, refused.json()["code"]) == (422, "freeze-is-no-hold")


def test_a_city_freezes_serials_of_another_by_its_own_name_alone(theft: Chase):
    tokyo, block = ask(theft, "JP-13"), format_block("CNBJ", "BEA", 2026, 51, 61)
    assert tokyo.post(PATH, said(serial_block=block)).status_code == 403
    frozen = tokyo.post(PATH, said(serial_block=block, jurisdiction="JP-13"), key="k-2")
    assert (frozen.status_code, frozen.json()["jurisdiction"]) == (201, "JP-13")
    account = said(account=theft.pilot["JP-13"]["bob"], jurisdiction="JP-13")
    assert tokyo.post(PATH, account, key="k-3").json()["code"] == "serials-are-frozen-by-registry"
    unknown = said(serial_block=block, jurisdiction="DE-BE")
    assert tokyo.post(PATH, unknown, key="k-4").json()["code"] == "unknown-registry"


def test_a_hold_is_confirmed_from_its_page(theft: Chase):
    (hold,) = theft.holds()
    client = signed_in("tokyo-officer")
    UserRole.objects.create(
        user=User.objects.get(username="tokyo-officer"),
        role=Role.JUNIOR_REGISTRY_ADMINISTRATOR,
        jurisdiction=theft.pilot["JP-13"].home,
    )
    link = f"{reverse('admin:registry_freeze_set')}?hold={hold.pk}"
    assert link in client.get(reverse("admin:registry_freeze_change", args=[hold.pk])).content.decode()
    assert client.get(f"{link}9").status_code == 403
    assert client.post(link, said(key=str(uuid4()))).status_code == 302
    hold.refresh_from_db()
    assert hold.confirmed_by_id == Freeze.objects.get(jurisdiction__code="JP-13", notice_of=None).pk
    page = client.get(reverse("admin:registry_freeze_change", args=[hold.pk])).content.decode()
    assert "ended by itself" in page
    assert link not in page
