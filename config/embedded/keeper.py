"""Owns the servers of one directory and ends them when its starter ends: keeper.py ORDERS (JSON).

Run by path with a bare interpreter in a session of its own, so that Ctrl-C reaches the starter alone.
Standard input is a pipe nobody writes to: its end means that the starter is gone, even by SIGKILL. One JSON
line goes to standard output: `{}` when every server answers, or `{"failed": server, "reason": ...}`. Should
the keeper itself be killed, the shim's death signal ends the servers. The servers inherit the descriptor of
the directory's lock, so the lock is held as long as any of them lives.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

START_SECONDS = 60
STOP_SECONDS = 20
DEATH_SIGNAL = {"postgres": signal.SIGINT, "valkey": signal.SIGTERM}


class Failed(Exception):
    """A server did not start; `args` are its name and why."""


class Keeper:
    """The servers of one directory.

    `orders` holds: directory, sockets, postgres, valkey, locale, shim, uid, gid, durable, throwaway, and lock
    (the descriptor to hand on, or -1).
    """

    def __init__(self, orders: dict[str, Any]) -> None:
        self.orders = orders
        self.directory = Path(orders["directory"])
        self.sockets = Path(orders["sockets"])
        self.children: dict[str, subprocess.Popen[bytes]] = {}

    def spawn(self, name: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        """Start a program through the shim, its output in `<directory>/<name>.log`."""
        uid, gid = self.orders["uid"], self.orders["gid"]
        shim = [sys.executable, "-I", "-S", self.orders["shim"], str(os.getpid()), str(uid), str(gid)]
        death = int(DEATH_SIGNAL.get(name, signal.SIGKILL))
        environment = {**os.environ, "LC_ALL": "C", "PGCLIENTENCODING": "UTF8"}
        with (self.directory / f"{name}.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603 - a program the starter found
                [*shim, str(death), *arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=self.directory, env=environment,
                pass_fds=[self.orders["lock"]] if self.orders["lock"] >= 0 else [],
            )  # fmt: skip

    def last_words(self, name: str) -> str:
        """Return the last complaint in a server's log."""
        lines = (self.directory / f"{name}.log").read_text(errors="replace").splitlines()
        complaints = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "rror:", "ailed"))]
        return (complaints or lines or ["it said nothing"])[-1].strip()

    def start(self) -> None:
        """Start what is asked for, both at once, and return when each answers."""
        if self.orders["valkey"]:
            self.children["valkey"] = self.spawn("valkey", self.valkey_arguments())
        if self.orders["postgres"]:
            self.make_cluster()
            self.children["postgres"] = self.spawn("postgres", self.postgres_arguments())
            self.await_answer("postgres", self.postgres_is_ready)
        if self.orders["valkey"]:
            self.await_answer("valkey", self.valkey_is_ready)

    def make_cluster(self) -> None:
        """Run initdb aside and rename: a folder `postgres` is therefore always a whole cluster."""
        data, half_made = self.directory / "postgres", self.directory / "postgres.new"
        if data.exists():
            # Only the holder of the directory's lock comes here, and a living server would hold it too.
            (data / "postmaster.pid").unlink(missing_ok=True)
            return
        shutil.rmtree(half_made, ignore_errors=True)
        half_made.mkdir(mode=0o700)
        if self.orders["uid"] >= 0:
            os.chown(half_made, self.orders["uid"], self.orders["gid"])
        program = str(Path(self.orders["postgres"]) / "initdb")
        arguments = [
            program,
            "-D",
            str(half_made),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-instructions",
        ]
        arguments += self.orders["locale"] + ([] if self.orders["durable"] else ["--no-sync"])
        self.children["initdb"] = self.spawn("initdb", arguments)
        while self.children["initdb"].poll() is None:
            if self.starter_is_gone(0.01):
                raise Failed("initdb", "its starter is gone")
        if self.children.pop("initdb").returncode:
            raise Failed("initdb", self.last_words("initdb"))
        half_made.rename(data)

    def postgres_arguments(self) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": "200",
            "shared_buffers": "128MB",
            "log_min_messages": "warning",
            "timezone": "UTC",
            "logging_collector": "off",
        }
        if not self.orders["durable"]:
            # Pages are logged whole all the same: tests kill servers, and one killed while it writes a page leaves half of it.
            settings |= {"fsync": "off", "synchronous_commit": "off"}
        program = str(Path(self.orders["postgres"]) / "postgres")
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [program, "-D", str(self.directory / "postgres"), *options]

    def valkey_arguments(self) -> list[str]:
        options = {"port": "0", "unixsocket": str(self.sockets / "valkey.sock"), "unixsocketperm": "700",
                   "save": "", "appendonly": "no", "daemonize": "no", "dir": str(self.directory)}  # fmt: skip
        return [
            self.orders["valkey"],
            *(part for name, value in options.items() for part in (f"--{name}", value)),
        ]

    def postgres_is_ready(self) -> bool:
        # The eighth line of the file is the server's own word on its state.
        try:
            lines = (self.directory / "postgres/postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def valkey_is_ready(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.sockets / "valkey.sock"))
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def await_answer(self, name: str, answers: Any) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if self.children[name].poll() is not None:
                raise Failed(name, self.last_words(name))
            if time.monotonic() > deadline:
                raise Failed(name, f"it did not answer within {START_SECONDS} seconds")
            if self.starter_is_gone(0.01):
                raise Failed(name, "its starter is gone")

    def starter_is_gone(self, wait_seconds: float) -> bool:
        readable, _, _ = select.select([sys.stdin.buffer], [], [], wait_seconds)
        return bool(readable) and not os.read(0, 1)

    def watch(self) -> None:
        """Return when the starter is gone or a server has ended by itself."""
        while not self.starter_is_gone(0.2) and all(child.poll() is None for child in self.children.values()):
            pass

    def stop(self) -> None:
        """End every server, then remove what must not stay."""
        quick = self.orders["throwaway"]
        signals = {"postgres": signal.SIGQUIT if quick else signal.SIGINT, "valkey": signal.SIGTERM}
        deadline = time.monotonic() + STOP_SECONDS
        for name, child in self.children.items():
            if child.poll() is None:
                child.send_signal(signals.get(name, signal.SIGKILL))
        for child in self.children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        shutil.rmtree(self.sockets, ignore_errors=True)
        (self.directory / "run.json").unlink(missing_ok=True)
        if quick:
            shutil.rmtree(self.directory, ignore_errors=True)


def answer(message: dict[str, str]) -> None:
    """Tell the starter; one that is gone needs no answer."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(message).encode() + b"\n")


def main() -> None:
    """Start the servers, say so, and keep them until the starter is gone."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    keeper = Keeper(json.loads(sys.argv[1]))
    try:
        keeper.start()
        answer({})
        keeper.watch()
    except Failed as failure:
        name, reason = failure.args
        answer({"failed": name, "reason": reason})
    finally:
        keeper.stop()


if __name__ == "__main__":
    main()
