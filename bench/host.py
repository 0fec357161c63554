"""A process that measures one subject: `python -m bench.host SUBJECT`, ordered by lines of JSON on standard input.

It loads the subject once and forks its clients, which connect, warm up and stay for the whole benchmark. An order
`{"clients": 8, "seconds": 2.0}` lets that many repeat their transfer for that long; the answer is a figure.
"""

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from bench.figures import Figure, summed

WARMING_TRANSFERS, WARMING_SECONDS = 30, 1.0
FORKING = get_context("fork")


@dataclass(slots=True)
class Client:
    """A forked client and the pipe to it."""

    process: BaseProcess
    pipe: Connection


def repeat(transfer: Callable[[], None], seconds: float) -> tuple[list[int], float, int, str]:
    """Return the latencies (microseconds) of transfers repeated for so long, the time taken, errors and the first one."""
    latencies: list[int] = []
    errors, first_error = 0, ""
    began = time.perf_counter_ns()
    before, end = began, began + int(seconds * 1e9)
    while before < end:
        try:
            transfer()
        except Exception as error:
            errors, first_error = errors + 1, first_error or f"{type(error).__name__}: {error}"
        after = time.perf_counter_ns()
        latencies.append((after - before) // 1000)
        before = after
    return latencies, (before - began) / 1e9, errors, first_error


def serve(subject: str, place: int, pipe: Connection) -> None:
    """Be a client: connect, warm up, then repeat whenever told to. A warming transfer that fails ends the client."""
    transfer = importlib.import_module(f"bench.subjects.{subject}").client(place)
    end = time.monotonic() + WARMING_SECONDS
    for _ in range(WARMING_TRANSFERS):
        transfer()
        if time.monotonic() > end:
            break
    gc.freeze()
    pipe.send("ready")
    while True:
        try:
            seconds = pipe.recv()
        except EOFError:
            os._exit(0)
        pipe.send(repeat(transfer, seconds))


class Host:
    """The clients of one subject."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.clients: list[Client] = []
        importlib.import_module(f"bench.subjects.{subject}").load()

    def measure(self, clients: int, seconds: float) -> Figure:
        """Let so many clients work at once. Raises: EOFError when a client could not even warm up."""
        while len(self.clients) < clients:
            self._fork()
        for client in self.clients[:clients]:
            client.pipe.send(seconds)
        answers = [client.pipe.recv() for client in self.clients[:clients]]
        latencies, times, errors, messages = zip(*answers, strict=True)
        return summed(list(latencies), list(times), sum(errors), next(filter(None, messages), ""))

    def _fork(self) -> None:
        ours, theirs = FORKING.Pipe()
        arguments = (self.subject, len(self.clients), theirs)
        process = FORKING.Process(target=serve, args=arguments, daemon=True)
        process.start()
        theirs.close()
        client = Client(process, ours)
        self.clients.append(client)
        client.pipe.recv()


def main() -> None:
    """Answer orders until there are no more."""
    host = Host(sys.argv[1])
    print(json.dumps("loaded"), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(host.measure(order["clients"], order["seconds"]).as_json()), flush=True)


if __name__ == "__main__":
    main()
