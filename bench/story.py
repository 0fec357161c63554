"""A run in order: prepare, measure in turns, grow, verify. Every step works on one cluster, so ratios compare like with like."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tqdm import tqdm

from bench import growth, long, pgbench, worlds
from bench.figures import Figure, of_repetitions
from bench.machine import BenchFailure, Machine, described, pgbench_program

SMALL_UNITS = 50_000  # of each account where there are 10 million in all
HORDAK = {"DJANGO_SETTINGS_MODULE": "bench.hordak_project.settings"}
# The log is left out by a function that writes only the answer; in a copy of the database, for this one comparison.
NO_LOG = """
CREATE OR REPLACE FUNCTION registry_record(plan jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$ BEGIN END $$
"""


class Subject(Protocol):
    """Whatever can be measured at a number of clients."""

    def measure(self, clients: int, seconds: float) -> Figure:
        """Return the figure."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything a run does."""

    clients: tuple[int, ...]
    seconds: float
    repetitions: int
    growth_repetitions: int
    largest_growth: bool
    long: bool


SCALES: Mapping[str, Scale] = {
    "quick": Scale((1, 4), 1, 1, 3, False, False),
    "default": Scale((1, 4, 8, 16), 2, 3, 7, True, False),
    "long": Scale((1, 4, 8, 16), 5, 5, 15, True, True),
}


@dataclass(slots=True)
class Run:
    """One run and what it has found so far."""

    machine: Machine
    scale: Scale
    say: Callable[[str], None]
    rates: dict[str, dict[str, Figure]] = field(default_factory=lambda: defaultdict(dict))
    numbers: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    # The hot-account and surrender figures, whose errors count with the others.
    apart: list[Figure] = field(default_factory=list)

    def prepare(self) -> None:
        """Make every database: the registry, copies of it that differ in one number, hordak's and pgbench's."""
        machine = self.machine
        self.say("making databases")
        machine.run("manage.py", "migrate", "--database=owner", "--verbosity=0", database="registry")
        world = str(machine.world)
        machine.run("-m", "bench.prepare", "people", world, database="registry")
        pgbench.load_bench_schema(machine, "registry")
        machine.copy("registry", "blocks_1k_units_10m")
        machine.run("-m", "bench.prepare", "stock", world, str(SMALL_UNITS), database="blocks_1k_units_10m")
        machine.run("-m", "bench.prepare", "stock", world, str(worlds.UNITS_PER_ACCOUNT), database="registry")
        for name in self._grown():
            machine.copy("registry", name)
        machine.copy("registry", "log_off")
        machine.execute("log_off", NO_LOG)
        if self.scale.long:
            for name in ("round", "log_uniform", "history"):
                machine.copy("registry", name)
        machine.run("-m", "bench.prepare", "count", world, database="registry")
        counted = worlds.read_from(machine.world)
        self.numbers["statements, operation"] = counted.statements_of_operation
        self.numbers["statements, API"] = counted.statements_of_api
        machine.administer("CREATE DATABASE hordak OWNER registry_application")
        machine.run("-m", "bench.hordak_project.prepare", database="hordak", **HORDAK)

    def compare(self) -> None:
        """Measure the subjects in turns, at every number of clients."""
        machine, program = self.machine, pgbench_program()
        machine.start_web("registry")
        subjects: dict[str, Subject] = {
            "bare commit": pgbench.script(program, machine, "registry", "insert"),
            "bare function": pgbench.script(program, machine, "registry", "transfer"),
            "operation": machine.host("operation", "registry"),
            "operation, approved by another": machine.host("approved", "registry"),
            "external transfer": machine.host("crossing", "registry"),
            "HTTP API": machine.host("http", "registry"),
            "hordak": machine.host("hordak", "hordak", **HORDAK),
            "hordak, locked": machine.host("hordak", "hordak", **HORDAK, BENCH_HORDAK_LOCKS="1"),
        }
        if program is None:
            self.notes.append("No pgbench was found: bare commit and bare function were driven through psycopg.")
        else:
            machine.administer("CREATE DATABASE pgbench OWNER registry_application")
            pgbench.prepare_own_tables(program, machine, "pgbench")
            subjects["pgbench -N"] = pgbench.PgBench(program, machine, "pgbench", None)
            self.notes.append("Bare commit, bare function and pgbench -N are driven by pgbench, prepared.")
        self._in_turns(subjects, self.scale.clients)
        log: dict[str, Subject] = {
            "operation, log on": subjects["operation"],
            "operation, log off": machine.host("operation", "log_off"),
        }
        if 16 in self.scale.clients:
            self._in_turns(log, (16,))

    def compare_hot_rows(self) -> None:
        """Measure batches against single transfers out of one account, and surrenders into one account."""
        machine, batch = self.machine, 100
        single, batches = (
            machine.host("hot_account", "registry"),
            machine.host("hot_account", "registry", BENCH_BATCH="100"),
        )
        surrender = machine.host("surrender", "registry")
        rows = [
            ("hot account, transfers/s", single, 1, 1),
            ("batches, transfers/s", batches, 1, batch),
            ("surrenders/s, 1 client", surrender, 1, 1),
            ("surrenders/s, 8 clients", surrender, worlds.OPERATORS, 1),
        ]
        found: dict[str, list[Figure]] = defaultdict(list)
        for _ in tqdm(range(self.scale.repetitions), desc="hot rows", unit="round", leave=False):
            for name, subject, clients, _size in rows:
                found[name].append(subject.measure(clients, self.scale.seconds))
        for name, _, _, size in rows:
            figure = of_repetitions(found[name])
            self.apart.append(figure)
            self.numbers[name] = figure.per_second * size
        # Each moves 1 to so many units, at random.
        self.numbers["batches, units/s"] = self.numbers["batches, transfers/s"] * (1 + worlds.MOST_PER_TRANSFER) / 2

    def grow(self) -> None:
        """Measure the server's cost of a transfer as blocks and units grow."""
        self.say("cutting blocks")
        names = self._grown()
        for name, blocks in names.items():
            growth.cut_blocks(self.machine, name, blocks)
        growth.cut_blocks(self.machine, "blocks_1k_units_10m", 1_000)
        found = growth.costs(self.machine, [*names, "blocks_1k_units_10m"], self.scale.growth_repetitions)
        for name, label in (("1k", "1k blocks"), ("100k", "100k blocks"), ("1m", "1M blocks")):
            if f"blocks_{name}" in found:
                self.numbers[f"cost, {label}"] = found[f"blocks_{name}"]
        self.numbers["cost, 10M units"] = found["blocks_1k_units_10m"]
        if not growth.is_processor_time():
            self.notes.append("Costs are elapsed time: this kernel does not tell a process's time on the processor.")

    def take_long(self) -> None:
        """Measure what takes minutes."""
        program = pgbench_program()
        if program is not None:
            for script in ("round", "log-uniform"):
                blocks = long.frayed(self.machine, program, script.replace("-", "_"), script)
                self.numbers[f"blocks per transfer, {script}"] = blocks
        self.say("writing a history of a million movements")
        long.write_history(self.machine, "history")
        self.numbers.update(long.reads(self.machine, "history"))

    def verify(self) -> None:
        """Recompute every ledger that transfers were made in, and count what went wrong."""
        self.say("verifying the ledgers")
        databases = ["registry", *self._grown(), "blocks_1k_units_10m", "log_off"]
        databases += ["round", "log_uniform"] if self.scale.long else []
        broken = 0
        for database in databases:
            try:
                self.machine.run("manage.py", "verify_ledger", database=database)
            except BenchFailure as failure:
                broken += 1
                self.notes.append(f"{database}: {str(failure).strip().splitlines()[-1]}")
        figures = [*self.apart, *(figure for row in self.rates.values() for figure in row.values())]
        self.numbers["broken invariants"] = broken
        self.numbers["deadlocks"] = self.machine.deadlocks()
        self.numbers["errors"] = sum(figure.errors for figure in figures)
        self.notes.extend(f"An error was shown: {figure.first_error}" for figure in figures if figure.first_error)

    def result(self) -> dict[str, Any]:
        """Return everything, as it is recorded."""
        rates = {name: {count: figure.as_json() for count, figure in row.items()} for name, row in self.rates.items()}
        return {
            "machine": described(self.machine),
            "clients": self.scale.clients,
            "seconds": self.scale.seconds,
            "repetitions": self.scale.repetitions,
            "rates": rates,
            "numbers": self.numbers,
            "notes": self.notes,
        }

    def _grown(self) -> dict[str, int]:
        """Return the databases that differ in their number of blocks."""
        sizes = {"blocks_1k": 1_000, "blocks_100k": 100_000, "blocks_1m": 1_000_000}
        return sizes if self.scale.largest_growth else {name: sizes[name] for name in ("blocks_1k", "blocks_100k")}

    def _in_turns(self, subjects: Mapping[str, Subject], clients: Sequence[int]) -> None:
        """Measure A B C, A B C, ... so that whatever else the machine does falls on all alike."""
        found: dict[tuple[str, int], list[Figure]] = defaultdict(list)
        turns = [(name, count) for _ in range(self.scale.repetitions) for count in clients for name in subjects]
        for name, count in (bar := tqdm(turns, unit="turn", leave=False)):
            bar.set_description(f"{name}, {count} clients")
            found[name, count].append(subjects[name].measure(count, self.scale.seconds))
        for (name, count), figures in found.items():
            self.rates[name][str(count)] = of_repetitions(figures)
