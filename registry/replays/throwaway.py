"""A database for a replay alone: made beside the configured one, migrated as its owner, and dropped afterwards."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import ProgrammingError, connections
from psycopg import sql

ALIASES = ("default", "owner")


@contextmanager
def throwaway_database(prefix: str, *, keep: bool) -> Iterator[str]:
    """Let both aliases use a new, migrated database for a while; with `keep` it stays. Gives its name.

    Killed in between, it leaves a database of that name, which nothing else uses.
    Raises: CommandError where the owner may not make databases.
    """
    if "owner" not in connections.settings:
        raise CommandError(
            "A replay makes a database as the owner: set DATABASE_OWNER_URL, or use ./dev manage replay."
        )
    name = f"replay_{prefix}_{secrets.token_hex(4)}"
    before = {alias: connections.settings[alias]["NAME"] for alias in ALIASES}
    try:
        _administer("CREATE DATABASE {}", name)
        # Whoever loses power in a replay starts it anew.
        _administer("ALTER DATABASE {} SET synchronous_commit = off", name)
    except ProgrammingError as error:
        reason = " ".join(str(error).split())
        raise CommandError(
            f"A replay needs a database of its own, and the owner may not make one ({reason})."
        ) from None
    try:
        _point_at(dict.fromkeys(ALIASES, name))
        call_command("migrate", database="owner", verbosity=0, interactive=False, skip_checks=True)
        yield name
    finally:
        _point_at(before)
        if not keep:
            _administer("DROP DATABASE {} WITH (FORCE)", name)


def _administer(statement: str, name: str) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _point_at(names: dict[str, object]) -> None:
    """Let both aliases, in this thread and in every thread to come, use these databases."""
    for alias, name in names.items():
        connection = connections[alias]
        connection.close()
        # A pool would go on giving connections to the other database.
        close_pool = getattr(connection, "close_pool", None)
        if close_pool is not None and connection.settings_dict["OPTIONS"].get("pool"):
            close_pool()
        connections.settings[alias]["NAME"] = name
        connection.settings_dict["NAME"] = name
