"""One transaction of PostgreSQL in as few round trips as it has statements: BEGIN goes with the first, COMMIT with the last.

A transfer is two statements, and Django sends four: BEGIN and COMMIT on their own cost more than a tenth of it. Inside a
transaction of Django's nothing is begun or committed here.
"""

from collections.abc import Callable
from typing import TypeVar

from django.db import DatabaseError, connection
from psycopg.errors import DeadlockDetected, IntegrityError, SerializationFailure, UniqueViolation

from accounts import database

# A decision made stale by a concurrent one is made again this often before the client is told to retry.
ATTEMPTS = 8

Result = TypeVar("Result")


class DatabaseTransaction:
    """What a decision and its effect ask of PostgreSQL, all or nothing."""

    def __init__(self) -> None:
        self.nested = connection.in_atomic_block or not connection.get_autocommit()
        self.state = "new"

    def ask(self, function: str, *arguments: str | int | None, last: bool = False) -> str | None:
        """Call an SQL function and return its answer as text; with `last`, commit if it succeeds.

        Raises: django.db.DatabaseError by its kind, with psycopg's error as its cause; the transaction is then void.
        """
        call = f"SELECT {function}({', '.join(map(database.literal, arguments))})"
        if self.nested:
            return database.ask(call)
        # Commit point: before COMMIT nothing of it exists, after it everything does. A crash in between is one or the other.
        if self.state == "new":
            call = f"BEGIN; {call}"
        self.state = "committed" if last else "open"
        if not last:
            return database.ask(call)
        database.ask(f"{call}; COMMIT")
        return None

    def savepoint(self) -> None:
        """Mark what `back_to_savepoint` returns to."""
        database.ask("SAVEPOINT here")

    def back_to_savepoint(self) -> None:
        """Undo what was asked since the savepoint."""
        database.ask("ROLLBACK TO SAVEPOINT here")

    def close(self) -> None:
        """Commit what is still open."""
        if self.state == "open" and not self.nested:
            self.state = "committed"
            database.ask("COMMIT")

    def abandon(self) -> None:
        """Undo what is open; on a broken connection the server has done so."""
        if not self.nested and database.in_transaction():
            database.ask("ROLLBACK")


def in_one_database_transaction(decide: Callable[[DatabaseTransaction], Result]) -> Result:
    """Run a decision and its effect in one database transaction, and again when a concurrent one made it stale or took its key.

    Dated facts are read without a lock. So when PostgreSQL refuses what the checks let through, the decision is made anew, once:
    if a fact has changed in between, the checks now say so; if none has, the two disagree, and the error is raised.

    Commit point: before COMMIT nothing of it exists; after it everything does (transaction, ranges, balances, log entries,
    the answer for its idempotency key). A crash in between is one or the other; the client finds out by its key.
    """
    refused_before = False
    for attempt in range(1, ATTEMPTS + 1):
        story = DatabaseTransaction()
        try:
            result = decide(story)
            story.close()
        except BaseException as error:
            story.abandon()
            cause = error.__cause__ if isinstance(error, DatabaseError) else None
            refused_now = isinstance(cause, IntegrityError) and not is_stale(cause)
            again = is_stale(cause) or (refused_now and not refused_before)
            if not again or attempt == ATTEMPTS or story.nested:
                raise
            refused_before |= refused_now
            continue
        return result
    raise AssertionError("unreachable")


def is_stale(cause: BaseException | None) -> bool:
    """Whether a decision failed for a concurrent one: its facts changed, or its idempotency key has its answer by now."""
    if isinstance(cause, UniqueViolation):
        return cause.diag.constraint_name == "one_answer_per_key"
    return isinstance(cause, SerializationFailure | DeadlockDetected)
