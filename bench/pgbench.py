"""Subjects inside PostgreSQL, driven by pgbench; where there is none, by the same statement through psycopg."""

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import worlds
from bench.figures import Figure, summed
from bench.machine import HERE, BenchFailure, Host, Machine

SCALE = 16  # rows of pgbench's own branch table: as many as the most clients, so that these do not wait for one another


@dataclass(slots=True)
class PgBench:
    """One script of pgbench, or its own `-N` where `script` is None."""

    program: Path
    machine: Machine
    database: str
    script: Path | None

    def measure(self, clients: int, seconds: float) -> Figure:
        """Return the figure of so many clients. Whole seconds, as pgbench takes them."""
        whole = max(1, round(seconds))
        command = [str(self.program), "-n", "-M", "prepared", "-c", str(clients), "-T", str(whole), "-l"]
        command += ["-j", str(min(clients, len(os.sched_getaffinity(0)))), "--max-tries=8"]
        command += ["-D", f"accounts={worlds.ACCOUNTS}", "-D", f"most={worlds.MOST_PER_TRANSFER}"]
        command += ["-f", str(self.script)] if self.script else ["-N"]
        with tempfile.TemporaryDirectory() as folder:
            command += [f"--log-prefix={folder}/log", self.machine.url(self.database)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise BenchFailure(f"pgbench: {(done.stdout + done.stderr)[-2000:]}")
            latencies = _latencies(Path(folder))
        per_second = re.search(r"tps = ([\d.]+)", done.stdout)
        failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
        figure = summed([latencies], [float(whole)], int(failed.group(1)) if failed else 0, "")
        rate = float(per_second.group(1)) if per_second else 0.0
        return Figure(rate, figure.p50_microseconds, figure.p99_microseconds, figure.errors)


def prepare_own_tables(program: Path, machine: Machine, database: str) -> None:
    """Make pgbench's own tables, for `-N`."""
    command = [str(program), "-i", "-q", "-I", "dtgvp", "-s", str(SCALE), machine.url(database)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchFailure(f"pgbench -i: {done.stderr[-2000:]}")


def script(program: Path | None, machine: Machine, database: str, name: str) -> PgBench | Host:
    """Return what drives `sql/<name>.pgbench`."""
    if program is None:
        return machine.host("statement", database, BENCH_STATEMENT=name)
    return PgBench(program, machine, database, HERE / "sql" / f"{name}.pgbench")


def load_bench_schema(machine: Machine, database: str) -> None:
    """Make the bare function and the places of the accounts."""
    machine.execute(database, (HERE / "sql/transfer.sql").read_text(encoding="utf-8"))
    accounts = worlds.read_from(machine.world).accounts
    values = json.dumps(accounts)
    machine.execute(
        database,
        "INSERT INTO bench.account SELECT ordinality, value FROM jsonb_array_elements_text("
        f"'{values}'::jsonb) WITH ORDINALITY",
    )


def _latencies(folder: Path) -> list[int]:
    """Read pgbench's logs: client, number, microseconds (or `failed`), script, time."""
    found = []
    for log in folder.glob("log.*"):
        for line in log.read_text().splitlines():
            taken = line.split()[2]
            if taken.isdigit():
                found.append(int(taken))
    return found
