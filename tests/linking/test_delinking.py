"""The end of a corridor by each policy: before the notice, during it, at its end and after, from both sides and in both logs."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import psycopg
import pytest
from django.core.management import call_command

from accounts import clock
from accounts.models import User, UserRole
from accounts.refusals import Refusal
from accounts.rules.access import Role
from audit.models import Entry
from linking.degree_queries import terms_in_force
from linking.models import Agreement, Delinking, FinalStatement
from linking.operations.propose_instrument import propose_instrument
from linking.rules.documents import DelinkDocument
from linking.rules.terms import Direction, terms_from
from registry.models import Obligation, Transaction, TransactionStep, UnitBlock
from registry.operations.outcome import Outcome
from registry.rules.states import State
from tests.ledger.test_races import at_once, kinds
from tests.linking.cities import NOW, Pilot, terms
from tests.linking.ends import (
    BJ,
    DAY,
    JP,
    SECOND,
    attempt,
    completed,
    delink,
    delinking,
    linked_by,
    pass_time,
    quota,
    state_of,
    told_of,
    within,
)

END = NOW + 60 * DAY
LAST = END + 5 * DAY
SUNSET = END + 100 * DAY
ROOM = {"limit": 500, "measure": "units", "window": "year"}

WORLDS = {
    f"{policy}, {under_way}": partial(linked_by, entry_quota=ROOM, delinking=delinking(policy, under_way))
    for policy in ("honour", "sunset", "revert", "freeze")
    for under_way in ("settle", "reverse")
}


@pytest.fixture
def ends_by() -> str:
    """The policy, and what becomes of what is under way; parametrised by the tests."""
    return "honour, settle"


@pytest.fixture
def world(ends_by: str) -> Callable[[], Pilot]:
    return WORLDS[ends_by]


@pytest.fixture
def serials(linked: Pilot) -> tuple[int, int]:
    """A hundred of Beijing's units that came to Tokyo before anybody gave notice, on the accounts of `ann` and `plant`."""
    first, _ = completed(linked.send((BJ, "ann"), (JP, "ann"), 60, (801, 861)))
    _, following = completed(linked.send((BJ, "ann"), (JP, "plant"), 40, (861, 901)))
    linked[JP].obligation("plant", 500)
    return first, following


# What may be done with a unit abroad, each with its own unit: (from, offset of its serial, act).
def acts(made: Pilot, first: int, now: datetime, turn: int) -> dict[str, str | list[int]]:
    """Try everything with units of Beijing's in Tokyo at an instant; `turn`: how often it was tried before."""
    at = first + 4 * turn
    owed = Obligation.objects.get().pk
    own = first + 60 + turn
    return {
        "enter": attempt(made.send, (BJ, "ann"), (JP, "bob"), 1, now=now),
        "move": attempt(within, made, "10-50", "ann", "bob", 1, (at, at + 1), now),
        "surrender": attempt(within, made, "10-2", "plant", "SUR", 1, (own, own + 1), now, obligation=owed),
        "cancel": attempt(within, made, "4-0", "ann", "CAN", 1, (at + 1, at + 2), now, reason="a test"),
        "cancel by order": attempt(within, made, "4-48", "ann", "MCN", 1, (at + 2, at + 3), now, reason="a test"),
        "home": attempt(made.send, (JP, "ann"), (BJ, "ann"), 1, (at + 3, at + 4), issuer=BJ, now=now),
    }


DONE, WAITS = "COMPLETED", "AWAITING_APPROVAL"
FREE = {"enter": DONE, "move": DONE, "surrender": DONE, "cancel": WAITS, "cancel by order": WAITS, "home": DONE}
ENDED = FREE | {"enter": [6002]}
HOME_ONLY = ENDED | {"move": [6014], "surrender": [6014], "cancel": [6014]}
FROZEN = HOME_ONLY | {"home": [6014]}
# Policy: what holds from the end of the notice on, and after the sunset.
AFTER = {
    "honour, settle": (ENDED, ENDED),
    "sunset, settle": (ENDED, HOME_ONLY),
    "revert, settle": (HOME_ONLY, HOME_ONLY),
    "freeze, settle": (FROZEN, FROZEN),
}


@pytest.mark.parametrize("ends_by", AFTER)
def test_what_units_abroad_may_do_before_during_and_after(linked: Pilot, serials, ends_by):
    at_end, after_sunset = AFTER[ends_by]
    expected = [
        (NOW, FREE),
        (NOW + SECOND, FREE),
        (END - SECOND, FREE),
        (END, at_end),
        (END + SECOND, at_end),
        (SUNSET - SECOND, at_end),
        (SUNSET, after_sunset),
        (SUNSET + SECOND, after_sunset),
    ]
    for turn, (instant, allowed) in enumerate(expected):
        if turn == 1:
            (row,) = delink(linked)
            assert (row.noticed_at, row.takes_effect_at) == (NOW, END)
        pass_time(instant)
        assert acts(linked, serials[0], instant, turn) == allowed, instant


@pytest.mark.parametrize("ends_by", WORLDS)
def test_what_is_under_way_is_settled_until_the_last_settlement_or_ended_with_the_notice(
    linked: Pilot, serials, ends_by
):
    delink(linked)
    settles = ends_by.endswith("settle")
    entering = linked.send((BJ, "ann"), (JP, "far"), 10, now=END - SECOND)
    returning = linked.send((JP, "ann"), (BJ, "far"), 10, (serials[0], serials[0] + 10), issuer=BJ, now=END - SECOND)
    assert [row.state for row in (entering, returning)] == [WAITS, WAITS]
    reserved = quota(linked)
    assert reserved == (500, 10, 100)
    entering = linked.approve(entering, BJ, now=END - SECOND)
    done = pass_time(END)
    if not settles:
        assert f"transaction {entering.transaction_id}, terms ended" in done
        assert state_of(entering) == (State.TERMINATED, [6007])
        assert told_of(entering.transaction_id, "transaction.check-failed") == [BJ, JP]
        assert quota(linked) == (500, 0, 100)
        assert not UnitBlock.objects.filter(held_for=entering.transaction_id).exists()
    else:
        assert entering.due_at is not None
        assert entering.due_at < LAST
        pass_time(entering.due_at)
        assert state_of(entering) == (State.COMPLETED, [])
        assert quota(linked) == (500, 0, 110)
    _home(linked, returning, ends_by)


def _home(made: Pilot, returning: Outcome, ends_by: str) -> None:
    """What waits on its way home may go on, but under a freeze: then it is under way like all else."""
    if ends_by == "freeze, reverse":
        assert state_of(returning) == (State.TERMINATED, [6014])
        return
    approved = made.approve(returning, JP, now=LAST - SECOND)
    assert approved.due_at is not None
    assert approved.due_at > LAST
    pass_time(approved.due_at)
    expected = (State.TERMINATED, [6014]) if ends_by == "freeze, settle" else (State.COMPLETED, [])
    assert state_of(returning) == expected


@pytest.mark.parametrize("ends_by", ["honour, settle", "revert, settle", "freeze, reverse"])
def test_what_waits_within_the_city_is_bound_at_the_end_and_ended_then(linked: Pilot, serials, ends_by):
    delink(linked)
    moving = within(linked, "10-50", "ann", "far", 5, (serials[0], serials[0] + 5), END - SECOND)
    ordered = within(
        linked, "4-48", "ann", "MCN", 5, (serials[0] + 5, serials[0] + 10), END - SECOND, reason="an order"
    )
    assert [moving.state, ordered.state] == [WAITS, WAITS]
    pass_time(END - SECOND)
    assert state_of(moving) == (State.AWAITING_APPROVAL, [])
    pass_time(END)
    honoured = ends_by.startswith("honour")
    assert state_of(moving) == ((State.AWAITING_APPROVAL, []) if honoured else (State.TERMINATED, [6014]))
    # What is by order is not bound.
    assert state_of(ordered) == (State.AWAITING_APPROVAL, [])


def test_one_corridor_ends_and_the_other_goes_on_as_both_sides_see(linked: Pilot, serials):
    delink(linked, by=BJ)
    link = linked.link(JP, BJ)
    assert set(terms_in_force(link, END - SECOND)) == {(BJ, JP), (JP, BJ)}
    assert set(terms_in_force(link, END)) == {(JP, BJ)}
    pass_time(END)
    assert attempt(linked.send, (BJ, "ann"), (JP, "ann"), 1, now=END) == [6002]
    assert attempt(linked.send, (JP, "ann"), (BJ, "ann"), 1, now=END) == DONE
    told = Entry.objects.filter(event__in=["instrument.concluded", "corridor.end-stated"], occurred_at__gte=NOW)
    for event in ("instrument.concluded", "corridor.end-stated"):
        logs = [set(told.filter(event=event, registry=side).values_list("subject", flat=True)) for side in (BJ, JP)]
        assert logs[0] == logs[1]
        assert logs[0]


def test_both_corridors_end_each_after_the_notice_of_its_own_terms(linked: Pilot, serials):
    """Tokyo's terms give 90 days, Beijing's 60."""
    rows = delink(linked, origin=None)
    assert {str(row.corridor): row.takes_effect_at for row in rows} == {
        f"{BJ} -> {JP}": END,
        f"{JP} -> {BJ}": NOW + 90 * DAY,
    }
    pass_time(NOW + 100 * DAY, since=NOW)
    assert attempt(linked.send, (BJ, "ann"), (JP, "ann"), 1, now=NOW + 100 * DAY) == [6002]
    assert attempt(linked.send, (JP, "ann"), (BJ, "ann"), 1, now=NOW + 100 * DAY) == [6002]
    assert FinalStatement.objects.count() == 2


def test_a_second_notice_neither_hastens_nor_puts_off_an_end(linked: Pilot):
    (first,) = delink(linked)
    with pytest.raises(Refusal, match="nothing-to-delink"):
        delink(linked, by=BJ, now=NOW + DAY)
    # Of both, only the other one's notice is given.
    (second,) = delink(linked, by=BJ, origin=None, now=NOW + DAY)
    assert str(second.corridor) == f"{JP} -> {BJ}"
    ends = Agreement.objects.get(corridor=first.corridor)
    assert (ends.superseded_at, ends.last_settlement_at) == (END, LAST)


def test_of_two_notices_that_were_proposed_at_once_the_first_that_is_signed_holds(linked: Pilot):
    link = linked.link(BJ, JP)
    document = DelinkDocument(Direction(BJ, JP), "a test's end")
    by_tokyo, by_beijing = (
        propose_instrument(link, document, actor=linked[side].officers[0], now=NOW) for side in (JP, BJ)
    )
    linked.sign(by_tokyo, JP, now=NOW)
    with pytest.raises(Refusal, match="nothing-to-delink"):
        linked.sign(by_beijing, BJ, now=NOW + DAY)
    (row,) = Delinking.objects.all()
    assert (row.instrument, row.takes_effect_at) == (by_tokyo, END)


@pytest.mark.parametrize("ends_by", ["freeze, settle"])
def test_who_links_again_lets_new_units_in_and_frees_none_of_the_old(linked: Pilot, serials):
    delink(linked)
    again = terms(BJ, JP, END + DAY, version=2, rate=(1, 2))
    linked.conclude(linked.link(BJ, JP), terms_from(again), JP, BJ, now=NOW + DAY)
    after = END + DAY
    assert attempt(linked.send, (BJ, "ann"), (JP, "ann"), 5, now=after - SECOND) == [6002]
    new = completed(linked.send((BJ, "ann"), (JP, "ann"), 5, now=after))
    assert attempt(within, linked, "10-50", "ann", "bob", 1, (new[0], new[0] + 1), after) == DONE
    assert attempt(within, linked, "10-50", "ann", "bob", 1, (serials[0], serials[0] + 1), after) == [6014]


@pytest.mark.parametrize("ends_by", ["revert, reverse"])
def test_an_exercise_is_delinked_by_its_clock(linked: Pilot, serials, ends_by):
    """As an operator does it: `advance_clock` past the end of the notice, in one jump."""
    now = clock.now()
    (row,) = delink(linked, now=now)
    waiting = linked.send((BJ, "ann"), (JP, "far"), 10, now=now)
    user = User.objects.create(username="clock")
    UserRole.objects.create(user=user, role=Role.SENIOR_REGISTRY_ADMINISTRATOR)
    call_command("advance_clock", days=61, username="clock")
    # The proposal was fourteen days old long before.
    assert state_of(waiting)[0] == State.CANCELLED
    statement = FinalStatement.objects.get()
    assert (statement.delinking, statement.made_at) == (row, row.takes_effect_at)
    assert attempt(linked.send, (BJ, "ann"), (JP, "ann"), 1, now=clock.now()) == [6002]
    assert attempt(within, linked, "10-50", "ann", "bob", 1, (serials[0], serials[0] + 1), clock.now()) == [6014]
    home = linked.send((JP, "ann"), (BJ, "ann"), 1, (serials[0], serials[0] + 1), issuer=BJ, now=clock.now())
    assert home.state == DONE


@pytest.mark.parametrize("ends_by", ["revert, reverse"])
def test_four_who_look_at_once_end_and_state_everything_once(linked: Pilot, serials):
    delink(linked)
    waiting = [
        linked.send((BJ, "ann"), (JP, "far"), 10, now=END - SECOND),
        within(linked, "10-50", "ann", "far", 5, (serials[0], serials[0] + 5), END - SECOND),
    ]
    assert kinds(at_once(*[partial(pass_time, END)] * 4)) == {"list": 4}
    assert [state_of(row) for row in waiting] == [(State.TERMINATED, [6007]), (State.TERMINATED, [6014])]
    steps = TransactionStep.objects.filter(event="check-failed")
    assert sorted(str(pk) for pk in steps.values_list("transaction_id", flat=True)) == sorted(
        str(row.transaction_id) for row in waiting
    )
    assert FinalStatement.objects.count() == 1
    assert Entry.objects.filter(event="corridor.end-stated").count() == 2


def due(outcome: Outcome, at: datetime) -> tuple[str, list[object]]:
    return (
        "INSERT INTO registry_transactionstep (transaction_id, event, from_state, to_state, user_id, at, reason, failures)"
        " VALUES (%s, 'due', 'DELAYED', 'COMPLETED', NULL, %s, '', '{}')",
        [outcome.transaction_id, at],
    )


@pytest.mark.parametrize("ends_by", ["freeze, settle"])
def test_postgresql_lets_nothing_home_from_the_last_settlement_of_a_freeze_on(linked: Pilot, serials, owner):
    delink(linked)
    returning = linked.send((JP, "ann"), (BJ, "far"), 10, (serials[0], serials[0] + 10), issuer=BJ, now=END - SECOND)
    approved = linked.approve(returning, JP, now=END - SECOND)
    assert approved.due_at is not None
    statement, arguments = due(approved, LAST)
    with (
        pytest.raises(psycopg.errors.CheckViolation, match="units_abroad_are_free"),
        owner.transaction(force_rollback=True),
    ):
        owner.execute(statement, arguments)
    with owner.transaction(force_rollback=True):
        owner.execute(*due(approved, LAST - SECOND))
        assert _state(owner, approved) == "COMPLETED"


def _state(connection: psycopg.Connection[tuple], outcome: Outcome) -> str:
    row = connection.execute(
        "SELECT state FROM registry_transaction WHERE id = %s", [outcome.transaction_id]
    ).fetchone()
    assert row is not None
    return str(row[0])


def test_nothing_that_was_tried_is_left_waiting_without_end(linked: Pilot, serials):
    """Everything that waits on a link has an end: its expiry, its due instant, or the end of its terms."""
    delink(linked)
    linked.send((BJ, "ann"), (JP, "far"), 10, now=END - SECOND)
    pass_time(END + 400 * DAY, since=END)
    assert not Transaction.objects.filter(state__in=["AWAITING_APPROVAL", "DELAYED"]).exists()
