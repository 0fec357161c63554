"""Transfers across a link, at once: one corridor, one entry quota that all clients take from."""

from collections.abc import Callable

from bench import worlds
from bench.subjects import operation

load = operation.load


def client(place: int) -> Callable[[], None]:
    """Return a transfer from an account at random to one in Tokyo at random."""
    from accounts import clock
    from accounts.rules.access import Actor
    from registry.operations.propose import propose
    from registry.rules.proposal import Line, Proposal

    world = worlds.read()
    actor = Actor(world.user, f"user:{world.user}")
    random = worlds.transfers(place, world.accounts)

    def transfer() -> None:
        sender, acquirer = random.choice(world.accounts), random.choice(world.abroad)
        quantity = random.randint(1, worlds.MOST_PER_TRANSFER)
        line = Line(sender, acquirer, quantity, registry=worlds.REGISTRY, unit_type=worlds.UNIT_TYPE)
        propose(Proposal(worlds.EXTERNAL_TRANSFER, (line,)), actor=actor, now=clock.real_now())

    return transfer
