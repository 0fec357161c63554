"""Asks PostgreSQL for one value by libpq itself, for what every request does: psycopg's and Django's cursors cost as much again.

The text goes as psycopg's client-side cursors send it, with escaped literals (`psycopg.pq`).
"""

import time

from django.db import connection
from psycopg import OperationalError, pq
from psycopg.errors import error_from_result

ANSWERED = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


def literal(value: str | int | None) -> str:
    """Write a value into a statement."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value).lower()
    return pq.Escaping(_server()).escape_literal(value.encode()).decode()


def ask(statement: str) -> str | None:
    """Run statements in one round trip and return the first column of the first row of the last one, as text.

    In a transaction of Django's it takes part, else each call is its own. Raises: django.db.DatabaseError by its kind, with
    psycopg's error as its cause.
    """
    server = _server()
    if server.transaction_status == pq.TransactionStatus.IDLE and not connection.get_autocommit():
        # Django's transaction begins with its first statement, which is this one.
        statement = f"BEGIN; {statement}"
    began = time.perf_counter()
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


def in_transaction() -> bool:
    """Return whether the server holds a transaction open on a connection that still works."""
    return _server().transaction_status not in {pq.TransactionStatus.IDLE, pq.TransactionStatus.UNKNOWN}


def _server() -> pq.abc.PGconn:
    if connection.connection is None:
        connection.ensure_connection()
    server: pq.abc.PGconn = connection.connection.pgconn
    return server
