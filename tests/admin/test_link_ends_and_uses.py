"""Use quotas of operators and final statements of ended corridors on a link's page: what is told, and to whom."""

import pytest

from accounts import clock
from linking.models import Quota
from tests.admin.test_link_figures import cells
from tests.admin.test_links import PAIR, client_of, page_of
from tests.conftest import Own, begun_in, shared_by_module
from tests.linking.cities import NOW, Pilot
from tests.linking.ends import BJ, DAY, JP, delink, delinking, linked_by, pass_time
from tests.linking.surrenders import surrender

NODE = {
    "name": "linked",
    "within": None,
    "origins": [BJ],
    "unit_types": [],
    "base": "verified-emissions",
    "numerator": 1,
    "denominator": 10,
    "window": "year",
}


def ended() -> Pilot:
    made = linked_by(delinking=delinking("honour"), use_quota=[NODE])
    made.send((BJ, "ann"), (JP, "plant"), 100, (1, 101))
    surrender(made, "plant", 50, (1, 51))
    delink(made)
    pass_time(NOW + 60 * DAY)
    return made


pages_database = shared_by_module(ended)


@pytest.fixture
def cities(pages_database: Own[Pilot], db: None, monkeypatch: pytest.MonkeyPatch) -> Pilot:
    monkeypatch.setattr(clock, "now", lambda: NOW + 61 * DAY)
    return begun_in(pages_database)


def test_the_final_statement_of_an_ended_corridor_is_a_table_and_a_text(cities):
    page = page_of(client_of("cn-junior"), "link_change", cities.link(*PAIR).pk)
    found = cells(page, "final-statements")
    assert found[found.index("CN-BJ -&gt; JP-13") + 1 :][:4] == ["100", "0", "50", "50"]
    assert "Under way at the end of the notice: 0" in page


def test_use_quotas_are_told_to_readers_of_the_accounts_they_are_of_alone(cities):
    assert Quota.objects.get(kind="use").used == 40
    link = cities.link(*PAIR)
    own = cells(page_of(client_of("jp-junior"), "link_change", link.pk), "uses")
    assert own[own.index("CN-BJ linked") + 1 :][:4] == ["100", "0", "40", "60"]
    assert "CN-BJ linked" not in cells(page_of(client_of("cn-junior"), "link_change", link.pk), "uses")
