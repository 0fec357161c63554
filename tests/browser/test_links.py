"""A link in a real browser: what its page draws, terms entered by field and signed by four, and a suspension at once."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from playwright.sync_api import Page, expect

from accounts import clock
from accounts.models import User
from linking.models import Corridor, Instrument
from linking.rules.degrees import Degree
from tests.browser import test_pages
from tests.browser.test_pages import browser, live_address, picture  # noqa: F401
from tests.linking.cities import Pilot, pilot

pytestmark = test_pages.pytestmark
PAIR = ("CN-BJ", "JP-13")


def linked_cities() -> Pilot:
    """Beijing and Tokyo restricted: a quota, a clause with a taper, and units that went both ways."""
    made = pilot()
    now = datetime(2026, 6, 1, 4, tzinfo=UTC)
    made.agree(
        *PAIR,
        rate=(4, 5),
        entry_quota={"limit": 1_000, "measure": "units", "window": "year"},
        reciprocity={"warn": 300, "taper": [{"from": 500, "numerator": 1, "denominator": 2}], "suspend": 800},
    )
    made.agree("JP-13", "CN-BJ", net_flow_limit=500)
    made.raise_to(Degree.RESTRICTED, *PAIR)
    for month in range(6):
        at = now.replace(month=6 + month)
        made.send(("CN-BJ", "ann"), ("JP-13", "ann"), 40 + 10 * month, now=at)
        made.send(("JP-13", "ann"), ("CN-BJ", "ann"), 20 + 5 * month, now=at)
    made.send(("CN-BJ", "ann"), ("JP-13", "far"), 60, now=now.replace(month=11))
    return made


@pytest.fixture
def cities(committed_db: str, monkeypatch: pytest.MonkeyPatch) -> Pilot:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 20, 6, tzinfo=UTC))
    made = linked_cities()
    readers = Group.objects.create(name="readers")
    readers.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    for user in User.objects.filter(username__regex="-(junior|senior)$"):
        User.objects.filter(pk=user.pk).update(is_staff=True)
        user.groups.add(readers)
    return made


@pytest.fixture
def page(cities: Pilot, live_address: str, browser) -> Iterator[Page]:  # noqa: F811
    """A page; at its end, nothing may have been refused by the browser or have failed."""
    context = browser.new_context(base_url=live_address, viewport={"width": 1280, "height": 1000})
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    opened.goto("/admin/login/")
    yield opened
    context.close()
    assert troubles == []


def as_user(page: Page, name: str, address: str) -> None:
    """Let somebody sit down at the browser, and open a page."""
    client = Client()
    client.force_login(User.objects.get(username=name))
    page.context.clear_cookies()
    home = page.url.split("/admin")[0]
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": home}])
    page.goto(address)


def test_a_link_is_drawn_within_its_window_wide_and_narrow(cities, page):
    link = cities.link(*PAIR)
    as_user(page, "jp-junior", f"/admin/linking/link/{link.pk}/change/")
    expect(page.locator("svg.continuum.is-wide .is-present")).to_contain_text("restricted")
    for width in (1280, 800):
        page.set_viewport_size({"width": width, "height": 1000})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        picture(page, f"link-{width}")
    page.set_viewport_size({"width": 1280, "height": 1000})
    # A bar is as long, of its whole, as its number is of the limit.
    used = page.locator(f"#corridor-{cities.corridor(*PAIR).pk} tr.drawn .bar-used").first.bounding_box()
    whole = page.locator(f"#corridor-{cities.corridor(*PAIR).pk} tr.drawn .bar-whole").first.bounding_box()
    assert used is not None
    assert whole is not None
    assert abs(used["width"] * 1_000 - whole["width"] * 390) < whole["width"] * 5
    page.locator("#flows").scroll_into_view_if_needed()
    picture(page, "link-flows")
    page.emulate_media(color_scheme="dark")
    picture(page, "link-flows-dark")


def test_terms_are_entered_by_one_and_signed_by_four(cities, page):
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    as_user(page, "jp-junior", f"/admin/linking/link/{link.pk}/change/")
    page.locator(f"#corridor-{corridor.pk}").get_by_role("link", name="Propose terms").click()
    page.fill("[name='rate.numerator']", "8")
    page.fill("[name='rate.denominator']", "10")
    page.get_by_role("button", name="Propose for signature").click()
    expect(page.locator(".term.errors").first).to_be_visible()
    picture(page, "link-terms-fault")
    page.fill("[name='rate.numerator']", "3")
    page.fill("[name='rate.denominator']", "4")
    page.get_by_role("button", name="Propose for signature").click()
    page.wait_for_url("**/instrument/**")
    expect(page.locator("code.digest")).to_have_text(re.compile("[0-9a-f]{64}"))
    picture(page, "link-instrument")
    address = page.url
    page.click("#sign")
    expect(page.get_by_text("Further signatures are awaited")).to_be_visible()
    as_user(page, "jp-senior", "/admin/")
    page.get_by_role("link", name="Instruments that wait for your signature").click()
    picture(page, "link-waiting")
    page.locator("#instruments-waiting a").first.click()
    page.click("#sign")
    for name in ("cn-junior", "cn-senior"):
        as_user(page, name, address)
        page.click("#sign")
    expect(page.get_by_text("it holds now")).to_be_visible()
    assert Instrument.objects.latest("id").concluded_at is not None


def test_a_corridor_is_suspended_at_once(cities, page):
    link, corridor = cities.link(*PAIR), cities.corridor(*PAIR)
    as_user(page, "cn-junior", f"/admin/linking/link/{link.pk}/change/")
    page.locator(f"#corridor-{corridor.pk}").get_by_role("link", name="Suspend at once").click()
    page.fill("#id_reason", "units were stolen")
    page.get_by_role("button", name="Suspend at once").click()
    expect(page.locator(f"#corridor-{corridor.pk} .corridor-suspended")).to_be_visible()
    expect(page.locator(f"#corridor-{corridor.pk} .suspension")).to_contain_text("units were stolen")
    picture(page, "link-suspended")
    assert Corridor.objects.get(pk=corridor.pk).suspended_by_origin
