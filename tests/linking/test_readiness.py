"""The comparison of two designs, point by point, from small invented facts: every outcome, what is missing, and what if."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linking.rules.readiness import POINTS, Finding, Outcome, blocks, compare, reads, turns, with_rule
from linking.rules.readings import Fact, parse_value

SINCE = date(2020, 1, 1)
SAME, COMPATIBLE, NEEDS_RULE = Outcome.SAME, Outcome.COMPATIBLE, Outcome.NEEDS_RULE
MISSING, BLOCKS = Outcome.MISSING, Outcome.BLOCKS
OFFSET = {"kind": "offset credit, international"}
LIMIT = {"limit": "0.05", "base": "verified"}


def facts(*told: tuple[str, object], confidence: str = "V") -> tuple[Fact, ...]:
    return tuple(Fact(key, value, confidence, "a text", SINCE) for key, value in told)


def found(point: str, first: tuple[Fact, ...], second: tuple[Fact, ...]) -> Finding:
    return next(finding for finding in compare(first, second) if finding.point == point)


# point: one side's facts, the other's, outcome, reason, whom it concerns.
CASES = [
    ("legal-basis", [("legal-basis", "an act")], [("legal-basis", "an ordinance")], COMPATIBLE, "legal-basis.alike"),
    ("legal-basis", [("legal-basis", "an act")], [("legal-basis", "an act")], SAME, "same"),
    (
        "legal-basis",
        [("legal-basis", "an act")],
        [("legal-basis", "a national act"), ("caveat", "The city runs no legal ETS of its own.")],
        BLOCKS,
        "legal-basis.none",
    ),
    ("legal-basis", [("legal-basis", "an act")], [("legal-basis", "none")], BLOCKS, "legal-basis.none"),
    ("legal-basis", [("legal-basis", "an act")], [], BLOCKS, "legal-basis.missing"),
    ("cap-type", [("cap.type", "absolute")], [("cap.type", "absolute, summed")], COMPATIBLE, "alike"),
    ("cap-type", [("cap.type", "hybrid")], [("cap.type", "absolute")], NEEDS_RULE, "cap-type.unlike"),
    ("cap-type", [("cap.type", "intensity")], [("phase", {"n": 4, "total_Mt": "9.5"})], NEEDS_RULE, "cap-type.unlike"),
    ("cap-type", [("cap.type", "absolute")], [("phase", {"n": 4, "cap_Mt": [5, 4]})], COMPATIBLE, "alike"),
    ("cap-type", [("cap.type", "absolute")], [("phase", {"n": 4})], MISSING, "unread"),
    ("cap-type", [("cap.type", "absolute")], [("cap.type", "no cap")], BLOCKS, "cap-type.none"),
    ("cap-type", [("cap.type", "absolute")], [("cap.type", {"kind": "none"})], BLOCKS, "cap-type.none"),
    ("cap-type", [("cap.type", "absolute")], [], MISSING, "missing"),
    ("cap-type", [("cap.type", "absolute")], [("cap.type", "something new")], MISSING, "unread"),
    ("coverage", [("threshold", "25000 t")], [("coverage.1", "25 kL"), ("threshold", "5 t")], COMPATIBLE, "coverage.unlike"),
    ("coverage", [("threshold", "25000 t")], [("threshold.1", "25000 t")], SAME, "same"),
    ("mrv", [("reporting", "verified by third parties")], [("calendar.certification", "05-31")], COMPATIBLE, "mrv.alike"),
    ("mrv", [("reporting", "verified by third parties")], [("verification", "not verified")], BLOCKS, "mrv.none"),
    ("mrv", [("reporting", "verified by third parties")], [("calendar.report", "03-31")], BLOCKS, "mrv.missing"),
    ("mrv", [("reporting", "verified by third parties")], [], BLOCKS, "mrv.missing"),
    ("allocation", [("allocation", "free")], [("allocation", "auction")], COMPATIBLE, "alike"),
    ("allocation", [("allocation", "free")], [("phase", {"n": 4, "auction": "0.10"})], COMPATIBLE, "alike"),
    ("allocation", [("allocation", "free")], [("issuance", "no up-front allocation")], NEEDS_RULE, "allocation.unlike"),
    ("offsets", [("offset.limit", LIMIT)], [("offset.limit", LIMIT)], SAME, "same"),
    ("offsets", [("offset.limit", LIMIT)], [("offset.limit", LIMIT | {"note": "as read"})], COMPATIBLE, "alike"),
    ("offsets", [("offset.limit", LIMIT)], [("offset.limit", {"limit": "0.10"})], NEEDS_RULE, "offsets.unlike"),
    ("offsets", [("offset.limit", LIMIT)], [("unit.X", OFFSET)], MISSING, "unread"),
    (
        "offsets",
        [("offset.limit", LIMIT), ("unit.X", OFFSET)],
        [("offset.limit", LIMIT), ("offset.forbidden", "international")],
        BLOCKS,
        "forbidden",
    ),
    (
        "offsets",
        [("offset.limit", LIMIT), ("unit.X", OFFSET)],
        [("offset.limit", LIMIT), ("offset.forbidden.1", {"kinds": ["Y", "X"]})],
        BLOCKS,
        "forbidden",
    ),
    (
        "offsets",
        [("offset.limit", LIMIT), ("unit.X", OFFSET)],
        [("offset.limit", {"limit": "0.10", "international": "0.0"})],
        BLOCKS,
        "forbidden",
    ),
    ("banking", [("banking", "may be carried over")], [("banking", "unlimited")], COMPATIBLE, "alike"),
    ("banking", [("banking", "may be carried over")], [("banking", "next period only")], NEEDS_RULE, "banking.unlike"),
    ("banking", [("banking.limit", "5 x sales")], [("banking.limit", "3 x sales")], NEEDS_RULE, "banking.unlike"),
    ("banking", [("banking", "not allowed")], [("banking", "none")], SAME, "both-none"),
    ("borrowing", [("borrowing", "not allowed")], [("borrowing", "allowed")], NEEDS_RULE, "borrowing.unlike"),
    ("borrowing", [("borrowing", "not allowed")], [("borrowing", "none")], SAME, "both-none"),
    ("price", [("price.management", "a band")], [("market-stability", "a reserve")], NEEDS_RULE, "price.alike"),
    ("price", [("price.management", "none")], [("market-stability", "a reserve")], NEEDS_RULE, "price.unlike"),
    ("price", [("price.management", "none")], [], MISSING, "missing"),
    (
        "compliance-period",
        [("compliance-period", "calendar year")],
        [("period", {"n": 4, "from": "2025-04-01", "to": "2030-03-31"})],
        NEEDS_RULE,
        "compliance-period.unlike",
    ),
    ("compliance-period", [("compliance-period", "calendar year")], [("fiscal-year", "from April")], MISSING, "unread"),
    ("deadline", [("calendar.surrender", "06-30")], [("period", {"true_up": "2031-09-30"})], NEEDS_RULE, "deadline.unlike"),
    ("deadline", [("calendar.surrender", "06-30")], [("period", {"n": 4})], MISSING, "missing"),
    ("penalty", [("penalty", "3 x price")], [("penalty", "a fine")], NEEDS_RULE, "penalty.unlike"),
    ("penalty", [("penalty", "3 x price")], [("penalty", "none")], BLOCKS, "penalty.none"),
    ("units", [("unit.A", {"kind": "allowance"})], [("unit.B", {"kind": "allowance"})], NEEDS_RULE, "units.unlike"),
    ("units", [("unit.A", {"kind": "allowance"})], [("unit.B", {"own_use_only": "yes"})], BLOCKS, "units.none"),
    ("units", [("unit.A", {"kind": "allowance"})], [], MISSING, "missing"),
    ("gases", [("unit.A", {"unit": "1 tCO2"})], [("unit.B", {"unit": "1 tCO2e"})], NEEDS_RULE, "gases.unlike"),
    ("gases", [("unit.A", {"unit": "1 tCO2"})], [("unit.B", {"unit": "1 tCO2"})], COMPATIBLE, "alike"),
    ("gases", [("unit.A", {"unit": "1 tCO2"})], [("unit.B", {"kind": "allowance"})], MISSING, "missing"),
    ("registry", [("registry-name", "A")], [("registry-system", "B")], NEEDS_RULE, "registry.unlike"),
    ("registry", [("registry-name", "A")], [("registry-system", "none")], BLOCKS, "registry.none"),
    ("safeguards", [("transaction.delay", {"hour": 12})], [("transaction.delay", {"hour": 12})], SAME, "same"),
    ("safeguards", [("transaction.delay", {"hour": 12})], [("transaction.delay", {"hour": 9})], NEEDS_RULE, "safeguards.unlike"),
    ("currency", [("currency", "CNY")], [("currency", "JPY")], COMPATIBLE, "currency.unlike"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("point", "one", "other", "outcome", "reason"), CASES, ids=[f"{c[0]}-{c[4]}-{n}" for n, c in enumerate(CASES)]
)
def test_each_point_has_the_outcome_that_its_facts_support(point, one, other, outcome, reason):
    finding = found(point, facts(*one), facts(*other))
    assert (finding.outcome, finding.reason) == (outcome, reason)
    assert bool(finding.terms) == (outcome is NEEDS_RULE)
    if outcome in {MISSING, BLOCKS}:
        # The case's second side is at fault, or the one in which the thing is forbidden.
        assert finding.concerns == (1,)
        assert finding.missing == ((1,) if reason.endswith(("missing", "unread")) else ())


def test_every_point_has_a_case_and_every_need_of_a_rule_names_its_term():
    assert {case[0] for case in CASES} == set(POINTS)
    for point in POINTS.values():
        assert bool(point.terms) == (NEEDS_RULE in {point.alike, point.unlike})


def test_with_no_fact_at_all_nothing_is_guessed_and_only_what_a_link_rests_on_blocks():
    found_without = compare((), ())
    assert {finding.outcome for finding in found_without} == {MISSING, BLOCKS}
    assert [finding.point for finding in blocks(found_without)] == ["legal-basis", "mrv"]
    assert all(finding.missing == (0, 1) for finding in found_without)


@pytest.mark.parametrize(
    ("confidence", "marked"), [("V", False), ("D", False), ("RH", False), ("RM", True), ("RL", True)]
)
def test_what_rests_on_a_recalled_fact_is_to_be_confirmed(confidence, marked):
    read, recalled = facts(("cap.type", "absolute")), facts(("cap.type", "hybrid"), confidence=confidence)
    assert found("cap-type", read, recalled).to_be_confirmed is marked
    # A fact that the point does not read does not bear on it.
    assert not found("borrowing", read, recalled).to_be_confirmed


def test_what_is_forbidden_on_both_sides_names_both_and_the_kinds():
    side = facts(("offset.forbidden", ["X", "Y"]), ("unit.X", OFFSET), ("unit.Y", OFFSET))
    finding = found("offsets", side, side)
    assert (finding.concerns, finding.words) == ((0, 1), ("X", "Y"))


def test_what_only_the_own_side_forbids_and_has_blocks_nothing():
    side = facts(("offset.forbidden", "X"), ("unit.X", OFFSET), ("offset.limit", LIMIT))
    assert found("offsets", side, facts(("offset.limit", LIMIT))).outcome is COMPATIBLE


KEYS = sorted(
    {key for point in POINTS.values() for key in point.keys} | {"unit.X", "banking.limit", "offset.limit.outside"}
)
TEXTS = st.sampled_from(
    ["none", "not allowed", "allowed", "absolute", "hybrid", "no cap", "verified", "limit 5", "free", "afterwards",
     "runs no legal ETS of its own", "1 tCO2", "1 tCO2e", "no price", "international", "北京", ""]
)  # fmt: skip
VALUES = st.recursive(
    TEXTS | st.integers(-1, 3),
    lambda values: (
        st.lists(values, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "kind",
                    "kinds",
                    "limit",
                    "international",
                    "base",
                    "own_use_only",
                    "unit",
                    "true_up",
                    "total_Mt",
                    "years",
                ]
            ),
            values,
            max_size=4,
        )
    ),
    max_leaves=6,
)
MARKS = st.sampled_from(["V", "D", "RH", "RM", "RL"])
SIDES = st.dictionaries(st.sampled_from(KEYS), st.tuples(VALUES, MARKS), max_size=12).map(
    lambda told: tuple(Fact(key, value, mark, "a text", SINCE) for key, (value, mark) in told.items())
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SIDES, SIDES)
def test_with_the_sides_exchanged_the_outcomes_are_the_same_with_sides_exchanged(first, second):
    for one, other in zip(compare(first, second), compare(second, first), strict=True):
        assert (one.outcome, one.reason, one.words) == (other.outcome, other.reason, other.words)
        assert one.sides == other.sides[::-1]
        assert one.concerns == tuple(sorted(1 - place for place in other.concerns))
        assert one.to_be_confirmed == other.to_be_confirmed


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SIDES, SIDES, st.data())
def test_a_proposed_rule_that_holds_already_turns_nothing(first, second, data):
    before = compare(first, second)
    for fact in first:
        assert turns(before, compare(with_rule(first, fact.key, fact.value, SINCE), second)) == ()
    # What ends and is proposed again as it was reads as before, but for its mark.
    if first:
        fact = data.draw(st.sampled_from(first))
        again = with_rule(with_rule(first, fact.key, None, SINCE), fact.key, fact.value, SINCE)
        assert turns(before, compare(again, second)) == ()


@settings(max_examples=300, deadline=None, derandomize=True)
@given(SIDES, SIDES, st.sampled_from(KEYS), VALUES)
def test_a_proposed_rule_turns_only_points_that_read_it(first, second, key, value):
    turned = turns(compare(first, second), compare(with_rule(first, key, value, SINCE), second))
    assert {turn.before.point for turn in turned} <= set(reads(key))
    assert all(turn.before.outcome is not turn.after.outcome for turn in turned)


def test_a_rule_proposed_as_it_holds_keeps_its_mark_and_its_source():
    side = facts(("cap.type", "absolute"), confidence="RM")
    assert with_rule(side, "cap.type", "absolute", date(2027, 1, 1)) == side
    [proposed] = with_rule(side, "cap.type", "hybrid", date(2027, 1, 1))
    assert (proposed.confidence, proposed.source, proposed.valid_from) == ("V", "proposed", date(2027, 1, 1))


def test_a_rule_ended_is_a_fact_that_is_missing():
    side = facts(("cap.type", "absolute"))
    [turn] = turns(compare(side, side), compare(with_rule(side, "cap.type", None, SINCE), side))
    assert (turn.before.outcome, turn.after.outcome, turn.after.missing) == (SAME, MISSING, (0,))


def test_points_are_found_by_the_rules_that_they_read():
    assert reads("unit.BEA") == ("offsets", "units", "gases")
    assert reads("period") == ("compliance-period", "deadline")
    assert reads("periodical") == reads("price") == reads("") == ()


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("not allowed", "not allowed"),
        ("5", "5"),
        ('{"limit": "0.05", "years": [2026, 2027]}', {"limit": "0.05", "years": [2026, 2027]}),
        (' ["X"]', ["X"]),
    ],
)
def test_a_value_is_typed_as_a_text_or_as_an_object(typed, value):
    assert parse_value(typed) == value


@pytest.mark.parametrize(
    "typed",
    ["{", "[1.5]", "[1e3]", "[NaN]", "[null]", "[[[[1]]]]", "[" * 2_000, '{"a": "\\ud800"}', '["\\udfff"]'],
)
def test_a_value_of_anything_else_is_refused(typed):
    with pytest.raises(ValueError):
        parse_value(typed)
