"""No rate makes a tonne, loses one, or lets anybody gain by splitting or by going there and back."""

from fractions import Fraction
from itertools import accumulate
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linking.rules.rates import AT_HOME, Rate, Reissue, reissue_of, value_of, worth_of
from tests.linking.properties import SAME_EXAMPLES

QUANTITIES = st.integers(0, 10**15)
TERMS = st.integers(1, 10_000)
RATES = st.builds(Rate, TERMS, TERMS)
DISCOUNTS = st.builds(lambda a, b: Rate(min(a, b), max(a, b)), TERMS, TERMS)
PARTS = st.lists(st.integers(1, 10**6), min_size=1, max_size=20)


def exact(rate: Rate) -> Fraction:
    return Fraction(rate.numerator, rate.denominator)


@pytest.mark.parametrize("terms", [(0, 1), (1, 0), (-1, 2), (1.5, 2), (True, 1), (2**31, 1), ("4", 5)])
def test_a_rate_is_two_positive_integers(terms):
    with pytest.raises(ValueError, match="is not an integer"):
        Rate(*terms)


@SAME_EXAMPLES
@given(TERMS, TERMS, st.integers(1, 1000))
def test_equal_rates_are_one_rate(numerator, denominator, common):
    assert Rate(numerator * common, denominator * common) == Rate(numerator, denominator)
    assert exact(Rate(numerator, denominator)) == Fraction(numerator, denominator)


def test_the_worked_examples_of_the_design():
    assert reissue_of(11, Rate(9, 10)) == Reissue(leaves=10, arrives=9, stays=1)
    assert value_of(5, Rate(4, 5)) == 4
    assert [worth_of(1, Rate(4, 5), before) for before in range(5)] == [0, 1, 1, 1, 1]


@SAME_EXAMPLES
@given(QUANTITIES, RATES)
def test_a_value_is_rounded_down_once(quantity, rate):
    assert value_of(quantity, rate) == floor(quantity * exact(rate))
    assert value_of(quantity, AT_HOME) == quantity


@SAME_EXAMPLES
@given(PARTS, RATES)
def test_surrenders_in_parts_are_worth_what_one_is(parts, rate):
    before = [0, *accumulate(parts)]
    worths = [worth_of(part, rate, already) for part, already in zip(parts, before, strict=False)]
    assert sum(worths) == value_of(sum(parts), rate)
    assert min(worths) >= 0


@SAME_EXAMPLES
@given(QUANTITIES, RATES)
def test_a_reissue_makes_no_tonne_and_loses_none(offered, rate):
    made = reissue_of(offered, rate)
    assert made.leaves + made.stays == offered
    assert min(made.leaves, made.arrives, made.stays) >= 0
    # All that the offer is worth arrives, for the fewest units that are worth it.
    assert made.arrives == floor(offered * exact(rate))
    assert made.leaves == ceil(made.arrives / exact(rate))
    assert made.arrives <= made.leaves * exact(rate)


@SAME_EXAMPLES
@given(QUANTITIES, DISCOUNTS)
def test_a_discount_never_leaves_a_margin_below_nought(offered, rate):
    assert reissue_of(offered, rate).margin >= 0
    assert value_of(offered, rate) <= offered


@SAME_EXAMPLES
@given(PARTS, RATES)
def test_splitting_a_reissue_never_gains(parts, rate):
    apart = [reissue_of(part, rate) for part in parts]
    whole = reissue_of(sum(parts), rate)
    assert sum(made.arrives for made in apart) <= whole.arrives


@SAME_EXAMPLES
@given(QUANTITIES, DISCOUNTS, DISCOUNTS)
def test_there_and_back_never_gains(offered, out, home):
    there = reissue_of(offered, out)
    back = reissue_of(there.arrives, home)
    assert there.stays + back.arrives <= offered
