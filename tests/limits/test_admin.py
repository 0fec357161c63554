"""Limits in the administration: looked at by who may, set on pages by the same operations as everywhere."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from accounts import clock
from accounts.models import DatedRule, User, UserRole
from accounts.rules.access import Role
from registry.models import HoldingLimit, Limit
from tests.build import Beijing, beijing
from tests.conftest import Own, begun_in, shared_by_module

LIMITS = reverse("admin:registry_limit_changelist")
SET_LIMIT = reverse("admin:registry_limit_set")
SET_HOLDING_LIMITS = reverse("admin:registry_holdinglimit_set")


def signed_in(made: Beijing, role: Role) -> Client:
    user = User.objects.create(username=role, password="!", is_staff=True)
    UserRole.objects.create(user=user, role=role, jurisdiction=made.home)
    readers, _ = Group.objects.get_or_create(name="readers")
    readers.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    user.groups.add(readers)
    client = Client(raise_request_exception=True)
    client.force_login(user)
    return client


def one_trader() -> Beijing:
    made = beijing()
    made.open("ann", holder="holder of ann")
    return made


one_trader_database = shared_by_module(one_trader)


@pytest.fixture
def made(one_trader_database: Own[Beijing], db: None) -> Beijing:
    return begun_in(one_trader_database)


def rule(made: Beijing, others: object) -> None:
    DatedRule.objects.create(
        jurisdiction=made.home,
        key="holding.limit",
        valid_from=clock.now().date() - timedelta(days=9),
        value={"others": others, "operators_above_allocation": 0},
        confidence="RM",
        source="test",
    )


def test_a_senior_administrator_sets_limits_on_a_page(made):
    client = signed_in(made, Role.SENIOR_REGISTRY_ADMINISTRATOR)
    assert SET_LIMIT in client.get(LIMITS).content.decode()
    said = {"account": made["ann"], "per_day": 10, "valid_from": "2999-01-01", "source": "order 7"}
    assert "account limit from 2999-01-01" in client.post(SET_LIMIT, said, follow=True).content.decode()
    assert Limit.objects.values_list("account", "per_transaction", "per_day").get() == (
        made.accounts["ann"].pk,
        None,
        10,
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"jurisdiction": "CN-BJ", "valid_from": "2000-01-01"}, "is past"),
        ({"account": "CNBJ-TRA-1-1"}, "There is no account"),
        ({"account": "ISS"}, "is administrative"),
        ({"account": "ann", "jurisdiction": "CN-BJ"}, "or neither"),
        ({"account": ""}, "no role that permits this"),
    ],
)
def test_a_limit_that_is_refused_says_why_and_nothing_is_set(made, said, told):
    client = signed_in(made, Role.SENIOR_REGISTRY_ADMINISTRATOR)
    asked = {"valid_from": "2999-01-01", "source": "order 7", "per_day": 1} | said
    if asked.get("account") in made.accounts:
        asked["account"] = made[asked["account"]]
    if "jurisdiction" in asked:
        asked["jurisdiction"] = made.home.pk
    assert told in client.post(SET_LIMIT, asked, follow=True).content.decode()
    assert not Limit.objects.exists()


def test_holding_limits_are_set_on_a_page(made):
    rule(made, 500)
    client = signed_in(made, Role.SENIOR_REGISTRY_ADMINISTRATOR)
    page = client.post(SET_HOLDING_LIMITS, {"jurisdiction": made.home.pk}, follow=True).content.decode()
    assert "holding limits set, 1" in page
    assert "holder of ann" in page
    assert HoldingLimit.objects.get().limit == 500


def test_a_rule_that_cannot_be_read_is_told(made):
    rule(made, "many")
    client = signed_in(made, Role.SENIOR_REGISTRY_ADMINISTRATOR)
    page = client.post(SET_HOLDING_LIMITS, {"jurisdiction": made.home.pk}, follow=True).content.decode()
    assert "can be read" in page
    assert not HoldingLimit.objects.exists()


@pytest.mark.parametrize("address", [SET_LIMIT, SET_HOLDING_LIMITS])
def test_who_may_not_set_does_not_see_the_page(made, address):
    client = signed_in(made, Role.AUDITOR)
    assert client.get(address).status_code == 403
    assert client.post(address, {"jurisdiction": made.home.pk}).status_code == 403
