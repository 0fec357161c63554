"""Tallies: sums that statements begin from. They follow from the ranges, and one that no longer does is thrown away."""

from collections.abc import Callable
from datetime import timedelta
from threading import Thread

import psycopg
import pytest
from django.db import connection

from accounts import clock
from registry.operations.propose import propose
from registry.operations.tally_turnovers import tally_turnovers
from registry.rules.proposal import Proposal
from registry.statements import holdings_as_of
from registry.verification import EQUATIONS, Difference, Verified, verify
from tests.build import NOW, Beijing, beijing

DAY = timedelta(days=1)


def two_traders() -> Beijing:
    """1,000 units issued, 200 of them with ann; all on the first of June at noon."""
    made = beijing("ann", "bob")
    made.issue(1_000)
    made.move("ISS", "ann", 200)
    return made


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return two_traders


@pytest.fixture
def registry(begun: Beijing) -> Beijing:
    """The two traders, in commits of their own."""
    return begun


def kept(table: str = "registry_turnover") -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3")
        return list(cursor.fetchall())


def move(registry: Beijing, quantity: int, at) -> None:
    propose(Proposal("10-50", (registry.line("ann", "bob", quantity),)), actor=registry.representative, now=at)


def held(registry: Beijing, name: str, at) -> int:
    return sum(holding.quantity for holding in holdings_as_of(registry.accounts[name], at))


def test_a_day_that_is_over_is_summed_in_three_steps_and_once(registry):
    assert [tally_turnovers(now=NOW + DAY) for _ in range(4)] == ["announced", "marked", "summed", "done"]
    assert sorted((row[4], row[5]) for row in kept()) == [(200, 0), (1_000, 200)]
    # What is summed is what the ranges say, before, at and after the tally.
    assert [held(registry, "ann", at) for at in (NOW - DAY, NOW, NOW + DAY, NOW + 9 * DAY)] == [0, 200, 200, 200]


def test_the_next_tally_goes_on_where_the_last_one_ended(registry):
    for day in (1, 2, 3):
        move(registry, 10 * day, NOW + day * DAY)
        for _ in range(3):
            step = tally_turnovers(now=NOW + (day + 1) * DAY)
        assert step == "summed"
    assert [held(registry, "bob", NOW + day * DAY) for day in range(5)] == [0, 10, 30, 60, 60]
    assert held(registry, "ann", NOW + 4 * DAY) == 140


def test_the_ledgers_verification_compares_every_tally_with_the_ranges(registry, owner):
    for day in (1, 2):
        for _ in range(3):
            tally_turnovers(now=NOW + day * DAY)
        move(registry, 10, NOW + day * DAY)
    assert isinstance(verify(), Verified)
    for wrong in (
        "UPDATE registry_turnover SET entered = entered + 1 WHERE gone = 0 AND entered = 200",
        "UPDATE registry_turnover SET gone = 199 WHERE gone = 200",
        "DELETE FROM registry_turnover WHERE entered = 10",
        "INSERT INTO registry_turnover SELECT account_id, series_id, recognition_id, (SELECT max(at) FROM registry_tally),"
        " entered, gone FROM registry_turnover WHERE entered = 1000",
    ):
        with owner.transaction(force_rollback=True):
            assert owner.execute(wrong).rowcount == 1, wrong
            assert owner.execute(EQUATIONS["tally"]).fetchone() is not None, wrong
        assert owner.execute(EQUATIONS["tally"]).fetchone() is None
    owner.execute("UPDATE registry_turnover SET entered = entered + 1 WHERE gone = 0 AND entered = 200")
    found = verify()
    assert isinstance(found, Difference)
    assert (found.name, found.params["found_entered"], found.params["expected_entered"]) == ("tally", 201, 200)
    # Thrown away and made again, at no cost to any answer.
    owner.execute("DELETE FROM registry_tally")
    assert isinstance(verify(), Verified)


def test_what_completes_before_a_tally_throws_it_away_and_what_completes_after_keeps_it(registry):
    for _ in range(3):
        tally_turnovers(now=NOW + DAY)
    before = kept()
    move(registry, 5, NOW + 2 * DAY)
    assert kept() == before != []
    move(registry, 7, NOW + timedelta(hours=1))
    assert kept() == kept("registry_tally") == []
    assert held(registry, "bob", NOW + DAY) == 7
    assert [tally_turnovers(now=NOW + DAY) for _ in range(3)][-1] == "summed"
    assert held(registry, "bob", NOW + DAY) == 7


def test_a_sum_waits_for_whoever_wrote_before_the_tally_was_announced(registry, as_application_role, owner):
    # Somebody who has written something, and may yet commit a transaction of yesterday.
    as_application_role.autocommit = False
    as_application_role.execute("SELECT pg_current_xact_id()")
    assert [tally_turnovers(now=NOW + DAY) for _ in range(4)] == ["announced", "marked", "waiting", "waiting"]
    as_application_role.rollback()
    assert tally_turnovers(now=NOW + DAY) == "summed"


def test_a_transaction_of_yesterday_committed_during_the_sum_throws_the_sum_away(registry, owner):
    for _ in range(2):
        tally_turnovers(now=NOW + DAY)
    owner.autocommit = False
    assert owner.execute("SELECT registry_tally_turnovers(%s)", ((NOW + DAY).replace(hour=0),)).fetchone() == (
        "summed",
    )
    # It waits for the sum's lock on the announcement, and then finds that the sum is outdated.
    late = Thread(target=_late, args=(registry,))
    late.start()
    late.join(0.5)
    assert late.is_alive()
    owner.commit()
    late.join(10)
    assert kept() == []
    assert held(registry, "bob", NOW + DAY) == 3


def _late(registry: Beijing) -> None:
    try:
        move(registry, 3, NOW + timedelta(hours=2))
    finally:
        connection.close()


def test_the_application_writes_no_tally_by_hand(registry, as_application_role, as_auditor):
    for table in ("registry_tally", "registry_turnover"):
        for statement in (
            f"DELETE FROM {table}",
            f"INSERT INTO {table} DEFAULT VALUES",
            f"UPDATE {table} SET at = now()",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                as_application_role.execute(statement)
        assert as_auditor.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_auditor.execute("SELECT registry_tally_turnovers(now())")


def test_the_beat_takes_the_steps(registry):
    from registry.tasks import tally_turnovers as task

    for _ in range(3):
        task()
    assert held(registry, "ann", clock.now()) == 200
    assert len(kept("registry_tally")) == 1
