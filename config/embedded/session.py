"""A state directory with its servers running: what `demo` and `manage` have in common."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded import roles, servers
from config.embedded.failures import Exit, LaunchFailure
from config.embedded.state import PROJECT, State, write_private

SHIM = Path(__file__).resolve().parent / "shim.py"
NAMES_OF_OURS = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_APPLICATION_URL", "DATABASE_URL_FILE")


@dataclass(slots=True)
class Session:
    """The addresses of running servers, and the environments of processes that use them."""

    state: State
    owner_url: str
    application_url: str
    redis_url: str
    started: servers.Servers | None = field(default=None)

    def environment(self) -> dict[str, str]:
        """Return the environment of web, worker and beat, which know the application's role only."""
        inherited = {name: value for name, value in os.environ.items() if name not in NAMES_OF_OURS}
        return {
            "REGISTRY_MODE": "exercise",
            "DJANGO_SECRET_KEY": self.state.secret_key(),
            **inherited,
            "DATABASE_URL": self.application_url,
            "REDIS_URL": self.redis_url,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONUNBUFFERED": "1",
        }

    def owner_environment(self) -> dict[str, str]:
        """Return the environment of migrations and of the seed."""
        return {**self.environment(), "DATABASE_OWNER_URL": self.owner_url}

    def prepare(self) -> None:
        """Migrate as the owner and, the first time, seed the pilot.

        Raises: LaunchFailure (SERVER_FAILED) with the last line of what was printed.
        """
        log = self.state.directory / "prepare.log"
        shim = [sys.executable, "-I", "-S", str(SHIM), str(os.getpid()), "-1", "-1", "15"]
        command = [sys.executable, str(PROJECT / "manage.py"), "prepare_demo"]
        command.append(str(self.state.directory / "demo.json"))
        with log.open("wb") as output:
            answer = subprocess.run(  # noqa: S603 - our own program
                [*shim, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=self.owner_environment(), check=False,
            )  # fmt: skip
        if answer.returncode:
            lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
            raise LaunchFailure(
                Exit.SERVER_FAILED,
                f"The database could not be prepared ({lines[-1] if lines else answer.returncode}); see {log}.",
            )


@contextmanager
def running(state: State, purpose: str, *, share: bool, throwaway: bool = False) -> Iterator[Session]:
    """Give a session on servers that run: those of another command when `share`, else our own, ended with us.

    Servers named by DATABASE_URL (the owner's address) and REDIS_URL are used instead of starting any.
    Raises: LaunchFailure.
    """
    if not state.acquire(purpose):
        addresses = state.read("run.json")
        if not share or addresses is None:
            raise state.in_use()
        state.join()
        yield Session(state, **addresses)
        return
    given_owner, given_redis = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    started = None
    if not (given_owner and given_redis):
        started = servers.start(
            state.directory, postgres=not given_owner, valkey=not given_redis, durable=not throwaway,
            throwaway=throwaway, lock=state.lock,
        )  # fmt: skip
    try:
        yield _session(state, started, given_owner, given_redis)
    finally:
        if started:
            if state.others_use_it():
                print(
                    "Waiting for other commands that use these servers to end.", file=sys.stderr, flush=True
                )
                state.wait_for_others()
            started.stop()


def _session(state: State, started: servers.Servers | None, given_owner: str, given_redis: str) -> Session:
    """Put the addresses together and leave them for commands that share the servers."""
    if given_owner:
        known = state.read("external.json") or {}
        found = os.environ.get("DATABASE_APPLICATION_URL") or known.get(given_owner, "")
        application_url = roles.prepare_external(given_owner, found)
        write_private(state.directory / "external.json", json.dumps({**known, given_owner: application_url}))
        owner_url = given_owner
    elif started:
        owner_url, application_url = started.owner_url, started.application_url
    redis_url = given_redis or (started.redis_url if started else "")
    addresses = {"owner_url": owner_url, "application_url": application_url, "redis_url": redis_url}
    write_private(state.directory / "run.json", json.dumps(addresses))
    return Session(state, **addresses, started=started)
