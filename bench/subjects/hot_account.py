"""Transfers out of one account: one by one, or with BENCH_BATCH as many in one database transaction."""

import os
from collections.abc import Callable

from bench import worlds
from bench.subjects import operation

load = operation.load


def client(place: int) -> Callable[[], None]:
    """Return a transfer, or a batch of them, from the first account to others at random."""
    from accounts import clock
    from accounts.rules.access import Actor
    from registry.operations.outcome import Refused
    from registry.operations.propose import propose
    from registry.operations.propose_batch import propose_batch
    from registry.rules.proposal import Line, Proposal

    world = worlds.read()
    actor = Actor(world.user, f"user:{world.user}")
    random = worlds.transfers(place, world.accounts)
    hot, others = world.accounts[0], world.accounts[1:]
    batch = int(os.environ.get("BENCH_BATCH", "1"))

    def proposal() -> Proposal:
        acquirer, quantity = random.choice(others), random.randint(1, worlds.MOST_PER_TRANSFER)
        line = Line(hot, acquirer, quantity, registry=worlds.REGISTRY, unit_type=worlds.UNIT_TYPE)
        return Proposal(worlds.INTERNAL_TRANSFER, (line,))

    def one() -> None:
        propose(proposal(), actor=actor, now=clock.real_now())

    def many() -> None:
        outcomes = propose_batch([proposal() for _ in range(batch)], actor=actor, now=clock.real_now())
        if refusal := next((outcome for outcome in outcomes if isinstance(outcome, Refused)), None):
            raise refusal

    return one if batch == 1 else many
