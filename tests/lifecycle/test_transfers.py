"""The way of a transfer that waits: approval, delay, execution, and every other ending."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError

from accounts.models import Account
from accounts.operations.change_account_status import change_account_status
from accounts.refusals import Refusal
from accounts.rules.access import Role
from accounts.rules.statuses import AccountStatus
from registry.models import Transaction, TransactionStep
from registry.operations.approve import approve
from registry.operations.execute import execute, expire
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose_batch import propose_batch
from registry.operations.refuse import refuse
from registry.operations.withdraw import withdraw
from registry.rules.proposal import Proposal
from registry.rules.states import State
from tests.build import NOW, REGISTRY, Beijing, official
from tests.ledger.test_raw_sql import SECOND, freeze, run
from tests.ledger.test_ways_around import runs
from tests.lifecycle.market import balance, codes, events, state, steps, transfer

MOMENT = timedelta(microseconds=1)


def due(outcome: Outcome) -> datetime:
    assert outcome.due_at is not None
    return outcome.due_at


def expiry(outcome: Outcome) -> datetime:
    assert outcome.expires_at is not None
    return outcome.expires_at


def test_a_transfer_to_a_stranger_waits_for_a_second_person_and_for_its_delay(registry: Beijing):
    proposed = transfer(registry)
    assert (proposed.state, proposed.completed_at, proposed.due_at) == (State.AWAITING_APPROVAL, None, None)
    assert expiry(proposed) > NOW
    assert balance(registry, "ava") == (100, 10)
    later = NOW + timedelta(hours=1)
    approved = approve(proposed.transaction_id, actor=registry.approver, now=later, reason="seen")
    assert (approved.state, approved.completed_at, approved.ranges) == (State.DELAYED, None, proposed.ranges)
    assert due(approved) > later
    assert balance(registry, "ava") == (100, 10)
    assert execute(proposed.transaction_id, actor=REGISTRY, now=due(approved) - MOMENT) is None
    assert balance(registry, "ava") == (100, 10)
    executed = execute(proposed.transaction_id, actor=REGISTRY, now=due(approved))
    assert executed is not None
    assert (executed.state, executed.completed_at, executed.ranges) == (
        State.COMPLETED,
        due(approved),
        proposed.ranges,
    )
    assert (balance(registry, "ava"), balance(registry, "ben")) == ((90, 0), (10, 0))
    assert steps(proposed) == [
        ("approved", "AWAITING_APPROVAL", "DELAYED", registry.second.pk),
        ("due", "DELAYED", "COMPLETED", None),
    ]
    assert list(TransactionStep.objects.order_by("id").values_list("at", "reason", "due_at")) == [
        (later, "seen", due(approved)),
        (due(approved), "", None),
    ]
    assert events(proposed) == ["transaction.proposed", "transaction.approved", "transaction.due"]
    row = Transaction.objects.get(pk=proposed.transaction_id)
    assert (row.initiator_id, row.approver_id, row.completed_at) == (
        registry.user.pk,
        registry.second.pk,
        due(approved),
    )
    assert execute(proposed.transaction_id, actor=REGISTRY, now=due(approved)) is None


def test_between_accounts_of_one_holder_the_second_person_completes_it(registry: Beijing):
    proposed = transfer(registry, acquirer="avas")
    assert (proposed.state, balance(registry, "ava")) == (State.AWAITING_APPROVAL, (100, 10))
    completed = approve(proposed.transaction_id, actor=registry.approver, now=NOW)
    assert (completed.state, completed.completed_at, completed.due_at) == (State.COMPLETED, NOW, None)
    assert (balance(registry, "ava"), balance(registry, "avas")) == ((90, 0), (10, 0))
    assert events(proposed) == ["transaction.proposed", "transaction.approved"]


def give(registry: Beijing, name: str, status: AccountStatus) -> None:
    change_account_status(identifier=registry[name], status=status, reason="test", actor=REGISTRY, now=NOW)


Ending = Callable[[Beijing, Outcome], object]


def by_administrator(registry: Beijing, outcome: Outcome) -> object:
    junior = official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior")
    return withdraw(outcome.transaction_id, actor=junior, now=NOW, reason="a mistake")


def approved_then(ending: Ending) -> Ending:
    return lambda registry, outcome: ending(registry, approve(outcome.transaction_id, actor=registry.approver, now=NOW))


def executed_while(change: Callable[[Beijing], None]) -> Ending:
    def end(registry: Beijing, outcome: Outcome) -> object:
        change(registry)
        return execute(outcome.transaction_id, actor=REGISTRY, now=due(outcome))

    return approved_then(end)


def withdrawn(registry: Beijing, outcome: Outcome) -> object:
    return withdraw(outcome.transaction_id, actor=registry.representative, now=NOW)


# Ending: the act, the last step, and the checks that failed.
ENDINGS: dict[str, tuple[Ending, tuple[str, str, str], list[int]]] = {
    "refused": (
        lambda registry, outcome: refuse(outcome.transaction_id, actor=registry.approver, now=NOW, reason="no"),
        ("refused", "AWAITING_APPROVAL", "REJECTED"), [],
    ),
    "withdrawn by who proposed it": (withdrawn, ("withdrawn", "AWAITING_APPROVAL", "CANCELLED"), []),
    "withdrawn by who could approve it": (
        lambda registry, outcome: withdraw(outcome.transaction_id, actor=registry.approver, now=NOW),
        ("withdrawn", "AWAITING_APPROVAL", "CANCELLED"), [],
    ),
    "withdrawn by an administrator": (by_administrator, ("withdrawn", "AWAITING_APPROVAL", "CANCELLED"), []),
    "expired": (
        lambda registry, outcome: expire(outcome.transaction_id, actor=REGISTRY, now=expiry(outcome)),
        ("expired", "AWAITING_APPROVAL", "CANCELLED"), [],
    ),
    "withdrawn after its approval": (approved_then(withdrawn), ("withdrawn", "DELAYED", "CANCELLED"), []),
    "due when its account is suspended": (
        executed_while(lambda registry: give(registry, "ava", AccountStatus.SUSPENDED)),
        ("check-failed", "DELAYED", "TERMINATED"), [4003],
    ),
    "due when the other account is restricted": (
        executed_while(lambda registry: give(registry, "ben", AccountStatus.ALL_RESTRICTED)),
        ("check-failed", "DELAYED", "TERMINATED"), [4004],
    ),
}  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_other_ending_releases_its_units_and_leaves_the_runs_as_they_were(registry: Beijing, owner, ending):
    before = runs(owner)
    act, last_step, failures = ENDINGS[ending]
    proposed = transfer(registry)
    assert runs(owner) != before
    ended = act(registry, proposed)
    assert isinstance(ended, Outcome)
    assert ended.state == last_step[2] == state(proposed)
    assert ended.completed_at is None
    assert (balance(registry, "ava"), balance(registry, "ben")) == ((100, 0), (0, 0))
    assert runs(owner) == before
    assert steps(proposed)[-1][:3] == last_step
    assert TransactionStep.objects.latest("id").failures == failures
    told = {"refused": "transaction.rejected"}.get(last_step[0], f"transaction.{last_step[0]}")
    assert events(proposed)[-1] == told


@pytest.mark.parametrize("delayed", [False, True])
def test_units_frozen_while_they_wait_do_not_move_and_are_released(registry: Beijing, owner, delayed):
    before = runs(owner)
    proposed = transfer(registry)
    serials = proposed.ranges[0]
    if delayed:
        approved = approve(proposed.transaction_id, actor=registry.approver, now=NOW)
    run(owner, freeze(serials.first + 2, serials.first + 4))
    if delayed:
        executed = execute(proposed.transaction_id, actor=REGISTRY, now=due(approved))
        assert executed is not None
        assert executed.state == State.TERMINATED
    else:
        with pytest.raises(Refused) as refused:
            approve(proposed.transaction_id, actor=registry.approver, now=NOW)
        assert codes(refused.value) == {4009}
        refuse(proposed.transaction_id, actor=registry.approver, now=NOW)
    assert balance(registry, "ava") == (100, 0)
    assert runs(owner) == before


def test_what_waits_is_nobody_elses(registry: Beijing):
    serials = transfer(registry).ranges[0]
    with pytest.raises(Refused) as refused:
        transfer(registry, "ava", "ben", 91)
    assert codes(refused.value) == {4010}
    with pytest.raises(Refused) as refused:
        transfer(registry, "ava", "avas", 1, (serials.first, serials.first + 1))
    assert codes(refused.value) == {4009}
    assert transfer(registry, "ava", "ben", 90).state == State.AWAITING_APPROVAL


def test_an_approval_that_a_check_stops_leaves_it_waiting(registry: Beijing):
    proposed = transfer(registry)
    give(registry, "ben", AccountStatus.ALL_RESTRICTED)
    with pytest.raises(Refused) as refused:
        approve(proposed.transaction_id, actor=registry.approver, now=NOW)
    assert codes(refused.value) == {4004}
    assert (state(proposed), balance(registry, "ava")) == (State.AWAITING_APPROVAL, (100, 10))
    assert events(proposed) == ["transaction.proposed", "transaction.step-refused"]
    give(registry, "ben", AccountStatus.OPEN)
    assert approve(proposed.transaction_id, actor=registry.approver, now=NOW).state == State.DELAYED


def test_a_transfer_is_approved_until_it_expires_and_expires_then(registry: Beijing):
    proposed = transfer(registry)
    last = expiry(proposed) - MOMENT
    assert expire(proposed.transaction_id, actor=REGISTRY, now=last) is None
    with pytest.raises(Refused) as refused:
        approve(proposed.transaction_id, actor=registry.approver, now=expiry(proposed))
    assert codes(refused.value) == {3002}
    assert state(proposed) == State.AWAITING_APPROVAL
    approved = approve(proposed.transaction_id, actor=registry.approver, now=last)
    assert approved.state == State.DELAYED
    assert expire(proposed.transaction_id, actor=REGISTRY, now=expiry(proposed)) is None


def test_a_surrender_by_two_is_complete_when_it_is_approved(registry: Beijing):
    obligation = registry.obligation("mill").pk
    proposed = transfer(registry, "mill", "SUR", 50, type_code="10-2", obligation=obligation)
    assert (proposed.state, balance(registry, "mill")) == (State.AWAITING_APPROVAL, (50, 50))
    assert approve(proposed.transaction_id, actor=registry.approver, now=NOW).state == State.COMPLETED
    assert (balance(registry, "mill"), balance(registry, "SUR")) == ((0, 0), (50, 0))


def test_a_batch_of_transfers_waits_like_each_alone(registry: Beijing):
    orders = [Proposal("10-50", (registry.line("ava", name, 10),)) for name in ("ben", "avas", "ben")]
    proposed = propose_batch(orders, actor=registry.representative, now=NOW)
    assert [outcome.state for outcome in proposed if isinstance(outcome, Outcome)] == ["AWAITING_APPROVAL"] * 3
    assert balance(registry, "ava") == (100, 30)
    approved = [
        approve(one.transaction_id, actor=registry.approver, now=NOW) for one in proposed if isinstance(one, Outcome)
    ]
    assert [outcome.state for outcome in approved] == ["DELAYED", "COMPLETED", "DELAYED"]


def test_a_client_reference_names_one_transaction_of_an_account_also_one_that_was_withdrawn(registry: Beijing):
    proposed = transfer(registry, client_reference="r")
    withdraw(proposed.transaction_id, actor=registry.representative, now=NOW)
    with pytest.raises(Refused) as refused:
        transfer(registry, client_reference="r")
    assert codes(refused.value) == {3001}
    assert transfer(registry, client_reference="s").state == State.AWAITING_APPROVAL


def test_a_client_reference_is_used_once_in_a_batch_too(registry: Beijing):
    order = Proposal("10-50", (registry.line("ava", "ben", 10),), client_reference="r")
    first, second = propose_batch([order, order], actor=registry.representative, now=NOW)
    assert isinstance(first, Outcome)
    assert isinstance(second, Refused)
    assert codes(second) == {3001}
    assert balance(registry, "ava") == (100, 10)


FREEZE_ACCOUNT = (
    "INSERT INTO registry_freeze (jurisdiction_id, account_id, reason, review_on, frozen_by_id, frozen_at)"
    f" SELECT jurisdiction_id, id, 'an order', '2026-12-31', {SECOND}, now() FROM accounts_account WHERE name = '{{}}'"
)


@pytest.mark.parametrize("frozen", ["ava", "ben"])
def test_what_waits_for_a_frozen_account_ends_without_moving(registry: Beijing, owner, frozen):
    """Nothing comes in or goes out; stopping what waits needs no release."""
    code = 4003 if frozen == "ava" else 4004
    before = runs(owner)
    waiting = [transfer(registry) for _ in range(4)]
    delayed = approve(waiting[3].transaction_id, actor=registry.approver, now=NOW)
    run(owner, FREEZE_ACCOUNT.format(frozen))
    with pytest.raises(Refused) as refused:
        transfer(registry)
    assert codes(refused.value) == {code}
    with pytest.raises(Refused) as refused:
        approve(waiting[0].transaction_id, actor=registry.approver, now=NOW)
    assert codes(refused.value) == {code}
    refuse(waiting[0].transaction_id, actor=registry.approver, now=NOW)
    withdraw(waiting[1].transaction_id, actor=registry.representative, now=NOW)
    assert expire(waiting[2].transaction_id, actor=REGISTRY, now=expiry(waiting[2])) is not None
    terminated = execute(waiting[3].transaction_id, actor=REGISTRY, now=due(delayed))
    assert terminated is not None
    assert (terminated.state, TransactionStep.objects.latest("id").failures) == (State.TERMINATED, [code])
    assert (balance(registry, "ava"), balance(registry, "ben")) == ((100, 0), (0, 0))
    assert runs(owner) == before


def test_a_transfer_to_an_account_closed_meanwhile_is_terminated(registry: Beijing):
    proposed = transfer(registry)
    approved = approve(proposed.transaction_id, actor=registry.approver, now=NOW)
    give(registry, "ben", AccountStatus.CLOSURE_PENDING)
    give(registry, "ben", AccountStatus.CLOSED)
    executed = execute(proposed.transaction_id, actor=REGISTRY, now=due(approved))
    assert executed is not None
    assert (executed.state, balance(registry, "ava")) == (State.TERMINATED, (100, 0))


def test_an_account_with_reserved_units_is_not_closed(registry: Beijing):
    transfer(registry, quantity=100)
    give(registry, "ava", AccountStatus.CLOSURE_PENDING)
    with pytest.raises((Refusal, IntegrityError)):
        give(registry, "ava", AccountStatus.CLOSED)


def test_trust_withdrawn_before_it_is_due_stops_an_account_that_sends_to_trusted_ones_only(registry: Beijing):
    """All checks run again at execution."""
    proposed = transfer(registry)
    approved = approve(proposed.transaction_id, actor=registry.approver, now=NOW)
    Account.objects.filter(pk=registry.accounts["ava"].pk).update(trusted_only=True)
    executed = execute(proposed.transaction_id, actor=REGISTRY, now=due(approved))
    assert executed is not None
    assert (executed.state, TransactionStep.objects.latest("id").failures) == (State.TERMINATED, [4011])
