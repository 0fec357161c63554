"""What authorities record, on pages: days of the calendar, until when units count, what of an allocation was too much."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import CalendarDay
from accounts.rules.access import Role
from audit.models import Entry
from registry.models import Allocation, AllocationExcess, UnitValidity
from registry.operations.load_allocation_table import load_allocation_table
from tests.build import NOW, Beijing, beijing, official
from tests.limits.test_admin import signed_in

DAY, VALIDITY, EXCESS = (
    reverse(f"admin:{name}_set")
    for name in ("accounts_calendarday", "registry_unitvalidity", "registry_allocationexcess")
)
TABLE = b"installation,unit_type,vintage,quantity\nplant,BEA,2026,100\n"


@pytest.fixture
def made(db: None) -> Beijing:
    return beijing(operators=("plant",))


@pytest.fixture
def row(made: Beijing) -> Allocation:
    return load_allocation_table(
        TABLE, jurisdiction=made.home, name="t.csv", actor=official(Role.COMPLIANCE_AUTHORITY, "loader"), now=NOW
    ).allocations.get()


def day(made: Beijing) -> dict[str, object]:
    said = {"jurisdiction": made.home.pk, "day": "2026-10-10", "is_working": "on", "name": "moved"}
    return said | {"confidence": "V", "source": "notice 1"}


def validity(made: Beijing) -> dict[str, object]:
    said = {"unit_type": made.unit_type.pk, "vintage": 2026, "valid_until": "2026-06-30 16:00:00"}
    return said | {"applicable_period": "", "source": "notice 2"}


def listed(client: Client, page: str) -> str:
    return client.get(page.removesuffix("set/")).content.decode()


def test_a_senior_administrator_records_days_and_validities(made):
    client = signed_in(made, Role.SENIOR_REGISTRY_ADMINISTRATOR)
    for page, said in ((DAY, day(made)), (VALIDITY, validity(made))):
        assert page in listed(client, page)
        assert client.post(page, said).status_code == 302
        assert str(said["source"]) in listed(client, page)
    assert CalendarDay.objects.get().is_working
    assert f"{UnitValidity.objects.get().valid_until:%Y-%m-%dT%H:%M%z}" == "2026-06-30T16:00+0000"
    assert Entry.objects.filter(event__in=["calendar.day-set", "unit-validity.set"]).count() == 2


def test_the_compliance_authority_records_an_excess_and_corrects_it(made, row):
    client = signed_in(made, Role.COMPLIANCE_AUTHORITY)
    assert EXCESS in listed(client, EXCESS)
    for quantity in (40, 30):
        said = {"allocation": row.pk, "quantity": quantity, "source": "decision 9"}
        assert client.post(EXCESS, said).status_code == 302
        assert AllocationExcess.objects.get().quantity == quantity
    assert "decision 9" in listed(client, EXCESS)


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"quantity": 101}, "from 0 to 100"), ({"allocation": 10**9}, "no allocation"), ({"source": " "}, "required")],
)
def test_a_mistake_is_told_and_nothing_is_recorded(made, row, changed, told):
    client = signed_in(made, Role.COMPLIANCE_AUTHORITY)
    answer = client.post(EXCESS, {"allocation": row.pk, "quantity": 1, "source": "x"} | changed)
    assert (answer.status_code, AllocationExcess.objects.exists()) == (200, False)
    assert told in answer.content.decode()


def test_a_year_that_is_no_vintage_is_told(made):
    client = signed_in(made, Role.SENIOR_REGISTRY_ADMINISTRATOR)
    answer = client.post(VALIDITY, validity(made) | {"vintage": 1066})
    assert (answer.status_code, UnitValidity.objects.exists()) == (200, False)
    assert "1066 is no vintage" in answer.content.decode()


def test_who_may_not_record_sees_no_page(made, row):
    client = signed_in(made, Role.JUNIOR_REGISTRY_ADMINISTRATOR)
    pages = (
        (DAY, day(made)),
        (VALIDITY, validity(made)),
        (EXCESS, {"allocation": row.pk, "quantity": 1, "source": "x"}),
    )
    for page, said in pages:
        assert client.post(page, said).status_code == 403
    assert [model.objects.count() for model in (CalendarDay, UnitValidity, AllocationExcess)] == [0, 0, 0]


@pytest.mark.parametrize("language", ["en", "ja", "ko", "zh-hans"])
def test_pages_say_times_with_their_zone_in_every_language(made, language):
    client = signed_in(made, Role.SENIOR_REGISTRY_ADMINISTRATOR)
    client.post(VALIDITY, validity(made))
    page = client.get(VALIDITY.removesuffix("set/"), headers={"Accept-Language": language}).content.decode()
    assert "2026-06-30 16:00:00 UTC" in page
