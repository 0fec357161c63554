"""A freeze that begins while a transfer across the link is not committed waits for it, and stops the units where they went."""

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import transaction

from config.embedded import addresses
from registry.verification import Difference, Verified, verify
from tests import conftest as databases
from tests.freezes.test_turns import LOCKS
from tests.ledger.test_races import at_once
from tests.ledger.test_ways_around import meanwhile, take_out, waits
from tests.linking.thefts import Chase, chase

FREEZE = (
    "INSERT INTO registry_freeze (jurisdiction_id, origin_id, first_no, next_no, reason, review_on, frozen_by_id, frozen_at)"
    " SELECT j.id, j.id, 1, 101, 'stolen', '2026-09-01', u.id, '2026-06-02T04:00Z' FROM accounts_jurisdiction j, accounts_user u"
    " WHERE j.code = 'CN-BJ' AND u.username = 'cn-junior'"
)


@pytest.fixture
def world() -> Callable[[], Chase]:
    return chase


@pytest.fixture
def second(owner: psycopg.Connection[tuple], committed_db: str) -> Iterator[psycopg.Connection[tuple]]:
    with databases._login(addresses.OWNER, committed_db) as connection:
        yield connection


def frozen_during(
    move: Callable[[], object], owner: psycopg.Connection[tuple], second: psycopg.Connection[tuple]
) -> None:
    """Freeze serials 1 to 100 of Beijing while a movement is made, and commit it when the freeze waits."""
    made, end = threading.Event(), threading.Event()

    def moves() -> None:
        with transaction.atomic():
            move()
            made.set()
            end.wait(10)

    moving = threading.Thread(target=lambda: at_once(moves))
    moving.start()
    assert made.wait(10)
    freezing, raised = meanwhile(second, FREEZE)
    waits(owner, second)
    end.set()
    moving.join(10)
    freezing.join(10)
    assert raised == []


def home(theft: Chase) -> object:
    return theft.pilot.send(("JP-13", "bob"), ("CN-BJ", "bob"), 100, (1, 101), issuer="CN-BJ")


def test_units_that_leave_before_the_freeze_has_their_holder_are_held_abroad(begun: Chase, owner, second):
    frozen_during(lambda: begun.sent(1, 101), owner, second)
    assert (begun.frozen("CN-BJ"), begun.frozen("JP-13")) == ([], list(range(1, 101)))
    assert isinstance(verify(), Verified)


@pytest.mark.parametrize("guarded", [True, False])
def test_units_that_come_home_before_the_freeze_has_their_holder_are_frozen_at_home(
    begun: Chase, owner, second, guarded
):
    """Without the lock on who holds them, the hold finds them gone and the freeze has been at home already: neither has them."""
    begun.sent(1, 101)
    if not guarded:
        take_out(owner, LOCKS)
    frozen_during(lambda: home(begun), owner, second)
    assert begun.frozen("JP-13") == []
    assert begun.frozen("CN-BJ") == (list(range(1, 101)) if guarded else [])
    assert isinstance(verify(), Verified if guarded else Difference)
