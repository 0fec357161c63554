"""A registry in commits of its own, verified afterwards, with two administrators."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from accounts.rules.access import Actor, Role
from registry.verification import Verified, verify
from tests.build import Beijing, beijing, official


@dataclass
class Office:
    """Beijing with a junior administrator, who initiates, and a senior one, who approves."""

    made: Beijing
    junior: Actor
    senior: Actor


def opened() -> Office:
    """1,000 units issued: 601-800 with plant, the rest in ISS. Stranger's account is of another holder."""
    made = beijing("ann", "bob", operators=("plant",))
    made.open("stranger", holder="somebody else")
    made.open("LAP", type_code="LAP")
    made.issue(1_000)
    made.move("ISS", "plant", 200, (601, 801))
    return Office(
        made,
        official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior"),
        official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior"),
    )


@pytest.fixture
def world() -> Callable[[], Office]:
    return opened


@pytest.fixture
def office(begun: Office) -> Iterator[Office]:
    """The office, in commits of its own; verified afterwards."""
    yield begun
    assert isinstance(verify(), Verified), verify()
