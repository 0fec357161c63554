"""What the measured processes need to know: written once by `bench.prepare`, read by every subject."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

ACCOUNTS = 200
CAREFUL = 20
OPERATORS = 8
# Total 10 billion units over the accounts.
UNITS_PER_ACCOUNT = 50_000_000
MOST_PER_TRANSFER = 1_000
REGISTRY, UNIT_TYPE = "CNBJ", "BEA"
INTERNAL_TRANSFER, EXTERNAL_TRANSFER, SURRENDER = "10-50", "3-0", "10-2"
VARIABLE = "BENCH_WORLD"


@dataclass(slots=True)
class World:
    """The accounts of the measured registry and the one user who represents those that trade or surrender."""

    accounts: list[str]
    issuance: str
    surrenders: str
    # Operators: account and the obligation of its installation.
    operators: list[tuple[str, int]]
    user: int
    # Accounts whose transfers need a second person, and that person.
    careful: list[str]
    approver: int
    api_key: str
    cap: int
    # Accounts in Tokyo, across a link.
    abroad: list[str] = field(default_factory=list)
    statements_of_operation: int = 0
    statements_of_api: int = 0


def write(world: World, path: Path) -> None:
    """Write the world where the subjects find it by the variable BENCH_WORLD."""
    path.write_text(json.dumps(asdict(world)), encoding="utf-8")


def read_from(path: Path) -> World:
    """Read a world."""
    return World(**json.loads(path.read_text(encoding="utf-8")))


def read() -> World:
    """Read the world that the variable BENCH_WORLD names."""
    return read_from(Path(os.environ[VARIABLE]))


def transfers(place: int, accounts: list[str]) -> Random:
    """Return the source of random pairs and quantities of one client: another for each, the same in each run."""
    return Random(1_000 + place * len(accounts))
