"""Databases for tests: one template is migrated as the owner, and tests use copies of it as the application.

Ordinary tests take `db` and are rolled back. A test that needs real commits (deferred constraints, races,
raw SQL as the owner) takes `committed_db`, a fresh copy of its own. Nothing is ever emptied: the
application role may not.
"""

from collections.abc import Iterator
from itertools import count

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections
from psycopg import sql

from config.embedded import addresses
from tests import plugin

TEMPLATE = "template_registry"
ALIASES = ("default", "owner")
_copies = count(1)


def _administer(statement: str, *names: str) -> None:
    """Run one statement on the cluster as its superuser, outside every test database."""
    address = addresses.socket_url("postgres", "postgres", str(plugin.SERVERS.sockets))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _point_at(name: str) -> None:
    """Let both aliases, in this thread and in every thread to come, use the named database."""
    for alias in ALIASES:
        connections[alias].close()
        # Every thread's connection is made from this one dictionary.
        connections.settings[alias]["NAME"] = name
        connections[alias].settings_dict["NAME"] = name


def _copy() -> str:
    name = f"test_{next(_copies)}"
    _administer("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY", name, TEMPLATE, addresses.OWNER)
    return name


def _drop(name: str) -> None:
    _administer("DROP DATABASE {} WITH (FORCE)", name)


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Migrate the template as the owner and let ordinary tests use a copy. Replaces pytest-django's own."""
    # A pool would keep connections to a database that is about to be dropped.
    connections.settings["default"]["OPTIONS"].pop("pool", None)
    _administer("CREATE DATABASE {} OWNER {}", TEMPLATE, addresses.OWNER)
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        _point_at(TEMPLATE)
        call_command("migrate", database="owner", verbosity=0, interactive=False)
        connections.close_all()  # A template with a session on it cannot be copied.
        _point_at(_copy())
    yield
    connections.close_all()


@pytest.fixture
def committed_db(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database of the test's own, in which commits are real; its name. Threads use it too."""
    ordinary = connections.settings["default"]["NAME"]
    name = _copy()
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        _point_at(name)
        try:
            yield name
        finally:
            _point_at(ordinary)
            _drop(name)


def _login(role: str, database: str) -> psycopg.Connection[tuple]:
    return psycopg.connect(addresses.socket_url(role, database, str(plugin.SERVERS.sockets)), autocommit=True)


@pytest.fixture
def owner(committed_db: str) -> Iterator[psycopg.Connection[tuple]]:
    """Raw SQL as the owner of the tables, on the test's own database; every statement commits."""
    with _login(addresses.OWNER, committed_db) as connection:
        yield connection


@pytest.fixture
def as_application_role(committed_db: str) -> Iterator[psycopg.Connection[tuple]]:
    """Raw SQL as the role of the running service, on the test's own database; every statement commits."""
    with _login(addresses.APPLICATION, committed_db) as connection:
        yield connection


@pytest.fixture
def as_auditor(committed_db: str) -> Iterator[psycopg.Connection[tuple]]:
    """Raw SQL as the role that only reads, on the test's own database."""
    with _login(addresses.AUDITOR, committed_db) as connection:
        yield connection
