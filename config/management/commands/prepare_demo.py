"""`manage.py prepare_demo FILE`: migrates as the owner and, while FILE is absent, seeds the pilot into it."""

import hashlib
import io
import json
import sys
from pathlib import Path
from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.embedded.state import PROJECT, write_private

MIGRATIONS = "migrations/**/*"


def digests() -> dict[str, str]:
    """Return the digest of every file of our migrations, by its path in the project."""
    files = (file for app in ("accounts", "audit", "linking", "registry") for file in (PROJECT / app).glob(MIGRATIONS))
    return {
        str(file.relative_to(PROJECT)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(files)
        if file.suffix in {".py", ".sql"}
    }


def refuse_changed(seeded: Path, applied: Path, present: dict[str, str]) -> None:
    """Refuse a database made by migrations that have changed since, as happens until the first release.

    Raises: CommandError.
    """
    # A state that was seeded before digests were kept is an earlier version's, whichever.
    before = json.loads(applied.read_text()) if applied.exists() else {}
    if (seeded.exists() and not before) or any(present.get(name) != digest for name, digest in before.items()):
        raise CommandError("it was made by an earlier version of this software: start anew with --reset")


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
        file: Path = options["file"]
        applied, present = file.with_name("migrations.json"), digests()
        refuse_changed(file, applied, present)
        call_command("migrate", database="owner", verbosity=0, interactive=False, skip_checks=True)
        # A crash before this line leaves a migrated database, and the next run writes it.
        write_private(applied, json.dumps(present, indent=1))
        if file.exists() or "seed_pilot" not in get_commands():
            return
        printed = io.StringIO()
        call_command("seed_pilot", "--print-json", stdout=printed)
        try:
            seeded = json.loads(printed.getvalue())
        except ValueError:
            raise CommandError("seed_pilot did not print JSON") from None
        call_command("seed_links", stdout=io.StringIO())
        write_private(file, json.dumps(seeded, indent=1))
