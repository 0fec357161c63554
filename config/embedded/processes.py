"""Starts the service's own processes (web, worker, beat) and asks each whether it answers."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

import redis

from config.embedded.failures import Exit, LaunchFailure
from config.embedded.state import PROJECT
from config.heartbeat import HEARTBEAT_KEY

SHIM = Path(__file__).resolve().parent / "shim.py"
READY_SECONDS = 60
STOP_SECONDS = 10


class Processes:
    """The processes of one run; each ends with this one, however this one ends."""

    def __init__(self, environment: Mapping[str, str], logs: Path) -> None:
        self.environment = dict(environment)
        self.logs = logs
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: str, *, death: signal.Signals, descriptors: tuple[int, ...] = ()) -> None:
        """Start a Python module in the project's folder, its output in a log; `death` comes if we die."""
        shim = [sys.executable, "-I", "-S", str(SHIM), str(os.getpid()), "-1", "-1", str(int(death))]
        with (self.logs / f"{name}.log").open("wb") as log:
            self.children[name] = subprocess.Popen(  # noqa: S603 - our own modules
                [*shim, sys.executable, "-m", *command.split()],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=PROJECT, env=self.environment, pass_fds=descriptors, start_new_session=True,
            )  # fmt: skip

    def start_web(self, listener: socket.socket) -> None:
        """Start the web server, which takes over the listening socket."""
        descriptor = listener.fileno()
        web = f"gunicorn config.wsgi --bind=fd://{descriptor} --workers=2 --worker-class=gthread --threads=4"
        web += " --graceful-timeout=5 --no-control-socket --access-logfile=- --preload"
        self.start("web", web, death=signal.SIGQUIT, descriptors=(descriptor,))

    def start_worker_and_beat(self) -> None:
        """Start the two Celery processes."""
        # Threads, not child processes: then the death signal reaches all of the worker. A task cut off is
        # delivered again, as it is acknowledged late.
        worker = "celery --app=config worker --pool=threads --concurrency=2 --loglevel=WARNING"
        self.start("worker", f"{worker} --without-gossip --without-mingle", death=signal.SIGKILL)
        self.start("beat", "celery --app=config beat --pidfile= --loglevel=WARNING", death=signal.SIGKILL)

    def await_ready(self, port: int, redis_url: str) -> None:
        """Return when web, worker and beat have each answered.

        Raises: LaunchFailure (SERVER_FAILED, NOT_READY) naming the process and its log.
        """
        answers: dict[str, Callable[[], bool]] = {
            "web": lambda: web_answers(port),
            "worker or beat": lambda: beat_answers(redis_url),
        }
        deadline = time.monotonic() + READY_SECONDS
        for name, answered in answers.items():
            while not answered():
                self.check_alive()
                if time.monotonic() > deadline:
                    raise LaunchFailure(
                        Exit.NOT_READY,
                        f"{name} did not answer in {READY_SECONDS} seconds; see the logs in {self.logs}.",
                    )
                time.sleep(0.05)

    def check_alive(self) -> None:
        """Refuse to go on when a process has ended by itself."""
        for name, child in self.children.items():
            if child.poll() is not None:
                raise LaunchFailure(
                    Exit.SERVER_FAILED,
                    f"{name} ended by itself with code {child.returncode} ({self.last_words(name)}); "
                    f"see {self.logs / name}.log.",
                )

    def last_words(self, name: str) -> str:
        """Return the last line a process printed."""
        lines = (self.logs / f"{name}.log").read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")

    def stop(self) -> None:
        """End every process and wait until each is gone."""
        for child in self.children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def web_answers(port: int) -> bool:
    """Return whether the web process says it is ready."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def beat_answers(redis_url: str) -> bool:
    """Return whether since `forget_beat` beat has asked for its sign of life and the worker has left it."""
    with redis.Redis.from_url(redis_url) as client:
        return bool(client.exists(HEARTBEAT_KEY))


def forget_beat(redis_url: str) -> None:
    """Remove an earlier run's sign of life.

    Raises: LaunchFailure (SERVER_FAILED) when the broker does not answer.
    """
    try:
        with redis.Redis.from_url(redis_url, socket_connect_timeout=5) as client:
            client.delete(HEARTBEAT_KEY)
    except redis.RedisError as error:
        raise LaunchFailure(Exit.SERVER_FAILED, f"The server at REDIS_URL does not answer ({error}).") from None
