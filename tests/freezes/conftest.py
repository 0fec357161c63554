"""Every test of the freezes ends with the whole ledger verified."""

from collections.abc import Iterator

import pytest

from registry.verification import Verified, verify
from tests.api.conftest import ask, market  # noqa: F401 - fixtures for what is asked over HTTP
from tests.freezes.people import Staffed, staffed


@pytest.fixture
def staff(committed_db: str) -> Iterator[Staffed]:
    """The registry with its staff, in commits of their own; verified afterwards."""
    made = staffed()
    yield made
    assert isinstance(verify(), Verified), verify()
