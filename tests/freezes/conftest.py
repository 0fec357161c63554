"""Every test of the freezes ends with the whole ledger verified."""

from collections.abc import Callable, Iterator

import pytest

from registry.verification import Verified, verify
from tests.api.conftest import ask, market, market_database  # noqa: F401 - fixtures for what is asked over HTTP
from tests.freezes.people import Staffed, staffed


@pytest.fixture
def world() -> Callable[[], Staffed]:
    return staffed


@pytest.fixture
def staff(begun: Staffed) -> Iterator[Staffed]:
    """The registry with its staff, in commits of their own; verified afterwards."""
    yield begun
    assert isinstance(verify(), Verified), verify()
