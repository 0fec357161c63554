"""Every state and every act on it: what the table of steps allows is done, and the rest is refused by its code."""

from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import pytest

from registry.models import Transaction
from registry.operations.approve import approve
from registry.operations.execute import execute, expire
from registry.operations.outcome import Outcome, Refused
from registry.operations.refuse import refuse
from registry.operations.withdraw import withdraw
from registry.rules.states import FINAL, STEPS, State, Step, may_take
from tests.build import NOW, REGISTRY, Beijing
from tests.ledger.test_raw_sql import SECOND, run
from tests.ledger.test_raw_sql import step as raw_step
from tests.lifecycle.market import balance, codes, state, steps, transfer

LATER = NOW + timedelta(days=400)
Act = Callable[[Beijing, Outcome], Outcome | None]

ACTS: dict[Step, Act] = {
    Step.APPROVED: lambda made, outcome: approve(outcome.transaction_id, actor=made.approver, now=NOW),
    Step.REFUSED: lambda made, outcome: refuse(outcome.transaction_id, actor=made.approver, now=NOW),
    Step.WITHDRAWN: lambda made, outcome: withdraw(outcome.transaction_id, actor=made.representative, now=NOW),
    Step.DUE: lambda made, outcome: execute(outcome.transaction_id, actor=REGISTRY, now=LATER),
    Step.EXPIRED: lambda made, outcome: expire(outcome.transaction_id, actor=REGISTRY, now=LATER),
}
# Nobody asks for these, so they are not refused: there is nothing to do.
BY_THE_CLOCK = {Step.DUE, Step.EXPIRED}


def bring(made: Beijing, owner: psycopg.Connection[tuple], wanted: State) -> Outcome:
    """Bring a transfer of ten units to a state; between registries and on hold by the steps themselves, as the tables' owner."""
    proposed = transfer(made)
    of = f"'{proposed.transaction_id}'"

    def step(event: str, before: str, after: str, at: datetime = NOW) -> None:
        run(owner, raw_step(event, before, after, of=of, at=f"'{at.isoformat()}'"))

    def hold() -> None:
        run(
            owner,
            "INSERT INTO registry_freeze (jurisdiction_id, transaction_id, reason, review_on, frozen_by_id, frozen_at)"
            f" VALUES ({made.home.pk}, {of}, 'an order', '2026-12-31', {SECOND}, '{NOW.isoformat()}')",
        )

    if wanted is State.AWAITING_APPROVAL:
        return proposed
    if wanted is State.REJECTED:
        refuse(proposed.transaction_id, actor=made.approver, now=NOW)
    elif wanted is State.CANCELLED:
        withdraw(proposed.transaction_id, actor=made.representative, now=NOW)
    else:
        due = approve(proposed.transaction_id, actor=made.approver, now=NOW).due_at
        assert due is not None
        if wanted is State.COMPLETED:
            execute(proposed.transaction_id, actor=REGISTRY, now=due)
        elif wanted is State.TERMINATED:
            step("check-failed", "DELAYED", "TERMINATED", due)
        elif wanted is State.ON_HOLD:
            hold()
        elif wanted in {State.PROPOSED, State.ACCEPTED}:
            step("due", "DELAYED", "PROPOSED", due)
            if wanted is State.ACCEPTED:
                step("accepted", "PROPOSED", "ACCEPTED", due)
    assert state(proposed) == wanted
    return proposed


@pytest.mark.parametrize("before", State)
def test_each_act_is_allowed_or_refused_as_the_table_says(registry: Beijing, owner, before):
    for step, act in ACTS.items():
        outcome = bring(registry, owner, before)
        held, known = balance(registry, "ava"), steps(outcome)
        if may_take(step, before):
            taken = act(registry, outcome)
            assert taken is not None
            assert State(taken.state) in STEPS[step, before]
            assert state(outcome) == taken.state
            assert steps(outcome)[:-1] == known
            continue
        if step in BY_THE_CLOCK:
            assert act(registry, outcome) is None
        else:
            with pytest.raises(Refused) as refused:
                act(registry, outcome)
            assert codes(refused.value) == {3003 if before in FINAL else 3002}
        assert (state(outcome), steps(outcome), balance(registry, "ava")) == (before, known, held)


def test_a_hold_stops_the_clock_and_goes_back_to_where_it_came_from(registry: Beijing, owner):
    """What was held for ten days is due, and expires, ten days later."""
    release = (
        "UPDATE registry_freeze SET release_requested_by_id = (SELECT min(id) FROM accounts_user), released_by_id = {},"
        " release_requested_at = frozen_at + interval '10 days', released_at = frozen_at + interval '10 days'"
        " WHERE transaction_id = '{}'"
    )
    for wanted in (State.AWAITING_APPROVAL, State.DELAYED):
        outcome = bring(registry, owner, wanted)
        before = Transaction.objects.get(pk=outcome.transaction_id)
        run(
            owner,
            "INSERT INTO registry_freeze (jurisdiction_id, transaction_id, reason, review_on, frozen_by_id, frozen_at)"
            f" VALUES ({registry.home.pk}, '{before.pk}', 'an order', '2026-12-31', {SECOND}, '{NOW.isoformat()}')",
        )
        assert (state(outcome), balance(registry, "ava")[1] > 0) == (State.ON_HOLD, True)
        run(owner, release.format(SECOND, before.pk))
        after = Transaction.objects.get(pk=outcome.transaction_id)
        assert (after.state, after.held_at, after.resumes_to) == (wanted, None, None)
        for name in ("expires_at", "due_at"):
            was, now = getattr(before, name), getattr(after, name)
            assert now == (None if was is None else was + timedelta(days=10))
