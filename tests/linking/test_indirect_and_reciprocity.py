"""A listed mechanism's units cross from *indirect* on, each way under its own quota; flows that lean one way are braked."""

from collections.abc import Callable

import pytest

from linking.models import Quota
from linking.rules.degrees import Degree
from linking.rules.documents import MechanismsDocument
from registry.models import UnitType
from registry.operations.outcome import Refused
from tests.linking.cities import NOW, Pilot, pilot


def indirect() -> Pilot:
    """Link Beijing and Seoul indirectly: CCER of Beijing and KOC of Seoul are listed, 100 and 50 a year."""
    made = pilot()
    for code, offset in (("CN-BJ", "CCER"), ("KR-11", "KOC")):
        UnitType.objects.create(jurisdiction=made[code].home, code=offset, kind="offset")
        made[code].stock("ann", 300, unit_type=offset)
    link = made.link("CN-BJ", "KR-11")
    listed = MechanismsDocument((("CN-BJ", "CCER"), ("KR-11", "KOC")))
    made.conclude(link, listed, "CN-BJ", "KR-11")
    for way, types, limit in (
        (("CN-BJ", "KR-11"), ["BEA", "CCER"], 100),
        (("KR-11", "CN-BJ"), ["KAU", "KOC"], 50),
    ):
        made.agree(*way, unit_types=types, entry_quota={"limit": limit, "measure": "units", "window": "year"})
    made.raise_to(Degree.INDIRECT, "CN-BJ", "KR-11")
    return made


def leaning() -> Pilot:
    """Link Beijing and Tokyo with a clause: 100 a year, halved from an imbalance of 40 on, nothing beyond 60; warned from 20."""
    made = pilot()
    clause = {"warn": 20, "taper": [{"from": 40, "numerator": 1, "denominator": 2}], "suspend": 60}
    quota = {"limit": 100, "measure": "units", "window": "year"}
    made.agree("CN-BJ", "JP-13", entry_quota=quota, reciprocity=clause)
    made.agree("JP-13", "CN-BJ", entry_quota=quota)
    made.raise_to(Degree.RESTRICTED, "CN-BJ", "JP-13")
    return made


@pytest.fixture
def world(request):
    return request.param


def refused(act: Callable[[], object]) -> list[tuple[int, object]]:
    """Return the codes of a refusal, each with what is left."""
    with pytest.raises(Refused) as refusal:
        act()
    return [(row.code, row.params.get("left")) for row in refusal.value.failures]


@pytest.mark.parametrize("world", [indirect], indirect=True)
def test_only_a_listed_mechanisms_units_cross_at_indirect_each_way_under_its_own_quota(linked: Pilot):
    there, back = ("CN-BJ", "ann"), ("KR-11", "ann")
    linked.send(there, back, 100, unit_type="CCER")
    linked.send(back, there, 50, unit_type="KOC")
    assert refused(lambda: linked.send(there, back, 1, unit_type="CCER")) == [(6005, 0)]
    assert refused(lambda: linked.send(back, there, 1, unit_type="KOC")) == [(6005, 0)]
    assert refused(lambda: linked.send(there, back, 1, unit_type="BEA")) == [(6001, None), (6005, 0)]


@pytest.mark.parametrize("world", [leaning], indirect=True)
def test_an_imbalance_tapers_the_entry_quota_and_then_lets_nothing_in(linked: Pilot):
    there, back = ("CN-BJ", "ann"), ("JP-13", "ann")
    linked.send(there, back, 40)
    # From 40 on the quota is 50, of which 40 are used.
    assert refused(lambda: linked.send(there, back, 11)) == [(6005, 10)]
    linked.send(there, back, 10)
    # Tokyo's units coming the other way make room again.
    linked.send(back, there, 20)
    linked.send(there, back, 30)
    # 80 came, 20 went the other way: nothing beyond an imbalance of 60.
    assert (6013, 0) in refused(lambda: linked.send(there, back, 1))
    net = Quota.objects.get(kind="net-flow", corridor=linked.corridor("CN-BJ", "JP-13"), year=NOW.year)
    assert (net.reserved, net.used) == (0, 80)
    # Going home lets as much in again: 60 are then in Tokyo, 20 in Beijing, and of the 50 that a taper leaves none is left.
    first = (
        linked["JP-13"].accounts["ann"].unit_blocks.filter(origin=linked["CN-BJ"].home).order_by("start_no")[0].start_no
    )
    linked.send(back, there, 20, (first, first + 20), issuer="CN-BJ")
    assert refused(lambda: linked.send(there, back, 21)) == [(6005, 0), (6013, 20)]
