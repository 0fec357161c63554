"""`manage.py run_due`: does by hand what beat and worker do each minute: executes what is due, expires what is old."""

from typing import Any

from django.core.management.base import BaseCommand
from tqdm import tqdm

from accounts import clock
from accounts.rules.access import registry_itself
from registry.operations.run_due import run_due


class Command(BaseCommand):
    help = "Executes delayed transactions that are due, lets unapproved proposals expire, determines statuses at their deadlines."

    def handle(self, *args: Any, **options: Any) -> None:
        # Each thing is one commit, and two runs at once do each once: after a crash it is simply run again.
        done = run_due(
            actor=registry_itself(),
            now=clock.now(),
            progress=lambda things: tqdm(things, unit="thing", disable=None, file=self.stderr),
        )
        for thing in done:
            self.stdout.write(f"{thing.at.isoformat()}: {thing.what}")
        self.stdout.write(f"{len(done)} done")
