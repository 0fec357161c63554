"""`manage.py statement ACCOUNT --from ... [--to ...] [--format xlsx]`: writes the file that the API offers as a download."""

from argparse import ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import clock
from accounts.models import Account
from registry.statement_file import file_name, file_of, statement_rows


def instant(text: str) -> datetime:
    """Return an instant that names its offset."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ArgumentTypeError("a time needs its offset, for example 2026-03-02T12:00:00Z")
    return found


class Command(BaseCommand):
    help = "Writes the statement of an account for a period to a file in the current folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("account", help="CNBJ-TRA-1000001-12")
        parser.add_argument("--from", dest="start", type=instant, required=True, help="what completed then is in it")
        parser.add_argument("--to", dest="end", type=instant, help="what completed then is not in it; absent: now")
        parser.add_argument("--format", choices=["csv", "xlsx"], default="csv")

    def handle(self, *args: Any, **options: Any) -> None:
        account = Account.objects.select_related("jurisdiction").filter(identifier=options["account"]).first()
        if account is None:
            raise CommandError(f"There is no account {options['account']}.")
        now = clock.now()
        start, end, form = options["start"], options["end"] or now, options["format"]
        if not start < end <= now:
            raise CommandError("The period must end after it begins, and not in the future.")
        exercise = clock.is_exercise()
        rows = statement_rows(account, start, end, exercise=exercise)
        made = file_of(form, account, rows)
        target = Path(file_name(account, start, end, form, exercise=exercise))
        with target.open("wb") as file:
            file.writelines(made)
        self.stdout.write(str(target))
