"""Recorded days: they win over the package, are never changed, and are told with who says so; the defaults as data."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
import pytest
from django.db import IntegrityError, transaction

from accounts.calendars import SOURCE, calendar_and_rules, calendar_around, calendar_of
from accounts.models import CalendarDay, DatedRule
from accounts.operations.set_calendar_day import set_calendar_day
from accounts.operations.set_up_jurisdictions import set_up_jurisdictions
from accounts.queries import rule_in_force
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Role
from accounts.seed.defaults import DEFAULTS
from audit.models import Entry
from registry.rules.delays import DEFAULT, KEY, delay_rule_of
from tests.accounts.samples import NOBODY, NOON, REGISTRY, with_role
from tests.calendars.samples import calendar, day, place

SECOND = timedelta(seconds=1)


def record(text: str = "2026-03-12", *, works: bool = False, now: datetime = NOON, **others):
    said = {"name": "Day of mourning", "confidence": "V", "source": "notice 1", "actor": REGISTRY} | others
    return set_calendar_day(jurisdiction=place(), day=day(text), is_working=works, now=now, **said)


def test_a_recorded_day_wins_over_weekday_weekend_holiday_and_moved_day(db):
    for text, works in (("2026-03-12", False), ("2026-03-14", True), ("2026-10-01", True), ("2026-10-10", False)):
        assert calendar().is_working(day(text)) != works
        record(text, works=works)
        assert calendar().is_working(day(text)) == works
    assert calendar("JP-13").is_working(day("2026-03-12"))


def test_the_latest_record_counts_and_what_was_known_before_is_still_answered(db):
    record(works=False, now=NOON)
    record(works=True, now=NOON + SECOND)
    for known_at, works in ((NOON - SECOND, True), (NOON, False), (NOON + SECOND, True), (None, True)):
        found = calendar_of(place(), years=range(2026, 2027), known_at=known_at)
        assert found.is_working(day("2026-03-12")) == works
    assert CalendarDay.objects.count() == 2


def test_a_calendar_around_an_instant_covers_the_years_beside_it_in_one_query(db, django_assert_num_queries):
    home = place()
    with django_assert_num_queries(1):
        found = calendar_around(home, datetime(2026, 12, 31, tzinfo=UTC))
    assert (found.since, found.until) == (date(2025, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize("code", ["CN-BJ", "GB-LND"])
@pytest.mark.parametrize("edge", [-SECOND, timedelta(0)])
def test_calendar_and_rules_in_one_statement_are_those_asked_apart(db, django_assert_num_queries, code, edge):
    """At midnight of the jurisdiction, where one rule ends and the next begins, and a day has two records."""
    home, other = place(code), place("JP-13")
    midnight = datetime(2026, 6, 1, tzinfo=ZoneInfo(home.time_zone)) + edge
    for whose, key, since, until in (
        (home, "a", "2026-01-01", "2026-06-01"), (home, "a", "2026-06-01", None), (home, "b", "2026-06-01", None),
        (home, "c", "2026-01-01", None), (other, "b", "2026-01-01", None),
    ):  # fmt: skip
        DatedRule.objects.create(
            jurisdiction=whose, key=key, valid_from=since, valid_to=until, value={"since": since}, confidence="D",
            source="test",
        )  # fmt: skip
    for works, now in ((True, NOON), (False, NOON + SECOND)):
        set_calendar_day(
            jurisdiction=home, day=day("2026-06-02"), is_working=works, name="x", confidence="V", source="x",
            actor=REGISTRY, now=now,
        )  # fmt: skip
    with django_assert_num_queries(1):
        calendar, rules = calendar_and_rules(home.pk, midnight, ["a", "b"])
    assert calendar == calendar_around(home, midnight)
    on = calendar.day_of(midnight)
    apart = {key: found.value for key in ("a", "b") if (found := rule_in_force(home, key, on))}
    assert rules == apart
    assert sorted(rules) == (["a"] if edge else ["a", "b"])


def test_recording_a_day_is_logged_with_its_source(db):
    record()
    entry = Entry.objects.get(event="calendar.day-set")
    assert (entry.registry, entry.subject) == ("CN-BJ", "day:2026-03-12")
    assert "notice 1" in str(entry.body)


def test_only_who_may_record_a_rule_there_records_a_day(db):
    for actor in (NOBODY, with_role(Role.AUDITOR), with_role(Role.COMPLIANCE_AUTHORITY, "JP-13")):
        with pytest.raises(NotPermitted):
            record(actor=actor)
    assert not CalendarDay.objects.exists()
    record(actor=with_role(Role.COMPLIANCE_AUTHORITY))


def test_a_day_without_name_or_source_and_a_record_out_of_order_are_refused(db):
    record()
    for others in ({"name": " "}, {"source": ""}, {"now": NOON}, {"now": NOON - SECOND}):
        with pytest.raises(Refusal):
            record(**others)
    assert (CalendarDay.objects.count(), Entry.objects.filter(event="calendar.day-set").count()) == (1, 1)


@pytest.mark.parametrize(
    ("wrong", "constraint"),
    [
        ({"recorded_at": NOON}, "calendar_days_are_recorded_in_order"),
        ({"recorded_at": NOON - SECOND}, "calendar_days_are_recorded_in_order"),
        ({"name": ""}, "calendar_day_names_itself_and_its_source"),
        ({"source": ""}, "calendar_day_names_itself_and_its_source"),
        ({"confidence": "X"}, "confidence_of_a_day_is_known"),
    ],
)
def test_the_database_alone_refuses_what_the_operation_would(db, wrong, constraint):
    record()
    right = {"recorded_at": NOON + SECOND, "name": "n", "source": "s", "confidence": "V", "is_working": True}
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        CalendarDay.objects.create(jurisdiction=place(), day=day("2026-03-12"), **(right | wrong))
    cause = refused.value.__cause__
    assert isinstance(cause, psycopg.Error)
    assert cause.diag.constraint_name == constraint


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts_calendarday SET is_working = true",
        "DELETE FROM accounts_calendarday",
        "TRUNCATE accounts_calendarday",
    ],
)
def test_not_even_the_owner_changes_a_recorded_day(committed_db, owner, as_application_role, statement):
    record()
    for role, error in (
        (owner, psycopg.errors.IntegrityError),
        (as_application_role, psycopg.errors.InsufficientPrivilege),
    ):
        with pytest.raises(error):
            role.execute(statement)
    assert CalendarDay.objects.filter(is_working=False).count() == 1


def test_the_api_tells_each_day_with_why_and_who_says_so(db, client):
    record("2026-02-13", works=False)
    found = client.get("/api/v1/jurisdictions/CN-BJ/working-days?from=2026-02-12&to=2026-02-16")
    rows = [
        (row["date"], row["is_working"], row["why"], row["name"], row["source"], row["confidence"])
        for row in found.json()["results"]
    ]
    assert rows == [
        ("2026-02-12", True, "weekday", "", "", None),
        ("2026-02-13", False, "recorded", "Day of mourning", "notice 1", "V"),
        ("2026-02-14", True, "moved", "", SOURCE, None),
        ("2026-02-15", False, "weekend", "", "", None),
        ("2026-02-16", False, "holiday", "Chinese New Year's Eve", SOURCE, None),
    ]
    assert {row["why_name"] for row in found.json()["results"]} >= {"Weekday", "Public holiday"}


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=2026-01-01",
        "from=2026-01-02&to=2026-01-01",
        "from=2025-01-01&to=2026-02-05",
        "from=1999-12-31&to=2000-01-01",
        "from=2099-12-31&to=2100-01-01",
        "from=9999-12-31&to=9999-12-31",
        "from=today&to=tomorrow",
    ],
)
def test_the_api_refuses_days_that_are_not_told(db, client, query):
    place()
    refused = client.get(f"/api/v1/jurisdictions/CN-BJ/working-days?{query}")
    assert (refused.status_code, refused["Content-Type"]) == (400, "application/problem+json")
    assert "problem." not in str(refused.json()["errors"])


def test_the_api_tells_four_hundred_days_in_two_queries_and_no_calendar_of_elsewhere(
    db, client, django_assert_num_queries
):
    place()
    with django_assert_num_queries(2):
        found = client.get("/api/v1/jurisdictions/CN-BJ/working-days?from=2025-01-01&to=2026-02-04")
    assert len(found.json()["results"]) == 400
    assert client.get("/api/v1/jurisdictions/CN-SH/working-days?from=2026-01-01&to=2026-01-01").status_code == 404


def test_every_jurisdiction_shows_the_pilots_defaults_as_dated_rules(db):
    for home in set_up_jurisdictions(actor=REGISTRY, now=NOON):
        for key, (value, source) in DEFAULTS.items():
            rule = rule_in_force(home, key, NOON.date())
            assert rule is not None
            assert (rule.value, rule.source, rule.confidence) == (value, source, "D")
            if key == KEY:
                assert delay_rule_of(rule.value) == DEFAULT
