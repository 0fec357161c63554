"""Figures on a link's page that are added up elsewhere: issuers' books, and the margin of units that were surrendered."""

import re
from datetime import timedelta

import pytest

from accounts import clock
from tests.admin.test_links import PAIR, client_of, page_of
from tests.conftest import Own, begun_in, shared_by_module
from tests.linking.cities import NOW
from tests.linking.surrenders import surrender
from tests.linking.thefts import Chase, chase


def surrendered() -> Chase:
    made = chase()
    made.sent(1, 101, "plant")
    surrender(made.pilot, "plant", 50, (1, 51))
    return made


pages_database = shared_by_module(surrendered)


@pytest.fixture
def world(pages_database: Own[Chase], db: None, monkeypatch: pytest.MonkeyPatch) -> Chase:
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=2))
    return begun_in(pages_database)


def cells(page: str, part: str) -> list[str]:
    section = page.split(f'id="{part}"')[1].split("</section>")[0]
    return re.findall(r"<t[dh][^>]*>([^<]*)</t[dh]>", section)


def test_the_issuers_books_of_both_sides_add_up_to_what_was_issued(world):
    found = cells(page_of(client_of("cn-junior"), "link_change", world.pilot.link(*PAIR).pk), "books")
    for name, units in (("in JP-13, not retired", "50"), ("retired in JP-13", "50"), ("at home, not retired", "900")):
        assert found[found.index(name) + 1] == units
    assert found[found.index("Sum") + 1] == found[found.index("issued") + 1] == "1,000"


def test_the_margin_of_surrendered_units_is_told(world):
    found = cells(page_of(client_of("jp-junior"), "link_change", world.pilot.link(*PAIR).pk), "margin")
    assert found[found.index("CN-BJ → JP-13") + 1 :][:3] == ["50", "40", "10"]
