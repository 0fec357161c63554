"""Server processes killed at any moment of a transfer, COMMIT included: each transfer is there whole or not at all."""

import os
import signal
import threading
import time
from collections import Counter
from random import Random
from uuid import UUID

import psycopg
import pytest
from django.db import DatabaseError, connection, connections

from config.embedded import addresses
from registry.models import Holding, Transaction
from registry.operations.propose import propose
from registry.rules.proposal import Proposal
from registry.verification import Verified, verify
from tests import plugin
from tests.build import NOW, Beijing

CLIENTS, TRANSFERS = 4, 25


def transfers(registry: Beijing, place: int, known: dict[str, UUID | None]) -> None:
    """Move one unit at a time, each under a reference of its own, and note what the client was told (None: an error)."""
    pair = ("ann", "bob") if place % 2 else ("bob", "ann")
    for number in range(TRANSFERS):
        reference = f"{place}-{number}"
        try:
            order = Proposal("10-50", (registry.line(*pair, 1),), client_reference=reference)
            known[reference] = propose(order, actor=registry.representative, now=NOW).transaction_id
        except DatabaseError:
            known[reference] = None
            connection.close()
            time.sleep(0.05)
    connections.close_all()


def processes(database: str) -> list[int]:
    """Server processes of the clients."""
    superuser = addresses.socket_url("postgres", database, str(plugin.SERVERS.sockets))
    with psycopg.connect(superuser, autocommit=True, connect_timeout=5) as other:
        rows = other.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND usename = %s", [database, addresses.APPLICATION]
        )
        return [int(pid) for (pid,) in rows]


@pytest.fixture
def lasting(committed_db: str, begun: Beijing) -> Beijing:
    """The thousand units, in a database where COMMIT waits for the write-ahead log, as everywhere but in tests."""
    connections.close_all()
    superuser = addresses.socket_url("postgres", committed_db, str(plugin.SERVERS.sockets))
    with psycopg.connect(superuser, autocommit=True) as other:
        other.execute(f"ALTER DATABASE {committed_db} SET synchronous_commit = on")
    return begun


@pytest.mark.parametrize(("how", "times"), [(signal.SIGTERM, 15), (signal.SIGKILL, 2)], ids=["terminated", "killed"])
def test_a_transfer_is_there_whole_or_not_at_all(lasting, committed_db, how, times):
    """SIGKILL takes the whole server down with it; it comes back by itself, from its write-ahead log."""
    connections.close_all()
    known: dict[str, UUID | None] = {}
    threads = [threading.Thread(target=transfers, args=(lasting, place, known)) for place in range(CLIENTS)]
    for thread in threads:
        thread.start()
    random, struck = Random(1), 0
    while struck < times and any(thread.is_alive() for thread in threads):
        time.sleep(random.uniform(0.01, 0.05))
        try:
            found = processes(committed_db)
            if found:
                os.kill(random.choice(found), how)
                struck += 1
        except (psycopg.OperationalError, ProcessLookupError):
            continue  # The server is coming back, or the client was quicker.
    for thread in threads:
        thread.join(60)
    comes_back()
    recorded = Counter(Transaction.objects.exclude(client_reference="").values_list("client_reference", flat=True))
    assert struck
    assert None in known.values()
    assert len(known) == CLIENTS * TRANSFERS
    assert set(recorded.values()) <= {1}
    assert set() < {reference for reference, told in known.items() if told} <= set(recorded)
    assert isinstance(verify(), Verified)
    sums = dict(Holding.objects.values_list("account__name", "quantity"))
    assert sums["ann"] + sums["bob"] == 400


def comes_back() -> None:
    """Wait until the server answers again."""
    for _ in range(200):
        try:
            connection.ensure_connection()
            return
        except DatabaseError:
            time.sleep(0.05)
    raise AssertionError("the server does not come back")
