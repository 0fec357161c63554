"""`manage.py advance_clock --days N --as USER`: moves an exercise clock forward and runs what falls due, in order."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import clock
from accounts.operations.move_clock_forward import move_clock_forward
from accounts.rules.access import registry_itself
from registry.management.people import actor_named, add_actor, refusals_told
from registry.operations.run_due import run_due


class Command(BaseCommand):
    help = "Moves the clock of an exercise forward and runs everything that falls due in between, in order."

    def add_arguments(self, parser: CommandParser) -> None:
        how = parser.add_mutually_exclusive_group(required=True)
        how.add_argument("--days", type=int)
        how.add_argument("--to", help="an instant with its offset, 2027-11-30T23:59:59+08:00")
        add_actor(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        to = now + timedelta(days=options["days"]) if options["to"] is None else _instant(options["to"])
        with refusals_told():
            moved = move_clock_forward(to=to, actor=actor_named(options["username"]), now=now)
        self.stdout.write(f"the clock is at {moved.isoformat()}")
        # A crash here leaves the clock moved; what is due stays due, and the next tick runs it.
        for thing in run_due(actor=registry_itself(), now=moved, since=now):
            self.stdout.write(f"{thing.at.isoformat()}: {thing.what}")


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text} is not an instant such as 2027-11-30T23:59:59+08:00.") from None
    if found.tzinfo is None:
        raise CommandError(f"{text} has no offset; write 2027-11-30T23:59:59+08:00.")
    return found.astimezone(UTC)
