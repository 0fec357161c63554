"""django-hordak 2: `transfer_to` of the same amounts between as many accounts, in a database and settings of its own.

`transfer_to` checks no balance. The second form has the guarantee that a registry needs: both accounts are locked in one order
and the sender's balance is seen to be enough. Its accounts have no children, so the cheaper `get_simple_balance` serves.
"""

import os
from collections.abc import Callable
from typing import Any

from bench import worlds


def load() -> None:
    """Import Django with hordak."""
    import django

    django.setup()


def client(place: int) -> Callable[[], None]:
    """Return a transfer between two accounts at random; with BENCH_HORDAK_LOCKS=1 locked and checked."""
    from django.db import transaction
    from hordak.models import Account
    from moneyed import Money

    accounts: list[Any] = list(Account.objects.filter(name__startswith="trading").order_by("pk"))
    random = worlds.transfers(place, [account.name for account in accounts])

    def transfer() -> None:
        sender, acquirer = random.sample(accounts, 2)
        amount = Money(random.randint(1, worlds.MOST_PER_TRANSFER), "EUR")
        with transaction.atomic():
            sender.transfer_to(acquirer, amount)

    def locked_transfer() -> None:
        pair = [account.pk for account in random.sample(accounts, 2)]
        amount = Money(random.randint(1, worlds.MOST_PER_TRANSFER), "EUR")
        with transaction.atomic():
            locked = Account.objects.select_for_update().filter(pk__in=pair).order_by("pk").in_bulk()
            if locked[pair[0]].get_simple_balance()["EUR"] < amount:
                raise RuntimeError("not enough")
            locked[pair[0]].transfer_to(locked[pair[1]], amount)

    return locked_transfer if os.environ.get("BENCH_HORDAK_LOCKS") else transfer
