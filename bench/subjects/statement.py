"""A statement inside PostgreSQL through psycopg, where there is no pgbench: BENCH_STATEMENT is `insert` or `transfer`."""

import os
from collections.abc import Callable

import psycopg

from bench import worlds


def load() -> None:
    """Need nothing but psycopg."""


def client(place: int) -> Callable[[], None]:
    """Return the statement, prepared, on a connection of its own."""
    connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
    if os.environ["BENCH_STATEMENT"] == "insert":
        return lambda: _execute(connection, "INSERT INTO bench.inserted (value) VALUES (%s)", (1,))
    places = [str(number) for number in range(1, worlds.ACCOUNTS + 1)]
    random = worlds.transfers(place, places)

    def transfer() -> None:
        sender, acquirer = random.sample(range(1, worlds.ACCOUNTS + 1), 2)
        quantity = random.randint(1, worlds.MOST_PER_TRANSFER)
        _execute(connection, "SELECT bench.transfer(%s, %s, %s)", (sender, acquirer, quantity))

    return transfer


def _execute(connection: psycopg.Connection, statement: str, values: tuple[int, ...]) -> None:
    connection.execute(statement, values, prepare=True)
