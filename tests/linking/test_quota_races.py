"""Threads on real PostgreSQL at the quotas of a link: exactly the limit, suspension that holds, and no deadlock for a client.

While they race, another connection looks on: at no instant is more reserved and used than the limit lets.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count

import psycopg
import pytest
from django.db import connection

from config.embedded import addresses
from linking.models import Quota
from linking.operations.suspend_corridor import suspend_corridor
from linking.rules.degrees import Degree
from registry.models import Transaction
from registry.operations.approve import approve
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.withdraw import withdraw
from registry.rules.proposal import Line, Proposal
from registry.rules.states import State
from registry.verification import Verified, verify
from tests import conftest as databases
from tests.ledger.test_races import at_once, codes, kinds
from tests.linking.cities import NOW, Pilot, pilot
from tests.linking.forging import take_out
from tests.linking.standing_links import UNLIMITED, opened, taken
from tests.linking.test_checks_of_links import BJ, JP, entry, recognition_in

CLIENTS = 64
SENDERS = 8


def many_accounts() -> Pilot:
    """Beijing and Tokyo with eight accounts more on either side, so that clients meet at the quota and not at an account."""
    made = pilot()
    for place in range(SENDERS):
        for city in (BJ, JP):
            made[city].open(f"trader {place}")
            made[city].stock(f"trader {place}", 200)
    return made


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return many_accounts


@pytest.fixture
def cities(begun: Pilot) -> Iterator[Pilot]:
    yield begun
    assert isinstance(verify(), Verified), verify()


# Of a net flow, what has come the other way makes room too.
BEYOND = """
    SELECT q.kind, q.reserved, q.used, q."limit" FROM linking_quota q JOIN linking_corridor c ON c.id = q.corridor_id
        LEFT JOIN linking_corridor w ON (w.origin_id, w.destination_id) = (c.destination_id, c.origin_id) AND q.kind = 'net-flow'
        LEFT JOIN linking_quota o ON o.corridor_id = w.id AND o.kind = 'net-flow' AND o.year = q.year
    WHERE q.reserved + q.used > q."limit" + coalesce(o.used, 0)"""


@contextmanager
def watched(database: str) -> Iterator[None]:
    """Look at the quotas again and again until the block ends, and once more."""
    seen: list[tuple] = []
    ended = threading.Event()

    def look() -> None:
        with databases._login(addresses.AUDITOR, database) as auditor:
            for _ in count():
                is_last = ended.is_set()
                seen.extend(auditor.execute(BEYOND).fetchall())
                if is_last:
                    return

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert seen == []


def sends(made: Pilot, quantity: int, origin: str = BJ, destination: str = JP) -> list[Callable[[], Outcome]]:
    """One client's transfer each, over eight pairs of accounts."""
    return [
        lambda name=f"trader {place % SENDERS}": made.send((origin, name), (destination, name), quantity)
        for place in range(CLIENTS)
    ]


def units(results: list[object]) -> int:
    return sum(result.quantity for result in results if isinstance(result, Outcome))


# The terms whose limit leaves room for exactly ten of the clients, and which check then speaks.
LIMITS: dict[str, tuple[Mapping[str, object], str, int]] = {
    "entry": (entry(70), "entry", 6005),
    "entry in recognised tonnes": (entry(60, "recognised", rate=(4, 5)), "entry", 6005),
    "leave": ({"leave": 70}, "leave", 6005),
    "vintage": (entry(UNLIMITED, vintage_limits={"2026": 70}), "vintage", 6005),
    "holder": (entry(UNLIMITED, holder_limit=70), "holder", 6005),
    "net flow": ({"net_flow_limit": 70}, "net-flow", 6013),
    "clause": ({"reciprocity": {"warn": 0, "taper": [], "suspend": 70}}, "net-flow", 6013),
}


@pytest.mark.parametrize("limited", LIMITS)
def test_clients_at_the_last_of_a_quota_end_at_exactly_its_limit(cities: Pilot, committed_db: str, limited: str):
    """64 ask for 7 units each where 70 are left: 4/5 of 7 counts 6 of 60 recognised tonnes."""
    changes, kind, code = LIMITS[limited]
    opened(cities, BJ, JP, **changes)
    with watched(committed_db):
        results = at_once(*sends(cities, 7))
    assert kinds(results) == {"Outcome": 10, "Refused": CLIENTS - 10}
    assert codes(results) == {code}
    assert taken(kind, BJ, JP) == [(0, 60 if "recognised" in limited else 70)]


def test_the_last_unit_of_a_quota_is_one_clients(cities: Pilot, committed_db: str):
    opened(cities, BJ, JP, **entry(1))
    with watched(committed_db):
        results = at_once(*sends(cities, 1))
    assert kinds(results) == {"Outcome": 1, "Refused": CLIENTS - 1}
    assert taken("entry", BJ, JP) == [(0, 1)]


def test_without_the_rows_lock_and_the_guard_more_would_enter(cities: Pilot, owner):
    """The negative control: where each takes what it has read as free, and nothing refuses growth, the limit does not hold."""
    opened(cities, BJ, JP, **entry(70))
    take_out(owner, "linking_quota_is_kept", "quota_is_kept")
    (source,) = owner.execute("SELECT pg_get_functiondef('linking_facts'::regproc)").fetchone()
    lock = "PERFORM FROM linking_quota WHERE id = ANY (quotas) ORDER BY id FOR NO KEY UPDATE;"
    assert source.count(lock) == 1
    owner.execute(source.replace(lock, "PERFORM pg_sleep(0.05);"))
    results = at_once(*sends(cities, 7)[:16])
    assert units(results) > 70


def test_both_directions_at_once_keep_each_others_worst_case(cities: Pilot, committed_db: str):
    """|there - back| is at most 70 whatever the order; nobody waits for another's end to fail."""
    cities.agree(JP, BJ, net_flow_limit=70)
    cities.agree(BJ, JP, net_flow_limit=70)
    cities.raise_to(Degree.RECIPROCAL, BJ, JP)
    with watched(committed_db):
        results = at_once(*sends(cities, 7)[: CLIENTS // 2], *sends(cities, 7, JP, BJ)[: CLIENTS // 2])
    assert not set(kinds(results)) - {"Outcome", "Refused"}
    assert codes(results) <= {6013}
    used = [sum(row[1] for row in taken("net-flow", *way)) for way in ((BJ, JP), (JP, BJ))]
    assert abs(used[0] - used[1]) <= 70
    assert sum(used) == units(results)


def test_what_waits_is_reserved_by_as_many_as_there_is_room_for(cities: Pilot, committed_db: str):
    """Proposed for approval, half of them then withdrawn at once with new ones: reserved never exceeds the limit."""
    opened(cities, BJ, JP, **entry(70))
    asks = [
        lambda name=f"trader {place % SENDERS}": cities.send((BJ, name), (JP, "far"), 7) for place in range(CLIENTS)
    ]
    with watched(committed_db):
        results = at_once(*asks)
        assert kinds(results) == {"Outcome": 10, "Refused": CLIENTS - 10}
        assert taken("entry", BJ, JP) == [(70, 0)]
        waiting = [result.transaction_id for result in results if isinstance(result, Outcome)]
        people = cities[BJ].people
        ends: list[Callable[[], object]] = [
            *[lambda it=it: withdraw(it, actor=people[0], now=NOW) for it in waiting[:5]],
            *[lambda it=it: approve(it, actor=people[1], now=NOW) for it in waiting[5:]],
        ]
        at_once(*ends, *asks[: CLIENTS // 2])
    ((reserved, used),) = taken("entry", BJ, JP)
    assert used == 0
    assert reserved == 7 * Transaction.objects.filter(type="3-0", state__in=["AWAITING_APPROVAL", "DELAYED"]).count()
    assert 35 <= reserved <= 70


def test_after_a_suspension_has_committed_nothing_completes(cities: Pilot):
    """One suspends while others send: what completed did so before; what was asked for after the commit is refused."""
    opened(cities, BJ, JP)
    corridor = cities.corridor(BJ, JP).pk
    suspended = threading.Event()
    after: list[object] = []

    def suspend() -> object:
        result = suspend_corridor(corridor, reason="test", actor=cities[JP].officers[0], now=NOW)
        suspended.set()
        return result

    def client(name: str) -> list[object]:
        told: list[object] = []
        for _ in range(12):
            is_after = suspended.is_set()
            try:
                told.append(cities.send((BJ, name), (JP, name), 1))
            except Refused as refused:
                told.append(refused)
            if is_after:
                after.append(told[-1])
        return told

    results = at_once(suspend, *[lambda place=place: client(f"trader {place}") for place in range(SENDERS)])
    assert [result for result in results if isinstance(result, Exception)] == []
    last = at_once(*sends(cities, 1)[:SENDERS])
    assert kinds([*after, *last]).keys() == {"Refused"}
    assert codes([*after, *last]) == {6011}
    entered = sum(1 for told in results[1:] for one in told if isinstance(one, Outcome))  # type: ignore[attr-defined]
    assert sum(row[1] for row in taken("entry", BJ, JP)) == entered


def test_a_suspension_waits_for_a_transfer_that_is_being_decided_and_a_later_one_sees_it(
    cities: Pilot, committed_db: str
):
    """The transfer holds the corridor's row shared until it commits."""
    opened(cities, BJ, JP)
    corridor = cities.corridor(BJ, JP).pk
    with databases._login(addresses.OWNER, committed_db) as other, other.transaction():
        other.execute("SELECT FROM linking_corridor WHERE id = %s FOR SHARE", [corridor])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '200ms'")
        # Others share it meanwhile.
        assert cities.send((BJ, "ann"), (JP, "ann"), 1).state == State.COMPLETED
        with pytest.raises(Exception) as waited:
            suspend_corridor(corridor, reason="test", actor=cities[JP].officers[0], now=NOW)
        assert isinstance(waited.value.__cause__, psycopg.errors.LockNotAvailable)
    suspend_corridor(corridor, reason="test", actor=cities[JP].officers[0], now=NOW)
    with pytest.raises(Refused):
        cities.send((BJ, "ann"), (JP, "ann"), 1)


def test_returns_and_entries_at_once_count_net_and_never_deadlock(cities: Pilot, committed_db: str):
    """Full to the limit; each return makes room that an entry may take, and nothing is lost between."""
    opened(cities, BJ, JP, holder_limit=UNLIMITED, **entry(80))
    for place in range(SENDERS):
        cities.send((BJ, f"trader {place}"), (JP, f"trader {place}"), 10)
    counts = recognition_in(cities, JP, "trader 0")
    returns = [
        lambda name=f"trader {place % SENDERS}": cities.send((JP, name), (BJ, name), 2, issuer=BJ, recognition=counts)
        for place in range(CLIENTS // 2)
    ]
    with watched(committed_db):
        results = at_once(*returns, *sends(cities, 2)[: CLIENTS // 2])
    assert not set(kinds(results)) - {"Outcome", "Refused"}
    assert codes(results) <= {6005}
    home = sum(isinstance(result, Outcome) for result in results[: CLIENTS // 2])
    again = sum(isinstance(result, Outcome) for result in results[CLIENTS // 2 :])
    assert home == CLIENTS // 2
    for kind in ("entry", "leave", "net-flow", "holder"):
        assert taken(kind, BJ, JP) == [(0, 80 - 2 * home + 2 * again)]


def test_an_operators_quota_is_used_to_exactly_its_limit(cities: Pilot):
    """Eight surrender for one obligation at once: 30 recognised tonnes at 4/5, in pieces of 5 units worth 4."""
    node = {
        "name": "linked", "within": None, "origins": [BJ], "unit_types": [], "base": "verified-emissions",
        "numerator": 1, "denominator": 10, "window": "year",
    }  # fmt: skip
    opened(cities, BJ, JP, rate=(4, 5), use_quota=[node])
    cities.send((BJ, "ann"), (JP, "plant"), 100)
    owed = cities[JP].obligation("plant", 300).pk
    line = Line(
        cities[JP]["plant"], cities[JP]["SUR"], 5, cities[BJ].home.registry_code, "BEA", None, recognition_in(cities, JP, "plant")
    )  # fmt: skip
    asked = Proposal("10-2", (line,), obligation=owed)
    results = at_once(*[lambda: propose(asked, actor=cities[JP].people[0], now=NOW)] * 16)
    assert kinds(results) == {"Outcome": 7, "Refused": 9}
    assert codes(results) == {6006}
    assert list(Quota.objects.filter(kind="use").values_list("reserved", "used", "limit")) == [(0, 28, 30)]


def test_transfers_in_all_directions_end_and_no_client_sees_a_deadlock(cities: Pilot, committed_db: str):
    cities.agree(JP, BJ, **entry(300))
    cities.agree(BJ, JP, holder_limit=UNLIMITED, **entry(300))
    cities.raise_to(Degree.RECIPROCAL, BJ, JP)
    for place in range(SENDERS):
        cities.send((BJ, f"trader {place}"), (JP, f"trader {place}"), 10)
    counts = recognition_in(cities, JP, "trader 0")
    ways: list[Callable[[str, str], object]] = [
        lambda one, other: cities.send((BJ, one), (JP, other), 3),
        lambda one, other: cities.send((JP, one), (BJ, other), 3),
        lambda one, other: cities.send((JP, one), (BJ, other), 1, issuer=BJ, recognition=counts),
        lambda one, other: cities.send((BJ, one), (JP, "far"), 1),
    ]
    acts = [
        lambda place=place: ways[place % 4](f"trader {place % SENDERS}", f"trader {(place * 5 + 1) % SENDERS}")
        for place in range(CLIENTS)
    ]
    with watched(committed_db):
        results = at_once(*acts)
    assert not set(kinds(results)) - {"Outcome", "Refused"}
    assert codes(results) <= {4010, 6005}
