"""The servers of a run, their databases, and the processes that work on them. Everything is thrown away at the end."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from bench.figures import Figure
from bench.worlds import VARIABLE
from config.embedded import addresses, binaries, servers
from config.embedded.demo import listen
from config.embedded.processes import Processes

PROJECT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent


class BenchFailure(Exception):
    """A step of the benchmark did not work; the message says which, and what it printed."""


@dataclass(slots=True)
class Machine:
    """One PostgreSQL cluster with fsync on, one Valkey, and the running processes by name."""

    servers: servers.Servers
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    hosts: list[subprocess.Popen[str]] = field(default_factory=list)
    web: Processes | None = None
    port: int = 0

    @property
    def folder(self) -> Path:
        """Where this run keeps its own files."""
        return self.servers.directory

    @property
    def world(self) -> Path:
        """The file that tells subjects about the measured registry."""
        return self.folder / "world.json"

    def url(self, database: str, role: str = addresses.APPLICATION) -> str:
        """Return the libpq address of a database."""
        return addresses.socket_url(role, database, str(self.servers.sockets))

    def administer(self, statement: str) -> None:
        """Run one statement as the cluster's superuser."""
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def execute(self, database: str, script: str, role: str = addresses.OWNER) -> None:
        """Run a script in a database as its owner."""
        with psycopg.connect(self.url(database, role), autocommit=True) as connection:
            connection.execute(script)

    def copy(self, database: str, name: str) -> None:
        """Copy a database that nobody uses."""
        self.administer(f"CREATE DATABASE {name} TEMPLATE {database} OWNER {addresses.OWNER} STRATEGY FILE_COPY")

    def environment(self, database: str, **more: str) -> dict[str, str]:
        """Return the environment of a process that uses a database as the application."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "REGISTRY_MODE": "exercise",
            "DJANGO_SECRET_KEY": self.secret_key,
            "DATABASE_URL": self.url(database),
            "DATABASE_OWNER_URL": self.url(database, addresses.OWNER),
            "REDIS_URL": self.servers.redis_url,
            "PYTHONUNBUFFERED": "1",
            VARIABLE: str(self.world),
            **more,
        }

    def run(self, *arguments: str, database: str, **more: str) -> str:
        """Run a Python program of the project to its end and return what it printed.

        Raises: BenchFailure with the end of what it said.
        """
        command = [sys.executable, *arguments]
        environment = self.environment(database, **more)
        done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchFailure(f"{' '.join(arguments)}: {(done.stdout + done.stderr)[-3000:]}")
        return done.stdout

    def start_web(self, database: str) -> None:
        """Start the web server exactly as the demo does."""
        listener = listen(0)
        self.port = listener.getsockname()[1]
        self.web = Processes(self.environment(database), self.folder)
        self.web.start_web(listener)
        listener.close()

    def host(self, subject: str, database: str, **more: str) -> "Host":
        """Start the process that measures a subject; it loads while others do."""
        environment = self.environment(database, **more) | {"BENCH_PORT": str(self.port)}
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.host", subject],
            cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.hosts.append(process)
        return Host(subject, process)

    def deadlocks(self) -> int:
        """Return how many deadlocks PostgreSQL has resolved in all databases."""
        with psycopg.connect(self.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_stat_force_next_flush()")
            row = connection.execute("SELECT sum(deadlocks)::bigint FROM pg_stat_database").fetchone()
        return int(row[0] or 0) if row else 0

    def stop(self) -> None:
        """End every process, then the servers, whose directory goes with them."""
        for process in self.hosts:
            if process.stdin:
                process.stdin.close()
        for process in self.hosts:
            process.wait()
        if self.web:
            self.web.stop()
        self.servers.stop()


@dataclass(slots=True)
class Host:
    """A subject's process, seen from outside."""

    subject: str
    process: subprocess.Popen[str]
    loaded: bool = False

    def measure(self, clients: int, seconds: float) -> Figure:
        """Return the figure of so many clients. Raises: BenchFailure when the process has ended."""
        if not self.loaded:
            self._line()
            self.loaded = True
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"clients": clients, "seconds": seconds}) + "\n")
        self.process.stdin.flush()
        return Figure(**json.loads(self._line()))

    def _line(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise BenchFailure(f"The process that measures {self.subject} ended; what it said is above.")
        return line


@contextmanager
def machine() -> Iterator[Machine]:
    """Give servers in a throwaway directory: commits wait for the disk, as in a deployment."""
    started = Machine(servers.start(servers.throwaway_directory(), durable=True, throwaway=True))
    try:
        yield started
    finally:
        started.stop()


def described(found: Machine) -> dict[str, str | int]:
    """Return what a reader must know of the machine: cores, and the server with the settings that decide about commits."""
    names = ("server_version", "fsync", "synchronous_commit", "shared_buffers")
    with psycopg.connect(found.url("postgres", "postgres")) as connection:
        settings = {}
        for name in names:
            row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
            settings[name] = str(row[0]) if row else ""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"cores": len(os.sched_getaffinity(0)), "python": python, **settings}


def pgbench_program() -> Path | None:
    """Return pgbench of the servers' own installation, else the machine's; None where there is none."""
    own = binaries.find_postgres() / "pgbench"
    if own.is_file():
        return own
    found = [Path(folder) / "pgbench" for folder in os.environ.get("PATH", "").split(os.pathsep)]
    return next((program for program in found if program.is_file()), None)
