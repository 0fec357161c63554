"""Freezes that race with movements and with one another: whatever comes first, the units end frozen wherever they are."""

import threading
import time

import pytest

from accounts.models import Account
from accounts.refusals import Refusal
from registry.ledger import merge_neighbours
from registry.models import Freeze, UnitBlock
from registry.operations.outcome import AnsweredBefore, AnswerKey, Outcome, Refused
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.rules.freezes import FreezeRecord
from registry.rules.states import State
from tests.build import NOW
from tests.freezes.people import Staffed, frozen_serials, state_of
from tests.ledger.test_races import THREADS, at_once, codes, kinds

RANGE = range(620, 780)


def unexpected(results: list[object]) -> list[object]:
    return [one for one in results if isinstance(one, Exception) and not isinstance(one, Refused)]


@pytest.mark.parametrize("attempt", range(3))
def test_serials_frozen_while_eight_pass_them_round_are_frozen_wherever_they_went(staff: Staffed, attempt):
    """They are cut, sent on and merged again all the while; none slips through."""
    circle, done = ("ann", "bob", "cid"), threading.Event()

    def passes(seed: int) -> int:
        moved = 0
        while not done.is_set():
            for holder in circle:
                first = 620 + (seed * 20 + moved * 7) % 150
                try:
                    staff.registry.move(holder, circle[(circle.index(holder) + 1) % 3], 9, (first, first + 9))
                    moved += 1
                except Refused:
                    continue
        return moved

    def merges() -> int:
        return sum(merge_neighbours(staff.registry.accounts[name].pk) for name in circle)

    def freezes() -> FreezeRecord:
        time.sleep(0.3 + attempt / 10)
        try:
            frozen = staff.freeze(RANGE.start, RANGE.stop)
            assert frozen_serials() == list(RANGE)
            return frozen
        finally:
            time.sleep(0.2)
            done.set()

    results = at_once(*[lambda seed=seed: passes(seed) for seed in range(THREADS - 1)], freezes)
    assert unexpected(results) == []
    assert sum(one for one in results if isinstance(one, int)) > 0
    assert frozen_serials() == list(RANGE)
    merges()
    assert frozen_serials() == list(RANGE)
    frozen = next(one for one in results if isinstance(one, FreezeRecord))
    staff.lift(frozen)
    assert frozen_serials() == []


def test_serials_frozen_at_the_moment_they_are_sent_are_sent_or_frozen_first_and_frozen_in_the_end(staff: Staffed):
    moves = [
        lambda first=first, to=to: staff.registry.move("ann", to, 20, (first, first + 20))
        for first, to in zip(range(620, 760, 20), ("bob", "cid") * 4, strict=False)
    ]
    results = at_once(*moves, lambda: staff.freeze(RANGE.start, RANGE.stop))
    assert unexpected(results) == []
    assert codes(results) <= {4009}
    assert frozen_serials() == list(RANGE)


def test_surrenders_and_a_freeze_end_with_the_units_frozen_in_the_surrender_account_or_before_it(staff: Staffed):
    staff.registry.move("ann", "plant", 200)
    obligation = staff.registry.obligation("plant").pk
    surrenders = [
        lambda first=first: staff.registry.move(
            "plant", "SUR", 10, (first, first + 10), type_code="10-2", obligation=obligation
        )
        for first in range(620, 690, 10)
    ]
    results = at_once(*surrenders, lambda: staff.freeze(RANGE.start, RANGE.stop))
    assert unexpected(results) == []
    assert frozen_serials() == list(RANGE)
    surrendered = UnitBlock.objects.filter(account__type="SUR").values_list("frozen_by", flat=True)
    assert set(surrendered) <= {Freeze.objects.get().pk}


@pytest.mark.parametrize("attempt", range(5))
def test_two_overlapping_freezes_released_at_once_leave_no_mark(staff: Staffed, attempt):
    both = [staff.freeze(601, 701), staff.freeze(651, 751)]
    for one in both:
        request_release(one.id, actor=staff.junior, now=NOW)
    results = at_once(*[lambda one=one: release(one.id, actor=staff.senior, now=NOW) for one in both])
    assert kinds(results) == {"FreezeRecord": 2}
    assert frozen_serials() == []


@pytest.mark.parametrize("attempt", range(5))
def test_a_freeze_made_while_another_is_released_covers_its_serials(staff: Staffed, attempt):
    old = staff.freeze(601, 701)
    request_release(old.id, actor=staff.junior, now=NOW)
    results = at_once(
        lambda: release(old.id, actor=staff.senior, now=NOW),
        lambda: staff.freeze(651, 751),
    )
    assert kinds(results) == {"FreezeRecord": 2}
    assert frozen_serials() == list(range(651, 751))


def test_one_freeze_is_released_once_by_eight(staff: Staffed):
    frozen = staff.freeze(601, 701)
    request_release(frozen.id, actor=staff.junior, now=NOW)
    results = at_once(
        *[lambda who=who: release(frozen.id, actor=who, now=NOW) for who in (staff.senior, staff.second) * 4]
    )
    assert kinds(results) == {"FreezeRecord": 1, "Refusal": THREADS - 1}
    assert {one.code for one in results if isinstance(one, Refusal)} == {"freeze-is-released"}


def test_eight_freezes_of_one_transaction_hold_it_once_and_it_goes_on_after_the_last(staff: Staffed):
    waiting = staff.delayed((501, 521))
    results = at_once(*[lambda: staff.hold(waiting)] * THREADS)
    assert kinds(results) == {"FreezeRecord": THREADS}
    frozen = [one for one in results if isinstance(one, FreezeRecord)]
    for one in frozen:
        request_release(one.id, actor=staff.junior, now=NOW)
    assert state_of(waiting) == State.ON_HOLD
    released = at_once(*[lambda one=one: release(one.id, actor=staff.senior, now=NOW) for one in frozen])
    assert kinds(released) == {"FreezeRecord": THREADS}
    assert state_of(waiting) == State.DELAYED


def test_freezes_of_an_account_while_it_sends_stop_all_that_comes_after(staff: Staffed):
    results = at_once(*[lambda: staff.registry.move("ann", "bob", 10)] * 5, *[lambda: staff.freeze_account("ann")] * 3)
    assert unexpected(results) == []
    assert sum(isinstance(one, FreezeRecord) for one in results) == 3
    assert codes(results) <= {4003}
    assert Account.objects.get(pk=staff.registry.accounts["ann"].pk).frozen
    sent = sum(isinstance(one, Outcome) for one in results) * 10
    assert sum(b.end_no - b.start_no for b in UnitBlock.objects.filter(account__name="ann") if b.end_no) == 200 - sent


def test_one_key_freezes_once(staff: Staffed):
    """Also where no lock is shared before the effect: the answers' own key decides."""
    key = AnswerKey("user:1", "k", "digest", lambda record: (201, f"{record.id}"))
    results = at_once(*[lambda: staff.freeze_account("ann", key=key)] * THREADS)
    assert kinds(results) == {"FreezeRecord": 1, "AnsweredBefore": THREADS - 1}
    made = next(one for one in results if isinstance(one, FreezeRecord))
    assert {one.answer.body for one in results if isinstance(one, AnsweredBefore)} == {f"{made.id}"}
    assert Freeze.objects.count() == 1
