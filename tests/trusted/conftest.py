"""The list of one account, rolled back or in commits of its own."""

from collections.abc import Callable

import pytest

from tests.conftest import Own, begun_in, shared_by_module
from tests.trusted.people import Trust, trust

trust_database = shared_by_module(trust)


@pytest.fixture
def listed(trust_database: Own[Trust], db: None) -> Trust:
    """The account and its people, rolled back after the test."""
    return begun_in(trust_database)


@pytest.fixture
def world() -> Callable[[], Trust]:
    return trust


@pytest.fixture
def committed(begun: Trust) -> Trust:
    """The account and its people, in a database of the test's own."""
    return begun
