"""Every test of a transaction's life commits, and ends with the whole ledger verified and nothing left reserved by the dead."""

from collections.abc import Iterator

import pytest

from tests.build import Beijing
from tests.lifecycle.market import assert_sound, market


@pytest.fixture
def registry(committed_db: str) -> Iterator[Beijing]:
    """The market, in commits of its own; verified afterwards."""
    yield market()
    assert_sound()
