"""PostgreSQL alone keeps the link: plans that no check judged are refused under the name of the rule they break.

Each refusal has its negative control: with that one guard taken out of its function, the same plan goes through, or meets the
next guard, which is named.
"""

# ruff: noqa: E501 - a row broken over lines is harder to read than a long one

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from json import dumps

import pytest
from django.db import connection

from linking.rules.documents import DelinkDocument
from linking.rules.terms import Direction
from registry.operations.approve import approve
from registry.operations.outcome import Outcome
from registry.operations.propose import propose
from registry.plan import Plan
from registry.rules.proposal import Line, Proposal
from registry.rules.states import State
from registry.verification import Verified, verify
from tests.linking.cities import NOW, Pilot, pilot
from tests.linking.forging import completed_without_checks, take_out, unchanged, without_checks
from tests.linking.standing_links import opened, tables
from tests.linking.test_checks_of_links import (
    BJ,
    BROKEN,
    HOUR,
    JP,
    KR,
    Order,
    crossing,
    entry,
    lower,
    new_terms,
    recognition_in,
    suspend,
)

Changes = Callable[[Pilot], Callable[[Plan], object]]


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return pilot


@pytest.fixture
def cities(begun: Pilot) -> Iterator[Pilot]:
    """The three cities without links; verified afterwards, since whatever is tried is rolled back."""
    yield begun
    assert isinstance(verify(), Verified), verify()


def as_it_is(made: Pilot) -> Callable[[Plan], object]:
    return unchanged


def counting_as(recognition: Callable[[Pilot], int]) -> Changes:
    """Let the units count as something else once they have crossed."""

    def change(made: Pilot) -> Callable[[Plan], object]:
        other = recognition(made)

        def counts(plan: Plan) -> None:
            for row in plan.ranges:
                row[10] = other

        return counts

    return change


def recognised(origin: str, destination: str, year: int = 2026, version: int = 1) -> Callable[[Pilot], int]:
    def find(made: Pilot) -> int:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT r.id FROM registry_recognition r JOIN linking_agreement a ON a.id = r.agreement_id"
                " JOIN linking_quota q ON q.id = r.quota_id WHERE a.corridor_id = %s AND a.version = %s AND q.year = %s",
                [made.corridor(origin, destination).pk, version, year],
            )
            (found,) = cursor.fetchone()
            return int(found)

    return find


def at_home(made: Pilot) -> int:
    return 0


def two_ways_into_tokyo(made: Pilot) -> Order:
    """Beijing's units at 4/5 and Seoul's at 1/2, one of each already there."""
    opened(made, BJ, JP, rate=(4, 5))
    opened(made, KR, JP, rate=(1, 2))
    made.send((BJ, "ann"), (JP, "ann"), 1)
    made.send((KR, "ann"), (JP, "ann"), 1)
    return crossing(made)


def next_years_window(made: Pilot) -> Order:
    """The facts may be asked about any time: so the service itself can have next year's recognition made."""
    opened(made, BJ, JP, rate=(4, 5))
    bj, jp = made[BJ].home.pk, made[JP].home.pk
    holders = made[BJ].accounts["ann"].holder_id, made[JP].accounts["ann"].holder_id
    request = {"now": "2027-02-01T00:00:00Z", "pieces": [[bj, bj, jp, 2026, 0, *holders]], "home": bj}
    with connection.cursor() as cursor:
        cursor.execute("SELECT linking_facts(%s, true)", [dumps(request)])
    return crossing(made)


def going_home(made: Pilot) -> Order:
    opened(made, BJ, JP, rate=(4, 5))
    made.send((BJ, "ann"), (JP, "ann"), 60)
    return crossing(made, 60, (JP, "ann"), (BJ, "ann"), issuer=BJ, recognition=recognition_in(made, JP, "ann"))


def superseded(made: Pilot) -> Order:
    opened(made, BJ, JP, notice_days=0, rate=(4, 5))
    made.send((BJ, "ann"), (JP, "ann"), 1)
    new_terms(made, NOW + HOUR)
    return crossing(made, now=NOW + 2 * HOUR)


def open_corridor(made: Pilot) -> Order:
    opened(made, BJ, JP)
    return crossing(made)


def to_its_own_city(made: Pilot) -> Callable[[Plan], object]:
    def change(plan: Plan) -> None:
        bob = made[BJ].accounts["bob"].pk
        plan.transactions[0]["acquiring_id"] = bob
        for row in plan.ranges:
            row[7], row[10] = bob, 0

    return change


def surrendered(margin: str, quantity: int = 5) -> Callable[[Pilot], Order]:
    def surrender(made: Pilot) -> Order:
        opened(made, BJ, JP, rate=(4, 5), margin=margin)
        made.send((BJ, "ann"), (JP, "plant"), 60)
        owed = made[JP].obligation("plant", 300)
        counts = recognition_in(made, JP, "plant")
        line = Line(made[JP]["plant"], made[JP]["SUR"], quantity, made[BJ].home.registry_code, "BEA", None, counts)
        return Order(Proposal("10-2", (line,), obligation=owed.pk), JP)

    return surrender


def all_retired(made: Pilot) -> Callable[[Plan], object]:
    def change(plan: Plan) -> None:
        for row in plan.ranges:
            row[7] = made[JP].accounts["SUR"].pk

    return change


def one_pooled(made: Pilot) -> Callable[[Plan], object]:
    def change(plan: Plan) -> None:
        (row,) = plan.ranges
        rest = [*row]
        row[3] -= 1
        rest[2], rest[7] = row[3], made[JP].accounts["MRG"].pk
        plan.ranges.append(rest)

    return change


def moved_after_the_end(made: Pilot) -> Order:
    """Within Tokyo, once the corridor's end has frozen what came by it."""
    link = opened(
        made, BJ, JP, delinking={"policy": "freeze", "notice_days": 0, "sunset_days": 0, "under_way": "settle"}
    )
    made.send((BJ, "ann"), (JP, "ann"), 60)
    made.conclude(link, DelinkDocument(Direction(BJ, JP), "test"), JP, now=NOW + HOUR)
    counts = recognition_in(made, JP, "ann")
    line = Line(made[JP]["ann"], made[JP]["bob"], 10, made[BJ].home.registry_code, "BEA", None, counts)
    return Order(Proposal("10-50", (line,)), JP, NOW + 2 * HOUR)


@dataclass(frozen=True)
class Guard:
    """An order with what is forged in it, the rule that refuses it, the function that keeps it, and what speaks without."""

    make: Callable[[Pilot], Order]
    change: Changes
    constraint: str
    function: str
    then: str | None = None


def as_broken(name: str, constraint: str, function: str = "linking_enters") -> Guard:
    return Guard(BROKEN[name][0], as_it_is, constraint, function)


QUOTA, CROSS, RECOGNITION = "quota_is_kept", "linking_ranges_cross", "recognition_is_what_the_terms_say"
GUARDS: dict[str, Guard] = {
    "a degree too low": as_broken("a degree too low", "link_is_in_force", "linking_shut"),
    "suspended by its destination": as_broken("suspended by its destination", "corridor_is_not_suspended", "linking_shut"),
    "suspended by its origin": as_broken("suspended by its origin", "corridor_is_not_suspended", "linking_shut"),
    "another unit type": as_broken("another unit type", "terms_recognise_the_units"),
    "another vintage": as_broken("another vintage", "terms_recognise_the_units"),
    "another account type": as_broken("another account type", "terms_recognise_the_units"),
    "another settlement day": as_broken("another settlement day", "settlement_day_is_agreed"),
    "no leave": as_broken("no leave", "origin_permits_the_export"),
    "the entry quota": as_broken("the entry quota", QUOTA, "linking_quota_is_kept"),
    "the entry quota in recognised tonnes": as_broken("the entry quota in recognised tonnes", QUOTA, "linking_quota_is_kept"),
    "the entry quota of a tapered corridor": as_broken("the entry quota of a tapered corridor", QUOTA, "linking_quota_is_kept"),
    "the leave's quota": as_broken("the leave's quota", QUOTA, "linking_quota_is_kept"),
    "a vintage's quota": as_broken("a vintage's quota", QUOTA, "linking_quota_is_kept"),
    "a holder's quota": as_broken("a holder's quota", QUOTA, "linking_quota_is_kept"),
    "an operator's quota": as_broken("an operator's quota", QUOTA, "linking_quota_is_kept"),
    "the net flow": as_broken("the net flow", QUOTA, "linking_quota_is_kept"),
    "the reciprocity clause": as_broken("the reciprocity clause", "flows_are_reciprocal"),
    "home after a frozen end": as_broken("frozen by the end of its corridor", "units_abroad_are_free", "linking_goes_home"),
    "moved after a frozen end": Guard(moved_after_the_end, as_it_is, "units_abroad_are_free", "linking_foreign_units_act"),
    "within one registry": Guard(open_corridor, to_its_own_city, "transfer_crosses_a_link", CROSS),
    "abroad and yet as at home": Guard(two_ways_into_tokyo, counting_as(at_home), RECOGNITION, CROSS),
    "at another corridor's rate": Guard(
        two_ways_into_tokyo, counting_as(recognised(KR, JP)), RECOGNITION, CROSS, then="terms_recognise_the_units"
    ),
    "in another year's window": Guard(next_years_window, counting_as(recognised(BJ, JP, 2027)), RECOGNITION, CROSS),
    "home and yet as abroad": Guard(going_home, counting_as(recognised(BJ, JP)), RECOGNITION, CROSS),
    "by terms that have ended": Guard(superseded, counting_as(recognised(BJ, JP)), "terms_are_in_force", "linking_enters"),
    "a pooled margin, retired": Guard(surrendered("pooled"), all_retired, "margin_goes_where_the_terms_say", "linking_pools_the_margin"),
    "a retired margin, pooled": Guard(surrendered("retired"), one_pooled, "margin_goes_where_the_terms_say", "linking_pools_the_margin"),
}  # fmt: skip


@pytest.mark.parametrize("name", GUARDS)
def test_postgresql_alone_refuses_it_and_without_that_guard_would_not(cities: Pilot, owner, name: str):
    guard = GUARDS[name]
    order = guard.make(cities)
    change, before = guard.change(cities), tables()
    actor = cities[order.sender].people[0]
    assert without_checks(order.proposal, actor, order.now, change) == guard.constraint
    assert tables() == before
    take_out(owner, guard.function, guard.constraint)
    assert without_checks(order.proposal, actor, order.now, change) == guard.then


@pytest.mark.parametrize("make", [open_corridor, going_home, surrendered("pooled"), surrendered("retired")])
def test_an_honest_plan_goes_through_whoever_made_it(cities: Pilot, make: Callable[[Pilot], Order]):
    """The positive control."""
    order = make(cities)
    assert without_checks(order.proposal, cities[order.sender].people[0], order.now) is None


def delayed(made: Pilot, **changes: object) -> Outcome:
    opened(made, BJ, JP, notice_days=0, last_settlement_days=0, **entry(100), **changes)
    outcome = approve(made.send((BJ, "ann"), (JP, "far"), 60).transaction_id, actor=made[BJ].people[1], now=NOW)
    assert outcome.state == State.DELAYED
    return outcome


# What happens while it waits, and which guard keeps it from completing.
MEANWHILE = {
    "lowered": (lower, "link_is_in_force", "linking_shut"),
    "suspended": (suspend, "corridor_is_not_suspended", "linking_shut"),
    "changed": (new_terms, "terms_are_current", "registry_linked_transaction_ends"),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_what_waits_cannot_be_completed_past_what_changed(cities: Pilot, owner, meanwhile: str):
    change, constraint, function = MEANWHILE[meanwhile]
    waiting = delayed(cities)
    change(cities, NOW + HOUR)
    assert waiting.due_at is not None
    assert completed_without_checks(waiting, waiting.due_at) == constraint
    take_out(owner, function, constraint)
    assert completed_without_checks(waiting, waiting.due_at) is None


def test_what_waits_is_completed_on_a_day_that_its_terms_settle_on(cities: Pilot, owner):
    waiting = delayed(cities, settlement_days=["2026-06-05"])
    assert waiting.due_at is not None
    assert waiting.due_at.date().isoformat() == "2026-06-05"
    earlier, later = waiting.due_at - timedelta(days=1), waiting.due_at + timedelta(days=1)
    assert completed_without_checks(waiting, waiting.due_at) is None
    assert completed_without_checks(waiting, later) == "settlement_day_is_agreed"
    assert completed_without_checks(waiting, earlier) is not None
    take_out(owner, "registry_linked_transaction_ends", "settlement_day_is_agreed")
    assert completed_without_checks(waiting, later) is None


def test_what_waits_within_a_city_is_bound_by_the_end_of_its_corridor_too(cities: Pilot, owner):
    """Proposed while it was free, completed when it no longer is."""
    link = opened(
        cities, BJ, JP, delinking={"policy": "freeze", "notice_days": 0, "sunset_days": 0, "under_way": "settle"}
    )
    cities.send((BJ, "ann"), (JP, "ann"), 60)
    counts = recognition_in(cities, JP, "ann")
    line = Line(cities[JP]["ann"], cities[JP]["far"], 10, cities[BJ].home.registry_code, "BEA", None, counts)
    asked = propose(Proposal("10-50", (line,)), actor=cities[JP].people[0], now=NOW)
    waiting = approve(asked.transaction_id, actor=cities[JP].people[1], now=NOW)
    assert waiting.state == State.DELAYED
    assert waiting.due_at is not None
    cities.conclude(link, DelinkDocument(Direction(BJ, JP), "test"), JP, now=NOW + HOUR)
    assert completed_without_checks(waiting, waiting.due_at) == "units_abroad_are_free"
    take_out(owner, "registry_linked_transaction_ends", "units_abroad_are_free")
    assert completed_without_checks(waiting, waiting.due_at) is None
