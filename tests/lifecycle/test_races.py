"""Threads on real PostgreSQL: of two steps that exclude each other, one is taken, and its units go one way."""

from collections import Counter
from functools import partial
from random import Random

import pytest

from accounts.rules.representatives import Rights
from registry.models import TransactionStep
from registry.operations.approve import approve
from registry.operations.execute import execute, expire
from registry.operations.outcome import AnsweredBefore, AnswerKey, Outcome, Refused
from registry.operations.refuse import refuse
from registry.operations.withdraw import withdraw
from registry.rules.states import FINAL, State
from tests.build import NOW, REGISTRY, Beijing
from tests.ledger.test_races import at_once, codes, kinds
from tests.lifecycle.market import balance, represent, state, steps, transfer

ROUNDS = 5


@pytest.mark.parametrize(("acquirer", "told"), [("ben", 3002), ("avas", 3003)])
def test_two_approvers_at_once_approve_once(registry: Beijing, acquirer, told):
    third = represent(registry, "third", Rights.APPROVE, "ava")
    for _ in range(ROUNDS):
        proposed = transfer(registry, acquirer=acquirer)
        results = at_once(
            *[
                partial(approve, proposed.transaction_id, actor=actor, now=NOW)
                for actor in (registry.approver, third) * 2
            ]
        )
        assert kinds(results) == {"Outcome": 1, "Refused": 3}
        assert codes(results) == {told}
        assert [event for event, *_ in steps(proposed)] == ["approved"]
    moved = 10 * ROUNDS
    assert balance(registry, "ava") == ((100 - moved, 0) if acquirer == "avas" else (100, moved))


def test_approval_and_withdrawal_at_once_move_or_release(registry: Beijing):
    """Between accounts of one holder: what the approval completes, nobody withdraws."""
    moved = 0
    for _ in range(ROUNDS):
        proposed = transfer(registry, acquirer="avas")
        results = at_once(
            partial(approve, proposed.transaction_id, actor=registry.approver, now=NOW),
            partial(withdraw, proposed.transaction_id, actor=registry.representative, now=NOW),
        )
        assert kinds(results) == {"Outcome": 1, "Refused": 1}
        assert codes(results) == {3003}
        assert state(proposed) in {State.COMPLETED, State.CANCELLED}
        moved += 10 if state(proposed) == State.COMPLETED else 0
        assert (balance(registry, "ava"), sum(balance(registry, "avas"))) == ((100 - moved, 0), moved)


def test_a_withdrawal_stops_what_waits_whichever_comes_first(registry: Beijing):
    """A transfer to a stranger is withdrawn before its approval or after; it never moves."""
    for _ in range(ROUNDS):
        proposed = transfer(registry)
        results = at_once(
            partial(approve, proposed.transaction_id, actor=registry.approver, now=NOW),
            partial(withdraw, proposed.transaction_id, actor=registry.representative, now=NOW),
        )
        assert isinstance(results[1], Outcome)
        assert state(proposed) == State.CANCELLED
        assert balance(registry, "ava") == (100, 0)


def test_approval_and_refusal_at_once_decide_one_way(registry: Beijing):
    third = represent(registry, "third", Rights.APPROVE, "ava")
    for _ in range(ROUNDS):
        proposed = transfer(registry)
        results = at_once(
            partial(approve, proposed.transaction_id, actor=registry.approver, now=NOW),
            partial(refuse, proposed.transaction_id, actor=third, now=NOW),
        )
        assert kinds(results) == {"Outcome": 1, "Refused": 1}
        assert state(proposed) in {State.DELAYED, State.REJECTED}
        assert len(steps(proposed)) == 1


def test_what_is_due_is_executed_once_however_many_try(registry: Beijing):
    proposed = transfer(registry)
    due = approve(proposed.transaction_id, actor=registry.approver, now=NOW).due_at
    results = at_once(*[partial(execute, proposed.transaction_id, actor=REGISTRY, now=due)] * 8)
    assert kinds(results) == {"Outcome": 1, "NoneType": 7}
    assert (balance(registry, "ava"), balance(registry, "ben")) == ((90, 0), (10, 0))
    assert [event for event, *_ in steps(proposed)] == ["approved", "due"]


def test_execution_and_withdrawal_at_once_move_or_release(registry: Beijing):
    for _ in range(ROUNDS):
        before = balance(registry, "ben")[0]
        proposed = transfer(registry)
        due = approve(proposed.transaction_id, actor=registry.approver, now=NOW).due_at
        results = at_once(
            partial(execute, proposed.transaction_id, actor=REGISTRY, now=due),
            partial(withdraw, proposed.transaction_id, actor=registry.representative, now=due),
        )
        assert kinds(results) in ({"Outcome": 1, "Refused": 1}, {"Outcome": 1, "NoneType": 1})
        assert balance(registry, "ben")[0] - before == (10 if state(proposed) == State.COMPLETED else 0)
        assert balance(registry, "ava")[1] == 0


def test_expiry_and_approval_at_once_end_it_or_send_it_on(registry: Beijing):
    """The approval is the last that comes in time; the two clocks differ by nothing that a client could see."""
    for _ in range(ROUNDS):
        proposed = transfer(registry)
        results = at_once(
            partial(approve, proposed.transaction_id, actor=registry.approver, now=NOW),
            partial(expire, proposed.transaction_id, actor=REGISTRY, now=proposed.expires_at),
        )
        assert kinds(results) in ({"Outcome": 1, "Refused": 1}, {"Outcome": 1, "NoneType": 1})
        assert state(proposed) in {State.DELAYED, State.CANCELLED}
        assert len(steps(proposed)) == 1
    waiting = TransactionStep.objects.filter(to_state="DELAYED").count()
    assert balance(registry, "ava") == (100, 10 * waiting)


@pytest.mark.parametrize("accepted", [True, False])
def test_sixteen_clients_with_one_key_approve_once_and_get_one_answer(registry: Beijing, accepted):
    """Also where the answer is a refusal: whoever comes second gets the first answer."""
    proposed = transfer(registry)
    actor = registry.approver if accepted else registry.representative
    key = AnswerKey(actor.name, "k", "digest", lambda result: (200, type(result).__name__))
    results = at_once(*[partial(approve, proposed.transaction_id, actor=actor, now=NOW, key=key)] * 16)
    first = "Outcome" if accepted else "Refused"
    assert kinds(results) == {first: 1, "AnsweredBefore": 15}
    assert {result.answer.body for result in results if isinstance(result, AnsweredBefore)} == {first}
    assert len(steps(proposed)) == accepted
    other = AnswerKey(actor.name, "k", "another", key.print_answer)
    with pytest.raises(Refused) as refused:
        approve(proposed.transaction_id, actor=actor, now=NOW, key=other)
    assert [failure.code for failure in refused.value.failures] == [3004]


def test_everybody_at_once_and_no_client_sees_a_deadlock(registry: Beijing):
    """Proposals both ways, decided by whoever comes first, over the same accounts and the same transactions."""
    registry.open("cyn", holder="Cyn")
    for name in ("ben", "cyn"):
        registry.move("ISS", name, 100)
    names = ("ava", "ben", "cyn", "avas")

    def trade(seed: int) -> Counter[str]:
        random, done = Random(seed), Counter[str]()
        for _ in range(8):
            sender, acquirer = random.sample(names, 2)
            try:
                proposed = transfer(registry, sender, acquirer, random.randrange(1, 20))
                waiting = TransactionStep.objects.filter(to_state="DELAYED").values_list("transaction", flat=True)
                for identifier in (proposed.transaction_id, *random.sample(list(waiting), min(2, len(waiting)))):
                    decide = random.choice((approve, refuse, withdraw))
                    outcome = decide(identifier, actor=registry.approver, now=NOW)
                    done[outcome.state] += 1
                    if outcome.due_at is not None:
                        execute(identifier, actor=REGISTRY, now=outcome.due_at)
            except Refused as refused:
                done.update(str(failure.code) for failure in refused.failures)
        return done

    results = at_once(*[lambda seed=seed: trade(seed) for seed in range(6)])
    assert [result for result in results if isinstance(result, Exception)] == []
    told = sum((result for result in results if isinstance(result, Counter)), Counter()).keys()
    assert told <= {"DELAYED", *FINAL, "3002", "3003", "4010"}
    assert sum(balance(registry, name)[0] for name in names) == 300
