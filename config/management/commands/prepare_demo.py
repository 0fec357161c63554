"""`manage.py prepare_demo FILE`: migrates as the owner and, while FILE is absent, seeds the pilot into it."""

import io
import json
import sys
from pathlib import Path
from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.embedded.state import write_private


class Command(BaseCommand):
    help = "Migrates the demo's database and seeds the pilot; a step of `demo`, of no use alone."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, help="where the demo's logins and keys are kept, readable by its owner only"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        # The servers start while this program loads; its starter says when they answer.
        if sys.stdin.readline() != "go\n":
            raise CommandError("the starter is gone")
        call_command("migrate", database="owner", verbosity=0, interactive=False, skip_checks=True)
        file: Path = options["file"]
        if file.exists() or "seed_pilot" not in get_commands():
            return
        printed = io.StringIO()
        call_command("seed_pilot", "--print-json", stdout=printed)
        try:
            seeded = json.loads(printed.getvalue())
        except ValueError:
            raise CommandError("seed_pilot did not print JSON") from None
        write_private(file, json.dumps(seeded, indent=1))
