"""Terms are read whole or refused with every fault; what is read prints back; no change of a document goes unnoticed."""

import hashlib
import json
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.canonical import canonical_json
from linking.rules import strict
from linking.rules.rates import Rate
from linking.rules.terms import (
    Terms,
    TermsFault,
    VintageLimit,
    digest_of,
    document_of,
    terms_from,
)
from tests.linking.properties import SAME_EXAMPLES
from tests.linking.terms_samples import document
from tests.linking.terms_strategies import SCALARS, Json, documents, mutations


def faults_of(wrong: object) -> list[tuple[str, str]]:
    with pytest.raises(TermsFault) as refused:
        terms_from(wrong)
    return [(row.path, row.code) for row in refused.value.faults]


def changed(path: str, value: object) -> Json:
    """The sample with one member, named by its path, set to a value."""
    result = document()
    *above, last = path.split(".")
    place: Any = result
    for step in above:
        place = place[int(step)] if isinstance(place, list) else place[step]
    if isinstance(place, list):
        place[int(last)] = value
    else:
        place[last] = value
    return result


def test_the_sample_is_read_and_prints_back():
    terms = terms_from(document())
    assert document_of(terms) == document()
    assert digest_of(terms) == digest_of(document())
    assert terms.rate.rate == Rate(4, 5)
    assert terms.effective_from == datetime(2026, 7, 1, tzinfo=UTC)
    assert terms.vintage_limits == (VintageLimit(2024, 15_000), VintageLimit(2025, 20_000))
    assert [terms.limit_of_vintage(vintage) for vintage in (2024, 2026)] == [15_000, None]
    assert [terms.recognises_vintage(vintage) for vintage in (2019, 2020, 2026, 2027)] == [False, True, True, False]


def test_a_document_read_from_its_canonical_bytes_is_the_same():
    assert terms_from(json.loads(canonical_json(document()))) == terms_from(document())


def test_the_digest_is_of_every_byte_of_the_canonical_document():
    printed = canonical_json(document())
    assert printed == json.dumps(document(), sort_keys=True, separators=(",", ":")).encode()
    assert digest_of(document()) == hashlib.sha256(printed).hexdigest()
    # For who recomputes it elsewhere; another digest here is another form of what was signed.
    assert digest_of(document()) == "e23c3568444b016b67b13954ad7f17e394b162bb886a0375757ab8fd8533fafd"


def test_what_may_be_left_out_is_null():
    bare = document(
        first_vintage=None,
        last_vintage=None,
        entry_quota=None,
        net_flow_limit=None,
        vintage_limits={},
        holder_limit=None,
        use_quota=[],
        reciprocity=None,
        settlement_days=["2026-07-15", "2026-08-15"],
    )
    terms = terms_from(bare)
    assert document_of(terms) == bare
    assert terms.recognises_vintage(1999)
    assert terms.settlement_days == (date(2026, 7, 15), date(2026, 8, 15))


def test_every_field_of_the_terms_is_a_member_of_the_document():
    assert [field.name for field in fields(Terms)] == list(strict.members_of(Terms)) == list(document())


WRONG: list[tuple[str, object, str, str]] = [
    ("corridor", None, "corridor", "not-an-object"),
    ("corridor.origin", "Beijing", "corridor.origin", "malformed"),
    ("corridor.destination", "CN-BJ", "corridor.destination", "same-as-origin"),
    ("version", 0, "version", "out-of-range"),
    ("version", True, "version", "not-an-integer"),
    ("version", 1.0, "version", "not-an-integer"),
    ("effective_from", "2026-07-01T00:00:00+00:00", "effective_from", "malformed"),
    ("effective_from", "2026-07-01T00:00:00.5Z", "effective_from", "malformed"),
    ("effective_from", "2026-07-01T00:00:00", "effective_from", "malformed"),
    ("effective_from", "2026-07-01T09:00:00+09:00", "effective_from", "malformed"),
    ("effective_from", "0001-01-01T00:00:00+09:00", "effective_from", "malformed"),
    ("effective_from", 20260701, "effective_from", "malformed"),
    ("notice_days", -1, "notice_days", "out-of-range"),
    ("last_settlement_days", 3651, "last_settlement_days", "out-of-range"),
    ("unit_types", [], "unit_types", "count"),
    ("unit_types", "BEA", "unit_types", "not-a-list"),
    ("unit_types", ["PHR", "BEA"], "unit_types", "not-in-order"),
    ("unit_types", ["BEA", "BEA"], "unit_types", "not-in-order"),
    ("unit_types", ["bea"], "unit_types.0", "malformed"),
    ("first_vintage", "2020", "first_vintage", "not-an-integer"),
    ("first_vintage", 999, "first_vintage", "out-of-range"),
    ("account_types", ["OHAX"], "account_types.0", "malformed"),
    ("rate.kind", "gift", "rate.kind", "not-one-of"),
    ("rate.numerator", 0, "rate.numerator", "out-of-range"),
    ("rate.denominator", 2**31, "rate.denominator", "out-of-range"),
    ("rate.exceeds_one", 0, "rate.exceeds_one", "not-a-flag"),
    ("rate.exceeds_one", True, "rate.exceeds_one", "flag-is-not-the-rate"),
    ("rate.reserve", 1, "rate.reserve", "reserve-for-nothing"),
    ("rate.denominator", 6, "rate.numerator", "not-lowest"),
    ("rate.mitigation_value.denominator", 10, "rate.mitigation_value.numerator", "not-lowest"),
    ("rate.compliance_value.source", "", "rate.compliance_value.source", "length"),
    ("rate.compliance_value.source", " blank", "rate.compliance_value.source", "unseen-signs"),
    ("rate.compliance_value.source", "two\nlines", "rate.compliance_value.source", "unseen-signs"),
    ("rate.compliance_value.source", "right to left \u202e", "rate.compliance_value.source", "unseen-signs"),
    ("rate.compliance_value.source", "half of a pair \ud800", "rate.compliance_value.source", "unseen-signs"),
    ("rate.compliance_value.source", "e\u0301", "rate.compliance_value.source", "not-nfc"),
    ("rate.compliance_value.source", None, "rate.compliance_value.source", "not-a-text"),
    ("entry_quota.limit", -1, "entry_quota.limit", "out-of-range"),
    ("entry_quota.measure", "tonnes", "entry_quota.measure", "not-one-of"),
    ("entry_quota.window", [], "entry_quota.window", "not-one-of"),
    ("net_flow_limit", -1, "net_flow_limit", "out-of-range"),
    ("vintage_limits", [], "vintage_limits", "not-an-object"),
    ("vintage_limits", {"20": 1}, "vintage_limits.20", "not-a-vintage"),
    ("vintage_limits", {2025: 1}, "vintage_limits.2025", "not-a-vintage"),
    ("vintage_limits", {"2025": -1}, "vintage_limits.2025", "out-of-range"),
    ("vintage_limits", {"2019": 1}, "vintage_limits.2019", "vintage-not-recognised"),
    ("holder_limit", False, "holder_limit", "not-an-integer"),
    ("use_quota.0.name", "Foreign", "use_quota.0.name", "malformed"),
    ("use_quota.0.origins", [], "use_quota.0.origins", "count"),
    ("use_quota.0.origins", ["KR-11"], "use_quota.0.origins", "origin-not-counted"),
    ("use_quota.0.base", "obligation", "use_quota.0.base", "not-one-of"),
    ("use_quota.0.numerator", 11, "use_quota.0.numerator", "share-above-one"),
    ("use_quota.0.numerator", 2, "use_quota.0.numerator", "not-lowest"),
    ("use_quota.0.window", "life", "use_quota.0.window", "not-one-of"),
    ("use_quota.1.name", "foreign", "use_quota.1.name", "named-twice"),
    ("use_quota.1.within", "nothing", "use_quota.1.within", "no-such-node"),
    ("use_quota.0.within", "beijing", "use_quota.0.within", "within-itself"),
    ("use_quota.0.within", "foreign", "use_quota.0.within", "within-itself"),
    ("use_quota.0.unit_types", ["PHR"], "use_quota.1.within", "counts-less"),
    ("use_quota.1.unit_types", [], "use_quota.0.name", ""),
    ("reciprocity.warn", 30_001, "reciprocity.taper.0.from", "outside-the-clause"),
    ("reciprocity.suspend", 39_999, "reciprocity.taper.1.from", "outside-the-clause"),
    ("reciprocity.suspend", 0, "reciprocity.suspend", "out-of-range"),
    ("reciprocity.suspend", 19_999, "reciprocity.suspend", "below-warn"),
    ("reciprocity.taper.0.numerator", 3, "reciprocity.taper.0.numerator", "share-above-one"),
    ("reciprocity.taper.0.numerator", 2, "reciprocity.taper.0.numerator", "not-lowest"),
    ("reciprocity.taper.1.from", 30_000, "reciprocity.taper.1.from", "not-rising"),
    ("reciprocity.taper.1.denominator", 2, "reciprocity.taper.1.numerator", "not-falling"),
    ("settlement_days", "some", "settlement_days", "not-one-of"),
    ("settlement_days", [], "settlement_days", "count"),
    ("settlement_days", ["2026-7-15"], "settlement_days.0", "malformed"),
    ("settlement_days", ["20260715"], "settlement_days.0", "malformed"),
    ("settlement_days", ["2026-08-15", "2026-07-15"], "settlement_days", "not-in-order"),
    ("margin", "kept", "margin", "not-one-of"),
    ("hold_on_freeze_days", None, "hold_on_freeze_days", "not-an-integer"),
    ("good_faith", "", "good_faith", "not-one-of"),
    ("delinking.policy", "leave", "delinking.policy", "not-one-of"),
    ("delinking.sunset_days", 0, "delinking.sunset_days", "sunset-without-days"),
    ("delinking.under_way", None, "delinking.under_way", "not-one-of"),
    ("instrument", None, "instrument", "not-a-text"),
    ("instrument", "x" * 501, "instrument", "length"),
]


@pytest.mark.parametrize(
    ("path", "value", "at", "code"), WRONG, ids=lambda part: str(part)[:40].encode("unicode_escape").decode()
)
def test_a_wrong_term_is_refused_where_it_stands(path, value, at, code):
    if code:
        assert (at, code) in faults_of(changed(path, value))
    else:
        terms_from(changed(path, value))


@SAME_EXAMPLES
@given(documents())
def test_what_is_printed_is_read_as_the_same(valid):
    terms = terms_from(valid)
    assert document_of(terms) == valid
    assert terms_from(document_of(terms)) == terms
    assert terms_from(json.loads(canonical_json(document_of(terms)))) == terms


@SAME_EXAMPLES
@given(mutations())
def test_any_one_change_is_refused_or_changes_the_digest(both):
    valid, other = both
    try:
        terms = terms_from(other)
    except TermsFault:
        return
    assert document_of(terms) == other
    # JSON's own equality, in which true is not 1.
    same = json.dumps(other, sort_keys=True) == json.dumps(valid, sort_keys=True)
    assert (digest_of(terms) == digest_of(valid)) == same


@SAME_EXAMPLES
@given(
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    )
)
def test_what_is_no_document_is_refused_and_never_an_error(anything):
    with pytest.raises(TermsFault):
        terms_from(anything)
    with pytest.raises(TermsFault):
        terms_from(document(rate=anything))


def test_every_fault_is_named_at_once():
    wrong = document(version=True, margin="kept", extra=1)
    del wrong["instrument"]
    assert faults_of(wrong) == [
        ("extra", "unknown"),
        ("instrument", "missing"),
        ("version", "not-an-integer"),
        ("margin", "not-one-of"),
    ]


def test_a_rate_above_one_needs_its_kind_its_flag_and_a_reserve():
    rate = {**terms_rate(), "numerator": 5, "denominator": 4}
    assert faults_of(document(rate=rate)) == [
        ("rate.kind", "discount-above-one"),
        ("rate.exceeds_one", "flag-is-not-the-rate"),
        ("rate.reserve", "reserve-missing"),
    ]
    assert terms_from(document(rate={**rate, "kind": "exchange", "exceeds_one": True, "reserve": 1})).rate.rate == Rate(
        5, 4
    )


def test_the_lowest_terms_are_said():
    with pytest.raises(TermsFault) as refused:
        terms_from(changed("rate.denominator", 6))
    assert refused.value.faults[0].params == (("denominator", 3), ("numerator", 2))


def test_limits_within_a_window_need_the_entry_quota_that_says_it():
    assert faults_of(document(entry_quota=None)) == [
        ("vintage_limits", "needs-entry-quota"),
        ("holder_limit", "needs-entry-quota"),
        ("reciprocity.taper", "needs-entry-quota"),
    ]


def terms_rate() -> Json:
    rate = document()["rate"]
    assert isinstance(rate, dict)
    return rate
