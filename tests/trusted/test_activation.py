"""From when an approved account is trusted: noon of the fourth working day of its jurisdiction, or what the dated rule says."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import CalendarDay, DatedRule
from accounts.operations.set_rule import set_rule
from accounts.rules.trusted import ACTIVATION_RULE, DEFAULT_ACTIVATION, ActivationTerms, activation_terms
from accounts.trusted_queries import is_trusted
from tests.accounts.samples import REGISTRY
from tests.trusted.people import NOW, Trust

SECOND = timedelta(seconds=1)


def beijing(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=ZoneInfo("Asia/Shanghai"))


def record(listed: Trust, day: date, *, works: bool) -> None:
    CalendarDay.objects.create(
        jurisdiction=listed.home, day=day, recorded_at=NOW, is_working=works, name="test", confidence="V", source="test"
    )


def approved(listed: Trust, at: datetime) -> datetime | None:
    return listed.decide(listed.request(now=at), now=at).active_from


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        # Thursday: Friday, Monday, Tuesday, Wednesday. The hour of the approval makes no difference.
        (beijing(2026, 6, 4, 15), beijing(2026, 6, 10, 12)),
        (beijing(2026, 6, 4, 0, 0, 0), beijing(2026, 6, 10, 12)),
        (beijing(2026, 6, 4, 23, 59, 59), beijing(2026, 6, 10, 12)),
        # Sunday in Beijing, still Saturday in UTC.
        (beijing(2026, 6, 7, 1), beijing(2026, 6, 11, 12)),
        # The Dragon Boat Festival, Friday 19 June, stands between.
        (beijing(2026, 6, 16, 9), beijing(2026, 6, 23, 12)),
    ],
)
def test_it_is_noon_of_the_fourth_working_day_in_beijing(listed: Trust, at: datetime, expected: datetime) -> None:
    assert approved(listed, at) == expected


def test_a_recorded_holiday_between_defers_it_and_a_recorded_working_saturday_brings_it_forward(listed: Trust) -> None:
    record(listed, date(2026, 6, 9), works=False)
    assert approved(listed, NOW) == beijing(2026, 6, 11, 12)
    listed.remove(listed.account.trusted_accounts.get())
    record(listed, date(2026, 6, 6), works=True)
    assert approved(listed, NOW) == beijing(2026, 6, 10, 12)


def test_trust_is_not_there_one_second_before_noon_and_is_at_noon_with_a_holiday_between(listed: Trust) -> None:
    record(listed, date(2026, 6, 8), works=False)
    row = listed.decide(listed.request())
    noon = beijing(2026, 6, 11, 12).astimezone(UTC)
    row.refresh_from_db()
    assert row.active_from == noon
    for at, trusted in ((noon - SECOND, False), (noon, True), (noon + SECOND, True)):
        assert is_trusted(listed.account.pk, listed.other.identifier, at) is trusted


def test_a_day_recorded_after_the_approval_changes_nothing_of_it(listed: Trust) -> None:
    row = listed.decide(listed.request())
    record(listed, date(2026, 6, 8), works=False)
    row.refresh_from_db()
    assert row.active_from == beijing(2026, 6, 10, 12)


def test_the_dated_rule_says_how_many_days_and_which_hour(listed: Trust) -> None:
    set_rule(
        jurisdiction=listed.home,
        key=ACTIVATION_RULE,
        value={"working_days": 7, "hour": 9},
        valid_from=date(2026, 6, 5),
        confidence="V",
        source="test",
        actor=REGISTRY,
        now=NOW,
    )
    # In force from the 5th in Beijing, which begins on the 4th in UTC.
    assert approved(listed, beijing(2026, 6, 4, 23, 59, 59)) == beijing(2026, 6, 10, 12)
    listed.remove(listed.account.trusted_accounts.get(), now=beijing(2026, 6, 5, 0))
    assert approved(listed, beijing(2026, 6, 5, 0)) == beijing(2026, 6, 16, 9)


@pytest.mark.parametrize(
    "value",
    [
        4,
        "noon",
        {},
        {"working_days": 4},
        {"working_days": 0, "hour": 12},
        {"working_days": -1, "hour": 12},
        {"working_days": "4", "hour": 12},
        {"working_days": True, "hour": 12},
        {"working_days": 4, "hour": 24},
        {"working_days": 4, "hour": -1},
        {"working_days": 4, "hour": 12, "minute": 30},
    ],
)
def test_by_a_rule_that_is_not_understood_nothing_is_approved(listed: Trust, value: object) -> None:
    DatedRule.objects.create(
        jurisdiction=listed.home,
        key=ACTIVATION_RULE,
        valid_from=date(2026, 1, 1),
        value=value,
        confidence="V",
        source="test",
    )
    row = listed.request()
    with pytest.raises(ValueError, match=ACTIVATION_RULE):
        listed.decide(row)
    row.refresh_from_db()
    assert row.state == "REQUESTED"


def test_a_rule_that_is_understood_says_exactly_what_the_default_says() -> None:
    assert activation_terms({"working_days": 4, "hour": 12}) == DEFAULT_ACTIVATION == ActivationTerms(4, 12)
