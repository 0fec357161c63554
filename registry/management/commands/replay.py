"""`manage.py replay eutl|ukets [--keep]`: real data in a throwaway database, compared with known figures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from registry.replays import eutl, ukets
from registry.replays.figures import Figure, Report, printed
from registry.replays.throwaway import throwaway_database
from registry.verification import Difference, verify

DATA = Path(settings.BASE_DIR) / "tests" / "data"


class Command(BaseCommand):
    help = "Replays real data in a database of its own and prints expected and found figures; exit code 1 where they differ."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("which", choices=["eutl", "ukets"])
        parser.add_argument("--keep", action="store_true", help="leave the database, and say its name")

    def handle(self, *args: Any, **options: Any) -> None:
        which: str = options["which"]
        with throwaway_database(which, keep=options["keep"]) as name, tqdm(unit="", disable=None) as bar:
            report = self._replay(which, bar)
        self.stdout.write(printed(report))
        if options["keep"]:
            self.stdout.write(f"The database {name} is kept.")
        if not report.agrees:
            raise CommandError("Figures differ.")

    def _replay(self, which: str, bar: "tqdm[Any]") -> Report:
        def progress(what: str, count: int) -> None:
            bar.set_description(what, refresh=False)
            bar.update(count)

        folder = DATA / which
        if not folder.is_dir():
            raise CommandError(f"The data of this replay are not here: {folder}.")
        report = (
            eutl.replay(eutl.read(folder), progress) if which == "eutl" else ukets.replay(ukets.read(folder), progress)
        )
        verified = Figure("differences that verify_ledger finds", 0, int(isinstance(verify(), Difference)))
        return replace(report, figures=(*report.figures, verified))
