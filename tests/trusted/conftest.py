"""The list of one account, rolled back or in commits of its own."""

import pytest

from tests.trusted.people import Trust, trust


@pytest.fixture
def listed(db: None) -> Trust:
    """The account and its people, rolled back after the test."""
    return trust()


@pytest.fixture
def committed(committed_db: str) -> Trust:
    """The account and its people, in a database of the test's own."""
    return trust()
