"""Freezes and movements that meet in one chosen order, and the guard that decides it; without it the same order leaves a hole."""

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import transaction
from psycopg import errors

from config.embedded import addresses
from registry.operations.request_release import request_release
from registry.verification import Difference, Verified, verify
from tests import conftest as databases
from tests.build import NOW
from tests.freezes.people import Staffed, frozen_serials
from tests.freezes.test_guards import insert, released, update
from tests.ledger.test_races import at_once
from tests.ledger.test_ways_around import Guard, meanwhile, take_out, waits

LOCKS = (
    "registry_freeze_takes_effect",
    "PERFORM registry_lock_holders(NEW.origin_id, NEW.first_no, NEW.next_no);",
    "",
)
CHASE = ("registry_lock_holders", "EXIT WHEN holders <@ known;", "EXIT;")
SEES_ALL = ("registry_mark_frozen", "WHERE b.frozen_by IS NULL AND a.jurisdiction_id = home", "WHERE false")


@pytest.fixture
def second(owner: psycopg.Connection[tuple], committed_db: str) -> Iterator[psycopg.Connection[tuple]]:
    with databases._login(addresses.OWNER, committed_db) as connection:
        yield connection


@pytest.fixture
def staff(begun: Staffed) -> Staffed:
    """The registry with its staff; each test says itself whether the ledger is whole."""
    return begun


def whole() -> bool:
    return isinstance(verify(), Verified)


@pytest.mark.parametrize("guarded", [True, False])
def test_two_releases_that_overlap_take_turns(staff: Staffed, owner, second, guarded):
    """Each would hand what they share to the other, which is released too."""
    if not guarded:
        take_out(owner, LOCKS)
    first = [staff.freeze(601, 701), staff.freeze(651, 751)]
    for one in first:
        request_release(one.id, actor=staff.junior, now=NOW)
    with owner.transaction():
        owner.execute(update(first[0].id, released("senior")))
        thread, raised = meanwhile(second, update(first[1].id, released("senior")))
        if guarded:
            waits(owner, second)
        else:
            thread.join(10)
    thread.join(10)
    assert raised == []
    assert frozen_serials() == ([] if guarded else list(range(651, 701)))
    assert whole() == guarded


@pytest.mark.parametrize("guarded", [True, False])
def test_a_block_cut_by_hand_while_its_freeze_waits_for_it_is_no_way_out(staff: Staffed, owner, second, guarded):
    """The owner's plain SQL locks no account. The freeze is then decided anew, rather than miss the part that was cut off."""
    if not guarded:
        take_out(owner, SEES_ALL)
    with owner.transaction():
        owner.execute("UPDATE registry_unitblock SET start_no = 701 WHERE start_no = 601")
        thread, raised = meanwhile(second, insert(first=601, following=801))
        waits(owner, second)
    thread.join(10)
    assert [type(error) for error in raised] == ([errors.SerializationFailure] if guarded else [])
    assert frozen_serials() == ([] if guarded else list(range(701, 801)))
    assert whole() == guarded
    if guarded:
        staff.freeze(601, 801)
        assert frozen_serials() == list(range(601, 801))


@pytest.mark.parametrize(
    "out", [(), (SEES_ALL,), (CHASE,), (CHASE, SEES_ALL)], ids=["none", "sees-all", "chase", "both"]
)
def test_units_that_move_on_while_the_freeze_waits_for_their_holder_are_followed(
    staff: Staffed, owner, second, committed_db, out: tuple[Guard, ...]
):
    """795-799 go from ann to cid and, while the freeze waits for bob, some on to plant; the block at cid is cut meanwhile.

    Following the units is one guard, seeing all that was cut another; without both there is a hole.
    """
    for guard in out:
        take_out(owner, guard)
    with databases._login(addresses.OWNER, committed_db) as bob:
        with bob.transaction():
            bob.execute("SELECT FROM accounts_account WHERE name = 'bob' FOR NO KEY UPDATE")
            first = Moving(staff, "ann", "cid", 5, (795, 800))
            thread, raised = meanwhile(second, insert(first=790, following=811))
            waits(owner, second)
            first.commit()
            # Now it has ann and waits for bob.
            _until(owner, second, f"{bob.info.backend_pid} = ANY (pg_blocking_pids(%s))")
            further = Moving(staff, "cid", "plant", 2, (796, 798))
        # Bob is free: it meets what is cut and not committed.
        _until(owner, second, f"pg_blocking_pids(%s) NOT IN ('{{}}', '{{{bob.info.backend_pid}}}')")
        further.commit()
        thread.join(10)
    if out == (CHASE,):
        assert [type(error) for error in raised] == [errors.SerializationFailure]
    else:
        assert raised == []
    if len(out) == 2:
        assert isinstance(verify(), Difference)
    else:
        assert whole()
        assert frozen_serials() == ([] if raised else list(range(790, 811)))


class Moving:
    """A movement that is made and not committed until it is told to."""

    def __init__(self, staff: Staffed, *order: Any) -> None:
        self._made, self._end = threading.Event(), threading.Event()

        def act() -> None:
            with transaction.atomic():
                staff.registry.move(*order)
                self._made.set()
                self._end.wait(10)

        self._thread = threading.Thread(target=lambda: at_once(act))
        self._thread.start()
        assert self._made.wait(10)

    def commit(self) -> None:
        self._end.set()
        self._thread.join(10)


def _until(connection: psycopg.Connection[tuple], other: psycopg.Connection[tuple], condition: str) -> None:
    """Return once the condition about the other session holds."""
    for _ in range(500):
        row = connection.execute(f"SELECT {condition}", [other.info.backend_pid]).fetchone()
        if row and row[0]:
            return
        threading.Event().wait(0.01)
    raise AssertionError(condition)
