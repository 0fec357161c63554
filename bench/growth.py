"""What a transfer costs as the ledger grows: the same transfers in databases that differ in one number only.

The cost is the time that PostgreSQL's process spends on a processor for one transfer of the bare function, commit included. It
is read from the kernel, so waiting (for the disk, or for others on the same cores) is no part of it.
"""

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

import psycopg
from tqdm import tqdm

from bench import worlds
from bench.machine import HERE, Machine

WARMING_TRANSFERS = 300
TRANSFERS = 250


@dataclass(slots=True)
class Grown:
    """One database and the connection whose process is watched."""

    name: str
    connection: psycopg.Connection
    random: Random = field(default_factory=lambda: Random(7))
    microseconds: list[float] = field(default_factory=list)

    def transfer(self, times: int) -> None:
        """Make transfers between accounts at random."""
        for _ in range(times):
            sender, acquirer = self.random.sample(range(1, worlds.ACCOUNTS + 1), 2)
            values = (sender, acquirer, self.random.randint(1, worlds.MOST_PER_TRANSFER))
            self.connection.execute("SELECT bench.transfer(%s, %s, %s)", values, prepare=True)

    def measure(self) -> None:
        """Add one repetition."""
        before = _processor_nanoseconds(self.connection)
        self.transfer(TRANSFERS)
        self.microseconds.append((_processor_nanoseconds(self.connection) - before) / TRANSFERS / 1000)


def cut_blocks(machine: Machine, database: str, blocks: int) -> None:
    """Cut the units of a copied database into so many blocks."""
    with psycopg.connect(machine.url(database, "postgres"), autocommit=True) as connection:
        script = (HERE / "sql/cut.sql").read_text(encoding="utf-8")
        connection.execute(script.replace(":each", str(blocks // worlds.ACCOUNTS)))
        connection.execute("VACUUM ANALYZE registry_unitblock")


def costs(machine: Machine, databases: list[str], repetitions: int) -> dict[str, float]:
    """Return the processor microseconds of one transfer in each database: interleaved repetitions, their median."""
    grown = [Grown(name, psycopg.connect(machine.url(name), autocommit=True)) for name in databases]
    for one in grown:
        one.transfer(WARMING_TRANSFERS)
    for _ in tqdm(range(repetitions), desc="growth", unit="round", leave=False):
        for one in grown:
            one.measure()
    for one in grown:
        one.connection.close()
    return {one.name: median(one.microseconds) for one in grown}


def _processor_nanoseconds(connection: psycopg.Connection) -> int:
    """Return how long the server's process has run; where the kernel does not tell, the wall clock serves."""
    schedule = Path(f"/proc/{connection.info.backend_pid}/schedstat")
    try:
        return int(schedule.read_text().split()[0])
    except OSError:
        return time.perf_counter_ns()


def is_processor_time() -> bool:
    """Return whether costs are processor time rather than elapsed time."""
    return os.access("/proc/self/schedstat", os.R_OK)
