"""The facts file: every fact becomes a dated rule with its mark, and what was only recalled is shown so."""

import json
from pathlib import Path

from django.test import Client

from accounts.models import DatedRule, Jurisdiction
from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
from accounts.seed import facts
from accounts.seed.defaults import default_rules
from tests.accounts.samples import NOON, REGISTRY

FILE = json.loads(Path(facts.FILE).read_text(encoding="utf-8"))
# Sections of the file for each jurisdiction, counted by hand.
SECTIONS = {"BJ": 25, "TK": 28, "SE": 22}


def test_the_file_is_whole():
    assert {name: len(FILE[name]) for name in SECTIONS} == SECTIONS


def test_every_section_is_a_rule_of_its_jurisdiction():
    for name, sections in facts.read_facts().items():
        sources = " ".join(rule.source for rule in facts.rules_of(name, sections))
        missing = [
            section for section in sections if f"{name}/{section}" not in sources and f"{section}" not in sources
        ]
        assert missing == []


def test_three_jurisdictions_are_set_up_once_with_marks_and_seouls_caveat(db):
    for _ in range(2):
        set_up_jurisdictions(actor=REGISTRY, now=NOON)
    found = dict(Jurisdiction.objects.values_list("code", "registry_code"))
    assert found == {"CN-BJ": "CNBJ", "JP-13": "JP13", "KR-11": "KR11"}
    assert Jurisdiction.objects.get(code="KR-11").caveat
    assert DatedRule.objects.count() == sum(
        len(facts.rules_of(name, of)) + len(default_rules(name)) for name, of in facts.read_facts().items()
    )
    assert set(DatedRule.objects.values_list("confidence", flat=True)) <= set(facts.MARKS)


def test_what_was_recalled_is_told_with_its_confidence(db):
    set_up_jurisdictions(actor=REGISTRY, now=NOON)
    rules = Client().get("/api/v1/jurisdictions/CN-BJ").json()["rules"]
    assert {rule["confidence"] for rule in rules} >= {"V", "RM"}
    assert all(rule["source"] for rule in rules)


def test_marks_are_weighed_by_the_weakest():
    assert facts.weakest_mark("V for the type, RM for the code") == "RM"
