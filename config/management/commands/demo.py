"""`manage.py demo`: the whole registry on this machine, with servers of its own."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.embedded import demo
from config.embedded.failures import LaunchFailure


class Command(BaseCommand):
    help = "Starts PostgreSQL, Valkey, web, worker and beat, seeds the pilot, and says when all of them answer."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="port of the web server on 127.0.0.1")
        parser.add_argument("--check", action="store_true", help="free port, throwaway state, one transaction, exit 0")
        parser.add_argument("--reset", action="store_true", help="forget everything of earlier runs first")
        parser.add_argument("--state", type=Path, help="folder of the state (default: .state, or $REGISTRY_STATE)")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = demo.run(
                port=options["port"],
                check_only=options["check"],
                reset=options["reset"],
                directory=options["state"],
            )
        except LaunchFailure as failure:
            print(failure.sentence, file=sys.stderr)
            code = failure.code
        sys.exit(code)
