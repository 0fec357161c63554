"""A database that many tests share, since what they try fails and leaves everything as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from django.db import connections

from config.embedded import addresses
from registry.verification import Verified, verify
from tests import conftest as databases
from tests.build import Beijing


@dataclass(frozen=True, slots=True)
class Standing:
    """What was made, and two who are at it: the tables' owner and the service's role."""

    made: Beijing
    owner: psycopg.Connection[tuple]
    service: psycopg.Connection[tuple]


@contextmanager
def standing(blocker: pytest.FixtureRequest, make: Callable[[], Beijing]) -> Iterator[Standing]:
    """Make a database with this content, give it to the tests of a module, and verify its ledger afterwards."""
    ordinary, name = connections.settings["default"]["NAME"], databases._copy()
    with blocker.unblock():  # type: ignore[attr-defined]
        databases._point_at(name)
        try:
            made = make()
            with (
                databases._login(addresses.OWNER, name) as owner,
                databases._login(addresses.APPLICATION, name) as service,
            ):
                yield Standing(made, owner, service)
            assert isinstance(verify(), Verified), verify()
        finally:
            databases._point_at(ordinary)
            databases._drop(name)
