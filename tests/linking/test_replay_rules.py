"""A replay judges by the terms it is given; splitting gains nothing, and a tighter limit first makes a difference by refusing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linking.rules.degrees import Degree
from linking.rules.recorded_flows import Conditions, Flow, Piece, Spell, Standing, Surrender, Way, changed, in_force
from linking.rules.replay import play
from linking.rules.replayed import QuotaName, Replayed
from linking.rules.terms import terms_from
from linking.rules.whereabouts import Whereabouts
from tests.linking.cities import terms
from tests.linking.properties import SAME_EXAMPLES

START = datetime(2026, 1, 5, 3, tzinfo=UTC)
WIDE = {"limit": 10**6, "measure": "units", "window": "year"}


def under(*, degree: Degree = Degree.RESTRICTED, leave: int | None = None, **members: object) -> Conditions:
    """Return conditions that hold from the beginning: Beijing's units into Tokyo, by these members of the terms."""
    document = terms("CN-BJ", "JP-13", START, **members)
    return Conditions(
        terms=(Spell(START, None, terms_from(document)),),
        standing=(Spell(START, None, Standing(degree, is_the_open_one=False)),),
        leaves=(Spell(START, None, leave),),
        mechanisms=(),
        time_zone="Asia/Tokyo",
    )


def entry(
    number: int, units: int, *, vintage: int = 2026, holder: int = 1, way: Way = Way.ENTRY, **more: object
) -> Flow:
    """Return a flow that was proposed and completed at once, a day after the one before."""
    at = START + timedelta(days=number)
    piece = Piece("BEA", vintage, holder, "TRA", units)
    flow = Flow(number, f"t{number}", way, at, at, number, number, (piece,), net_year=2026)
    return replace(flow, **more)


def home(number: int, *came_by: tuple[int, int], holder: int = 1) -> Flow:
    """Return a flow of units that go home, by the flows that they came by."""
    flow = entry(number, sum(units for _, units in came_by), holder=holder, way=Way.HOME)
    return replace(flow, pieces=(replace(flow.pieces[0], came_by=came_by),))


def codes(found: Replayed) -> list[tuple[int, ...]]:
    return [row.codes for row in found.entries]


def used(found: Replayed, kind: str, **more: int) -> int:
    return next((row.used for row in found.quotas if row.name == QuotaName(kind, 2026, **more)), 0)


@pytest.mark.parametrize(
    ("conditions", "flow", "expected"),
    [
        (under(), entry(0, 10), ()),
        (under(degree=Degree.INCREMENTAL), entry(0, 10), (6001,)),
        (under(degree=Degree.UNILATERAL), entry(0, 10), (6001,)),
        (replace(under(), standing=()), entry(0, 10), (6001,)),
        (replace(under(), terms=()), entry(0, 10), (6002,)),
        (under(unit_types=["CCER"]), entry(0, 10), (6003,)),
        (under(first_vintage=2027), entry(0, 10), (6004,)),
        (under(entry_quota=WIDE | {"limit": 9}), entry(0, 10), (6005,)),
        (under(entry_quota=WIDE | {"limit": 7, "measure": "recognised"}, rate=(3, 4)), entry(0, 10), (6005,)),
        (under(entry_quota=WIDE | {"limit": 8, "measure": "recognised"}, rate=(3, 4)), entry(0, 10), ()),
        (under(leave=9), entry(0, 10), (6005,)),
        (under(entry_quota=WIDE, vintage_limits={"2026": 9}), entry(0, 10), (6005,)),
        (under(entry_quota=WIDE, holder_limit=9), entry(0, 10), (6005,)),
        (under(settlement_days=["2026-01-06"]), entry(0, 10), (6009,)),
        (under(settlement_days=["2026-01-05"]), entry(0, 10), ()),
        (under(settlement_days="working"), entry(0, 10, closed_in=("JP-13",)), (6009,)),
        (under(net_flow_limit=9), entry(0, 10), (6013,)),
        (under(reciprocity={"warn": 1, "taper": [], "suspend": 9}), entry(0, 10), (6013,)),
        (replace(under(), leaves=()), entry(0, 10), (6015,)),
        (under(account_types=["EXS"]), entry(0, 10), (6017,)),
        (under(degree=Degree.NONE, unit_types=["CCER"], account_types=["EXS"]), entry(0, 10), (6001, 6003, 6017)),
    ],
)
def test_a_flow_is_refused_by_every_code_that_its_terms_give_a_reason_for(conditions, flow, expected):
    assert codes(play([flow], [], conditions)) == [expected]


def test_units_of_a_listed_mechanism_enter_from_indirect_on():
    listed = replace(under(degree=Degree.INDIRECT), mechanisms=(Spell(START, None, frozenset({"BEA"})),))
    assert codes(play([entry(0, 10)], [], listed)) == [()]


def test_what_came_the_other_way_makes_room_for_a_net_flow_and_going_home_takes_it_away():
    flows = [
        entry(0, 10),
        entry(1, 4, way=Way.OPPOSITE_ENTRY),
        entry(2, 4),
        entry(3, 1),
        entry(4, 4, way=Way.OPPOSITE_HOME),
    ]
    found = play(flows, [], under(net_flow_limit=10))
    assert codes(found) == [(), (), (6013,)]
    assert [row.units for row in found.imbalances] == [10, 6, 10, 14]
    assert (found.greatest_imbalance, found.last_imbalance) == (14, 14)


def test_a_taper_shrinks_the_entry_quota_by_the_imbalance_before_a_transfer():
    clause = {"warn": 5, "taper": [{"from": 10, "numerator": 1, "denominator": 2}], "suspend": 100}
    conditions = under(entry_quota=WIDE | {"limit": 30}, reciprocity=clause)
    assert codes(play([entry(0, 10), entry(1, 6), entry(2, 5)], [], conditions)) == [(), (6005,), ()]


def test_the_return_of_what_was_never_let_in_falls_away_and_gives_nothing_back():
    flows = [entry(0, 10), entry(1, 6), home(2, (0, 8), (1, 2)), entry(3, 4)]
    found = play(flows, [Surrender(7, ((0, 2), (1, 4)))], under(entry_quota=WIDE | {"limit": 9}))
    assert codes(found) == [(6005,), (), ()]
    assert (found.units_gone_home, found.units_fallen_away) == (2, 8)
    assert used(found, "entry") == 8
    assert found.units_surrendered == 4


def test_worth_is_rounded_down_once_for_each_obligation_and_rate():
    surrendered = [Surrender(7, ((0, 1),))] * 5 + [Surrender(8, ((0, 1),))]
    found = play([entry(0, 11)], surrendered, under(rate=(4, 5)))
    assert (found.worth_let_in, found.units_surrendered, found.worth_surrendered, found.margin) == (8, 6, 4, 2)


def test_what_waits_is_reserved_from_its_proposal_on():
    waiting = replace(entry(0, 6), completed_turn=9)
    found = play([waiting, entry(1, 6), home(10, (0, 6))], [], under(entry_quota=WIDE | {"limit": 10}))
    assert codes(found) == [(), (6005,)]
    assert used(found, "entry") == 0


def test_terms_change_at_an_instant_and_what_came_before_keeps_its_own():
    later = START + timedelta(days=2)
    conditions = changed(under(rate=(4, 5)), later, terms=under(rate=(1, 2)).terms[0].value)
    found = play([entry(0, 10), entry(2, 10)], [Surrender(7, ((0, 10), (2, 10)))], conditions)
    assert (found.worth_let_in, found.worth_surrendered) == (13, 13)
    assert in_force(conditions.terms, later - timedelta(seconds=1)) is conditions.terms[0] or len(conditions.terms) == 2


@st.composite
def recorded(draw: st.DrawFn, *, returns: bool = True) -> tuple[Flow, ...]:
    """Draw flows in and home by the corridor and in by the opposite one; what goes home has come in."""
    flows: list[Flow] = []
    abroad: dict[int, int] = {}
    for number in range(draw(st.integers(1, 12))):
        way = draw(st.sampled_from((Way.ENTRY, Way.ENTRY, Way.HOME, Way.OPPOSITE_ENTRY)))
        holder, vintage = draw(st.integers(1, 2)), draw(st.integers(2025, 2026))
        if way is Way.HOME and returns and abroad:
            source = draw(st.sampled_from(sorted(abroad)))
            units = draw(st.integers(1, abroad[source]))
            abroad[source] -= units
            abroad = {name: left for name, left in abroad.items() if left}
            flows.append(home(number, (source, units), holder=holder))
        elif way is Way.OPPOSITE_ENTRY:
            flows.append(entry(number, draw(st.integers(1, 30)), way=way))
        else:
            flows.append(entry(number, draw(st.integers(1, 30)), vintage=vintage, holder=holder))
            abroad[number] = flows[-1].units
    return tuple(flows)


LIMITS = st.fixed_dictionaries(
    {
        "entry": st.integers(0, 120),
        "net_flow_limit": st.integers(0, 120),
        "holder_limit": st.integers(0, 90),
        "vintage": st.integers(0, 90),
        "suspend": st.integers(2, 120),
        "leave": st.integers(0, 150),
    }
)
MEASURES = st.sampled_from(("units", "recognised"))
RATES = st.sampled_from(((1, 1), (4, 5), (1, 3), (2, 7)))


def limited(limits: dict[str, int], measure: str, rate: tuple[int, int]) -> Conditions:
    return under(
        rate=rate,
        entry_quota={"limit": limits["entry"], "measure": measure, "window": "year"},
        net_flow_limit=limits["net_flow_limit"],
        holder_limit=limits["holder_limit"],
        vintage_limits={"2026": limits["vintage"]},
        reciprocity={"warn": 1, "taper": [], "suspend": limits["suspend"]},
        leave=limits["leave"],
    )


def let_in(flows: Sequence[Flow], found: Replayed) -> tuple[Flow, ...]:
    """Return what would have been recorded: what was let in, and of what goes home what was let in."""
    inside = {row.flow.number for row in found.admitted}
    kept = []
    for flow in flows:
        came_by = tuple((number, units) for piece in flow.pieces for number, units in piece.came_by if number in inside)
        if flow.way is Way.HOME and came_by:
            kept.append(replace(flow, pieces=(replace(flow.pieces[0], came_by=came_by),)))
        elif flow.number in inside or flow.way is Way.OPPOSITE_ENTRY:
            kept.append(flow)
    return tuple(kept)


def surrenders_of(flows: Sequence[Flow]) -> tuple[Surrender, ...]:
    return tuple(Surrender(row.number % 3, ((row.number, row.units),)) for row in flows if row.way is Way.ENTRY)


@SAME_EXAMPLES
@given(recorded(), LIMITS, MEASURES, RATES)
def test_the_very_terms_let_in_again_what_they_let_in_with_the_same_worth_and_quotas(flows, limits, measure, rate):
    conditions = limited(limits, measure, rate)
    first = play(flows, surrenders_of(flows), conditions)
    kept = let_in(flows, first)
    again = play(kept, surrenders_of(kept), conditions)
    assert again.refused == ()
    assert [row.flow.number for row in again.admitted] == [row.flow.number for row in first.admitted]
    assert again.quotas == first.quotas
    assert (again.worth_let_in, again.worth_surrendered, again.margin) == (
        first.worth_let_in,
        first.worth_surrendered,
        first.margin,
    )
    assert again.imbalances == first.imbalances


@SAME_EXAMPLES
@given(
    recorded(),
    LIMITS,
    st.sampled_from(("entry", "net_flow_limit", "holder_limit", "vintage", "suspend", "leave")),
    MEASURES,
)
def test_where_a_tighter_limit_first_makes_a_difference_it_refuses(flows, limits, which, measure):
    """Afterwards the room that is left may let in what would have come too late: that is no gain of who was refused."""
    wide = play(flows, [], limited(limits, measure, (4, 5)))
    tight = play(flows, [], limited(limits | {which: limits[which] // 2}, measure, (4, 5)))
    pairs = list(zip(wide.entries, tight.entries, strict=True))
    differing = [(bool(one.codes), bool(other.codes)) for one, other in pairs if bool(one.codes) != bool(other.codes)]
    assert differing[:1] in ([], [(False, True)])


@SAME_EXAMPLES
@given(recorded(returns=False), st.integers(0, 120), st.integers(0, 120), MEASURES)
def test_a_tighter_entry_quota_never_admits_more_units_where_nothing_comes_back(flows, one, other, measure):
    tight, wide = (
        play(flows, [], under(rate=(1, 1), entry_quota={"limit": limit, "measure": measure, "window": "year"}))
        for limit in sorted((one, other))
    )
    assert tight.units_let_in <= wide.units_let_in


@SAME_EXAMPLES
@given(recorded(), LIMITS, MEASURES, RATES)
def test_no_quota_is_ever_used_beyond_its_limit(flows, limits, measure, rate):
    found = play(flows, [], limited(limits, measure, rate))
    for row in found.quotas:
        if row.limit is not None and row.name.kind != "net-flow":
            assert row.used + row.reserved <= row.limit


@SAME_EXAMPLES
@given(recorded(), LIMITS, MEASURES, RATES, st.data())
def test_splitting_a_transfer_never_gains(flows, limits, measure, rate, data):
    """What was let in whole enters, in parts, at no more worth, and uses no less of any quota."""
    conditions = limited(limits, measure, rate)
    kept = let_in(flows, play(flows, [], conditions))
    whole = play(kept, surrenders_of(kept), conditions)
    parts: list[Flow] = []
    for flow in kept:
        cut = data.draw(st.integers(0, flow.units - 1)) if flow.way is Way.ENTRY else 0
        for number, units in ((flow.number, flow.units - cut), (flow.number + 1_000, cut)):
            if units:
                piece = flow.pieces[0] if not cut else replace(flow.pieces[0], units=units)
                parts.append(replace(flow, number=number, pieces=(piece,)))
    obligations = {row.number: row.number % 3 for row in kept}
    surrendered = tuple(
        Surrender(obligations[row.number % 1_000], ((row.number, row.units),)) for row in parts if row.way is Way.ENTRY
    )
    # What goes home came by the first part, as much as that brought; the rest by the second.
    split = play(_came_by_parts(parts), surrendered, conditions)
    assert split.units_let_in <= whole.units_let_in
    assert split.worth_let_in <= whole.worth_let_in
    assert split.worth_surrendered <= whole.worth_surrendered
    if not split.refused and split.units_fallen_away == 0:
        for one, other in zip(whole.quotas, split.quotas, strict=True):
            assert other.name == one.name
            assert other.used >= one.used


def _came_by_parts(parts: Sequence[Flow]) -> tuple[Flow, ...]:
    left = {flow.number: flow.units for flow in parts if flow.way is Way.ENTRY}
    moved = []
    for flow in parts:
        if flow.way is Way.HOME:
            pieces = []
            for number, units in flow.pieces[0].came_by:
                first = min(units, left[number])
                left[number] -= first
                pieces += [(number, first), (number + 1_000, units - first)]
            came_by = tuple(row for row in pieces if row[1])
            flow = replace(flow, pieces=(replace(flow.pieces[0], came_by=came_by),))
        moved.append(flow)
    return tuple(moved)


@SAME_EXAMPLES
@given(st.integers(0, 10**6), RATES)
def test_worth_let_in_is_exact(units, rate):
    found = play([entry(0, units + 1)], [], under(rate=rate))
    assert found.worth_let_in == floor((units + 1) * Fraction(*rate))


@SAME_EXAMPLES
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40), st.integers(1, 15)), max_size=30))
def test_whereabouts_know_by_which_flow_each_serial_came(acts):
    known, model = Whereabouts(), dict[int, int]()
    for number, (enters, first, count) in enumerate(acts):
        serials = range(first, first + count)
        if enters:
            known.enter(first, first + count, number)
            model |= dict.fromkeys(serials, number)
        else:
            expected: dict[int, int] = {}
            for serial in serials:
                if serial in model:
                    expected[model[serial]] = expected.get(model[serial], 0) + 1
            summed: dict[int, int] = {}
            for name, units in known.leave(first, first + count):
                summed[name] = summed.get(name, 0) + units
            assert summed == expected
            model = {serial: name for serial, name in model.items() if serial not in serials}
    for serial in range(60):
        assert known.came_by(serial, serial + 1) == (((model[serial], 1),) if serial in model else ())
