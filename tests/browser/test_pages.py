"""A real browser on a real server: the administration and the API's page, with nothing refused by their own policy."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Page, expect, sync_playwright

from accounts.models import User, UserRole
from accounts.rules.access import Role
from registry.models import IssuanceCap
from registry.rules.serials import format_block
from tests.build import Beijing, beijing
from tests.serving import served

CHROMIUM = shutil.which("chromium")
PICTURES = os.environ.get("BROWSER_PICTURES")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not on this machine (apt-get install chromium)"),
]
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    # Playwright keeps an event loop in this thread, which runs nothing of Django's.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield found
        found.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def registry(committed_db: str) -> Beijing:
    made = beijing("Chaoyang Trading", "Yanqing Trading", operators=("plant",))
    made.issue(1_000)
    made.move("ISS", "Yanqing Trading", 200)
    made.move("ISS", "Chaoyang Trading", 200)
    for name in ("chief", "second"):
        user = User.objects.create(username=name, password="!", is_staff=True, is_superuser=True)
        UserRole.objects.create(user=user, role=Role.SENIOR_REGISTRY_ADMINISTRATOR, jurisdiction=made.home)
    return made


@pytest.fixture
def page(registry: Beijing, live_address: str, browser) -> Iterator[Page]:
    """A page of somebody signed in; at its end, nothing may have been refused or have failed."""
    client = Client()
    client.force_login(User.objects.get(username="chief"))
    context = browser.new_context(base_url=live_address, viewport={"width": 1280, "height": 800})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_address}])
    opened = context.new_page()
    troubles: list[str] = []
    opened.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    yield opened
    context.close()
    assert troubles == []


@pytest.fixture
def live_address(committed_db: str) -> Iterator[str]:
    """The service, on the test's own database."""
    with served() as address:
        yield address


def picture(page: Page, name: str) -> None:
    """Keep a picture where they are asked for."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png")


def test_a_transaction_is_found_by_a_serial_and_shows_its_blocks(registry, page):
    page.goto("/admin/")
    expect(page.locator(".mode-exercise")).to_be_visible()
    picture(page, "index")
    page.goto("/admin/registry/transaction/")
    page.fill("#searchbar", "CNBJ 700")
    page.press("#searchbar", "Enter")
    page.wait_for_url("**q=CNBJ**")
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    picture(page, "transactions-of-a-serial")
    page.locator("#result_list tbody tr", has_text="internal transfer").locator("th a").click()
    expect(page.get_by_text(format_block("CNBJ", "BEA", 2026, 601, 801)).first).to_be_visible()
    expect(page.locator("[name=_save]")).to_have_count(0)
    picture(page, "transaction")


def test_an_account_is_found_by_its_identifier_and_leads_to_its_blocks(registry, page):
    identifier = registry["Chaoyang Trading"]
    page.goto(f"/admin/accounts/account/?q={identifier}")
    page.get_by_role("link", name=identifier).click()
    expect(page.get_by_text("BEA 2026 200")).to_be_visible()
    picture(page, "account")
    page.get_by_role("link", name="blocks", exact=True).click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    picture(page, "blocks")


def sign_in(page: Page, name: str) -> None:
    """Let somebody else sit down at the same browser."""
    client = Client()
    client.force_login(User.objects.get(username=name))
    page.context.clear_cookies()
    address = page.url.split("/admin")[0]
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])


def test_units_are_issued_under_a_cap_when_a_second_senior_approves(registry, page):
    cap = registry.caps[2026]
    page.goto(f"/admin/registry/issuancecap/{cap.pk}/issue/")
    page.fill("#id_quantity", "500")
    picture(page, "issue")
    page.get_by_role("button", name="issue units").click()
    page.wait_for_url("**/change/")
    expect(page.get_by_text("awaits the approval of another")).to_be_visible()
    assert IssuanceCap.objects.get(pk=cap.pk).issued == 1_000
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    sign_in(page, "second")
    page.goto("/admin/")
    page.get_by_role("link", name="What waits for me").click()
    picture(page, "waiting")
    page.locator("#waiting tbody a").click()
    picture(page, "waiting-transaction")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Completed: 500 t CO2e.")).to_be_visible()
    assert IssuanceCap.objects.get(pk=cap.pk).issued == 1_500


def test_an_order_is_explained_and_then_proposed(registry, page):
    page.goto("/admin/registry/transaction/order/")
    page.select_option("#id_type", "10-50")
    page.fill("#id_transferring_account", registry["ISS"])
    page.fill("#id_acquiring_account", registry["AUC"])
    page.fill("#id_unit_type", "BEA")
    page.fill("#id_quantity", "10")
    page.get_by_role("button", name="Explain").click()
    expect(page.get_by_text("It would be accepted now")).to_be_visible()
    picture(page, "order-explained")
    page.get_by_role("button", name="Propose", exact=True).click()
    page.wait_for_url("**/change/")
    page.fill("#decision-reason", "a mistake")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_text("is free again")).to_be_visible()


def test_the_apis_page_shows_every_operation_under_its_own_policy(page):
    page.goto("/api/docs/")
    page.wait_for_selector(".opblock", timeout=20_000)
    assert page.locator(".opblock").count() >= 12
    picture(page, "api")
