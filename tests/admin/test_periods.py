"""Bases, applications and positions on pages: recorded, applied for, approved, issued, delivered, and looked at."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from accounts import clock
from accounts.rules.access import Role
from registry.models import Allocation, ExcessApplication, Holding, RecordedBase, Transaction
from registry.operations.approve import approve
from tests.compliance.test_periods import cap
from tests.compliance.tokyo import Tokyo, tokyo
from tests.conftest import Own, begun_in, shared_by_module
from tests.limits.test_admin import signed_in

BASE, APPLICATION = (reverse(f"admin:registry_{name}_set") for name in ("recordedbase", "excessapplication"))
tokyo_database = shared_by_module(tokyo)


@pytest.fixture
def home(tokyo_database: Own[Tokyo], db: None) -> Tokyo:
    made = begun_in(tokyo_database)
    made.emitted(8_500, 7_500)
    return made


def application(home: Tokyo, **more: object) -> dict[str, object]:
    said = {"jurisdiction": home.home.pk, "installation": "tower", "year": 2026, "quantity": "", "source": "letter 7"}
    return said | more


def base(home: Tokyo, **more: object) -> dict[str, object]:
    said = {"jurisdiction": home.home.pk, "installation": "tower", "year": 2026, "base": 9_000, "source": "decision 3"}
    return said | {"factor_numerator": 27, "factor_denominator": 100} | more


def act(client: Client, action: str) -> str:
    """Run an action on the one application and return what is told of it."""
    chosen = {"action": action, "_selected_action": [ExcessApplication.objects.get().pk]}
    answer = client.post(reverse("admin:registry_excessapplication_changelist"), chosen)
    return [str(message) for message in get_messages(answer.wsgi_request)][-1]


def test_excess_credits_go_from_a_page_to_the_facility(home):
    junior = signed_in(home, Role.JUNIOR_REGISTRY_ADMINISTRATOR)
    assert APPLICATION in junior.get(APPLICATION.removesuffix("set/")).content.decode()
    assert junior.post(APPLICATION, application(home)).status_code == 302
    assert ExcessApplication.objects.get().allocation.quantity == 600
    assert "no role that permits this" in act(junior, "approve")
    assert "not approved" in act(junior, "issue")
    act(signed_in(home, Role.SENIOR_REGISTRY_ADMINISTRATOR), "approve")
    assert Allocation.objects.get().state == "READY"
    cap(home)
    assert "4010" in act(junior, "deliver")
    assert "600" in act(junior, "issue")
    assert "issued already" in act(junior, "issue")
    approve(Transaction.objects.get(type_id="1-0").pk, actor=home.senior, now=clock.now())
    assert "600" in act(junior, "deliver")
    assert Holding.objects.get(account=home.accounts["tower"]).quantity == 600


def test_the_authority_records_a_base_which_corrects(home):
    client = signed_in(home, Role.COMPLIANCE_AUTHORITY)
    assert client.post(BASE, base(home)).status_code == 302
    made = RecordedBase.objects.order_by("-id")[0]
    assert (made.base, made.factor_numerator, made.factor_denominator) == (9_000, 27, 100)
    assert made.corrects is not None
    assert made.corrects.base == 10_000
    assert "27/100" in client.get(BASE.removesuffix("set/")).content.decode()


@pytest.mark.parametrize(
    ("page", "changed", "told"),
    [
        (BASE, {"factor_numerator": 101}, "share from 0 to 1"),
        (BASE, {"installation": "nowhere"}, "no installation of this number"),
        (APPLICATION, {"quantity": 601}, "at most 600"),
        (APPLICATION, {"installation": "depot"}, "the second year of the period"),
        (APPLICATION, {"year": 2031}, "another rule"),
    ],
)
def test_a_mistake_is_told_and_nothing_is_recorded(home, page, changed, told):
    client = signed_in(home, Role.COMPLIANCE_AUTHORITY)
    before = RecordedBase.objects.count()
    answer = client.post(page, (base if page == BASE else application)(home, **changed))
    assert (answer.status_code, RecordedBase.objects.count(), ExcessApplication.objects.count()) == (200, before, 0)
    assert told in answer.content.decode()


def test_who_may_not_sees_no_page(home):
    client = signed_in(home, Role.AUDITOR)
    assert client.post(BASE, base(home)).status_code == 403
    assert client.post(APPLICATION, application(home)).status_code == 403


def test_the_page_of_an_obligation_shows_the_position_of_its_period(home):
    owed = home.owes()
    page = signed_in(home, Role.AUDITOR).get(reverse("admin:registry_obligation_change", args=[owed.pk]))
    text = page.content.decode()
    for cell in ("<td>2025</td><td>10000</td><td>17/100</td><td>1700</td><td>8500</td><td>1500</td><td>1500</td>",
                 "<th>issuable</th><td>600</td>", "<th>shortfall</th><td>0</td>"):  # fmt: skip
        assert cell in text
