"""`manage.py in_demo`: a management command with the demo's servers, started if need be.

manage.py answers this command before Django is loaded; the class serves `manage.py help` and
`call_command`.
"""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from config.embedded import command


class Command(BaseCommand):
    help = "A management command with the demo's servers, started if need be; `manage.py in_demo --help` lists its options."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        sys.exit(command.main(argv[1:]))

    def handle(self, *args: Any, **options: Any) -> None:
        sys.exit(command.main(["in_demo"]))
