"""On which days what crosses a link settles: working days of both sides, or the days that the terms list."""

import re
from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings

from linking.rules.degrees import Degree
from linking.rules.settlement_days import Way, settles_at, settles_from
from linking.rules.terms import Settling
from registry.operations.execute import execute
from registry.operations.freeze import freeze_transaction
from registry.operations.outcome import Outcome
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.rules.states import State
from tests.calendars.samples import calendar
from tests.linking.cities import NOW, REGISTRY, Pilot
from tests.linking.ends import BJ, DAY, JP, KR, SECOND, attempt, linked_by, pass_time, state_of

FORM = "%a %Y-%m-%d %H:%M:%S %z"
EXAMPLES = [
    [cell.strip() for cell in line.strip("| \n").split("|")]
    for line in (settings.BASE_DIR / "docs" / "delinking.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| \d+ \|", line)
]
LISTED = (date(2026, 6, 10), date(2026, 6, 24))


def instant(written: str) -> datetime:
    found = datetime.strptime(written, FORM)  # noqa: DTZ007  # it ends with its offset
    assert found.strftime(FORM) == written, "the day of the week is another"
    return found


def tokyo(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=ZoneInfo("Asia/Tokyo"))


def on_working_days() -> Pilot:
    """All corridors that the examples use settle on working days."""
    made = linked_by(settlement_days="working")
    for origin in (BJ, JP):
        made.agree(origin, KR, settlement_days="working")
        made.raise_to(Degree.UNILATERAL, origin, KR)
    return made


def on_listed_days() -> Pilot:
    return linked_by(settlement_days=[str(day) for day in LISTED])


@pytest.fixture
def world(request: pytest.FixtureRequest) -> Callable[[], Pilot]:
    return on_listed_days if "listed" in request.node.name else on_working_days


def delayed(made: Pilot, sender: str, acquirer: str, at: datetime) -> Outcome:
    """Send ten units to a stranger, approved at an instant: they wait for their delay."""
    proposed = made.send((sender, "ann"), (acquirer, "far"), 10, now=at - SECOND)
    outcome = made.approve(proposed, sender, now=at)
    assert outcome.state == State.DELAYED
    return outcome


def test_there_are_examples_of_every_calendar():
    assert [row[0] for row in EXAMPLES] == [str(n + 1) for n in range(len(EXAMPLES))]
    assert len(EXAMPLES) >= 6


@pytest.mark.parametrize("row", EXAMPLES, ids=lambda row: row[1])
def test_the_documentations_examples_are_what_happens(linked: Pilot, row):
    _, _, way, approved, executed = row
    sender, acquirer = way.split(" to ")
    outcome = delayed(linked, sender, acquirer, instant(approved))
    due = instant(executed)
    assert outcome.due_at == due
    pass_time(due - SECOND)
    assert state_of(outcome) == (State.DELAYED, [])
    pass_time(due)
    assert state_of(outcome) == (State.COMPLETED, [])


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-09-30T12:00:00", "COMPLETED"),
        ("2026-10-01T12:00:00", [6009]),  # Beijing's National Day
        ("2026-10-08T00:59:59", [6009]),  # Thursday in Tokyo, and still Beijing's last day of rest
        ("2026-10-08T01:00:00", "COMPLETED"),
        ("2026-10-10T12:00:00", [6009]),  # a Saturday that works in Beijing alone
        ("2026-10-12T12:00:00", [6009]),  # Tokyo's Sports Day
        ("2026-10-13T00:00:00", "COMPLETED"),  # Tuesday in Tokyo, still Monday in Beijing: both work
    ],
)
def test_what_would_complete_at_once_does_so_on_a_day_that_works_on_both_sides(linked: Pilot, at, expected):
    assert attempt(linked.send, (BJ, "ann"), (JP, "ann"), 1, now=tokyo(at)) == expected


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-06-09T23:59:59", [6009]),
        ("2026-06-10T00:00:00", "COMPLETED"),
        ("2026-06-10T23:59:59", "COMPLETED"),
        ("2026-06-11T00:00:00", [6009]),
        ("2026-06-24T23:59:59", "COMPLETED"),
        ("2026-06-25T00:00:00", [6009]),
    ],
)
def test_at_once_on_a_listed_day_of_the_destination_and_on_no_other(linked: Pilot, at, expected):
    assert attempt(linked.send, (BJ, "ann"), (JP, "ann"), 1, now=tokyo(at)) == expected


def test_what_is_delayed_to_another_day_is_due_on_the_next_listed_one(linked: Pilot):
    outcome = delayed(linked, BJ, JP, tokyo("2026-06-02T10:00:00"))
    # Its delay alone would end on 3 June at noon in Beijing.
    assert outcome.due_at == tokyo("2026-06-10T13:00:00")
    pass_time(outcome.due_at)
    assert state_of(outcome) == (State.COMPLETED, [])


def test_proposals_may_wait_between_listed_days_but_not_past_the_last(linked: Pilot):
    between, after = tokyo("2026-06-15T10:00:00"), tokyo("2026-06-25T00:00:00")
    assert attempt(linked.send, (BJ, "ann"), (JP, "far"), 1, now=between) == "AWAITING_APPROVAL"
    assert attempt(linked.send, (BJ, "ann"), (JP, "far"), 1, now=after) == [6009]


def test_what_no_listed_day_is_left_for_is_ended_with_its_reason(linked: Pilot):
    outcome = delayed(linked, BJ, JP, tokyo("2026-06-24T10:00:00"))
    assert outcome.due_at == tokyo("2026-06-25T13:00:00")
    pass_time(outcome.due_at)
    assert state_of(outcome) == (State.TERMINATED, [6009])


def held_for(made: Pilot, outcome: Outcome, at: datetime, days: int) -> None:
    """Hold a transaction for so many days: it is due later by as much."""
    junior, senior, second = made[BJ].officers
    review = date(2026, 12, 1)
    freeze = freeze_transaction(outcome.transaction_id, reason="an order", review_on=review, actor=junior, now=at)
    request_release(freeze.id, actor=senior, now=at + SECOND)
    release(freeze.id, actor=second, now=at + days * DAY)


def test_what_a_hold_shifted_off_the_listed_days_waits_for_the_next(linked: Pilot):
    outcome = delayed(linked, BJ, JP, tokyo("2026-06-02T10:00:00"))
    held_for(linked, outcome, tokyo("2026-06-03T10:00:00"), 2)
    pass_time(tokyo("2026-06-12T13:00:00"))
    assert state_of(outcome)[0] == State.DELAYED
    pass_time(tokyo("2026-06-23T23:59:59"))
    assert state_of(outcome)[0] == State.DELAYED
    pass_time(tokyo("2026-06-24T00:00:00"))
    assert state_of(outcome) == (State.COMPLETED, [])


def test_what_a_hold_shifted_to_a_weekend_waits_for_a_working_day(linked: Pilot):
    # Due on Thursday 4 June at noon in Beijing; two days later is Saturday.
    outcome = delayed(linked, BJ, JP, tokyo("2026-06-03T10:00:00"))
    held_for(linked, outcome, tokyo("2026-06-03T12:00:00"), 2)
    for at in ("2026-06-06T13:00:00", "2026-06-07T23:59:59", "2026-06-08T00:30:00"):
        assert execute(outcome.transaction_id, actor=REGISTRY, now=tokyo(at)) is None
    assert execute(outcome.transaction_id, actor=REGISTRY, now=tokyo("2026-06-08T01:00:00")) is not None
    assert state_of(outcome) == (State.COMPLETED, [])


def test_corridors_that_are_used_together_settle_on_a_day_of_both(db):
    calendars = (calendar(BJ), calendar(JP))
    working, listed = Way(Settling.WORKING, "Asia/Tokyo"), Way(LISTED, "Asia/Tokyo")
    other = Way((LISTED[1], date(2026, 7, 1)), "Asia/Seoul")
    start = tokyo("2026-06-06T09:00:00")
    assert settles_from(start, (), calendars) == start
    assert settles_from(start, (Way(Settling.ANY, "Asia/Tokyo"),), calendars) == start
    assert settles_from(start, (working,), calendars) == tokyo("2026-06-08T09:00:00")
    assert settles_from(start, (listed,), calendars) == tokyo("2026-06-10T09:00:00")
    assert settles_from(start, (working, listed, other), calendars) == tokyo("2026-06-24T09:00:00")
    assert settles_from(tokyo("2026-06-24T09:00:01"), (listed, other), calendars) == tokyo("2026-06-24T09:00:01")
    assert settles_from(tokyo("2026-06-25T09:00:00"), (listed, other), calendars) is None


def test_a_list_without_a_working_day_settles_nothing_together_with_working_days(db):
    saturday = Way((date(2026, 6, 13),), "Asia/Tokyo")
    both = (saturday, Way(Settling.WORKING, "Asia/Tokyo"))
    assert settles_from(NOW, both, (calendar(BJ), calendar(JP))) is None
    assert not settles_at(tokyo("2026-06-13T09:00:00"), both, (calendar(BJ), calendar(JP)))
