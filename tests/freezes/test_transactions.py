"""A transaction on hold: its units stay reserved, it takes no step, and its clock stands."""

from datetime import timedelta
from uuid import UUID

import pytest

from accounts.refusals import NotFound
from registry.models import Transaction, TransactionStep, UnitBlock
from registry.operations.approve import approve
from registry.operations.execute import execute
from registry.operations.freeze import freeze_transaction
from registry.operations.outcome import Refused
from registry.operations.release import release
from registry.operations.request_release import request_release
from registry.operations.withdraw import withdraw
from registry.rules.states import State
from tests.build import NOW, REGISTRY
from tests.freezes.people import HOUR, Staffed, runs, state_of

HELD = timedelta(days=40, hours=3, microseconds=7)


def stored(waiting) -> Transaction:
    return Transaction.objects.get(pk=waiting.transaction_id)


@pytest.mark.parametrize("how", ["waiting", "delayed"])
def test_what_is_held_goes_back_to_where_it_was_and_is_due_later_by_exactly_the_hold(staff: Staffed, owner, how):
    waiting = getattr(staff, how)((501, 521))
    before, cut = stored(waiting), runs(owner)
    frozen = staff.hold(waiting, now=NOW + HOUR)
    assert state_of(waiting) == State.ON_HOLD
    assert stored(waiting).resumes_to == waiting.state
    assert runs(owner) == cut
    staff.lift(frozen, now=NOW + HOUR + HELD)
    after = stored(waiting)
    assert (after.state, after.resumes_to, after.held_at) == (before.state, None, None)
    for column in ("due_at", "expires_at"):
        instant = getattr(before, column)
        assert getattr(after, column) == (instant and instant + HELD)
    steps = TransactionStep.objects.filter(transaction=after).order_by("id").values_list("event", "user_id", "reason")
    assert list(steps)[-2:] == [
        ("frozen", staff.junior.user_id, "suspected theft"),
        ("released", staff.senior.user_id, ""),
    ]
    assert runs(owner) == cut


def test_nothing_happens_to_what_is_on_hold(staff: Staffed):
    waiting = staff.delayed((501, 521))
    staff.hold(waiting)
    for act in (
        lambda: approve(waiting.transaction_id, actor=staff.registry.approver, now=NOW + HOUR),
        lambda: withdraw(waiting.transaction_id, actor=staff.registry.representative, now=NOW + HOUR),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert [failure.code for failure in refused.value.failures] == [3002]
    execute(waiting.transaction_id, actor=REGISTRY, now=waiting.due_at)
    assert state_of(waiting) == State.ON_HOLD
    assert UnitBlock.objects.filter(held_for=waiting.transaction_id).exists()


def test_a_released_transaction_is_judged_no_further_and_completes_when_its_time_has_come(staff: Staffed):
    """Its account is frozen at the moment of the release; only its execution looks at that."""
    waiting = staff.delayed((501, 521))
    assert waiting.due_at
    frozen, of_account = staff.hold(waiting), staff.freeze_account("eve")
    staff.lift(frozen, now=NOW + HOUR)
    assert state_of(waiting) == State.DELAYED
    staff.lift(of_account, now=NOW + HOUR)
    execute(waiting.transaction_id, actor=REGISTRY, now=waiting.due_at + HOUR)
    assert state_of(waiting) == State.COMPLETED


def test_what_is_held_twice_goes_on_when_both_are_released(staff: Staffed):
    waiting = staff.delayed((501, 521))
    assert waiting.due_at
    first, second = staff.hold(waiting), staff.hold(waiting, actor=staff.authority, now=NOW + HOUR)
    staff.lift(first, now=NOW + 2 * HOUR)
    assert state_of(waiting) == State.ON_HOLD
    staff.lift(second, now=NOW + 5 * HOUR)
    assert state_of(waiting) == State.DELAYED
    assert stored(waiting).due_at == waiting.due_at + 5 * HOUR


def test_what_has_ended_is_not_frozen(staff: Staffed):
    ended = staff.registry.move("ann", "bob", 10)
    withdrawn = staff.waiting((501, 521))
    withdraw(withdrawn.transaction_id, actor=staff.registry.representative, now=NOW)
    for outcome in (ended, withdrawn):
        with pytest.raises(Refused) as refused:
            staff.hold(outcome)
        assert [failure.code for failure in refused.value.failures] == [3003]


def test_what_another_registry_has_accepted_is_not_frozen(staff: Staffed, owner):
    """No link makes an accepted transaction yet, so its row is made one behind the triggers, and back again."""
    waiting = staff.delayed((501, 521))
    for state in ("ACCEPTED", "DELAYED"):
        with owner.transaction():
            owner.execute("ALTER TABLE registry_transaction DISABLE TRIGGER USER")
            owner.execute("UPDATE registry_transaction SET state = %s WHERE id = %s", [state, waiting.transaction_id])
            owner.execute("ALTER TABLE registry_transaction ENABLE TRIGGER USER")
        if state == "ACCEPTED":
            with pytest.raises(Refused) as refused:
                staff.hold(waiting)
            assert [failure.code for failure in refused.value.failures] == [3002]


def test_no_transaction_of_that_name(staff: Staffed):
    with pytest.raises(NotFound):
        freeze_transaction(UUID(int=7), **staff.usual())


def test_a_clock_a_moment_behind_is_no_obstacle(staff: Staffed):
    """Two processes do not agree to the microsecond on what time it is."""
    waiting = staff.delayed((501, 521))
    moment = timedelta(milliseconds=5)
    frozen = staff.hold(waiting, now=NOW - moment)
    request_release(frozen.id, actor=staff.junior, now=NOW - moment)
    release(frozen.id, actor=staff.senior, now=NOW - moment)
    assert state_of(waiting) == State.DELAYED
