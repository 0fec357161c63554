"""Every test of links that commits ends with the whole ledger verified."""

from collections.abc import Callable, Iterator

import pytest

from registry.verification import Verified, verify
from tests.linking.cities import Pilot, linked_pilot


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return linked_pilot


@pytest.fixture
def linked(begun: Pilot) -> Iterator[Pilot]:
    """The linked pilot, in commits of its own; verified afterwards."""
    yield begun
    assert isinstance(verify(), Verified), verify()
