"""Every test of the ledger that commits ends with the whole ledger verified."""

from collections.abc import Callable, Iterator

import pytest

from accounts.rules.access import Role
from registry.verification import Verified, verify
from tests.build import Beijing, beijing, official


def thousand_units() -> Beijing:
    """Make Beijing with 1,000 units issued: 1-600 in ISS, 601-800 with ann, 801-1000 with bob; cid and plant hold nothing."""
    made = beijing("ann", "bob", "cid", operators=("plant",))
    made.issue(1_000)
    made.move("ISS", "bob", 200)
    made.move("ISS", "ann", 200)
    # Who freezes, and who releases.
    official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "officer")
    official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "chief")
    return made


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return thousand_units


@pytest.fixture
def registry(begun: Beijing) -> Iterator[Beijing]:
    """The thousand units, in commits of their own; verified afterwards."""
    yield begun
    assert isinstance(verify(), Verified), verify()
