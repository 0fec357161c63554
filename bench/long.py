"""What only `--long` measures: how blocks fray over many transfers, and reads of long histories."""

import json
import subprocess
from pathlib import Path

import psycopg
from tqdm import tqdm

from bench import worlds
from bench.machine import HERE, BenchFailure, Machine

TRANSFERS, LAST, CLIENTS, STRIDE = 200_000, 10_000, 4, 20_000
MOVEMENTS = 1_000_000


def frayed(machine: Machine, program: Path, database: str, script: str) -> float:
    """Return the blocks moved by each of the last transfers of many, drawn by `sql/<script>.pgbench`."""
    for _ in tqdm(range(TRANSFERS // STRIDE), desc=script, unit=f"{STRIDE} transfers", leave=False):
        command = [
            str(program),
            "-n",
            "-M",
            "prepared",
            "-c",
            str(CLIENTS),
            "-t",
            str(STRIDE // CLIENTS),
            "--max-tries=8",
        ]
        command += [
            "-D",
            f"accounts={worlds.ACCOUNTS}",
            "-f",
            str(HERE / f"sql/{script}.pgbench"),
            machine.url(database),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchFailure(f"pgbench: {done.stderr[-2000:]}")
    with psycopg.connect(machine.url(database)) as connection:
        row = connection.execute(
            "SELECT count(*) FROM registry_transactionblock WHERE transaction_id IN "
            "(SELECT id FROM registry_transaction ORDER BY id DESC LIMIT %s)",
            (LAST,),
        ).fetchone()
    return row[0] / LAST if row else 0.0


def write_history(machine: Machine, database: str) -> None:
    """Give the first trading account a million movements."""
    sender = worlds.read_from(machine.world).accounts[0]
    with psycopg.connect(machine.url(database, "postgres"), autocommit=True) as connection:
        script = (HERE / "sql/history.sql").read_text(encoding="utf-8")
        script = script.replace(":sender", f"'{sender}'").replace(":movements", str(MOVEMENTS))
        for statement in script.split(";\n"):
            connection.execute(statement)


def reads(machine: Machine, database: str) -> dict[str, float]:
    """Return the milliseconds of the first page of that account's statement, and of the life of one of its serials."""
    found: dict[str, float] = json.loads(machine.run("-m", "bench.reads", database=database))
    return found
