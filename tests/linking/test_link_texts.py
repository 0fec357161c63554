"""What the rules of a link say by code is told in every language, and the printed page is the tables."""

import re

import pytest
from django.conf import settings
from django.utils import translation

from accounts.texts import text
from linking import printed_pages
from linking.rules.reciprocity import Level
from linking.rules.terms import TermsFault, terms_from
from tests.linking.terms_samples import document

# How the rules name a fault: by a word after its path. A path has a dot, an underscore or nothing.
FAULT = re.compile(r'fault\([^\n]*?"([a-z]+(?:-[a-z]+)*)"[,)]')
OTHERS = ("reserve-missing", "reserve-for-nothing")


def codes_of_faults() -> set[str]:
    rules = settings.BASE_DIR / "linking" / "rules"
    sources = [(rules / name).read_text(encoding="utf-8") for name in ("strict.py", "terms.py", "terms_consistency.py")]
    return {code for source in sources for code in FAULT.findall(source)} | set(OTHERS)


@pytest.mark.parametrize("folder", ["en", "zh_Hans", "ja", "ko"])
def test_the_faults_that_are_told_are_those_that_are_found(folder):
    told = (settings.BASE_DIR / f"locale/{folder}/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    assert set(re.findall(r'^msgid "terms-fault\.([a-z-]+)"$', told, re.MULTILINE)) == codes_of_faults()


@pytest.mark.parametrize("language", ["en", "zh-hans", "ja", "ko"])
def test_a_fault_fills_its_places(language):
    with pytest.raises(TermsFault) as refused:
        terms_from(document(version=0, margin="kept", unit_types=[], effective_from="now", instrument="x" * 501))
    with translation.override(language):
        told = [text(f"terms-fault.{row.code}", **dict(row.params)) for row in refused.value.faults]
    assert len(told) == 5
    assert "retired, pooled" in "".join(told)
    assert not any("{" in line or "terms-fault" in line for line in told)


@pytest.mark.parametrize("language", ["en", "zh-hans", "ja", "ko"])
def test_levels_and_equations_are_told(language):
    codes = [f"reciprocity-level.{level}" for level in Level]
    codes += [f"flow-equation.{code}" for code in ("issued", "entered", "abroad", "retired-abroad")]
    with translation.override(language):
        assert not {text(code) for code in codes} & set(codes)


def test_the_page_tells_every_field_and_condition():
    with translation.override("en"):
        page = printed_pages.pages()["agreements.md"]
    assert not re.search(r"\| (term|degree|condition|count)[a-z-]*\.", page)
    assert "| `use_quota[].within` |" in page
    assert "| `reciprocity.taper[].from` |" in page
