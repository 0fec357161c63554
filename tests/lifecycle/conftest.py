"""Every test of a transaction's life commits, and ends with the whole ledger verified and nothing left reserved by the dead."""

from collections.abc import Callable, Iterator

import pytest

from tests.build import Beijing
from tests.lifecycle.market import assert_sound, market


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return market


@pytest.fixture
def registry(begun: Beijing) -> Iterator[Beijing]:
    """The market, in commits of its own; verified afterwards."""
    yield begun
    assert_sound()
