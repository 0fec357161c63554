"""`manage.py in_demo COMMAND ...`: a management command with the demo's servers, started if need be."""

import argparse
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from config.embedded.failures import LaunchFailure
from config.embedded.session import running
from config.embedded.state import PROJECT, State, default_directory

# These look at or change the schema itself, so it need not be current before them.
ABOUT_THE_SCHEMA = {"help", "makemigrations", "migrate", "showmigrations", "sqlmigrate", "spectacular"}


class Command(BaseCommand):
    help = "Runs a management command against the demo's state, starting its servers when they are not running."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--state", type=Path, help="folder of the state (default: .state, or $REGISTRY_STATE)")
        parser.add_argument("line", nargs=argparse.REMAINDER, metavar="COMMAND ...")

    def handle(self, *args: Any, **options: Any) -> None:
        line: list[str] = options["line"] or ["help"]
        try:
            state = State(options["state"] or default_directory())
            with running(state, f"manage {line[0]}", share=True) as session:
                if not session.joined and line[0] not in ABOUT_THE_SCHEMA:
                    session.prepare()
                session.publish()
                code = run(line, session.owner_environment())
        except LaunchFailure as failure:
            print(failure.sentence, file=sys.stderr)
            code = failure.code
        sys.exit(code)


def run(line: list[str], environment: dict[str, str]) -> int:
    """Run the command on our own terminal; Ctrl-C is its to answer, and we wait for it."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    child = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(PROJECT / "manage.py"), *line],
        env=environment,
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in (signal.SIGINT, signal.SIGQUIT)],
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: child.send_signal(received))
    code = child.wait()
    return code if code >= 0 else 128 - code
