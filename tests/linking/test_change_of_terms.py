"""A new version of terms: what was under way settles at the old one until its last settlement, then ends; never at the new."""

from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest

from accounts.refusals import Refusal
from linking.models import Agreement
from registry.models import Recognition, Transaction, UnitBlock
from registry.operations.execute import execute
from registry.operations.freeze import freeze_transaction
from registry.operations.outcome import Outcome, Refused
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.operations.withdraw import withdraw
from registry.rules.states import State
from tests.ledger.test_forged_plans import without
from tests.ledger.test_raw_sql import REFUSED
from tests.linking.cities import NOW, REGISTRY, Pilot
from tests.linking.ends import (
    BJ,
    DAY,
    JP,
    SECOND,
    attempt,
    change,
    codes_of,
    completed,
    held,
    linked_by,
    pass_time,
    quota,
    state_of,
    told_of,
)

# Thirty days of notice; the old version settles for five days more, and nobody's approval has expired by then.
BEGINS = NOW + 30 * DAY
LAST = BEGINS + 5 * DAY
QUOTA = {"limit": 500, "measure": "units", "window": "year"}


def changing() -> Pilot:
    """Beijing's units count 4/5 in Tokyo, 500 a year; from BEGINS on 1/2, 300 a year."""
    made = linked_by(entry_quota=QUOTA)
    change(made, 2, BEGINS, rate=(1, 2), entry_quota=QUOTA | {"limit": 300})
    return made


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return changing


def waiting(made: Pilot, now=BEGINS - SECOND, quantity: int = 10) -> Outcome:
    """Propose what waits for another person's approval, since it goes to a stranger."""
    outcome = made.send((BJ, "ann"), (JP, "far"), quantity, now=now)
    assert outcome.state == State.AWAITING_APPROVAL
    return outcome


def rate_of(outcome: Outcome) -> tuple[int, int, int]:
    """The units of a transaction that were moved, and what they count as now."""
    row = Transaction.objects.get(pk=outcome.transaction_id).blocks.get()
    found = Recognition.objects.get(pk=row.to_recognition_id)
    return row.next_no - row.first_no, found.rate_numerator, found.rate_denominator


def test_new_terms_begin_after_the_notice_of_those_they_replace_and_not_a_second_earlier(linked: Pilot):
    with pytest.raises(Refusal, match="terms-give-notice"):
        change(linked, 3, BEGINS + 30 * DAY - SECOND, now=BEGINS, rate=(1, 2))
    change(linked, 3, BEGINS + 30 * DAY, now=BEGINS, rate=(1, 2))
    rows = Agreement.objects.filter(corridor=linked.corridor(BJ, JP)).order_by("version")
    assert [(row.effective_from, row.superseded_at, row.last_settlement_at) for row in rows] == [
        (NOW, BEGINS, LAST),
        (BEGINS, BEGINS + 30 * DAY, LAST + 30 * DAY),
        (BEGINS + 30 * DAY, None, None),
    ]


@pytest.mark.parametrize(("instant", "rate"), [(BEGINS - SECOND, (4, 5)), (BEGINS, (1, 2)), (BEGINS + SECOND, (1, 2))])
def test_what_completes_at_once_enters_at_the_terms_of_its_instant(linked: Pilot, instant, rate):
    outcome = linked.send((BJ, "ann"), (JP, "ann"), 10, now=instant)
    assert rate_of(outcome) == (10, *rate)


def test_units_abroad_keep_their_rate_when_terms_change_and_go_home_to_the_window_that_was_used(linked: Pilot):
    before = linked.send((BJ, "ann"), (JP, "ann"), 100, now=NOW)
    after = linked.send((BJ, "ann"), (JP, "ann"), 50, now=BEGINS + SECOND)
    abroad = UnitBlock.objects.filter(account=linked[JP].accounts["ann"], origin=linked[BJ].home).order_by(
        "recognition_id"
    )
    assert [
        ((row.end_no or 0) - row.start_no, row.recognition.rate_numerator, row.recognition.rate_denominator)
        for row in abroad
    ] == [(100, 4, 5), (50, 1, 2)]
    assert quota(linked) == (300, 0, 150)
    linked.send((JP, "ann"), (BJ, "ann"), 100, completed(before), issuer=BJ, now=BEGINS + 2 * SECOND)
    assert quota(linked) == (300, 0, 50)
    linked.send((JP, "ann"), (BJ, "ann"), 50, completed(after), issuer=BJ, now=BEGINS + 3 * SECOND)
    assert quota(linked) == (300, 0, 0)


def test_the_new_limit_binds_new_entries_and_nothing_that_entered_before(linked: Pilot):
    linked.send((BJ, "ann"), (JP, "ann"), 320, now=BEGINS - SECOND)
    assert quota(linked) == (500, 0, 320)
    # More than the new limit has entered: nothing is sent back, and nothing more enters.
    assert attempt(linked.send, (BJ, "ann"), (JP, "ann"), 1, now=BEGINS) == [6005]
    assert held(linked, JP, BJ) == {"TRA": 320}


@pytest.mark.parametrize("instant", [BEGINS + SECOND, LAST - SECOND])
def test_what_waits_for_approval_is_approved_at_the_old_terms_until_their_last_settlement(linked: Pilot, instant):
    outcome = waiting(linked)
    # It goes to a stranger, so it is delayed once it is approved.
    approved = linked.approve(outcome, BJ, now=instant)
    assert approved.state == State.DELAYED
    assert rate_of(outcome) == (10, 4, 5)


@pytest.mark.parametrize("instant", [LAST, LAST + SECOND])
def test_from_the_last_settlement_on_nobody_approves_it(linked: Pilot, instant):
    outcome = waiting(linked)
    with pytest.raises(Refused) as refused:
        linked.approve(outcome, BJ, now=instant)
    assert codes_of(refused.value) == [6007]
    assert state_of(outcome) == (State.AWAITING_APPROVAL, [])


def test_what_waits_for_approval_is_ended_at_the_last_settlement_with_its_reason_in_both_logs(linked: Pilot):
    outcome = waiting(linked)
    assert quota(linked) == (500, 10, 0)
    assert pass_time(LAST - SECOND) == []
    assert state_of(outcome) == (State.AWAITING_APPROVAL, [])
    assert pass_time(LAST) == [f"transaction {outcome.transaction_id}, terms ended"]
    assert state_of(outcome) == (State.TERMINATED, [6007])
    assert told_of(outcome.transaction_id, "transaction.check-failed") == [BJ, JP]
    assert quota(linked) == (500, 0, 0)
    assert UnitBlock.objects.filter(held_for=outcome.transaction_id).count() == 0
    assert pass_time(LAST + SECOND) == []


def test_a_clock_that_jumps_ends_it_at_the_instant_of_the_last_settlement(linked: Pilot):
    outcome = waiting(linked)
    pass_time(LAST + 300 * DAY, since=BEGINS)
    step = Transaction.objects.get(pk=outcome.transaction_id).steps.get()
    assert (step.event, step.at, step.user_id) == ("check-failed", LAST, None)


def test_what_is_delayed_and_due_before_the_last_settlement_completes_at_the_old_terms(linked: Pilot):
    outcome = linked.approve(waiting(linked), BJ, now=BEGINS + SECOND)
    assert outcome.due_at is not None
    assert outcome.due_at < LAST
    pass_time(outcome.due_at)
    assert state_of(outcome) == (State.COMPLETED, [])
    assert rate_of(outcome) == (10, 4, 5)
    assert quota(linked)[1:] == (0, 10)


def test_what_is_delayed_beyond_the_last_settlement_is_ended_then_and_not_only_when_it_is_due(linked: Pilot):
    outcome = linked.approve(waiting(linked), BJ, now=LAST - SECOND)
    assert outcome.due_at is not None
    assert outcome.due_at > LAST
    pass_time(LAST - SECOND)
    assert state_of(outcome) == (State.DELAYED, [])
    assert pass_time(LAST) == [f"transaction {outcome.transaction_id}, terms ended"]
    assert state_of(outcome) == (State.TERMINATED, [6007])
    assert execute(outcome.transaction_id, actor=REGISTRY, now=outcome.due_at) is None


def test_what_is_due_at_the_very_instant_of_the_last_settlement_is_ended(linked: Pilot):
    outcome = linked.approve(waiting(linked), BJ, now=BEGINS + SECOND)
    ended = execute(outcome.transaction_id, actor=REGISTRY, now=LAST)
    assert ended is not None
    assert state_of(outcome) == (State.TERMINATED, [6007])


@pytest.mark.parametrize("delayed", [False, True], ids=["awaiting", "delayed"])
def test_what_is_on_hold_stays_on_hold_and_is_ended_once_it_is_released(linked: Pilot, delayed):
    outcome = waiting(linked)
    if delayed:
        linked.approve(outcome, BJ, now=BEGINS + SECOND)
    junior, senior, second = linked[BJ].officers
    freeze = freeze_transaction(
        outcome.transaction_id, reason="an order", review_on=date(2026, 12, 1), actor=junior, now=BEGINS + 2 * SECOND
    )
    assert pass_time(LAST + 10 * DAY) == []
    assert state_of(outcome)[0] == State.ON_HOLD
    request_release(freeze.id, actor=senior, now=LAST + 10 * DAY)
    release(freeze.id, actor=second, now=LAST + 10 * DAY + SECOND)
    assert state_of(outcome)[0] == (State.DELAYED if delayed else State.AWAITING_APPROVAL)
    # Its own clock stood, that of the terms did not.
    assert pass_time(LAST + 10 * DAY + 2 * SECOND) == [f"transaction {outcome.transaction_id}, terms ended"]
    assert state_of(outcome) == (State.TERMINATED, [6007])
    assert quota(linked)[1] == 0


def test_a_hold_that_ends_in_time_lets_it_settle_at_the_old_terms(linked: Pilot):
    outcome = linked.approve(waiting(linked), BJ, now=BEGINS + SECOND)
    junior, senior, second = linked[BJ].officers
    at = BEGINS + 2 * SECOND
    freeze = freeze_transaction(
        outcome.transaction_id, reason="an order", review_on=date(2026, 12, 1), actor=junior, now=at
    )
    request_release(freeze.id, actor=senior, now=at + SECOND)
    release(freeze.id, actor=second, now=at + 2 * SECOND)
    pass_time(LAST - SECOND)
    assert state_of(outcome) == (State.COMPLETED, [])
    assert rate_of(outcome) == (10, 4, 5)


def test_what_was_proposed_under_the_new_terms_goes_on(linked: Pilot):
    outcome = waiting(linked, now=BEGINS)
    assert pass_time(LAST) == []
    linked.approve(outcome, BJ, now=LAST)
    assert rate_of(outcome) == (10, 1, 2)


def test_its_holder_may_withdraw_it_until_it_is_ended(linked: Pilot):
    outcome = waiting(linked)
    withdraw(outcome.transaction_id, actor=linked[BJ].people[0], now=LAST + SECOND)
    assert pass_time(LAST + 2 * SECOND) == []
    assert state_of(outcome) == (State.CANCELLED, [])


STEP = (
    "INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at, reason, failures)"
    " VALUES (%s, 'check-failed', %s, 'TERMINATED', NULL, %s, '', '{6007}')"
)


def told(owner: psycopg.Connection[tuple], *arguments: object) -> str | None:
    """What PostgreSQL says of a termination before its time, which is undone; None: it lets it be."""
    try:
        with owner.transaction(force_rollback=True):
            owner.execute(STEP, arguments)
    except REFUSED as error:
        return error.diag.constraint_name
    return None


GUARDS = {
    State.AWAITING_APPROVAL: ("NOT registry_terms_have_ended(given, NEW.at)", "proposals_wait_for_a_person"),
    State.DELAYED: (
        "AND NOT (NEW.event = 'check-failed' AND registry_terms_have_ended(given, NEW.at))",
        "nothing_executes_early",
    ),
}


@pytest.mark.parametrize("state", GUARDS)
def test_nobody_terminates_what_waits_before_its_terms_have_ended(linked: Pilot, owner, state):
    outcome = waiting(linked)
    earliest = BEGINS
    if state is State.DELAYED:
        linked.approve(outcome, BJ, now=LAST - 2 * SECOND)
        earliest = LAST - 2 * SECOND
    condition, constraint = GUARDS[state]
    for instant in (earliest, LAST - SECOND):
        assert told(owner, outcome.transaction_id, state, instant) == constraint
    assert told(owner, outcome.transaction_id, state, LAST) is None
    # The negative control: without the guard it would be terminated at any time.
    replaced = "false" if state is State.AWAITING_APPROVAL else "AND NEW.event <> 'check-failed'"
    with without(owner, [("registry_step_takes_effect", condition, replaced)]):
        assert told(owner, outcome.transaction_id, state, LAST - SECOND) is None


def test_nobody_terminates_what_waits_under_terms_in_force_or_crosses_nothing(linked: Pilot, owner):
    outcome = waiting(linked, now=BEGINS)
    assert told(owner, outcome.transaction_id, State.AWAITING_APPROVAL, LAST + 9 * DAY) == "proposals_wait_for_a_person"


def test_postgresql_completes_nothing_after_the_last_settlement_by_itself(linked: Pilot, owner):
    outcome = linked.approve(waiting(linked), BJ, now=LAST - SECOND)
    assert outcome.due_at is not None
    due = STEP.replace("'check-failed'", "'due'").replace("'TERMINATED'", "'COMPLETED'").replace("'{6007}'", "'{}'")
    with pytest.raises(REFUSED) as refused, owner.transaction(force_rollback=True):
        owner.execute(due, [outcome.transaction_id, State.DELAYED, outcome.due_at + timedelta(seconds=1)])
    assert refused.value.diag.constraint_name == "terms_are_current"
    guard = ("registry_linked_transaction_ends", "given.completed_at >= leg.last_settlement_at", "false")
    with without(owner, [guard]), owner.transaction(force_rollback=True):
        owner.execute(due, [outcome.transaction_id, State.DELAYED, outcome.due_at + timedelta(seconds=1)])
