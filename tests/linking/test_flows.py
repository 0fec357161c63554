"""Units go by the corridors of their issuer, and wherever they go every sum comes out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linking.rules.flows import (
    CorridorTotals,
    Flow,
    Imbalanced,
    IssuerTotals,
    Leg,
    Route,
    Way,
    imbalanced,
    legs,
    units_missing,
    units_missing_abroad,
)
from tests.linking.properties import SAME_EXAMPLES

BEIJING, TOKYO, SEOUL = PLACES = ("CN-BJ", "JP-13", "KR-11")
ISSUED = 1_000


@pytest.mark.parametrize(
    ("issuer", "sending", "acquiring", "route"),
    [
        (BEIJING, BEIJING, BEIJING, Route(Flow.AT_HOME)),
        (BEIJING, TOKYO, TOKYO, Route(Flow.ABROAD)),
        (BEIJING, BEIJING, TOKYO, Route(Flow.OUT, (Leg(BEIJING, TOKYO, Way.TAKE),))),
        (BEIJING, TOKYO, BEIJING, Route(Flow.HOME, (Leg(BEIJING, TOKYO, Way.BACK),))),
        (BEIJING, TOKYO, SEOUL, Route(Flow.ONWARD, (Leg(BEIJING, TOKYO, Way.BACK), Leg(BEIJING, SEOUL, Way.TAKE)))),
    ],
)
def test_a_route_begins_at_the_issuer(issuer, sending, acquiring, route):
    assert legs(issuer, sending, acquiring) == route
    assert all(leg.corridor == (leg.origin, leg.destination) and leg.origin == issuer for leg in route.legs)


@SAME_EXAMPLES
@given(st.lists(st.tuples(*[st.sampled_from(PLACES)] * 3, st.integers(1, 400), st.booleans())))
def test_no_tonne_is_made_and_none_lost_on_any_way(moves):
    where = {(issuer, place): ISSUED if issuer == place else 0 for issuer in PLACES for place in PLACES}
    retired = dict.fromkeys(where, 0)
    crossed = dict.fromkeys(where, (0, 0))
    for issuer, sending, acquiring, units, retires in moves:
        units = min(units, where[issuer, sending])
        where[issuer, sending] -= units
        if retires:
            retired[issuer, sending] += units
            continue
        where[issuer, acquiring] += units
        for leg in legs(issuer, sending, acquiring).legs:
            entered, returned = crossed[leg.corridor]
            taken = leg.way is Way.TAKE
            crossed[leg.corridor] = (entered + units, returned) if taken else (entered, returned + units)
    issuers = {
        issuer: IssuerTotals(
            ISSUED,
            where[issuer, issuer],
            sum(where[issuer, place] for place in PLACES if place != issuer),
            retired[issuer, issuer],
            sum(retired[issuer, place] for place in PLACES if place != issuer),
        )
        for issuer in PLACES
    }
    corridors = {way: CorridorTotals(*crossed[way], where[way], retired[way]) for way in where if way[0] != way[1]}
    assert imbalanced(issuers, corridors) == ()


SOUND = IssuerTotals(issued=100, home=50, abroad=30, retired_at_home=15, retired_abroad=5)
THERE = CorridorTotals(entered=45, returned=10, held=30, retired=5)


def test_a_tonne_too_many_or_too_few_is_found_and_named():
    assert units_missing(SOUND) == units_missing_abroad(THERE) == 0
    assert imbalanced({BEIJING: SOUND}, {(BEIJING, TOKYO): THERE}) == ()
    assert imbalanced({BEIJING: replace(SOUND, home=51)}, {(BEIJING, TOKYO): THERE}) == (
        Imbalanced("issued", BEIJING, "", -1),
    )
    assert imbalanced({BEIJING: SOUND}, {(BEIJING, TOKYO): replace(THERE, entered=46)}) == (
        Imbalanced("entered", BEIJING, TOKYO, 1),
    )
    assert imbalanced({BEIJING: SOUND}, {}) == (
        Imbalanced("abroad", BEIJING, "", 30),
        Imbalanced("retired-abroad", BEIJING, "", 5),
    )
