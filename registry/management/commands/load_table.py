"""`manage.py load_table KIND FILE --jurisdiction CN-BJ --as USER`: a CSV or XLSX file, whole or not at all."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from accounts import clock
from registry.management.people import actor_named, add_actor, jurisdiction_named, refusals_told
from registry.operations.load_allocation_table import load_allocation_table
from registry.operations.load_compliance import load_emissions, load_obligations
from registry.tabular import Progress


class Command(BaseCommand):
    help = "Loads obligations, verified emissions or an allocation table (docs/compliance.md has the columns)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=["obligations", "emissions", "allocations"])
        parser.add_argument("file", type=Path)
        parser.add_argument("--jurisdiction", required=True)
        add_actor(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        file: Path = options["file"]
        try:
            content = file.read_bytes()
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        told: dict[str, Any] = {
            "jurisdiction": jurisdiction_named(options["jurisdiction"]),
            "name": file.name,
            "actor": actor_named(options["username"]),
            "now": clock.now(),
        }
        with refusals_told(), tqdm(unit=" rows", disable=None) as bar:
            told["progress"] = _progress(bar)
            if options["kind"] == "allocations":
                table = load_allocation_table(content, **told)
                done = f"loaded allocation table {table.pk}, {table.allocations.count()} rows; not approved yet"
            elif options["kind"] == "obligations":
                done = f"loaded {load_obligations(content, **told).rows} obligations"
            else:
                done = f"loaded {load_emissions(content, **told).rows} rows of verified emissions"
        self.stdout.write(done)


def _progress(bar: "tqdm[Any]") -> Progress:
    """Let the bar count one thing after the other."""
    counted = ""

    def told(what: str, rows: int) -> None:
        nonlocal counted
        if what != counted:
            counted = what
            bar.reset()
            bar.set_description(what)
        bar.update(rows)

    return told
