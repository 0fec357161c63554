"""A database that many tests share, since what they try fails and leaves everything as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import pytest

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
    with blocker.unblock(), databases.own_database(make) as (name, begun):  # type: ignore[attr-defined]
        with (
            databases._login(addresses.OWNER, name) as owner,
            databases._login(addresses.APPLICATION, name) as service,
        ):
            yield Standing(begun, owner, service)
        assert isinstance(verify(), Verified), verify()
