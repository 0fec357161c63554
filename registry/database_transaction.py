"""One transaction of PostgreSQL in as few round trips as it has statements: BEGIN goes with the first, COMMIT with the last.

A transfer is two statements, and Django sends four: BEGIN and COMMIT on their own cost more than a tenth of it. So the hot path
speaks to libpq itself (`psycopg.pq`, in text with escaped literals, as psycopg's client-side cursors do). Inside a transaction of
Django's nothing is begun or committed here.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, connection
from psycopg import OperationalError, pq
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation, error_from_result

# A decision made stale by a concurrent one is made again this often before the client is told to retry.
ATTEMPTS = 8
ANSWERED = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)

Result = TypeVar("Result")


class DatabaseTransaction:
    """What a decision and its effect ask of PostgreSQL, all or nothing."""

    def __init__(self) -> None:
        connection.ensure_connection()
        self.nested = connection.in_atomic_block or not connection.get_autocommit()
        self.state = "new"

    def ask(self, function: str, *arguments: str | int | None, last: bool = False) -> str | None:
        """Call an SQL function and return its answer as text; with `last`, commit if it succeeds.

        Raises: django.db.DatabaseError by its kind, with psycopg's error as its cause; the transaction is then void.
        """
        call = f"SELECT {function}({', '.join(map(_literal, arguments))})"
        if self.nested:
            return _execute(call)
        # Commit point: before COMMIT nothing of it exists, after it everything does. A crash in between is one or the other.
        if self.state == "new":
            call = f"BEGIN; {call}"
        self.state = "committed" if last else "open"
        if not last:
            return _execute(call)
        _execute(f"{call}; COMMIT")
        return None

    def savepoint(self) -> None:
        """Mark what `back_to_savepoint` returns to."""
        _execute("SAVEPOINT here")

    def back_to_savepoint(self) -> None:
        """Undo what was asked since the savepoint."""
        _execute("ROLLBACK TO SAVEPOINT here")

    def close(self) -> None:
        """Commit what is still open."""
        if self.state == "open" and not self.nested:
            self.state = "committed"
            _execute("COMMIT")

    def abandon(self) -> None:
        """Undo what is open; on a broken connection the server has done so."""
        if not self.nested and _raw().transaction_status not in {
            pq.TransactionStatus.IDLE,
            pq.TransactionStatus.UNKNOWN,
        }:
            _execute("ROLLBACK")


def in_one_database_transaction(decide: Callable[[DatabaseTransaction], Result]) -> Result:
    """Run a decision and its effect in one database transaction, and again when a concurrent one made it stale or took its key.

    Commit point: before COMMIT nothing of it exists; after it everything does (transaction, ranges, balances, log entries,
    the answer for its idempotency key). A crash in between is one or the other; the client finds out by its key.
    """
    for attempt in range(1, ATTEMPTS + 1):
        story = DatabaseTransaction()
        try:
            result = decide(story)
            story.close()
        except BaseException as error:
            story.abandon()
            if (
                isinstance(error, DatabaseError)
                and is_stale(error.__cause__)
                and attempt < ATTEMPTS
                and not story.nested
            ):
                continue
            raise
        return result
    raise AssertionError("unreachable")


def is_stale(cause: BaseException | None) -> bool:
    """Whether a decision failed for a concurrent one: its facts changed, or its idempotency key has its answer by now."""
    if isinstance(cause, UniqueViolation):
        return cause.diag.constraint_name == "one_answer_per_key"
    return isinstance(cause, SerializationFailure | DeadlockDetected)


def _raw() -> pq.abc.PGconn:
    return connection.connection.pgconn


def _literal(value: str | int | None) -> str:
    """Write a value into a statement."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value).lower()
    return pq.Escaping(_raw()).escape_literal(value.encode()).decode()


def _execute(statement: str) -> str | None:
    """Run statements in one round trip and return the first column of the first row of the last one."""
    began = time.perf_counter()
    server = _raw()
    with connection.wrap_database_errors:
        result = server.exec_(statement.encode())
        if server.status == pq.ConnStatus.BAD:
            raise OperationalError(server.get_error_message())
        if result.status not in ANSWERED:
            raise error_from_result(result)
    if connection.queries_logged:
        connection.queries_log.append({"sql": statement, "time": f"{time.perf_counter() - began:.3f}"})
    value = result.get_value(0, 0) if result.ntuples else None
    return None if value is None else value.decode()
