"""A state directory with its servers running: what `demo` and `manage` have in common."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.embedded import servers
from config.embedded.failures import Exit, LaunchFailure
from config.embedded.output import say
from config.embedded.signals import ignore_stop_signals
from config.embedded.state import PROJECT, State, write_private

SHIM = Path(__file__).resolve().parent / "shim.py"
ADDRESSES = ("owner_url", "application_url", "redis_url")
RUN, EXTERNAL = "run.json", "external.json"
# A command that comes while another still migrates waits for it.
PUBLISH_SECONDS = 120
NAMES_OF_OURS = ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_APPLICATION_URL", "DATABASE_URL_FILE")


@dataclass(slots=True)
class Session:
    """The addresses of running servers, and the environments of processes that use them."""

    state: State
    owner_url: str
    application_url: str
    redis_url: str
    started: servers.Servers | None = None
    joined: bool = False
    preparing: subprocess.Popen[bytes] | None = None

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

    def publish(self) -> None:
        """Let other commands use these servers, now that the database is prepared."""
        if not self.joined:
            addresses = dict(zip(ADDRESSES, (self.owner_url, self.application_url, self.redis_url), strict=True))
            write_private(self.state.directory / RUN, json.dumps(addresses))

    def begin_preparing(self) -> None:
        """Start the process that migrates and seeds; it loads its code while the servers start."""
        shim = [sys.executable, "-I", "-S", str(SHIM), str(os.getpid()), "-1", "-1", "15"]
        command = [sys.executable, str(PROJECT / "manage.py"), "prepare_demo"]
        command.append(str(self.state.directory / "demo.json"))
        with self.prepare_log.open("wb") as output:
            self.preparing = subprocess.Popen(  # noqa: S603 - our own program
                [*shim, *command], stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT,
                env=self.owner_environment(), start_new_session=True,
            )  # fmt: skip

    def await_servers(self) -> None:
        """Return when the servers that we started answer.

        Raises: LaunchFailure.
        """
        if self.started:
            self.started.await_ready()

    def prepare(self) -> None:
        """Migrate as the owner and, the first time, seed the pilot.

        Raises: LaunchFailure (SERVER_FAILED) with the last line of what was printed.
        """
        if not self.preparing:
            self.begin_preparing()
        if self.preparing:
            self.preparing.communicate(b"go\n")
            if self.preparing.returncode:
                lines = self.prepare_log.read_text(errors="replace").split("\n")
                said = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
                raise LaunchFailure(
                    Exit.SERVER_FAILED,
                    f"The database could not be prepared ({said}); see {self.prepare_log}.",
                )

    def stop(self) -> None:
        """End what we started, and wait until it is gone."""
        if self.preparing and self.preparing.poll() is None:
            self.preparing.kill()
            self.preparing.wait()
        if self.preparing and self.preparing.stdin:
            self.preparing.stdin.close()
        if not self.joined:
            (self.state.directory / RUN).unlink(missing_ok=True)
        if self.started:
            self.started.stop()

    @property
    def prepare_log(self) -> Path:
        return self.state.directory / "prepare.log"


@contextmanager
def running(state: State, purpose: str, *, share: bool, throwaway: bool = False) -> Iterator[Session]:
    """Give a session on running servers: another command's when `share`, else our own, which end with us.

    Servers named by DATABASE_URL (the owner's address) and REDIS_URL are used instead of starting any.
    Raises: LaunchFailure.
    """
    if addresses := _addresses_of_another(state, purpose, share=share):
        owner_url, application_url, redis_url = (addresses[name] for name in ADDRESSES)
        yield Session(state, owner_url, application_url, redis_url, joined=True)
        return
    given_owner, given_redis = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
    started = None
    if not (given_owner and given_redis):
        started = servers.begin(
            state.directory, postgres=not given_owner, valkey=not given_redis, durable=not throwaway,
            throwaway=throwaway, lock=state.lock,
        )  # fmt: skip
    session = None
    try:
        session = _session(state, started, given_owner, given_redis)
        yield session
        # A demo that is told to stop stops; a single command lets those that share its servers finish.
        if share and started and state.others_use_it():
            say("Waiting for other commands that use these servers to end.", to_error=True)
            state.wait_for_others()
    finally:
        ignore_stop_signals()
        if session:
            session.stop()
        elif started:
            started.stop()


def _addresses_of_another(state: State, purpose: str, *, share: bool) -> dict[str, str] | None:
    """Return the addresses another command has published; None when the directory is ours."""
    deadline = time.monotonic() + PUBLISH_SECONDS
    while not state.acquire(purpose):
        if not share or time.monotonic() > deadline:
            raise state.in_use()
        if (addresses := state.read(RUN)) and set(addresses) == set(ADDRESSES) and state.join():
            return addresses
        time.sleep(0.1)
    (state.directory / RUN).unlink(missing_ok=True)
    return None


def _session(state: State, started: servers.Servers | None, given_owner: str, given_redis: str) -> Session:
    """Put the addresses together."""
    owner_url = given_owner or (started.owner_url if started else "")
    redis_url = given_redis or (started.redis_url if started else "")
    if started and not given_owner:
        return Session(state, owner_url, started.application_url, redis_url, started)
    from config.embedded import roles  # Only here, since its import takes a third of a second.

    known = state.read(EXTERNAL) or {}
    found = os.environ.get("DATABASE_APPLICATION_URL") or known.get(owner_url, "")
    application_url = roles.prepare_external(owner_url, found)
    write_private(state.directory / EXTERNAL, json.dumps({**known, owner_url: application_url}))
    return Session(state, owner_url, application_url, redis_url, started)
