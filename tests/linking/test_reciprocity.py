"""The clause only ever lowers what may enter, and its meter says where the corridor stands and what comes next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linking.rules.quotas import Quota
from linking.rules.reciprocity import (
    Level,
    Meter,
    imbalance_of,
    level_at,
    meter_of,
    tapered_limit,
    thresholds_of,
)
from linking.rules.terms import ReciprocityClause, Taper
from tests.linking.properties import SAME_EXAMPLES

CLAUSE = ReciprocityClause(20_000, (Taper(30_000, 1, 2), Taper(40_000, 1, 4)), 50_000)
IMBALANCES = st.integers(-100_000, 100_000)


@st.composite
def clauses(draw):
    """Any clause that terms may hold."""
    warn, *starts, suspend = sorted(draw(st.sets(st.integers(1, 60_000), min_size=2, max_size=6)))
    shares = sorted(draw(st.sets(st.integers(0, 100), min_size=len(starts), max_size=len(starts))), reverse=True)
    return ReciprocityClause(
        warn, tuple(Taper(at, share, 100) for at, share in zip(starts, shares, strict=True)), suspend
    )


def test_an_imbalance_counts_what_is_reserved_as_let_in():
    assert imbalance_of(Quota(None, reserved=5, used=30), 20) == 15
    assert imbalance_of(Quota(None, used=10), 30) == -20


@pytest.mark.parametrize(
    ("imbalance", "level", "limit"),
    [
        (-1, Level.QUIET, 1_001),
        (19_999, Level.QUIET, 1_001),
        (20_000, Level.WARN, 1_001),
        (29_999, Level.WARN, 1_001),
        (30_000, Level.TAPER, 500),
        (39_999, Level.TAPER, 500),
        (40_000, Level.TAPER, 250),
        (49_999, Level.TAPER, 250),
        (50_000, Level.SUSPEND, 250),
        (99_999, Level.SUSPEND, 250),
    ],
)
def test_each_threshold_begins_where_it_stands(imbalance, level, limit):
    assert level_at(CLAUSE, imbalance) is level
    assert tapered_limit(1_001, CLAUSE, imbalance) == limit
    assert meter_of(CLAUSE, imbalance, 1_001).entry_limit == (0 if level is Level.SUSPEND else limit)


def test_without_a_clause_or_a_quota_nothing_tapers():
    assert level_at(None, 10**9) is Level.QUIET
    assert meter_of(None, 10**9, 7).entry_limit == 7
    assert tapered_limit(7, None, 10**9) == 7
    assert tapered_limit(None, CLAUSE, 45_000) is None


@SAME_EXAMPLES
@given(clauses(), IMBALANCES, IMBALANCES, st.integers(0, 10**15))
def test_a_taper_never_raises_a_limit(clause, one, other, limit):
    less, more = sorted((one, other))
    at_less, at_more = tapered_limit(limit, clause, less), tapered_limit(limit, clause, more)
    assert at_less is not None
    assert at_more is not None
    assert 0 <= at_more <= at_less <= limit
    levels = list(Level)
    assert levels.index(level_at(clause, less)) <= levels.index(level_at(clause, more))


def test_the_meter_shows_what_comes_next():
    assert meter_of(CLAUSE, 0, 1_000) == Meter(Level.QUIET, 0, Level.WARN, 20_000, 1_000, 1_000)
    assert meter_of(CLAUSE, 35_000, 1_000) == Meter(Level.TAPER, 35_000, Level.TAPER, 5_000, 1_000, 500)
    assert meter_of(CLAUSE, 60_000, 1_000) == Meter(Level.SUSPEND, 60_000, None, None, 1_000, 0)
    assert meter_of(None, 5, None) == Meter(Level.QUIET, 5, None, None, None, None)
    assert meter_of(ReciprocityClause(10, (), 10), 9, None) == Meter(Level.QUIET, 9, Level.SUSPEND, 1, None, None)


@SAME_EXAMPLES
@given(clauses(), IMBALANCES)
def test_what_the_meter_says_comes_next_is_what_happens_there(clause, imbalance):
    meter = meter_of(clause, imbalance, 10**6)
    if meter.until_next is None:
        assert meter.level is Level.SUSPEND
        return
    assert level_at(clause, imbalance + meter.until_next) is meter.next_level
    assert not any(imbalance < at < imbalance + meter.until_next for at, _ in thresholds_of(clause))
