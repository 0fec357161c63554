"""`manage.py verify_ledger`: recomputes every balance and equation from the transactions; exit code 1 where one differs."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.texts import text
from registry.verification import Verified, steps, verify_all


class Command(BaseCommand):
    help = "Recomputes the ledger and its links from transactions and signed documents and names every equation that differs."

    def handle(self, *args: Any, **options: Any) -> None:
        with tqdm(total=steps(), unit=" equations", disable=None) as bar:

            def progress(name: str) -> None:
                bar.set_description(name, refresh=False)
                bar.update()

            found = verify_all(progress)
        if not isinstance(found, Verified):
            raise CommandError("\n".join(text(f"ledger.{row.name}", **row.params) for row in found))
        beyond = "".join(f", {count:,} {what}" for what, count in found.beyond)
        self.stdout.write(
            f"The ledger is what its transactions make it: {found.registries:,} registries, {found.transactions:,} transactions,"
            f" {found.ranges:,} ranges, {found.blocks:,} blocks, {found.balances:,} balances{beyond}."
        )
