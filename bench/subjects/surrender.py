"""Surrenders, each client from an operator account of its own, all into the one surrender account of the registry."""

from collections.abc import Callable

from bench import worlds
from bench.subjects import operation

load = operation.load


def client(place: int) -> Callable[[], None]:
    """Return a surrender of one unit for the obligation of the client's own installation."""
    from accounts import clock
    from accounts.rules.access import Actor
    from registry.operations.propose import propose
    from registry.rules.proposal import Line, Proposal

    world = worlds.read()
    actor = Actor(world.user, f"user:{world.user}")
    account, obligation = world.operators[place % len(world.operators)]
    line = Line(account, world.surrenders, 1, registry=worlds.REGISTRY, unit_type=worlds.UNIT_TYPE)
    proposal = Proposal(worlds.SURRENDER, (line,), obligation=obligation)
    return lambda: propose(proposal, actor=actor, now=clock.real_now()) and None
