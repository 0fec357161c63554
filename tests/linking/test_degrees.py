"""A link goes up one step at a time, each with its conditions met by who must meet them, and down by any number at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import translation

from accounts.texts import text
from linking.rules.degrees import (
    CONDITIONS,
    Degree,
    Misfit,
    Missing,
    Tick,
    Ticker,
    conditions_of,
    corridor_is_open,
    expiry_of,
    has_quota,
    is_restricted,
    lapsed_conditions,
    may_lower,
    may_raise,
    missing_conditions,
    step_after,
    terms_fit,
)
from linking.rules.terms import EntryQuota, Measure, ReciprocityClause, VintageLimit, Window, terms_from
from tests.linking.terms_samples import document

NOW = datetime(2026, 7, 1, tzinfo=UTC)
BEIJING, TOKYO = "CN-BJ", "JP-13"
OUT, BACK = (BEIJING, TOKYO), (TOKYO, BEIJING)
RESTRICTED = terms_from(document())
FORMAL = replace(
    RESTRICTED,
    rate=replace(RESTRICTED.rate, numerator=1, denominator=1),
    entry_quota=None,
    net_flow_limit=None,
    vintage_limits=(),
    holder_limit=None,
    use_quota=(),
    reciprocity=None,
    instrument="Agreement of Beijing and Tokyo, 2026",
)


def test_the_degrees_are_in_their_order():
    assert [str(degree) for degree in Degree] == [
        "none", "indirect", "incremental", "unilateral", "restricted", "reciprocal", "formal",
    ]  # fmt: skip
    assert [degree.rank for degree in Degree] == list(range(7))
    assert [step_after(degree) for degree in Degree] == [*list(Degree)[1:], None]


@pytest.mark.parametrize("before", Degree)
@pytest.mark.parametrize("after", Degree)
def test_a_degree_goes_up_by_one_and_down_by_any(before, after):
    order = list(Degree)
    assert may_raise(before, after) == (step_after(before) is after)
    assert may_lower(before, after) == (order.index(after) < order.index(before))
    assert not (may_raise(before, after) and may_lower(before, after))


def test_every_step_but_the_first_degree_has_conditions_and_no_code_is_used_twice():
    assert {row.step for row in CONDITIONS} == {*Degree} - {Degree.NONE}
    assert len({row.code for row in CONDITIONS}) == len(CONDITIONS)
    assert [row.step.rank for row in CONDITIONS] == sorted(row.step.rank for row in CONDITIONS)
    assert conditions_of(Degree.NONE) == ()


@pytest.mark.parametrize("language", ["en", "zh-hans", "ja", "ko"])
def test_every_degree_and_condition_is_told_in_every_language(language):
    misfits = (
        "no-corridor", "one-corridor-only", "both-corridors", "restriction-missing", "not-one-to-one", "quota",
        "instrument-missing", "instruments-differ",
    )  # fmt: skip
    codes = [f"{kind}.{degree}" for kind in ("degree", "degree-lets") for degree in Degree]
    codes += [f"{kind}.{row.code}" for kind in ("condition", "condition-evidence") for row in CONDITIONS]
    codes += [f"condition-ticked-by.{ticker}" for ticker in Ticker] + [f"degree-misfit.{code}" for code in misfits]
    with translation.override("en"):
        english = [text(code) for code in codes]
    with translation.override(language):
        told = [text(code) for code in codes]
    assert not set(told) & set(codes)
    assert language == "en" or not set(told) & set(english)


def ticks(step, at=NOW):
    """Every tick that a step needs, made at once."""
    sides = {Ticker.BOTH: OUT, Ticker.ORIGIN: (BEIJING,), Ticker.DESTINATION: (TOKYO,), Ticker.SYSTEM: (None,)}
    return [
        Tick(row.code, side, at, expiry_of(row, at)) for row in conditions_of(step) for side in sides[row.ticked_by]
    ]


def missing(step, ticked, at=NOW):
    return missing_conditions(step, ticked, at, origin=BEIJING, destination=TOKYO)


@pytest.mark.parametrize("step", Degree)
def test_a_step_needs_every_tick_of_its_own(step):
    full = ticks(step)
    assert missing(step, full) == ()
    for left_out in full:
        rest = [row for row in full if row is not left_out]
        assert [(row.condition.code, row.side) for row in missing(step, rest)] == [(left_out.code, left_out.side)]


@pytest.mark.parametrize("step", Degree)
def test_no_tick_stands_for_another_side(step):
    turned = {BEIJING: TOKYO, TOKYO: None, None: BEIJING}
    for row in ticks(step):
        rest = [other for other in ticks(step) if other != row] + [replace(row, side=turned[row.side])]
        assert [(found.condition.code, found.side) for found in missing(step, rest)] == [(row.code, row.side)]


def test_a_tick_counts_from_its_instant_until_before_its_expiry():
    (contacts,) = (row for row in CONDITIONS if row.code == "contacts-named")
    end = NOW + timedelta(days=365)
    assert expiry_of(contacts, NOW) == end
    before = ticks(Degree.INCREMENTAL)
    assert missing(Degree.INCREMENTAL, before, NOW - timedelta(microseconds=1))
    assert missing(Degree.INCREMENTAL, before, end - timedelta(microseconds=1)) == ()
    assert Missing(contacts, BEIJING, end) in missing(Degree.INCREMENTAL, before, end)
    renewed = [*before, *ticks(Degree.INCREMENTAL, end)]
    assert missing(Degree.INCREMENTAL, renewed, end) == ()


def test_what_has_lapsed_of_any_step_is_shown():
    all_ticks = [row for step in Degree for row in ticks(step)]
    later = NOW + timedelta(days=400)
    lapsed = lapsed_conditions(Degree.UNILATERAL, all_ticks, later, origin=BEIJING, destination=TOKYO)
    assert {row.condition.code for row in lapsed} == {"contacts-named", "readiness-compared", "drill-done"}
    assert lapsed_conditions(Degree.FORMAL, all_ticks, NOW, origin=BEIJING, destination=TOKYO) == ()


@pytest.mark.parametrize(
    ("degree", "named", "other", "listed"),
    [
        (Degree.NONE, False, False, False),
        (Degree.INDIRECT, False, False, True),
        (Degree.INCREMENTAL, False, False, True),
        (Degree.UNILATERAL, True, False, True),
        (Degree.RESTRICTED, True, True, True),
        (Degree.RECIPROCAL, True, True, True),
        (Degree.FORMAL, True, True, True),
    ],
)
def test_what_each_degree_lets_through(degree, named, other, listed):
    assert corridor_is_open(degree, is_the_unilateral_one=True, of_listed_mechanism=False) is named
    assert corridor_is_open(degree, is_the_unilateral_one=False, of_listed_mechanism=False) is other
    assert corridor_is_open(degree, is_the_unilateral_one=False, of_listed_mechanism=True) is listed


FREE = replace(FORMAL, instrument="")


@pytest.mark.parametrize(
    ("degree", "terms", "misfits"),
    [
        (Degree.NONE, {}, []),
        (Degree.INCREMENTAL, {OUT: RESTRICTED, BACK: RESTRICTED}, []),
        (Degree.UNILATERAL, {}, [Misfit("no-corridor")]),
        (Degree.UNILATERAL, {OUT: FREE}, []),
        (Degree.UNILATERAL, {OUT: FREE, BACK: FREE}, [Misfit("one-corridor-only")]),
        (Degree.RESTRICTED, {OUT: RESTRICTED}, []),
        (Degree.RESTRICTED, {OUT: RESTRICTED, BACK: FREE}, [Misfit("restriction-missing", BACK)]),
        (Degree.RECIPROCAL, {OUT: RESTRICTED, BACK: FREE}, []),
        (Degree.RECIPROCAL, {BACK: FREE}, [Misfit("both-corridors")]),
        (Degree.FORMAL, {OUT: FORMAL, BACK: FORMAL}, []),
        (Degree.FORMAL, {OUT: FORMAL, BACK: replace(FORMAL, instrument="Another")}, [Misfit("instruments-differ")]),
        (
            Degree.FORMAL,
            {OUT: FREE, BACK: FREE},
            [Misfit("instrument-missing", OUT), Misfit("instrument-missing", BACK)],
        ),
        (
            Degree.FORMAL,
            {OUT: FORMAL, BACK: replace(RESTRICTED, instrument=FORMAL.instrument)},
            [Misfit("not-one-to-one", BACK), Misfit("quota", BACK)],
        ),
    ],
)
def test_terms_fit_a_degree_or_every_reason_is_told(degree, terms, misfits):
    assert list(terms_fit(degree, terms)) == misfits


@pytest.mark.parametrize(
    "limit",
    [
        {"entry_quota": EntryQuota(1, Measure.UNITS, Window.LIFE)},
        {"net_flow_limit": 1},
        {"holder_limit": 1},
        {"vintage_limits": (VintageLimit(2025, 1),)},
        {"use_quota": RESTRICTED.use_quota},
        {"reciprocity": ReciprocityClause(1, (), 2)},
    ],
    ids=lambda limit: next(iter(limit)),
)
def test_every_limit_is_a_quota(limit):
    assert not has_quota(FORMAL)
    assert not is_restricted(FORMAL)
    assert has_quota(replace(FORMAL, **limit))
    assert is_restricted(replace(FORMAL, **limit))


def test_a_discount_alone_restricts_without_a_quota():
    discounted = replace(FORMAL, rate=RESTRICTED.rate)
    assert is_restricted(discounted)
    assert not has_quota(discounted)


def test_a_formal_link_has_climbed_every_step():
    """From none to formal: at each step its own ticks are enough, and the terms in force then fit."""
    in_force = {
        Degree.UNILATERAL: {OUT: RESTRICTED},
        Degree.RESTRICTED: {OUT: RESTRICTED},
        Degree.RECIPROCAL: {OUT: RESTRICTED, BACK: RESTRICTED},
        Degree.FORMAL: {OUT: FORMAL, BACK: FORMAL},
    }
    degree = Degree.NONE
    while (step := step_after(degree)) is not None:
        terms = in_force.get(step, {})
        assert may_raise(degree, step)
        assert missing(step, ticks(step)) == ()
        assert terms_fit(step, terms) == ()
        degree = step
    assert degree is Degree.FORMAL
