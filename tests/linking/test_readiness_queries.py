"""Readiness from the recorded rules: each side on its own day, with no guess; and the printed page is what the code says."""

from datetime import UTC, date, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts import clock
from accounts.models import DatedRule, Jurisdiction
from accounts.operations.set_rule import set_rule
from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
from accounts.rules.access import Actor, Role, role_name
from audit.models import Entry
from linking.management.commands.print_readiness import DAY, printed_page, seeded_comparisons
from linking.readiness_queries import Proposed, compare, compare_pairs, open_blocks, what_if
from linking.rules.readiness import Outcome
from tests.build import REGISTRY
from tests.conftest import Own, begun_in, shared_by_module

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
Pilot = dict[str, Jurisdiction]


def pilot() -> Pilot:
    return {row.code: row for row in set_up_jurisdictions(actor=REGISTRY, now=clock.now())}


pilot_database = shared_by_module(pilot)


@pytest.fixture
def cities(pilot_database: Own[Pilot], db: None) -> Pilot:
    return begun_in(pilot_database)


def test_the_recorded_rules_give_the_page_that_is_printed_from_the_facts_file(cities):
    among = [cities[code] for code in sorted(cities)]
    with translation.override("en"):
        recorded = printed_page(compare_pairs(among, now=NOW, as_of=DAY))
        assert recorded == printed_page(seeded_comparisons())


def test_the_printed_page_is_what_the_code_says(capsys):
    call_command("print_readiness", "--check")
    assert "nothing to do" in capsys.readouterr().out


def test_a_printed_page_that_is_out_of_date_is_told_and_printed_anew(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    (tmp_path / "docs").mkdir()
    with pytest.raises(CommandError, match=r"readiness\.md"):
        call_command("print_readiness", "--check")
    call_command("print_readiness", verbosity=0)
    call_command("print_readiness", "--check", verbosity=0)


def test_todays_blocks_are_beijings_missing_verification_and_seouls_missing_law(cities):
    beijing, tokyo, seoul = cities["CN-BJ"], cities["JP-13"], cities["KR-11"]
    assert open_blocks(beijing, tokyo, NOW) == ("mrv",)
    assert open_blocks(beijing, seoul, NOW) == ("legal-basis", "mrv")
    assert open_blocks(tokyo, seoul, NOW) == ("legal-basis",)
    # In 2016 Beijing's calendar had a day for verified reports.
    assert open_blocks(beijing, tokyo, datetime(2016, 7, 1, tzinfo=UTC)) == ()


def test_a_block_is_gone_from_the_day_on_which_the_rule_holds(cities):
    beijing, tokyo = cities["CN-BJ"], cities["JP-13"]
    authority = Actor(None, "authority", frozenset({role_name(Role.COMPLIANCE_AUTHORITY, "CN-BJ")}))
    since = date(2026, 7, 2)
    set_rule(
        jurisdiction=beijing,
        key="verification",
        value="verified by a third party",
        valid_from=since,
        confidence="V",
        source="an invented notice",
        actor=authority,
        now=NOW,
    )
    # Midnight in Beijing is 16:00 UTC of the day before.
    assert open_blocks(beijing, tokyo, datetime(2026, 7, 1, 15, 59, tzinfo=UTC)) == ("mrv",)
    assert open_blocks(beijing, tokyo, datetime(2026, 7, 1, 16, 0, tzinfo=UTC)) == ()


def test_each_side_is_read_on_today_in_its_own_calendar(cities):
    compared = compare(cities["CN-BJ"], cities["JP-13"], now=datetime(2026, 6, 30, 15, 30, tzinfo=UTC))
    assert [side.day for side in compared.sides] == [date(2026, 6, 30), date(2026, 7, 1)]


def test_a_rule_that_ends_on_a_day_is_not_read_on_it(cities):
    seoul = cities["KR-11"]
    ends = DatedRule.objects.get(jurisdiction=seoul, key="phase", value__n=3).valid_to
    compared = [compare(cities["CN-BJ"], seoul, now=NOW, as_of=day) for day in (date(2025, 12, 31), ends)]
    told = [one.findings[1].sides[1].printed for one in compared]
    assert told[0].startswith("cap_Mt")
    assert told[1].startswith("n 4")


def test_a_jurisdiction_is_not_compared_with_itself(cities):
    with pytest.raises(ValueError):
        compare(cities["CN-BJ"], cities["CN-BJ"], now=NOW)
    with pytest.raises(ValueError):
        what_if(cities["CN-BJ"], cities["JP-13"], Proposed("KR-11", "cap.type", "absolute", DAY))


def test_three_pairs_cost_as_many_statements_as_one_and_write_nothing(cities):
    entries, rules = Entry.objects.count(), DatedRule.objects.count()
    with CaptureQueriesContext(connection) as one:
        compare(cities["CN-BJ"], cities["JP-13"], now=NOW)
    with CaptureQueriesContext(connection) as three:
        assert len(compare_pairs(list(cities.values()), now=NOW)) == 3
    assert len(one) == len(three) == 1
    what_if(cities["CN-BJ"], cities["JP-13"], Proposed("CN-BJ", "cap.type", "absolute", DAY))
    assert (entries, rules) == (Entry.objects.count(), DatedRule.objects.count())


@pytest.mark.parametrize(
    ("of", "key", "value", "turned"),
    [
        ("CN-BJ", "verification", "verified by a third party", [("mrv", Outcome.BLOCKS, Outcome.COMPATIBLE)]),
        ("CN-BJ", "cap.type", "absolute", [("cap-type", Outcome.NEEDS_RULE, Outcome.COMPATIBLE)]),
        ("CN-BJ", "cap.type", None, [("cap-type", Outcome.NEEDS_RULE, Outcome.MISSING)]),
        ("CN-BJ", "offset.forbidden", "international", [("offsets", Outcome.NEEDS_RULE, Outcome.BLOCKS)]),
        ("KR-11", "caveat", None, [("legal-basis", Outcome.BLOCKS, Outcome.COMPATIBLE)]),
        ("KR-11", "penalty", "none", [("penalty", Outcome.NEEDS_RULE, Outcome.BLOCKS)]),
        ("KR-11", "currency", "KRW", []),
    ],
)
def test_what_a_proposed_rule_would_turn(cities, of, key, value, turned):
    for first, second in (("CN-BJ", "KR-11"), ("KR-11", "CN-BJ")):
        answer = what_if(cities[first], cities[second], Proposed(of, key, value, DAY))
        assert [(turn.before.point, turn.before.outcome, turn.after.outcome) for turn in answer.turns] == turned


def test_every_recorded_rule_proposed_as_it_is_turns_nothing(cities):
    beijing, seoul = cities["CN-BJ"], cities["KR-11"]
    for rule in DatedRule.objects.filter(jurisdiction=seoul, valid_from__lte=DAY):
        if rule.valid_to is None or rule.valid_to > DAY:
            assert what_if(beijing, seoul, Proposed("KR-11", rule.key, rule.value, DAY)).turns == ()
