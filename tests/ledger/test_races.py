"""Threads on real PostgreSQL: no unit twice, nothing beyond a cap or a balance, and no deadlock that a client would see."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest
from django.db import OperationalError, connection, connections

from config.embedded import addresses
from registry import ledger
from registry.models import Holding, Transaction, UnitBlock
from registry.operations.issue import issue
from registry.operations.outcome import AnsweredBefore, AnswerKey, Outcome, Refused
from registry.operations.propose import propose
from registry.operations.propose_batch import propose_batch
from registry.rules.proposal import Proposal
from tests import plugin
from tests.build import NOW, REGISTRY, Beijing

THREADS = 8


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Run acts in threads that begin together, each with a connection of its own; give results, or the errors raised."""
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            barrier.wait(20)
            return act()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def kinds(results: Sequence[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def codes(results: Sequence[object]) -> set[int]:
    return {failure.code for result in results if isinstance(result, Refused) for failure in result.failures}


def balance(registry: Beijing, name: str) -> int:
    return sum(Holding.objects.filter(account=registry.accounts[name]).values_list("quantity", flat=True))


def test_the_same_units_are_spent_once_when_eight_spend_them(registry):
    results = at_once(*[lambda: registry.move("ann", "cid", 150)] * THREADS)
    assert kinds(results) == {"Outcome": 1, "Refused": THREADS - 1}
    assert codes(results) == {4010}
    assert (balance(registry, "ann"), balance(registry, "cid")) == (50, 150)


def test_the_same_named_serials_are_sent_to_one_of_eight(registry):
    results = at_once(
        *[lambda to=to: registry.move("ann", to, 10, (700, 710)) for to in ("bob", "cid") * (THREADS // 2)]
    )
    assert kinds(results) == {"Outcome": 1, "Refused": THREADS - 1}
    assert codes(results) == {4008}


def test_selected_and_named_units_of_one_account_never_meet(registry):
    named = [
        lambda place=place: registry.move("ann", "bob", 10, (601 + place * 20, 611 + place * 20)) for place in range(4)
    ]
    results = at_once(*named, *[lambda: registry.move("ann", "cid", 40)] * 4)
    outcomes = [result for result in results if isinstance(result, Outcome)]
    assert kinds(results) in ({"Outcome": 8}, {"Outcome": 7, "Refused": 1}, {"Outcome": 6, "Refused": 2}, {"Outcome": 5, "Refused": 3}, {"Outcome": 4, "Refused": 4})  # fmt: skip # noqa: E501
    assert balance(registry, "ann") == 200 - sum(outcome.quantity for outcome in outcomes)


def test_the_last_of_a_cap_is_issued_once(registry):
    cap = registry.caps[2026]
    type(cap).objects.filter(pk=cap.pk).update(limit=1_100)
    results = at_once(
        *[lambda: issue(cap_id=cap.pk, acquiring=registry["ISS"], quantity=60, actor=REGISTRY, now=NOW)] * THREADS
    )
    assert kinds(results) == {"Outcome": 1, "Refused": THREADS - 1}
    assert codes(results) == {5001}


def test_interleaved_issues_take_serials_in_order(registry):
    results = at_once(*[lambda: registry.issue(7)] * THREADS)
    assert kinds(results) == {"Outcome": THREADS}
    firsts = sorted(result.ranges[0].first for result in results if isinstance(result, Outcome))
    assert firsts == [1_001 + 7 * place for place in range(THREADS)]


def test_transfers_in_circles_end_and_no_client_sees_a_deadlock(registry):
    registry.move("ISS", "cid", 200)
    circle = ("ann", "bob", "cid")

    def walk(seed: int) -> Counter[str]:
        random, told = Random(seed), Counter[str]()
        for _ in range(15):
            place = random.randrange(3)
            try:
                registry.move(circle[place], circle[(place + random.choice((1, 2))) % 3], random.randrange(1, 60))
                told["moved"] += 1
            except Refused as refused:
                told.update(str(failure.code) for failure in refused.failures)
        return told

    results = at_once(*[lambda seed=seed: walk(seed) for seed in range(THREADS)])
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum((result for result in results if isinstance(result, Counter)), Counter()).keys() <= {"moved", "4010"}
    assert sum(balance(registry, name) for name in circle) == 600


def test_batches_over_the_same_accounts_in_any_order_never_deadlock(registry):
    registry.move("ISS", "cid", 200)

    def batch(seed: int) -> list[object]:
        random = Random(seed)
        names = ["ann", "bob", "cid"]
        orders = []
        for _ in range(6):
            random.shuffle(names)
            orders.append(Proposal("10-50", (registry.line(names[0], names[1], random.randrange(1, 30)),)))
        return list(propose_batch(orders, actor=registry.representative, now=NOW))

    results = at_once(*[lambda seed=seed: batch(seed) for seed in range(THREADS)])
    assert [result for result in results if isinstance(result, Exception)] == []
    assert sum(balance(registry, name) for name in ("ann", "bob", "cid")) == 600


def test_surrenders_into_one_account_do_not_wait_for_one_another_to_fail(registry):
    registry.move("ann", "plant", 200)
    obligation = registry.obligation("plant").pk
    acts = [lambda: registry.move("plant", "SUR", 10, type_code="10-2", obligation=obligation)] * 6
    others = [lambda: registry.move("bob", "cid", 10)] * 4
    results = at_once(*acts, *others)
    assert kinds(results) == {"Outcome": 10}
    assert balance(registry, "SUR") == 60


def test_merging_neighbours_while_units_move_changes_no_balance(registry):
    for place in range(0, 200, 20):
        registry.move("ann", "bob", 10, (601 + place, 611 + place))
    account = registry.accounts["bob"].pk
    results = at_once(*[lambda: registry.move("bob", "cid", 25)] * 5, *[lambda: ledger.merge_neighbours(account)] * 3)
    assert kinds(results) == {"Outcome": 5, "int": 3}
    assert (balance(registry, "bob"), balance(registry, "cid")) == (175, 125)


@pytest.mark.parametrize("sum_asked", [10, 10_000])
def test_one_idempotency_key_has_one_effect_and_one_answer(registry, sum_asked):
    """Also where the answer is a refusal. Whoever comes second gets the first answer, not an error."""
    key = AnswerKey("user:1", "k", "digest", lambda result: (201, type(result).__name__))
    order = Proposal("10-50", (registry.line("ann", "cid", sum_asked),))
    results = at_once(*[lambda: propose(order, actor=registry.representative, now=NOW, key=key)] * THREADS)
    first = "Outcome" if sum_asked == 10 else "Refused"
    assert kinds(results) == {first: 1, "AnsweredBefore": THREADS - 1}
    assert {result.answer.body for result in results if isinstance(result, AnsweredBefore)} == {first}
    assert balance(registry, "cid") == (10 if sum_asked == 10 else 0)


def test_one_idempotency_key_over_other_accounts_has_one_effect_too(registry):
    """No account row is shared, so only the answers' own key can tell."""
    key = AnswerKey("user:1", "k", "digest", lambda result: (201, type(result).__name__))
    orders = [Proposal("10-50", (registry.line(*pair, 10),)) for pair in (("ann", "cid"), ("bob", "plant")) * 4]
    results = at_once(
        *[lambda order=order: propose(order, actor=registry.representative, now=NOW, key=key) for order in orders]
    )
    assert kinds(results) == {"Outcome": 1, "AnsweredBefore": THREADS - 1}
    assert balance(registry, "cid") + balance(registry, "plant") == 10


def test_a_connection_killed_between_facts_and_effect_leaves_nothing(registry, committed_db):
    """And one killed after its effect was written but before COMMIT."""
    superuser = addresses.socket_url("postgres", committed_db, str(plugin.SERVERS.sockets))
    before = (
        Transaction.objects.count(),
        list(UnitBlock.objects.order_by("id").values_list("id", "start_no", "account")),
    )
    apply = ledger.apply
    for cut_after in ("read", "apply"):
        original = getattr(ledger, cut_after)

        def cut(*args: object, original: Callable[..., object] = original, **more: object) -> object:
            # Written, and not committed in the same breath as usual.
            result = original(*args, **(more | {"last": False} if original is apply else more))
            with psycopg.connect(superuser, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
            return result

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ledger, cut_after, cut)
            with pytest.raises(OperationalError):
                registry.move("ann", "cid", 10)
        connection.close()
        after = (
            Transaction.objects.count(),
            list(UnitBlock.objects.order_by("id").values_list("id", "start_no", "account")),
        )
        assert after == before
    assert registry.move("ann", "cid", 10).quantity == 10
