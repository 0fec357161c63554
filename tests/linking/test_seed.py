"""The demo's links: three degrees, a year of flows by the prices that it tells, a quota nearly full, and what waits."""

from collections import Counter
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from linking.models import Link, Quota
from linking.seed import pilot, prices
from registry.models import Transaction
from registry.verification import Verified, verify


def seeded_links() -> None:
    """Seed the pilot, then its links."""
    call_command("seed_pilot", "--print-json", stdout=StringIO())
    call_command("seed_links", stdout=StringIO())


@pytest.fixture
def world():
    return seeded_links


def test_the_demo_shows_three_links_at_their_degrees_and_what_waits(begun):
    degrees = {
        (link.first.code, link.second.code): link.degree for link in Link.objects.select_related("first", "second")
    }
    wanted = {tuple(sorted((row.one, row.other))): str(row.degree) for row in pilot.LINKS}
    assert {tuple(sorted(pair)): degree for pair, degree in degrees.items()} == wanted
    crossing = Transaction.objects.filter(type_id="3-0")
    states = Counter(crossing.values_list("state", flat=True))
    months = [flow for flows in pilot.FLOWS.values() for month in flows for flow in month if flow]
    # One more fills the quota.
    assert states == {"COMPLETED": len(months) + 1, "AWAITING_APPROVAL": 1, "DELAYED": 1}
    (origin, destination), percent = pilot.NEARLY_FULL
    quota = Quota.objects.filter(kind="entry", corridor__origin__code=origin, corridor__destination__code=destination)
    full = quota.order_by("-year")[0]
    assert full.used == (full.limit or 0) * percent // 100
    assert isinstance(verify(), Verified)


def test_seeding_again_makes_nothing_twice(begun):
    before = Transaction.objects.count(), Link.objects.count(), Quota.objects.count()
    call_command("seed_links", stdout=StringIO())
    assert (Transaction.objects.count(), Link.objects.count(), Quota.objects.count()) == before


def test_the_flows_follow_the_prices_of_the_year_that_is_told():
    assert prices.cheaper(prices.TOLD, "CN-BJ", "JP-13") == "CN-BJ"
    assert prices.cheaper(prices.OTHER, "CN-BJ", "JP-13") == "JP-13"
    for one, other in pilot.FLOWS:
        assert prices.cheaper(prices.TOLD, one, other) == one
        assert sum(row[0] for row in pilot.FLOWS[one, other]) > sum(row[1] for row in pilot.FLOWS[one, other])


def test_the_page_tells_the_prices():
    page = (Path(__file__).parents[2] / "docs" / "linking.md").read_text(encoding="utf-8")
    for year, cities in prices.PRICES.items():
        for city, price in cities.items():
            cents = int(prices.in_dollars(year, city) * 100)
            assert f"| {year} | {city} | {cents} | {price.confidence} |" in page
