"""Databases for tests: one template is migrated as the owner, and tests use copies of it as the application.

Ordinary tests take `db` and are rolled back. A test that needs real commits (deferred constraints, races,
raw SQL as the owner) takes `committed_db`, a fresh copy of its own. Nothing is ever emptied: the
application role may not.

Making accounts and units takes ten times as long as copying a database. So where many tests begin alike, their folder or
module says how (`world`): that is made once, in a database that is a template from then on, and each test has a copy of it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import count
from typing import Any, Generic, NamedTuple, TypeVar

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
T = TypeVar("T")
World = Callable[[], T]
# What has been made in this session: the template that holds it, and what its maker returned.
_worlds: dict[World[Any], tuple[str, Any]] = {}
# Where tests are rolled back: the ordinary database under "", and those that modules share under the names of their fixtures.
_rolled_back_in: dict[str, str] = {}


# Begun at the end, they would keep one processor while the others have nothing left to do. The rest is in pytest's order.
SLOWEST_FIRST = (
    "tests/replays/test_replays.py",
    "tests/api/test_document.py",
    "tests/test_launcher.py",
    "tests/admin/test_pages.py",
    "tests/lifecycle/test_due.py",
    "tests/lifecycle/test_model.py",
    "tests/ledger/test_model.py",
    "tests/test_readme.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first; the others stay in their order."""
    place = {file: number for number, file in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(place)))


class Own(NamedTuple, Generic[T]):
    """A database of somebody's own: its name, and what the maker of its content returned."""

    name: str
    begun: T


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


def _copy(template: str = TEMPLATE) -> str:
    name = f"test_{next(_copies)}"
    _administer("CREATE DATABASE {} TEMPLATE {} OWNER {} STRATEGY FILE_COPY", name, template, addresses.OWNER)
    return name


def _drop(name: str) -> None:
    _administer("DROP DATABASE {} WITH (FORCE)", name)


def _made(world: World[Any] | None) -> tuple[str, Any]:
    """Return the template of a world and what its maker returned; made at its first use."""
    if world is None:
        return TEMPLATE, None
    if world not in _worlds:
        template = _copy()
        _point_at(template)
        begun = world()
        connections.close_all()  # A template with a session on it cannot be copied.
        _worlds[world] = template, begun
    return _worlds[world]


@contextmanager
def own_database(world: World[T] | None = None) -> Iterator[Own[T]]:
    """Give a database in which commits are real, and let every thread use it. It begins as `world` leaves an empty one."""
    ordinary = connections.settings["default"]["NAME"]
    try:
        template, begun = _made(world)
        name = _copy(template)
        _point_at(name)
        try:
            yield Own(name, deepcopy(begun))
        finally:
            connections.close_all()
            _drop(name)
    finally:
        _point_at(ordinary)


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
        _rolled_back_in[""] = _copy()
        _point_at(_rolled_back_in[""])
    yield
    connections.close_all()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Let a test begin in the database that it asks to share, and in the ordinary one after a test that shared another."""
    shared = next((name for name in getattr(item, "fixturenames", ()) if name in _rolled_back_in), "")
    in_use = connections.settings["default"]["NAME"]
    if in_use in _rolled_back_in.values() and in_use != _rolled_back_in[shared]:
        _point_at(_rolled_back_in[shared])


@pytest.fixture
def world() -> World[Any] | None:
    """What makes the rows that a test's own database begins with: nothing. Overridden where many tests begin alike."""
    return None


@pytest.fixture
def own(
    world: World[Any] | None, django_db_setup: None, django_db_blocker: pytest.FixtureRequest
) -> Iterator[Own[Any]]:
    """A fresh database of the test's own, in which commits are real. Threads use it too."""
    with django_db_blocker.unblock(), own_database(world) as database:  # type: ignore[attr-defined]
        yield database


@pytest.fixture
def committed_db(own: Own[Any]) -> str:
    """The name of the test's own database."""
    return own.name


@pytest.fixture
def begun(own: Own[Any]) -> Any:
    """What the maker of the test's `world` returned."""
    return own.begun


def shared_by_module(world: World[T]) -> Any:
    """Return a fixture: a database that begins as `world` leaves one, for tests of a module that are rolled back.

    Such a test takes `db` as well, and its own copy of what was made from `begun_in`.
    """

    @pytest.fixture(scope="module")
    def shared(
        request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: pytest.FixtureRequest
    ) -> Iterator[Own[T]]:
        with django_db_blocker.unblock(), own_database(world) as database:  # type: ignore[attr-defined]
            assert request.fixturename
            _rolled_back_in[request.fixturename] = database.name
            yield database
            del _rolled_back_in[request.fixturename]

    return shared


def begun_in(shared: Own[T]) -> T:
    """Return what the maker of a shared database returned; it must be the one that is in use."""
    assert connections.settings["default"]["NAME"] == shared.name
    return deepcopy(shared.begun)


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
