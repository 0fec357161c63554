"""The operation called in Python: `registry.operations.propose`, as the application's role, all checks and the log."""

from collections.abc import Callable

from bench import worlds


def load() -> None:
    """Import Django and the operation, so that the clients are forked with them."""
    import django

    django.setup()
    from registry.operations import propose  # noqa: F401


def client(place: int) -> Callable[[], None]:
    """Return a transfer between two accounts at random."""
    from accounts import clock
    from accounts.rules.access import Actor
    from registry.operations.propose import propose
    from registry.rules.proposal import Line, Proposal

    world = worlds.read()
    actor = Actor(world.user, f"user:{world.user}")
    random = worlds.transfers(place, world.accounts)

    def transfer() -> None:
        sender, acquirer = random.sample(world.accounts, 2)
        quantity = random.randint(1, worlds.MOST_PER_TRANSFER)
        line = Line(sender, acquirer, quantity, registry=worlds.REGISTRY, unit_type=worlds.UNIT_TYPE)
        propose(Proposal(worlds.INTERNAL_TRANSFER, (line,)), actor=actor, now=clock.real_now())

    return transfer
