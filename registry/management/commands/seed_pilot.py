"""`manage.py seed_pilot [--print-json]`: the pilot's jurisdictions, demo accounts, logins and first units."""

import dataclasses
import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts import clock
from accounts.operations.seed_pilot import SeededPeople, seed_people
from registry.operations.seed_periods import seed_periods
from registry.operations.seed_units import seed_units
from registry.operations.seed_waiting import seed_waiting


class Command(BaseCommand):
    help = "Seeds the pilot: what is there stays, what is missing is made. Logins and keys are printed only when made."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--print-json", action="store_true", help="print nothing but the logins and keys, as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        now = clock.now()
        people = seed_people(now=now, real_now=clock.real_now())
        seed_units(people.jurisdictions, now=now)
        seed_periods(people.jurisdictions, now=now)
        seed_waiting(people.jurisdictions, now=now)
        if options["print_json"]:
            self.stdout.write(json.dumps(_printed(people), indent=1))
            return
        for login in people.logins:
            self.stdout.write(f"login {login.username} {login.password} ({login.role})")
        for key in people.api_keys:
            self.stdout.write(f"API key {key.key} of {key.username}: {key.account}, {key.rights}, {key.holder}")
        self.stdout.write(f"seeded: {', '.join(people.jurisdictions)}")


def _printed(people: SeededPeople) -> dict[str, list[dict[str, str]]]:
    return {
        "logins": [dataclasses.asdict(login) for login in people.logins],
        "api_keys": [dataclasses.asdict(key) for key in people.api_keys],
    }
