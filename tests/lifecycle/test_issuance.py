"""Two persons issue: nothing exists before the second of them has agreed, and then what is next in turn."""

import pytest

from accounts.rules.access import Actor, Role
from registry.models import IssuanceCap, Issue, TransactionBlock
from registry.operations.approve import approve
from registry.operations.issue import issue
from registry.operations.outcome import Outcome, Refused
from registry.operations.refuse import refuse
from registry.operations.withdraw import withdraw
from registry.rules.states import State
from tests.build import NOW, Beijing
from tests.ledger.test_races import at_once, kinds
from tests.lifecycle.market import administrator, balance, codes, events, state, steps


@pytest.fixture
def junior(registry: Beijing) -> Actor:
    return administrator(registry, Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior")


@pytest.fixture
def senior(registry: Beijing) -> Actor:
    return administrator(registry, Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior")


def propose(registry: Beijing, actor: Actor, quantity: int = 50) -> Outcome:
    return issue(cap_id=registry.caps[2026].pk, acquiring=registry["ISS"], quantity=quantity, actor=actor, now=NOW)


def issued(registry: Beijing) -> int:
    return IssuanceCap.objects.get(pk=registry.caps[2026].pk).issued


def test_units_are_made_when_the_second_person_approves(registry: Beijing, junior, senior):
    before = balance(registry, "ISS")
    proposed = propose(registry, junior)
    assert (proposed.state, proposed.ranges) == (State.AWAITING_APPROVAL, ())
    assert not TransactionBlock.objects.filter(transaction=proposed.transaction_id).exists()
    assert (issued(registry), balance(registry, "ISS")) == (1_000, before)
    registry.issue(5)
    completed = approve(proposed.transaction_id, actor=senior, now=NOW)
    assert completed.state == State.COMPLETED
    # What was issued meanwhile came first.
    assert [(moved.first, moved.next) for moved in completed.ranges] == [(1_006, 1_056)]
    assert (issued(registry), balance(registry, "ISS")) == (1_055, (before[0] + 55, 0))
    row = Issue.objects.get(first_no=1_006)
    assert (row.next_no, row.transaction_id) == (1_056, proposed.transaction_id)
    assert steps(proposed) == [("approved", "AWAITING_APPROVAL", "COMPLETED", senior.user_id)]
    assert events(proposed) == ["transaction.proposed", "transaction.approved"]


@pytest.mark.parametrize("end", [refuse, withdraw])
def test_an_issuance_that_is_refused_or_withdrawn_makes_nothing(registry: Beijing, junior, senior, end):
    proposed = propose(registry, junior)
    ended = end(proposed.transaction_id, actor=senior, now=NOW)
    assert ended.state == state(proposed)
    assert ended.state in {State.REJECTED, State.CANCELLED}
    assert issued(registry) == 1_000
    with pytest.raises(Refused) as refused:
        approve(proposed.transaction_id, actor=senior, now=NOW)
    assert 3003 in codes(refused.value)


def test_the_cap_counts_when_units_are_made(registry: Beijing, junior, senior):
    """Two proposals that fit one by one, and not together: the second to be approved is refused, and waits."""
    IssuanceCap.objects.filter(pk=registry.caps[2026].pk).update(limit=1_100)
    first, second = propose(registry, junior, 60), propose(registry, junior, 60)
    approve(second.transaction_id, actor=senior, now=NOW)
    with pytest.raises(Refused) as refused:
        approve(first.transaction_id, actor=senior, now=NOW)
    assert codes(refused.value) == {5001}
    assert (state(first), issued(registry)) == (State.AWAITING_APPROVAL, 1_060)


def test_issuances_approved_at_once_take_serials_in_order(registry: Beijing, junior, senior):
    proposals = [propose(registry, junior, 7) for _ in range(6)]
    results = at_once(*[lambda one=one: approve(one.transaction_id, actor=senior, now=NOW) for one in proposals])
    assert kinds(results) == {"Outcome": 6}
    firsts = sorted(result.ranges[0].first for result in results if isinstance(result, Outcome))
    assert firsts == [1_001 + 7 * place for place in range(6)]


def test_one_issuance_approved_by_two_at_once_is_made_once(registry: Beijing, junior, senior):
    proposed = propose(registry, junior)
    others = [senior, administrator(registry, Role.SENIOR_REGISTRY_ADMINISTRATOR, "another")]
    results = at_once(
        *[lambda actor=actor: approve(proposed.transaction_id, actor=actor, now=NOW) for actor in others * 4]
    )
    assert kinds(results) == {"Outcome": 1, "Refused": 7}
    assert issued(registry) == 1_050
