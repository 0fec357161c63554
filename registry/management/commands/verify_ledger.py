"""`manage.py verify_ledger`: recomputes every balance and equation from the transactions; exit code 1 at the first difference."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.texts import text
from registry.verification import Difference, verify


class Command(BaseCommand):
    help = "Recomputes the ledger from its transactions and names the first difference."

    def handle(self, *args: Any, **options: Any) -> None:
        found = verify()
        if isinstance(found, Difference):
            raise CommandError(text(f"ledger.{found.name}", **found.params))
        self.stdout.write(
            f"The ledger is what its transactions make it: {found.registries:,} registries, {found.transactions:,} transactions,"
            f" {found.ranges:,} ranges, {found.blocks:,} blocks, {found.balances:,} balances."
        )
