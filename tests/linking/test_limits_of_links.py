"""Limits that two corridors, two versions or two windows must not lend to one another."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Thread

import pytest
from django.db import transaction

from linking.models import Quota
from linking.rules.terms import terms_from
from registry.models import Obligation
from registry.operations.outcome import Refused
from registry.operations.propose import propose
from registry.rules.proposal import Line, Proposal
from registry.verification import Verified, verify
from tests.ledger.test_races import at_once, kinds
from tests.linking.cities import NOW, Pilot, pilot, terms
from tests.linking.forging import without_checks
from tests.linking.standing_links import opened, reasons, taken
from tests.linking.test_checks_of_links import BJ, HOUR, JP, KR, entry, recognition_in


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return pilot


@pytest.fixture
def cities(begun: Pilot) -> Iterator[Pilot]:
    yield begun
    assert isinstance(verify(), Verified), verify()


def tenth(origin: str) -> list[dict[str, object]]:
    """A node of the one name that two corridors' terms have."""
    return [
        {
            "name": "linked", "within": None, "origins": [origin], "unit_types": [], "base": "verified-emissions",
            "numerator": 1, "denominator": 10, "window": "year",
        }
    ]  # fmt: skip


def line(made: Pilot, quantity: int, issuer: str) -> Line:
    home = made[issuer]
    counts = recognition_in(made, JP, "plant", issuer)
    return Line(
        made[JP]["plant"], made[JP]["SUR"], quantity, home.home.registry_code, home.unit_type.code, None, counts
    )


def owing(made: Pilot) -> Obligation:
    """Tokyo's plant has a hundred units of Beijing's and of Seoul's, and may use thirty of each for what it owes."""
    for origin in (BJ, KR):
        opened(made, origin, JP, use_quota=tenth(origin))
        made.send((origin, "ann"), (JP, "plant"), 100)
    return made[JP].obligation("plant", 300)


def test_nodes_of_one_name_in_two_corridors_terms_limit_each_its_own(cities: Pilot):
    owed = owing(cities)
    asked = Proposal("10-2", (line(cities, 60, BJ), line(cities, 1, KR)), obligation=owed.pk)
    with pytest.raises(Refused) as refusal:
        propose(asked, actor=cities[JP].people[0], now=NOW)
    assert reasons(refusal.value) == {6006: {"node": "CN-BJ linked", "year": 2025, "limit": 30, "left": 30}}
    asked = Proposal("10-2", (line(cities, 30, BJ), line(cities, 30, KR)), obligation=owed.pk)
    propose(asked, actor=cities[JP].people[0], now=NOW)
    rows = Quota.objects.filter(kind="use").order_by("node").values_list("node", "used", "limit")
    assert list(rows) == [(f"{BJ} linked", 30, 30), (f"{KR} linked", 30, 30)]


@pytest.mark.parametrize(("first", "then"), [(BJ, KR), (KR, BJ)])
def test_postgresql_alone_keeps_both(cities: Pilot, first: str, then: str):
    owed = owing(cities)
    propose(Proposal("10-2", (line(cities, 1, first),), obligation=owed.pk), actor=cities[JP].people[0], now=NOW)
    more = Proposal("10-2", (line(cities, 60, then),), obligation=owed.pk)
    assert without_checks(more, cities[JP].people[0], NOW) == "quota_is_kept"


def for_life(limit: int) -> dict[str, object]:
    return {"entry_quota": {"limit": limit, "measure": "units", "window": "life"}}


def test_a_leave_is_for_a_year_whatever_window_the_destination_gives_its_quota(cities: Pilot):
    opened(cities, BJ, JP, leave=50, **for_life(80))
    cities.send((BJ, "ann"), (JP, "ann"), 50)
    with pytest.raises(Refused) as this_year:
        cities.send((BJ, "ann"), (JP, "ann"), 1)
    assert reasons(this_year.value)[6005]["quota"] == "leave"
    next_year = NOW + timedelta(days=300)
    with pytest.raises(Refused) as life:
        cities.send((BJ, "ann"), (JP, "ann"), 50, now=next_year)
    assert reasons(life.value)[6005]["quota"] == "entry"
    cities.send((BJ, "ann"), (JP, "ann"), 30, now=next_year)


def test_a_new_window_of_the_destinations_quota_lends_the_leave_nothing(cities: Pilot):
    opened(cities, BJ, JP, leave=50, notice_days=0, **entry(80))
    cities.send((BJ, "ann"), (JP, "ann"), 50)
    changed = terms(BJ, JP, NOW + HOUR, version=2, **for_life(80))
    cities.conclude(cities.link(BJ, JP), terms_from(changed), JP, BJ, now=NOW + HOUR)
    with pytest.raises(Refused) as refusal:
        cities.send((BJ, "ann"), (JP, "ann"), 1, now=NOW + 2 * HOUR)
    assert reasons(refusal.value)[6005]["quota"] == "leave"


def test_what_came_by_terms_without_a_holders_limit_gives_nothing_back_to_it(cities: Pilot):
    opened(cities, BJ, JP, notice_days=0, **entry(1_000))
    cities.send((BJ, "ann"), (JP, "ann"), 100)
    before = recognition_in(cities, JP, "ann")
    changed = terms(BJ, JP, NOW + HOUR, version=2, holder_limit=50, **entry(1_000))
    cities.conclude(cities.link(BJ, JP), terms_from(changed), JP, BJ, now=NOW + HOUR)
    later = NOW + 2 * HOUR
    cities.send((BJ, "ann"), (JP, "ann"), 50, now=later)
    cities.send((JP, "ann"), (BJ, "ann"), 100, issuer=BJ, recognition=before, now=later)
    assert taken("holder", BJ, JP) == [(0, 50)]
    with pytest.raises(Refused) as refusal:
        cities.send((BJ, "ann"), (JP, "ann"), 1, now=later)
    assert reasons(refusal.value)[6005]["quota"] == "holder"


def reserve_taken() -> int:
    return sum(used for _, used in (*taken("reserve", BJ, JP), *taken("reserve", KR, JP)))


def test_two_corridors_into_one_city_are_not_covered_by_the_same_units_at_once(cities: Pilot):
    """Seven of Tokyo's units are set aside: one sends while the other has not committed, and waits for it."""
    cities[JP].stock("MRG", 7)
    for origin, acquirer in ((BJ, "ann"), (KR, "bob")):
        opened(cities, origin, JP, rate=(2, 1))
        # The first of a corridor makes its recognition, alone.
        cities.send((origin, "ann"), (JP, acquirer), 1)
    told: list[object] = []
    other = Thread(target=lambda: told.extend(at_once(lambda: cities.send((KR, "ann"), (JP, "bob"), 5))))
    with transaction.atomic():
        cities.send((BJ, "ann"), (JP, "ann"), 5)
        other.start()
        other.join(1)
    other.join()
    (refused,) = told
    assert isinstance(refused, Refused)
    assert reasons(refused)[6005]["quota"] == "reserve"
    assert reserve_taken() == 7


def test_clients_of_two_corridors_at_one_reserve_end_at_what_is_set_aside(cities: Pilot):
    cities[JP].stock("MRG", 7)
    for origin in (BJ, KR):
        opened(cities, origin, JP, rate=(2, 1))
    ways = [((origin, "ann"), (JP, acquirer)) for origin, acquirer in ((BJ, "ann"), (KR, "bob"))]
    results = at_once(*[lambda way=way: cities.send(*way, 1) for way in ways * 8])
    assert kinds(results) == {"Outcome": 7, "Refused": 9}
    assert reserve_taken() == 7
