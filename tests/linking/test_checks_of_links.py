"""Every check of the link, broken alone: exactly its code is told, with its params, and nothing moves and nothing is reserved.

The explanation of a transfer gives the same reasons, in a read-only snapshot, waiting for nobody.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from django.db import connection

from accounts.models import CalendarDay
from linking.models import Instrument
from linking.operations.suspend_corridor import suspend_corridor
from linking.rules import checks
from linking.rules.degrees import Degree
from linking.rules.documents import DegreeDocument, DelinkDocument, LeaveDocument
from linking.rules.terms import Direction, terms_from
from registry.models import Transaction, TransactionStep, UnitBlock, UnitType
from registry.operations.approve import approve
from registry.operations.execute import execute
from registry.operations.explain import explain
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.propose_batch import propose_batch
from registry.rules.check_table import CHECKS, Group
from registry.rules.proposal import Line, Proposal
from registry.rules.states import State
from registry.verification import Verified, verify
from tests.build import REGISTRY
from tests.linking.cities import NOW, Pilot, pilot, terms
from tests.linking.standing_links import UNLIMITED, opened, reasons, tables, taken

BJ, JP, KR = "CN-BJ", "JP-13", "KR-11"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WAY = f"{BJ} -> {JP}"


@pytest.fixture
def world() -> Callable[[], Pilot]:
    return pilot


@pytest.fixture
def cities(begun: Pilot) -> Iterator[Pilot]:
    """The three cities without links; verified afterwards."""
    yield begun
    assert isinstance(verify(), Verified), verify()


@dataclass(frozen=True)
class Order:
    """What is proposed, by whom, and when."""

    proposal: Proposal
    sender: str
    now: datetime = NOW


def crossing(
    made: Pilot,
    quantity: int = 60,
    sender: tuple[str, str] = (BJ, "ann"),
    acquirer: tuple[str, str] = (JP, "ann"),
    issuer: str = "",
    unit_type: str = "",
    recognition: int | None = None,
    now: datetime = NOW,
) -> Order:
    origin = made[issuer or sender[0]]
    line = Line(
        made[sender[0]][sender[1]],
        made[acquirer[0]][acquirer[1]],
        quantity,
        origin.home.registry_code,
        unit_type or origin.unit_type.code,
        None,
        recognition,
    )
    return Order(Proposal("3-0", (line,)), sender[0], now)


def recognition_in(made: Pilot, city: str, name: str, issuer: str = BJ) -> int:
    """What the units of an issuer count as in an account."""
    found = UnitBlock.objects.filter(account=made[city].accounts[name], origin=made[issuer].home)
    return found.values_list("recognition", flat=True).distinct().get()


def degree_too_low(made: Pilot) -> Order:
    """Both corridors are agreed and permitted; the link has one of them open."""
    made.agree(JP, BJ, net_flow_limit=UNLIMITED)
    opened(made, BJ, JP, Degree.UNILATERAL)
    return crossing(made, sender=(JP, "ann"), acquirer=(BJ, "ann"))


def no_terms(made: Pilot) -> Order:
    link = opened(made, JP, BJ)
    made.conclude(link, LeaveDocument(Direction(BJ, JP), None, NOW, None), BJ)
    return crossing(made)


def another_unit_type(made: Pilot) -> Order:
    opened(made, BJ, JP)
    UnitType.objects.create(jurisdiction=made[BJ].home, code="BEB", kind="allowance")
    made[BJ].stock("ann", 100, unit_type="BEB")
    return crossing(made, unit_type="BEB")


def another_vintage(made: Pilot) -> Order:
    opened(made, BJ, JP, last_vintage=2025)
    return crossing(made)


def entry(limit: int, measure: str = "units", **more: object) -> Mapping[str, object]:
    return {"entry_quota": {"limit": limit, "measure": measure, "window": "year"}} | more


def quota(**changes: object) -> Callable[[Pilot], Order]:
    def full(made: Pilot) -> Order:
        opened(made, BJ, JP, **changes)
        return crossing(made)

    return full


def surrender_beyond(made: Pilot) -> Order:
    """The plant emitted 300 t, a tenth of which foreign units may cover: 31 t at 4/5 are 39 units, and 38 are 30."""
    node = {
        "name": "linked", "within": None, "origins": [BJ], "unit_types": [], "base": "verified-emissions",
        "numerator": 1, "denominator": 10, "window": "year",
    }  # fmt: skip
    opened(made, BJ, JP, rate=(4, 5), use_quota=[node])
    made.send((BJ, "ann"), (JP, "plant"), 60)
    owed = made[JP].obligation("plant", 300)
    line = Line(
        made[JP]["plant"],
        made[JP]["SUR"],
        39,
        made[BJ].home.registry_code,
        "BEA",
        None,
        recognition_in(made, JP, "plant"),
    )
    return Order(Proposal("10-2", (line,), obligation=owed.pk), JP)


def another_day(made: Pilot) -> Order:
    opened(made, BJ, JP, settlement_days=["2026-06-02"])
    return crossing(made)


def closed_day(made: Pilot) -> Order:
    """Beijing works; Tokyo has a holiday."""
    opened(made, BJ, JP, settlement_days="working")
    CalendarDay.objects.create(
        jurisdiction=made[JP].home, day=NOW.date(), recorded_at=NOW - DAY, is_working=False, name="test", confidence="D",
        source="test",
    )  # fmt: skip
    return crossing(made)


def not_recognised_onward(made: Pilot) -> Order:
    """Beijing and Seoul are linked, Beijing lets its units out, and Seoul has no terms for them."""
    opened(made, BJ, JP)
    link = opened(made, KR, BJ)
    made.conclude(link, LeaveDocument(Direction(BJ, KR), None, NOW, None), BJ)
    made.send((BJ, "ann"), (JP, "ann"), 60)
    return crossing(made, 50, (JP, "ann"), (KR, "ann"), issuer=BJ, recognition=recognition_in(made, JP, "ann"))


def suspended_by(side: str) -> Callable[[Pilot], Order]:
    def suspended(made: Pilot) -> Order:
        opened(made, BJ, JP)
        suspend_corridor(made.corridor(BJ, JP).pk, reason="test", actor=made[side].officers[0], now=NOW)
        return crossing(made)

    return suspended


def clause(made: Pilot) -> Order:
    opened(made, BJ, JP, reciprocity={"warn": 10, "taper": [], "suspend": 59})
    return crossing(made)


def frozen_by_delinking(made: Pilot) -> Order:
    """What came before the end of the corridor may not even go home."""
    link = opened(
        made, BJ, JP, delinking={"policy": "freeze", "notice_days": 0, "sunset_days": 0, "under_way": "settle"}
    )
    made.send((BJ, "ann"), (JP, "ann"), 60)
    made.conclude(link, DelinkDocument(Direction(BJ, JP), "test"), JP, now=NOW + HOUR)
    return crossing(
        made, 10, (JP, "ann"), (BJ, "ann"), issuer=BJ, recognition=recognition_in(made, JP, "ann"), now=NOW + 2 * HOUR
    )


def no_leave(made: Pilot) -> Order:
    link = made.link(BJ, JP)
    made.conclude(link, LeaveDocument(Direction(BJ, JP), None, NOW, NOW + HOUR), BJ)
    made.conclude(link, terms_from(terms(BJ, JP, net_flow_limit=UNLIMITED)), JP, BJ)
    made.raise_to(Degree.RESTRICTED, BJ, JP)
    return crossing(made, now=NOW + 2 * HOUR)


def within_one_registry(made: Pilot) -> Order:
    return crossing(made, acquirer=(BJ, "bob"))


def another_account_type(made: Pilot) -> Order:
    opened(made, BJ, JP, account_types=["OHA"])
    return crossing(made)


QUOTA = {"corridor": WAY, "quantity": 60, "limit": 59, "left": 59}
# Name: what is made and proposed, the one code, and what is told of it.
BROKEN: dict[str, tuple[Callable[[Pilot], Order], int, dict[str, object]]] = {
    "a degree too low": (degree_too_low, 6001, {"corridor": f"{JP} -> {BJ}", "degree": "unilateral", "unit_type": "TER"}),
    "no terms": (no_terms, 6002, {"corridor": WAY}),
    "another unit type": (another_unit_type, 6003, {"corridor": WAY, "unit_type": "BEB"}),
    "another vintage": (another_vintage, 6004, {"corridor": WAY, "vintage": 2026}),
    "the entry quota": (quota(**entry(59)), 6005, QUOTA | {"quota": "entry"}),
    "the entry quota in recognised tonnes": (
        quota(**entry(47, "recognised"), rate=(4, 5)), 6005, QUOTA | {"quota": "entry", "quantity": 48, "limit": 47, "left": 47},
    ),
    "the entry quota of a tapered corridor": (
        quota(**entry(118), reciprocity={"warn": 0, "taper": [{"from": 0, "numerator": 1, "denominator": 2}], "suspend": 1_000}),
        6005, QUOTA | {"quota": "entry"},
    ),
    "the leave's quota": (quota(leave=59), 6005, QUOTA | {"quota": "leave"}),
    "a vintage's quota": (quota(**entry(UNLIMITED), vintage_limits={"2026": 59}), 6005, QUOTA | {"quota": "vintage"}),
    "a holder's quota": (quota(**entry(UNLIMITED), holder_limit=59), 6005, QUOTA | {"quota": "holder"}),
    "an operator's quota": (surrender_beyond, 6006, {"node": "CN-BJ linked", "year": 2025, "limit": 30, "left": 30}),
    "another settlement day": (another_day, 6009, {"corridor": WAY, "closed": JP}),
    "a closed day": (closed_day, 6009, {"corridor": WAY, "closed": JP}),
    "no recognition onward": (not_recognised_onward, 6010, {"corridor": f"{BJ} -> {KR}", "issuer": "CNBJ"}),
    "suspended by its destination": (suspended_by(JP), 6011, {"corridor": WAY, "by": JP}),
    "suspended by its origin": (suspended_by(BJ), 6011, {"corridor": WAY, "by": BJ}),
    "the net flow": (quota(net_flow_limit=59), 6013, {"corridor": WAY, "quantity": 60, "left": 59, "imbalance": 0}),
    "the reciprocity clause": (clause, 6013, {"corridor": WAY, "quantity": 60, "left": 59, "imbalance": 0}),
    "frozen by the end of its corridor": (
        frozen_by_delinking, 6014, {"registry": "CNBJ", "unit_type": "BEA", "policy": "freeze"},
    ),
    "no leave": (no_leave, 6015, {"corridor": WAY, "origin": BJ}),
    "within one registry": (within_one_registry, 6016, {"registry": "CNBJ"}),
    "another account type": (another_account_type, 6017, {"type": "TRA", "corridor": WAY}),
}  # fmt: skip


def test_every_check_of_the_link_is_broken_here_at_its_proposal_or_later():
    at_proposal = {code for _, code, _ in BROKEN.values()}
    later = {code for _, code, _ in MEANWHILE.values()}
    # New terms end what waits, and nothing else.
    assert later - at_proposal == {6007}
    assert at_proposal | later == {code for code, row in CHECKS.items() if row.group is Group.LINK}
    assert set(checks._JUDGES) == at_proposal | later


@pytest.mark.parametrize("broken", BROKEN)
def test_a_check_that_fails_alone_is_told_alone_and_nothing_moves(cities: Pilot, broken: str):
    make, code, params = BROKEN[broken]
    order = make(cities)
    before = tables()
    people = cities[order.sender].people
    with pytest.raises(Refused) as refusal:
        propose(order.proposal, actor=people[0], now=order.now)
    found = reasons(refusal.value)
    assert found.keys() == {code}
    assert params.items() <= found[code].items()
    assert tables() == before
    explained = explain(order.proposal, actor=people[0], now=order.now)
    assert explained.failures == refusal.value.failures


@pytest.mark.parametrize("broken", BROKEN)
def test_what_breaks_one_check_passes_without_that_check(cities: Pilot, broken: str, monkeypatch: pytest.MonkeyPatch):
    """The negative control: nothing else refused it in the registry's eyes; what then speaks is PostgreSQL, if anybody."""
    make, code, _ = BROKEN[broken]
    order = make(cities)
    monkeypatch.delitem(checks._JUDGES, code)
    assert explain(order.proposal, actor=cities[order.sender].people[0], now=order.now).failures == ()


def lower(made: Pilot, now: datetime) -> None:
    link = made.link(BJ, JP)
    document = DegreeDocument(Degree(link.degree), Degree.INCREMENTAL, None, "test")
    made.conclude(link, document, JP, now=now)


def suspend(made: Pilot, now: datetime) -> None:
    suspend_corridor(made.corridor(BJ, JP).pk, reason="test", actor=made[JP].officers[1], now=now)


def new_terms(made: Pilot, now: datetime) -> None:
    changed = terms(BJ, JP, now, version=2, net_flow_limit=UNLIMITED, rate=(1, 2))
    made.conclude(made.link(BJ, JP), terms_from(changed), JP, BJ, now=now)


# What happens while a transfer waits, and which check then speaks.
MEANWHILE: dict[str, tuple[Callable[[Pilot, datetime], object], int, dict[str, object]]] = {
    "lowered": (lower, 6001, {"corridor": WAY, "degree": "incremental", "unit_type": "BEA"}),
    "suspended": (suspend, 6011, {"corridor": WAY, "by": JP}),
    "changed": (new_terms, 6007, {"corridor": WAY, "version": 1, "until": (NOW + HOUR).isoformat()}),
}


def waiting(made: Pilot) -> Outcome:
    """A transfer to another holder's account, by terms that new ones end at once."""
    opened(made, BJ, JP, notice_days=0, last_settlement_days=0, **entry(100))
    outcome = made.send((BJ, "ann"), (JP, "far"), 60)
    assert outcome.state == State.AWAITING_APPROVAL
    assert taken("entry", BJ, JP) == [(60, 0)]
    return outcome


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_what_changed_while_a_transfer_waited_keeps_it_from_being_approved(cities: Pilot, meanwhile: str):
    change, code, params = MEANWHILE[meanwhile]
    outcome = waiting(cities)
    change(cities, NOW + HOUR)
    before = tables()
    with pytest.raises(Refused) as refusal:
        approve(outcome.transaction_id, actor=cities[BJ].people[1], now=NOW + 2 * HOUR)
    assert reasons(refusal.value) == {code: params}
    assert tables() == before
    assert taken("entry", BJ, JP) == [(60, 0)]


@pytest.mark.parametrize("meanwhile", MEANWHILE)
def test_what_changed_while_a_transfer_was_delayed_ends_it_and_gives_its_quota_back(cities: Pilot, meanwhile: str):
    change, code, _ = MEANWHILE[meanwhile]
    outcome = waiting(cities)
    delayed = approve(outcome.transaction_id, actor=cities[BJ].people[1], now=NOW)
    assert delayed.state == State.DELAYED
    assert delayed.due_at is not None
    change(cities, NOW + HOUR)
    ended = execute(outcome.transaction_id, actor=REGISTRY, now=delayed.due_at)
    assert ended is not None
    assert ended.state == State.TERMINATED
    assert TransactionStep.objects.filter(transaction=outcome.transaction_id).latest("id").failures == [code]
    assert taken("entry", BJ, JP) == []


def test_a_transfer_that_nothing_changed_under_settles_at_the_terms_it_was_proposed_under(cities: Pilot):
    """The positive control, beyond new terms: they give it until their last settlement."""
    opened(cities, BJ, JP, notice_days=0, last_settlement_days=14, rate=(4, 5), **entry(100))
    outcome = cities.send((BJ, "ann"), (JP, "far"), 60)
    new_terms(cities, NOW + HOUR)
    delayed = approve(outcome.transaction_id, actor=cities[BJ].people[1], now=NOW + 2 * HOUR)
    assert delayed.due_at is not None
    done = execute(outcome.transaction_id, actor=REGISTRY, now=delayed.due_at)
    assert done is not None
    assert done.state == State.COMPLETED
    block = UnitBlock.objects.get(account=cities[JP].accounts["far"], origin=cities[BJ].home)
    assert (block.recognition.rate_numerator, block.recognition.rate_denominator) == (4, 5)
    assert taken("entry", BJ, JP) == [(0, 60)]


def test_an_explanation_waits_for_nobody_and_leaves_nothing(cities: Pilot, owner):
    """While another holds every row that a transfer would lock, and read-only, so that nothing can be written."""
    opened(cities, BJ, JP, **entry(100))
    cities.send((BJ, "ann"), (JP, "ann"), 5)
    order = crossing(cities)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '2s'")
    before = tables(), Transaction.objects.count(), Instrument.objects.count()
    with owner.transaction():
        for table in ("linking_corridor", "linking_quota", "accounts_account", "linking_link"):
            owner.execute(f"SELECT FROM {table} FOR UPDATE")
        explained = explain(order.proposal, actor=cities[BJ].people[0], now=NOW)
    assert (explained.failures, sum(moved.next - moved.first for moved in explained.ranges)) == ((), 60)
    assert (tables(), Transaction.objects.count(), Instrument.objects.count()) == before


def test_every_reason_is_told_at_once(cities: Pilot):
    link = opened(cities, BJ, JP, account_types=["OHA"], last_vintage=2025, leave=5, net_flow_limit=5, **entry(5))
    suspend(cities, NOW)
    cities.conclude(link, DegreeDocument(Degree.RESTRICTED, Degree.NONE, None, "test"), JP)
    with pytest.raises(Refused) as refusal:
        cities.send((BJ, "ann"), (JP, "ann"), 60)
    assert {failure.code for failure in refusal.value.failures} == {6001, 6004, 6005, 6011, 6013, 6017}


def test_a_batch_takes_from_one_quota_in_turn(cities: Pilot):
    """Each of a batch's transfers takes what those before it left."""
    opened(cities, BJ, JP, **entry(100))
    orders = [crossing(cities, quantity).proposal for quantity in (60, 50, 40)]
    results = propose_batch(orders, actor=cities[BJ].people[0], now=NOW)
    assert [type(result).__name__ for result in results] == ["Outcome", "Refused", "Outcome"]
    assert taken("entry", BJ, JP) == [(0, 100)]
