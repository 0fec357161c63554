"""No quota is exceeded in whatever order transfers are proposed, completed, ended and undone, and no detour gains any."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from linking.quota_queries import QuotaNow
from linking.rules.quotas import (
    Binding,
    NotReserved,
    Quota,
    QuotaExceeded,
    binding_node,
    counted,
    counting_nodes,
    give_back,
    given_back,
    release,
    reserve,
    use,
    use_limit,
    year_of,
)
from linking.rules.rates import Rate
from linking.rules.terms import Measure, UseBase, UseQuotaNode, UseWindow, terms_from
from tests.linking.properties import SAME_EXAMPLES
from tests.linking.terms_samples import document

TOKYO = ZoneInfo("Asia/Tokyo")
UNITS = st.integers(1, 10**15)
RATES = st.builds(Rate, st.integers(1, 10_000), st.integers(1, 10_000))
MEASURES = st.sampled_from(Measure)
PARTS = st.lists(st.integers(1, 10**6), min_size=1, max_size=20)


def test_a_window_is_a_year_of_the_destination():
    new_year = datetime(2026, 12, 31, 15, tzinfo=UTC)
    assert year_of(new_year, TOKYO) == 2027
    assert year_of(new_year - timedelta(microseconds=1), TOKYO) == 2026
    assert year_of(new_year, UTC) == 2026
    with pytest.raises(ValueError, match="without a zone"):
        year_of(datetime(2026, 12, 31), TOKYO)  # noqa: DTZ001 a time without a zone is the point


@SAME_EXAMPLES
@given(UNITS, RATES)
def test_units_count_rounded_up_and_go_back_rounded_down(units, rate):
    exact = units * Fraction(rate.numerator, rate.denominator)
    assert counted(units, rate, Measure.RECOGNISED) == ceil(exact)
    assert given_back(units, rate, Measure.RECOGNISED) == floor(exact)
    assert counted(units, rate, Measure.UNITS) == given_back(units, rate, Measure.UNITS) == units


@SAME_EXAMPLES
@given(PARTS, RATES, MEASURES)
def test_splitting_never_counts_less_nor_gives_back_more(parts, rate, measure):
    assert sum(counted(part, rate, measure) for part in parts) >= counted(sum(parts), rate, measure)
    assert sum(given_back(part, rate, measure) for part in parts) <= given_back(sum(parts), rate, measure)


@SAME_EXAMPLES
@given(PARTS, PARTS, RATES, MEASURES)
def test_no_way_of_going_out_and_home_again_gives_back_more_than_it_took(out, home, rate, measure):
    taken = sum(counted(part, rate, measure) for part in out)
    returned, left = 0, sum(out)
    for part in home:
        part = min(part, left)
        left -= part
        returned += given_back(part, rate, measure)
    assert returned <= taken


def test_a_quota_goes_through_its_steps():
    quota = reserve(Quota(100), 60)
    assert (quota, quota.left) == (Quota(100, 60, 0), 40)
    assert use(quota, 60) == Quota(100, 0, 60)
    assert release(quota, 60) == Quota(100)
    assert give_back(Quota(100, 0, 60), 59) == Quota(100, 0, 1)
    assert reserve(Quota(None), 10**15) == Quota(None, 10**15, 0)
    assert Quota(None, 1, 1).left is None


def test_what_is_not_left_is_refused_with_what_is():
    with pytest.raises(QuotaExceeded) as refused:
        reserve(Quota(100, 50, 11), 40)
    assert refused.value.left == 39


def test_a_limit_below_what_is_used_lets_nothing_in_and_everything_out():
    over = Quota(10, reserved=20, used=30)
    assert over.left == 0
    assert use(over, 20) == Quota(10, 0, 50)
    assert give_back(over, 30) == Quota(10, 20, 0)
    with pytest.raises(QuotaExceeded):
        reserve(over, 1)


@pytest.mark.parametrize("step", [use, release, give_back])
def test_no_step_takes_what_is_not_there(step):
    with pytest.raises(NotReserved):
        step(Quota(100, 5, 5), 6)


@pytest.mark.parametrize("step", [reserve, use, release, give_back])
def test_no_step_goes_backwards(step):
    with pytest.raises(ValueError):
        step(Quota(100, 5, 5), -1)


class QuotaLife(RuleBasedStateMachine):
    """Transfers at two rates of one corridor and one window, in any order; the limit too may change at any time."""

    rates = (Rate(4, 5), Rate(7, 3))

    def __init__(self):
        super().__init__()
        self.limit = 1_000
        self.quota = Quota(self.limit)
        self.measure = Measure.RECOGNISED
        self.under_way: list[tuple[int, Rate]] = []
        self.abroad = dict.fromkeys(self.rates, 0)

    @rule(units=st.integers(1, 500), rate=st.sampled_from(rates))
    def propose(self, units, rate):
        amount = counted(units, rate, self.measure)
        before = self.quota
        assert before.left is not None
        if amount > before.left:
            with pytest.raises(QuotaExceeded):
                reserve(before, amount)
            return
        self.quota = reserve(before, amount)
        # Growth, and only growth, is held below the limit.
        assert self.quota.reserved + self.quota.used <= self.limit
        self.under_way.append((units, rate))

    @rule(completes=st.booleans(), which=st.integers(0, 1_000))
    def settle(self, completes, which):
        if not self.under_way:
            return
        units, rate = self.under_way.pop(which % len(self.under_way))
        amount = counted(units, rate, self.measure)
        self.quota = (use if completes else release)(self.quota, amount)
        if completes:
            self.abroad[rate] += units

    @rule(units=st.integers(1, 500), rate=st.sampled_from(rates))
    def send_home(self, units, rate):
        units = min(units, self.abroad[rate])
        self.abroad[rate] -= units
        self.quota = give_back(self.quota, given_back(units, rate, self.measure))

    @rule(limit=st.integers(0, 2_000))
    def change_the_limit(self, limit):
        self.limit = limit
        self.quota = Quota(limit, self.quota.reserved, self.quota.used)

    @invariant()
    def what_is_reserved_is_what_is_under_way(self):
        assert self.quota.reserved == sum(counted(units, rate, self.measure) for units, rate in self.under_way)

    @invariant()
    def what_is_used_covers_what_is_abroad(self):
        worth = sum(units * Fraction(rate.numerator, rate.denominator) for rate, units in self.abroad.items())
        assert self.quota.used >= worth
        assert self.quota.left == max(self.limit - self.quota.reserved - self.quota.used, 0)


TestQuotaLife = QuotaLife.TestCase
TestQuotaLife.settings = SAME_EXAMPLES


def test_a_net_flow_is_bounded_in_its_worst_case():
    def left(limit: int | None, reserved: int, used: int, opposite: int) -> int | None:
        return QuotaNow("net-flow", 2026, None, "units", limit, reserved, used, opposite).left

    assert left(None, 5, 5, 0) is None
    assert left(100, 30, 60, 0) == 10
    assert left(100, 30, 60, 25) == 35
    assert left(100, 30, 90, 0) == 0


def node(name, within=None, *, origins=("CN-BJ",), unit_types=(), share=(1, 10)):
    return UseQuotaNode(
        name, within, origins, unit_types, UseBase.VERIFIED_EMISSIONS, share[0], share[1], UseWindow.YEAR
    )


LINKED = node("linked", origins=("CN-BJ", "KR-11"))
BEIJING = node("beijing", "linked", share=(1, 20))
OFFSETS = node("offsets", "beijing", unit_types=("CCER",), share=(1, 40))
TREE = (LINKED, BEIJING, OFFSETS)


def test_a_use_limit_is_a_share_rounded_down_and_never_below_nought():
    assert use_limit(LINKED, 19) == 1
    assert use_limit(LINKED, -19) == 0


@pytest.mark.parametrize(
    ("origin", "unit_type", "names"),
    [
        ("KR-11", "KAU", ["linked"]),
        ("CN-BJ", "BEA", ["linked", "beijing"]),
        ("CN-BJ", "CCER", ["linked", "beijing", "offsets"]),
        ("JP-13", "TER", []),
    ],
)
def test_units_count_under_every_node_around_their_own(origin, unit_type, names):
    assert [row.name for row in counting_nodes(TREE, origin, unit_type)] == names


@pytest.mark.parametrize(
    ("used", "asked", "binds", "left", "fits"),
    [
        ({}, 26, "offsets", 25, False),
        ({}, 25, "offsets", 25, True),
        ({"beijing": 40}, 11, "beijing", 10, False),
        ({"linked": 95, "beijing": 40}, 5, "linked", 5, True),
        ({"linked": 120}, 1, "linked", 0, False),
    ],
)
def test_the_node_that_binds_is_named(used, asked, binds, left, fits):
    found = binding_node(TREE, dict.fromkeys(("linked", "beijing", "offsets"), 1_000), used, asked)
    assert found is not None
    assert (found.node, found.left, found.fits) == (binds, left, fits)


def test_without_nodes_nothing_binds():
    assert binding_node((), {}, {}, 1) is None
    assert Binding("linked", 1, 0, 1, 1).fits


@SAME_EXAMPLES
@given(
    st.lists(st.tuples(st.sampled_from([("KR-11", "KAU"), ("CN-BJ", "BEA"), ("CN-BJ", "CCER")]), st.integers(1, 60)))
)
def test_no_node_is_exceeded_by_what_the_binding_one_lets_through(asked_for):
    bases = {"linked": 1_000, "beijing": 1_500, "offsets": 900}
    used = dict.fromkeys(bases, 0)
    for (origin, unit_type), units in asked_for:
        nodes = counting_nodes(TREE, origin, unit_type)
        found = binding_node(nodes, bases, used, units)
        assert found is not None
        within = all(used[row.name] + units <= use_limit(row, bases[row.name]) for row in nodes)
        assert found.fits == within
        if found.fits:
            for row in nodes:
                used[row.name] += units
    assert all(used[row.name] <= use_limit(row, bases[row.name]) for row in TREE)


def test_the_samples_nodes_are_a_tree_that_counts():
    assert [row.name for row in counting_nodes(terms_from(document()).use_quota, "CN-BJ", "BEA")] == [
        "foreign",
        "beijing",
    ]
