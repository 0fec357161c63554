"""Transfers that one person proposes and another approves: two operations, each with all checks, steps and log entries."""

from collections.abc import Callable

from bench import worlds
from bench.subjects import operation


def load() -> None:
    """Import Django and the operations, so that the clients are forked with them."""
    operation.load()
    from registry.operations import approve  # noqa: F401


def client(place: int) -> Callable[[], None]:
    """Return a transfer between two careful accounts at random, proposed and approved."""
    from accounts import clock
    from accounts.rules.access import Actor
    from registry.operations.approve import approve
    from registry.operations.propose import propose
    from registry.rules.proposal import Line, Proposal

    world = worlds.read()
    initiator, approver = (Actor(user, f"user:{user}") for user in (world.user, world.approver))
    random = worlds.transfers(place, world.careful)

    def transfer() -> None:
        sender, acquirer = random.sample(world.careful, 2)
        quantity = random.randint(1, worlds.MOST_PER_TRANSFER)
        line = Line(sender, acquirer, quantity, registry=worlds.REGISTRY, unit_type=worlds.UNIT_TYPE)
        outcome = propose(Proposal(worlds.INTERNAL_TRANSFER, (line,)), actor=initiator, now=clock.real_now())
        approve(outcome.transaction_id, actor=approver, now=clock.real_now())

    return transfer
