"""Threads on real PostgreSQL: the last units of a limit go to exactly as many as there is room for."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from django.db import connection, connections

from registry.models import DailyUse
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.refuse import refuse
from registry.operations.set_holding_limits import set_holding_limits
from registry.rules.proposal import Proposal
from tests.build import NOW, REGISTRY, Beijing
from tests.limits.conftest import TODAY, held_by, holding_rule, limit

THREADS, EACH = 16, 4


def in_threads(act: Callable[[int], object]) -> list[object]:
    """Run an act 64 times, by its number, from 16 threads that begin together; give results, or the errors raised."""
    barrier = threading.Barrier(THREADS)

    def run(thread: int) -> list[object]:
        results: list[object] = []
        try:
            connection.ensure_connection()
            barrier.wait(20)
            for turn in range(EACH):
                try:
                    results.append(act(thread * EACH + turn))
                except Exception as error:
                    results.append(error)
        finally:
            connections.close_all()
        return results

    with ThreadPoolExecutor(THREADS) as pool:
        return [result for results in pool.map(run, range(THREADS)) for result in results]


def told(results: list[object]) -> Counter[str]:
    """Count outcomes, refusals by their codes, and errors by their kind."""
    return Counter(
        ",".join(str(failure.code) for failure in result.failures)
        if isinstance(result, Refused)
        else type(result).__name__
        for result in results
    )


def send(made: Beijing, sender: str, to: str, quantity: int) -> Outcome:
    return propose(Proposal("10-50", (made.line(sender, to, quantity),)), actor=made.representative, now=NOW)


def used(made: Beijing, name: str) -> int:
    return DailyUse.objects.get(account=made.accounts[name], day=TODAY).used


def test_the_last_units_of_a_day_go_to_exactly_as_many_as_there_is_room_for(registry):
    limit(registry, "ann", per_day=100)
    results = in_threads(lambda place: send(registry, "ann", ("bob", "cid")[place % 2], 3))
    assert told(results) == {"Outcome": 33, "4014": 31}
    assert used(registry, "ann") == 99


def test_the_last_units_of_a_holding_limit_go_to_exactly_as_many(registry):
    """Two senders, whose accounts share no lock but the acquirer's."""
    registry.open("cid-two", holder="holder of cid")
    holding_rule(registry, 100)
    pairs = [("ann", "cid"), ("bob", "cid-two")]
    results = in_threads(lambda place: send(registry, *pairs[place % 2], 3))
    assert told(results) == {"Outcome": 33, "5011": 31}
    assert held_by("cid") == (0, 99)


def test_a_limit_set_while_units_leave_counts_them_all(registry):
    """Nobody sees an error, and nothing leaves that is not counted."""

    def act(place: int) -> object:
        if place == 20:
            return limit(registry, per_day=60)
        return send(registry, ("ann", "bob")[place % 2], "cid", 3)

    results = in_threads(act)
    kinds = told(results)
    assert set(kinds) == {"Limit", "Outcome", "4014"}
    sent = [result for result in results if isinstance(result, Outcome)]
    for name in ("ann", "bob"):
        total = sum(one.quantity for one in sent if one.transferring == registry[name])
        assert total >= 60
        row = DailyUse.objects.filter(account=registry.accounts[name], day=TODAY).first()
        assert row is None or row.used == total


def test_what_is_given_back_meanwhile_is_taken_once(registry):
    limit(registry, "ann", per_day=60)
    holding_rule(registry, 400)
    first = [send(registry, "ann", "cid", 10).transaction_id for _ in range(6)]

    def act(place: int) -> object:
        if place % 10 == 0 and place // 10 < 6:
            return refuse(first[place // 10], actor=registry.approver, now=NOW, reason="no")
        return send(registry, "ann", "cid", 10)

    results = in_threads(act)
    kinds = told(results)
    assert set(kinds) <= {"Outcome", "4014"}
    sent = sum(isinstance(result, Outcome) and result.state == "AWAITING_APPROVAL" for result in results)
    assert used(registry, "ann") == held_by("cid")[1] == sent * 10
    assert sent <= 6


def test_holding_limits_are_set_anew_while_units_move(registry):
    holding_rule(registry, 10_000)

    def act(place: int) -> object:
        if place % 16 == 0:
            return set_holding_limits(jurisdiction=registry.home, actor=REGISTRY, now=NOW)
        if place % 3 == 0:
            return registry.move("ISS", "cid", 1)
        names = ("ann", "bob", "cid")
        return send(registry, names[place % 2], names[(place + 1) % 2], 1)

    assert told(in_threads(act)) == {"int": 4, "Outcome": 60}


def test_two_days_are_counted_apart_whoever_comes_first(registry):
    limit(registry, "ann", per_day=30)
    tomorrow = NOW.replace(day=2)

    def act(place: int) -> object:
        order = Proposal("10-50", (registry.line("ann", "cid", 3),))
        return propose(order, actor=registry.representative, now=(NOW, tomorrow)[place % 2])

    assert told(in_threads(act)) == {"Outcome": 20, "4014": 44}
    days = DailyUse.objects.filter(account=registry.accounts["ann"]).order_by("day").values_list("day", "used")
    assert list(days) == [(date(2026, 6, 1), 30), (date(2026, 6, 2), 30)]
