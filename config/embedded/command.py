"""The command lines `demo` and `in_demo`; both without Django, whose import takes longer than starting a server."""

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from config.embedded import demo, servers
from config.embedded.failures import Exit, LaunchFailure
from config.embedded.output import say
from config.embedded.session import running
from config.embedded.signals import Stopped, stop_signals
from config.embedded.state import PROJECT, State, default_directory

# These look at or change the schema itself, so it need not be current before them.
ABOUT_THE_SCHEMA = {
    "help",
    "makemigrations",
    "migrate",
    "showmigrations",
    "sqlmigrate",
    "spectacular",
    "compile_texts",
    "api_document",
}


def main(arguments: Sequence[str]) -> int:
    """Run one of the two commands and return its exit code; a failure is one sentence on standard error."""
    parser = argparse.ArgumentParser(prog="manage.py")
    add_commands(parser)
    options = parser.parse_args(arguments)
    try:
        with stop_signals():
            if options.command == "demo":
                return demo.run(
                    port=options.port, check_only=options.check, reset=options.reset, directory=options.state
                )
            if options.throwaway:
                return run_in_demo(options.line or ["help"], servers.throwaway_directory(), throwaway=True)
            return run_in_demo(options.line or ["help"], options.state or default_directory(), throwaway=False)
    except Stopped:
        say("stopped", to_error=True)
        return Exit.STOPPED_EARLY
    except LaunchFailure as failure:
        say(failure.sentence, to_error=True)
        return failure.code


def add_commands(parser: argparse.ArgumentParser) -> None:
    """Describe both command lines."""
    commands = parser.add_subparsers(dest="command", required=True)
    about = "start PostgreSQL, Valkey, web, worker and beat, seed the pilot, and say when all of them answer"
    start = commands.add_parser("demo", help=about, description=about)
    start.add_argument("--port", type=int, default=8000, help="port of the web server on 127.0.0.1 (8000)")
    start.add_argument("--check", action="store_true", help="free port, throwaway state, one transaction, exit 0")
    start.add_argument("--reset", action="store_true", help="forget everything of earlier runs first")
    about = "run a management command against the demo's state, starting its servers when they are not running"
    inside = commands.add_parser("in_demo", help=about, description=about)
    for command in (start, inside):
        command.add_argument("--state", type=Path, help="folder of the state (.state, or $REGISTRY_STATE)")
    inside.add_argument("--throwaway", action="store_true", help="use new servers and forget them afterwards")
    inside.add_argument("line", nargs=argparse.REMAINDER, metavar="COMMAND ...")


def run_in_demo(line: list[str], directory: Path, *, throwaway: bool) -> int:
    """Run a management command on the demo's servers, ours for that time when nobody else's run.

    Raises: LaunchFailure.
    """
    state = State(directory)
    with running(state, f"manage {line[0]}", share=not throwaway, throwaway=throwaway) as session:
        prepared = session.joined or line[0] in ABOUT_THE_SCHEMA
        if not prepared:
            session.begin_preparing()
        session.await_servers()
        if not prepared:
            session.prepare()
        session.publish()
        return run_line(line, session.owner_environment())


def run_line(line: list[str], environment: dict[str, str]) -> int:
    """Run the command on our own terminal; Ctrl-C is its to answer, and we wait for it."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    child = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, str(PROJECT / "manage.py"), *line],
        env=environment,
        preexec_fn=restore_signals,
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: child.send_signal(received))
    code = child.wait()
    return code if code >= 0 else 128 - code


def restore_signals() -> None:
    """Give the command back what we ignore (runs in the child)."""
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
