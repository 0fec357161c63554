"""The demo in order: port, state, servers, migrations, seed, web, worker, beat, "ready", the way back."""

import errno
import os
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Any

from config.embedded import check, servers
from config.embedded.failures import Exit, LaunchFailure
from config.embedded.output import say
from config.embedded.processes import Processes, forget_beat
from config.embedded.session import Session, running
from config.embedded.signals import Stopped, ignore_stop_signals
from config.embedded.state import State, default_directory

WATCH_SECONDS = 0.5
SHOWN_LINES = 30


def run(*, port: int, check_only: bool, reset: bool, directory: Path | None) -> int:
    """Run the demo until it is stopped, or until its one transaction is made; return the exit code.

    Raises: LaunchFailure.
    """
    began = time.monotonic()
    listener = listen(0 if check_only else port)
    throwaway = servers.throwaway_directory() if check_only else None
    try:
        state = State(throwaway or directory or default_directory())
        purpose = "demo --check" if check_only else "demo"
        return _run(state, purpose, listener, began, reset=reset, throwaway=bool(throwaway))
    finally:
        listener.close()
        if throwaway:
            shutil.rmtree(throwaway, ignore_errors=True)


def _run(state: State, purpose: str, listener: socket.socket, began: float, *, reset: bool, throwaway: bool) -> int:
    if reset:
        if not state.acquire(purpose):
            raise state.in_use()
        state.reset()
    port = listener.getsockname()[1]
    with running(state, purpose, share=False, throwaway=throwaway) as session:
        session.begin_preparing()
        processes = Processes(session.environment(), state.directory)
        try:
            # Web loads its code meanwhile, and says that it is not ready until the database is.
            processes.start_web(listener)
            session.await_servers()
            session.prepare()
            session.publish()
            forget_beat(session.redis_url)
            processes.start_worker_and_beat()
            processes.await_ready(port, session.redis_url)
            seeded = state.read("demo.json") or {}
            try:
                announce(state, seeded, port, time.monotonic() - began)
                if throwaway:
                    say(check.one_transaction(f"http://127.0.0.1:{port}", seeded))
                else:
                    watch(session, processes)
            except Stopped:
                # From "ready" on, being told to stop is how a demo ends well; a check cut short has checked nothing.
                if throwaway:
                    raise
                say("stopping")
        except LaunchFailure:
            if throwaway:
                show_logs(state.directory)
            raise
        finally:
            ignore_stop_signals()
            processes.stop()
    return 0


def show_logs(directory: Path) -> None:
    """Print the ends of the logs of a failed check, which go with its directory."""
    for log in sorted(directory.glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()[-SHOWN_LINES:]
        say("\n".join([f"--- {log.name}", *lines]), to_error=True)


def watch(session: Session, processes: Processes) -> None:
    """Wait until the demo is told to stop; refuse to go on when a part of it has ended by itself."""
    while True:
        time.sleep(WATCH_SECONDS)
        processes.check_alive()
        if session.started and not session.started.alive():
            raise LaunchFailure(
                Exit.SERVER_FAILED,
                f"PostgreSQL or Valkey ended by itself; see the logs in {session.state.directory}.",
            )


def listen(port: int) -> socket.socket:
    """Return a socket that listens on this machine only; port 0 takes a free one.

    Raises: LaunchFailure (PORT_TAKEN, NO_PERMISSION).
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise LaunchFailure(
                Exit.PORT_TAKEN, f"Port {port} is taken by another program: name another with --port."
            ) from None
        raise LaunchFailure(
            Exit.NO_PERMISSION,
            f"Port {port} cannot be opened ({os.strerror(error.errno or 0)}): name another with --port.",
        ) from None
    return listener


def announce(state: State, seeded: dict[str, Any], port: int, seconds: float) -> None:
    """Say "ready" and where, and print the demo's logins and keys."""
    root = f"http://127.0.0.1:{port}"
    lines = [
        f"ready in {seconds:.1f} seconds: web, worker and beat have answered",
        f"  API            {root}/api/v1/",
        f"  documentation  {root}/api/docs/",
        f"  administration {root}/admin/",
        f"  state and logs {state.directory}",
    ]
    lines += [
        f"  login          {login['username']}  {login['password']}  ({login['role']})"
        for login in seeded.get("logins", [])
    ]
    lines += [
        f"  API key        {key['key']}  ({key['rights']} on {key['account']}, {key['holder']})"
        for key in seeded.get("api_keys", [])
    ]
    if not seeded.get("logins"):
        lines.append("  no logins are kept here: this database was seeded by another run, or that run was cut off")
    say("\n".join(lines))
    if sys.stdout.isatty():
        say("Ctrl-C stops everything.")
