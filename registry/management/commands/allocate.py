"""`manage.py allocate approve|run TABLE --as USER [--from ACCOUNT]`: a second person approves a table, then it is delivered."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from accounts import clock
from accounts.models import Account
from accounts.rules.access import Actor
from registry.management.people import actor_named, add_actor, refusals_told
from registry.models import AllocationTable
from registry.operations.load_allocation_table import approve_allocation_table
from registry.operations.run_allocation import AllocationRun, run_allocation


class Command(BaseCommand):
    help = "Approves a loaded allocation table, or delivers an approved one (again: only what is not delivered yet)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("step", choices=["approve", "run"])
        parser.add_argument("table", type=int)
        parser.add_argument("--from", dest="transferring", help="account to deliver from (the registry's ALL account)")
        add_actor(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        table = AllocationTable.objects.select_related("jurisdiction").filter(pk=options["table"]).first()
        if table is None:
            raise CommandError(f"There is no allocation table {options['table']}.")
        actor = actor_named(options["username"])
        with refusals_told():
            if options["step"] == "approve":
                approve_allocation_table(table=table, actor=actor, now=clock.now())
                self.stdout.write(f"approved allocation table {table.pk}")
                return
            run = self._run(table, options["transferring"] or _allocation_account(table), actor)
        self.stdout.write(f"delivered {run.delivered} allocations, {run.quantity:,} t CO2e")
        for row, refused in run.refused.items():
            self.stderr.write(f"allocation {row} was refused: {refused}")
        if run.without_account:
            self.stderr.write(f"no open account for {len(run.without_account)} allocations: {run.without_account[:20]}")
        if run.refused or run.without_account:
            raise CommandError("Not every allocation was delivered; the rest stays ready for another run.")

    def _run(self, table: AllocationTable, transferring: str, actor: Actor) -> AllocationRun:
        with tqdm(total=table.allocations.count(), unit=" rows", disable=None) as bar:
            return run_allocation(
                table=table, transferring=transferring, actor=actor, now=clock.now(), progress=bar.update
            )


def _allocation_account(table: AllocationTable) -> str:
    found = Account.objects.filter(jurisdiction=table.jurisdiction, type="ALL").order_by("id").first()
    if found is None:
        raise CommandError(f"{table.jurisdiction.code} has no allocation account: name one with --from.")
    return found.identifier
