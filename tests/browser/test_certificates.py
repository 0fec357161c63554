"""The certificate in a real browser, in Chinese, Japanese and Korean, under its own policy and on paper."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_pages import browser, live_address, page, picture, pytestmark, registry  # noqa: F401 - fixtures
from tests.build import Beijing

TITLES = {"zh-hans": "自愿注销证明", "ja": "無効化証明書（任意）", "ko": "자발적 취소 증명서"}
KINDS = {"zh-hans": "自愿注销 (4-0)", "ja": "無効化（任意） (4-0)", "ko": "자발적 취소 (4-0)"}
NAMES = {"zh-hans": "简体中文", "ja": "日本語", "ko": "한국어"}


@pytest.mark.parametrize("language", ["zh-hans", "ja", "ko"])
def test_a_certificate_opens_from_its_transaction_and_prints_on_one_sheet(
    registry: Beijing,  # noqa: F811
    page: Page,  # noqa: F811
    language: str,
) -> None:
    outcome = registry.move(
        "Chaoyang Trading",
        "CAN",
        120,
        type_code="4-0",
        reason="为二〇二六年的办公用电",
        beneficiary="朝阳区第一小学",
        client_reference="ref-2026-7",
    )
    page.goto(f"/admin/registry/transaction/{outcome.transaction_id}/change/")
    page.get_by_role("link", name=NAMES[language]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLES[language])
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans" if language == "zh-hans" else language)
    expect(page.locator("dd.kind")).to_have_text(KINDS[language])
    expect(page.locator("dd.beneficiary")).to_have_text("朝阳区第一小学")
    expect(page.locator("p.mark")).to_be_visible()
    # The style is in force, so the policy let it in: the page is white on grey, as wide as A4.
    assert page.locator("main").evaluate("node => getComputedStyle(node).backgroundColor") == "rgb(255, 255, 255)"
    assert 790 < page.locator("main").evaluate("node => node.offsetWidth") < 797
    page.set_viewport_size({"width": 860, "height": 1200})
    picture(page, f"certificate-{language}")
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.count(b"/Type /Page\n") == 1
