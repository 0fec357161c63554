"""People sign what they read: every term is in the text, and no change of a term leaves the text or the digest as it was."""

from typing import Any

import pytest
from django.conf import settings
from django.utils import translation
from hypothesis import given

from linking.agreement_text import agreement_text, languages_of, sections_of
from linking.rules.terms import TermsFault, digest_of, terms_from
from tests.linking.properties import SAME_EXAMPLES
from tests.linking.terms_samples import document
from tests.linking.terms_strategies import documents, mutations, places

LANGUAGES = ["en", "zh-hans", "ja", "ko"]
ALL = languages_of("zh-hans", "ja", "ko")
TERMS = terms_from(document())
EXCHANGE = {"kind": "exchange", "numerator": 5, "denominator": 4, "exceeds_one": True, "reserve": 7}


def with_change(*changes: tuple[str, Any]) -> dict[str, Any]:
    """The sample with members set by their paths."""
    result = document()
    for path, value in changes:
        *above, last = path.split(".")
        place: Any = result
        for step in above:
            place = place[int(step)] if isinstance(place, list) else place[step]
        place[int(last) if isinstance(place, list) else last] = value
    return result


# For each field one other value that is valid too, by its path in the sample.
OTHERWISE: dict[str, Any] = {
    "corridor.origin": "KR-11",
    "corridor.destination": "KR-11",
    "version": 2,
    "effective_from": "2026-07-01T00:00:01Z",
    "notice_days": 31,
    "last_settlement_days": 15,
    "unit_types.0": "PHR",
    "first_vintage": 2021,
    "last_vintage": 2027,
    "account_types.1": "ISS",
    "rate.kind": "exchange",
    "rate.numerator": 3,
    "rate.denominator": 7,
    "rate.mitigation_value.numerator": 1,
    "rate.mitigation_value.denominator": 7,
    "rate.mitigation_value.source": "Another",
    "rate.compliance_value.numerator": 3,
    "rate.compliance_value.denominator": 7,
    "rate.compliance_value.source": "Another",
    "entry_quota.limit": 100_001,
    "entry_quota.measure": "units",
    "entry_quota.window": "life",
    "net_flow_limit": None,
    "vintage_limits.2024": 15_001,
    "vintage_limits.2025": 20_001,
    "holder_limit": None,
    "use_quota.0.unit_types": ["BEA", "PHR"],
    "use_quota.0.origins.1": "JP-13",
    "use_quota.0.base": "required-reduction",
    "use_quota.0.numerator": 3,
    "use_quota.0.denominator": 9,
    "use_quota.0.window": "year",
    "use_quota.1.name": "other",
    "use_quota.1.within": None,
    "use_quota.1.unit_types.0": "PHR",
    "use_quota.1.base": "verified-emissions",
    "use_quota.1.numerator": 3,
    "use_quota.1.denominator": 19,
    "use_quota.1.window": "period",
    "reciprocity.warn": 19_999,
    "reciprocity.taper.0.from": 30_001,
    "reciprocity.taper.0.numerator": 1,
    "reciprocity.taper.0.denominator": 3,
    "reciprocity.taper.1.from": 40_001,
    "reciprocity.taper.1.numerator": 0,
    "reciprocity.taper.1.denominator": 5,
    "reciprocity.suspend": 50_001,
    "settlement_days": "any",
    "margin": "pooled",
    "hold_on_freeze_days": 0,
    "good_faith": "units-go-back",
    "delinking.policy": "honour",
    "delinking.notice_days": 91,
    "delinking.sunset_days": 366,
    "delinking.under_way": "reverse",
    "instrument": "A treaty",
}
# What is valid only together with another field.
TOGETHER: dict[str, list[tuple[str, Any]]] = {
    "corridor.origin": [("use_quota.1.origins", ["KR-11"])],
    "account_types.1": [("account_types", ["EXS", "ISS", "TRA"])],
    "use_quota.0.origins.1": [],
    "reciprocity.taper.0.numerator": [("reciprocity.taper.0.denominator", 3)],
    "reciprocity.taper.1.numerator": [("reciprocity.taper.1.denominator", 1)],
}
# Told by the cases of their own below: each is one with another field.
ELSEWHERE = {
    "rate.exceeds_one",
    "rate.reserve",
    "account_types.0",
    "account_types.2",
    "use_quota.0.name",
    "use_quota.0.within",
    "use_quota.0.origins.0",
    "use_quota.1.origins.0",
}
CASES = {path: [(path, value), *TOGETHER.get(path, [])] for path, value in OTHERWISE.items()} | {
    "rate above one": [(f"rate.{name}", value) for name, value in EXCHANGE.items()],
    "another name of a node around": [("use_quota.0.name", "linked"), ("use_quota.1.within", "linked")],
    "another node around": [
        ("use_quota.0.within", "beijing"), ("use_quota.1.within", None),
        ("use_quota.1.unit_types", []), ("use_quota.1.origins", ["CN-BJ", "KR-11"]),
    ],
    "no vintages": [("first_vintage", None)],
    "no last vintage": [("last_vintage", None)],
    "no entry quota": [("entry_quota", None), ("vintage_limits", {}), ("holder_limit", None), ("reciprocity", None)],
    "no clause": [("reciprocity", None)],
    "no taper": [("reciprocity.taper", [])],
    "no use quota": [("use_quota", [])],
    "days": [("settlement_days", ["2026-07-15", "2026-08-14"])],
    "other days": [("settlement_days", ["2026-07-15", "2026-08-15"])],
}  # fmt: skip


def printed(language: str, of: dict[str, Any]) -> str:
    """The text without the line of the digest: what the sentences alone say."""
    return "\n".join(
        line for line in agreement_text(terms_from(of), [language]).splitlines() if digest_of(of) not in line
    )


def test_the_cases_change_every_field():
    leaves = {".".join(map(str, path)) for path in places(document()) if path}
    leaves -= {path.rpartition(".")[0] for path in leaves}
    # The empty list of unit types is a leaf: it says all of them.
    assert leaves == set(OTHERWISE) | ELSEWHERE
    assert not set(OTHERWISE) & ELSEWHERE


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("case", CASES)
def test_a_change_of_any_one_term_changes_the_sentences_and_the_digest(case, language):
    other = with_change(*CASES[case])
    assert digest_of(terms_from(other)) != digest_of(TERMS)
    assert printed(language, other) != printed(language, document())


@SAME_EXAMPLES
@given(mutations())
def test_two_documents_never_read_the_same_in_any_language(both):
    valid, other = both
    try:
        terms_from(other)
    except TermsFault:
        return
    if digest_of(other) != digest_of(valid):
        for language in LANGUAGES:
            assert printed(language, other) != printed(language, valid)


@SAME_EXAMPLES
@given(documents())
def test_every_term_has_its_sentence_in_every_language(valid):
    terms = terms_from(valid)
    for language in LANGUAGES:
        with translation.override(language):
            said = [sentence for _, sentences in sections_of(terms) for sentence in sentences]
        assert {sentence.field.partition(".")[0] for sentence in said} == set(valid)
        assert not any("agreement." in sentence.says for sentence in said)
    assert "agreement." not in agreement_text(terms, ALL)


def test_the_text_is_in_the_languages_of_both_sides_and_in_english():
    assert languages_of("zh-Hans", "ja") == ("zh-hans", "ja", "en")
    assert languages_of("ko", "ko") == ("ko", "en")
    assert languages_of("en", "xx") == ("en",)
    text = agreement_text(TERMS, languages_of("zh-Hans", "ja"))
    assert text.count(digest_of(TERMS)) == 3
    assert [text.count(part) for part in ("承认的范围", "認める範囲", "What is recognised\n", "인정의 범위")] == [
        1,
        1,
        1,
        0,
    ]


def test_the_same_terms_print_the_same_text_whatever_language_is_active():
    texts = set()
    for language in LANGUAGES:
        with translation.override(language):
            texts.add(agreement_text(TERMS, ALL))
    assert len(texts) == 1


def test_the_numbers_of_the_terms_are_read_in_every_language():
    for language in LANGUAGES:
        text = printed(language, document())
        for shown in (
            "CN-BJ",
            "JP-13",
            "2026-07-01T00:00:00Z",
            "BEA",
            "4/5",
            "100,000",
            "50,000",
            "10,000",
            "1/20",
            "365",
            "foreign",
        ):
            assert shown in text


def test_seoul_is_never_named_without_its_caveat():
    with translation.override("en"):
        caveat = translation.gettext("jurisdiction.KR-11.caveat")
    assert caveat in agreement_text(TERMS, ["en"])
    alone = terms_from(document(use_quota=[]))
    assert caveat not in agreement_text(alone, ["en"])


def test_what_has_no_name_here_is_told_by_its_code():
    strange = document(unit_types=["XYZ"], account_types=["QQQ"], corridor={"origin": "CN-BJ", "destination": "FR-75"})
    text = agreement_text(terms_from(strange), ["en"])
    assert "recognised by FR-75 as" in text
    assert "recognised: XYZ." in text
    assert "receive them: QQQ." in text


@pytest.mark.parametrize("language", [language for language, _ in settings.LANGUAGES])
def test_a_brace_in_a_source_is_only_a_sign(language):
    of = with_change(("rate.compliance_value.source", "§ 5 {units} %(x)s"))
    assert "§ 5 {units} %(x)s" in printed(language, of)
