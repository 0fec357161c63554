"""Worker and broker away for a day, and the process that makes up for it killed at any moment: what was due is done once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection, connections

from accounts import clock
from accounts.operations.move_clock_forward import move_clock_forward
from audit.models import Entry
from config.embedded import addresses
from registry.models import StatusSnapshot, Transaction, TransactionStep
from registry.operations.approve import approve
from registry.operations.run_due import run_due
from registry.rules.states import State
from tests import plugin
from tests.build import DUE, NOW, REGISTRY, Beijing
from tests.ledger.test_races import at_once, kinds
from tests.lifecycle.market import balance, market, transfer

DELAYED, UNAPPROVED = 30, 5
NOWHERE = "redis://127.0.0.1:1/0"


def neglected() -> Beijing:
    """Delayed transfers of one unit that are due, proposals that are too old, a deadline that is over."""
    made = market()
    made.obligation("mill")
    for _ in range(DELAYED):
        approve(transfer(made, quantity=1).transaction_id, actor=made.approver, now=NOW)
    for _ in range(UNAPPROVED):
        transfer(made, quantity=2)
    after = DUE + timedelta(days=1)
    if clock.now() < after:
        move_clock_forward(to=after, actor=REGISTRY, now=clock.now())
    return made


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return neglected


@pytest.fixture
def missed(registry: Beijing) -> Beijing:
    return registry


@contextmanager
def running(database: str) -> Iterator[subprocess.Popen[str]]:
    """`manage.py run_due` in a process of its own, with no broker to be reached."""
    environment = os.environ | {
        "DATABASE_URL": addresses.socket_url(addresses.APPLICATION, database, str(plugin.SERVERS.sockets)),
        "REDIS_URL": NOWHERE,
    }
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "run_due"]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def run(database: str) -> str:
    """Run it to its end, and return the last line that it prints."""
    with running(database) as process:
        printed, told = process.communicate(timeout=90)
        assert process.returncode == 0, told
    return printed.splitlines()[-1]


def ended() -> int:
    return TransactionStep.objects.exclude(event="approved").count()


def assert_each_is_done_once(made: Beijing) -> None:
    states = Counter(Transaction.objects.filter(transferring=made.accounts["ava"]).values_list("state", flat=True))
    assert states == {State.COMPLETED: DELAYED, State.CANCELLED: UNAPPROVED}
    steps = Counter(TransactionStep.objects.values_list("transaction", "event"))
    assert set(steps.values()) == {1}
    assert Counter(event for _, event in steps) == {"approved": DELAYED, "due": DELAYED, "expired": UNAPPROVED}
    assert (balance(made, "ava"), balance(made, "ben")) == ((100 - DELAYED, 0), (DELAYED, 0))
    # Of the two installations, at the one deadline.
    assert StatusSnapshot.objects.count() == 2
    for row in Transaction.objects.filter(transferring=made.accounts["ava"], state=State.COMPLETED):
        # Nothing executes early, and what is late says when it was really done.
        assert row.due_at is not None
        assert row.completed_at is not None
        assert NOW < row.due_at < row.completed_at
        assert row.approver_id not in {None, row.initiator_id}


def test_after_an_outage_all_that_was_due_is_done_once_by_one_command(missed: Beijing, committed_db):
    connections.close_all()
    assert run(committed_db) == f"{DELAYED + UNAPPROVED + 1} done"
    assert_each_is_done_once(missed)
    assert run(committed_db) == "0 done"
    assert_each_is_done_once(missed)


def test_two_processes_at_once_do_each_thing_once(missed: Beijing, committed_db):
    with running(committed_db) as first, running(committed_db) as second:
        for process in (first, second):
            _, told = process.communicate(timeout=90)
            assert process.returncode == 0, told
    assert_each_is_done_once(missed)


def test_four_runs_at_the_same_instant_do_each_thing_once(missed: Beijing):
    results = at_once(*[lambda: run_due(actor=REGISTRY, now=clock.now())] * 4)
    assert kinds(results) == {"list": 4}
    assert_each_is_done_once(missed)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_process_that_is_killed_at_any_moment_does_nothing_twice_and_loses_nothing(missed: Beijing, committed_db):
    """SIGKILL after the first, in the midst, and near the end; a last run that nobody kills does what is left."""
    killed = 0
    for wanted in (1, 9, 20, DELAYED + UNAPPROVED - 2):
        with running(committed_db) as process:
            wait_for(lambda wanted=wanted: ended() >= wanted or process.poll() is not None)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        for row in Transaction.objects.filter(transferring=missed.accounts["ava"]):
            # Whole things are done: a state has its step and its units, or neither.
            assert (row.state == State.COMPLETED) == row.steps.filter(event="due").exists()
    assert killed >= 2
    run(committed_db)
    assert_each_is_done_once(missed)


def waits_for_a_lock() -> bool:
    """Whether a session of the application waits for a lock in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def test_a_process_that_is_killed_while_it_waits_for_a_lock_leaves_everything_due(missed: Beijing, committed_db, owner):
    with running(committed_db) as process, owner.transaction():
        owner.execute("SELECT 1 FROM accounts_account WHERE name = 'ava' FOR UPDATE")
        wait_for(waits_for_a_lock)
        process.send_signal(signal.SIGKILL)
        process.wait()
    wait_for(lambda: not waits_for_a_lock())
    assert ended() == 0
    assert not Entry.objects.filter(event__in=["transaction.due", "transaction.expired"]).exists()
    run(committed_db)
    assert_each_is_done_once(missed)
