"""Makes hordak's tables and accounts: `python -m bench.hordak_project.prepare`."""

import django
from django.core.management import call_command

from bench import worlds


def main() -> None:
    """Migrate and give every trading account its opening balance."""
    django.setup()
    call_command("migrate", verbosity=0, interactive=False)
    from django.db import transaction
    from hordak.models import Account, AccountType
    from moneyed import Money

    opening = Account.objects.create(name="opening", type=AccountType.equity, currencies=["EUR"])
    for place in range(worlds.ACCOUNTS):
        account = Account.objects.create(name=f"trading {place}", type=AccountType.asset, currencies=["EUR"])
        with transaction.atomic():
            # Both sides grow: an asset paid for by equity.
            opening.transfer_to(account, Money(worlds.UNITS_PER_ACCOUNT, "EUR"))


if __name__ == "__main__":
    main()
