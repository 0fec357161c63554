"""Units of one type are retired and as many of another made in their place: by two persons, as the dated rule says, in time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from django.db import IntegrityError, connection

from audit.models import Entry
from registry import queries, transaction_queries
from registry.models import HoldingLimit, IssuanceCap, Series, Transaction, TransactionBlock, UnitBlock, UnitType
from registry.operations.approve import approve
from registry.operations.explain import explain
from registry.operations.freeze import freeze_account
from registry.operations.issue import issue
from registry.operations.outcome import MovedRange, Outcome, Refused
from registry.operations.propose import propose
from registry.operations.propose_batch import propose_batch
from registry.operations.refuse import refuse
from registry.operations.reverse import reverse
from registry.operations.set_validity import set_validity
from registry.operations.withdraw import withdraw
from registry.rules.proposal import Proposal
from registry.rules.states import State
from registry.statements import movements_of, totals_of
from registry.turnovers import Place
from registry.verification import Difference, Verified, verify
from tests.build import NOW, REGISTRY
from tests.types.offsets import Office, convert, converted, line, make_office, rule

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def world() -> Callable[[], Office]:
    return make_office


@pytest.fixture
def office(begun: Office) -> Iterator[Office]:
    yield begun
    assert isinstance(verify(), Verified), verify()


def holdings(office: Office, name: str = "plant") -> dict[tuple[str, int, str], tuple[int, int]]:
    """Units and reserved units by type, vintage and project."""
    rows = queries.holdings_of(office.made.accounts[name])
    return {(h.series.unit_type.code, h.series.vintage, h.series.project): (h.quantity, h.reserved) for h in rows}


STOCK = {("PHR", 2023, ""): (300, 0), ("PHR", 2025, ""): (500, 0), ("PHR", 2025, "forest"): (100, 0)}


def codes(refusal: pytest.ExceptionInfo[Refused]) -> set[int]:
    return {failure.code for failure in refusal.value.failures}


def test_units_are_retired_and_as_many_made_once_another_person_approved(office: Office):
    rule(office)
    waiting = convert(office, 50, (1, 51))
    assert waiting.state == State.AWAITING_APPROVAL
    assert holdings(office) == STOCK | {("PHR", 2025, ""): (500, 50)}
    with pytest.raises(Refused) as own:
        approve(waiting.transaction_id, actor=office.made.representative, now=NOW)
    assert codes(own) == {4013}
    done = approve(waiting.transaction_id, actor=office.made.approver, now=NOW)
    assert (done.state, done.quantity) == (State.COMPLETED, 50)
    assert holdings(office) == STOCK | {("PHR", 2025, ""): (450, 0), ("BEC", 2025, ""): (50, 0)}
    assert holdings(office, "CAN") == {("PHR", 2025, ""): (50, 0)}
    assert office.caps["BEC", 2025].issued == 0
    assert IssuanceCap.objects.get(pk=office.caps["BEC", 2025].pk).issued == 50
    told = Entry.objects.filter(subject=str(waiting.transaction_id), event="transaction.proposed").get()
    assert b'"to_unit_types":["BEC"]' in bytes(told.body).replace(b" ", b"")


def test_the_series_of_what_is_made_follows_from_what_was_retired(office: Office):
    """Vintage, project and period; oldest vintage first; one range of new serials for each that was retired."""
    rule(office)
    done = converted(office, 900)
    retired = [r for r in done.ranges if r.made_from is None]
    made = [r for r in done.ranges if r.made_from is not None]
    assert {(r.vintage, r.next - r.first, r.becomes) for r in retired} == {
        (2023, 300, "BEC"), (2025, 500, "BEC"), (2025, 100, "BEC"),
    }  # fmt: skip
    assert [(r.vintage, r.first, r.next, r.made_from and r.made_from.first) for r in made] == [
        (2025, 901, 1401, 1), (2023, 1401, 1701, 501), (2025, 1701, 1801, 801),
    ]  # fmt: skip
    assert holdings(office) == {
        ("BEC", 2023, ""): (300, 0),
        ("BEC", 2025, ""): (500, 0),
        ("BEC", 2025, "forest"): (100, 0),
    }
    stored = transaction_queries.transaction_of(office.senior, done.transaction_id)
    assert stored is not None
    key = lambda moved: moved.first  # noqa: E731
    assert sorted(stored.ranges, key=key) == sorted(done.ranges, key=key)


def test_which_serials_became_which_is_read_from_either_side(office: Office):
    rule(office)
    done = converted(office, 10, (11, 21))
    before = queries.life_of(office.made.representative, "CNBJ", 13)
    after = queries.life_of(office.made.representative, "CNBJ", 903)
    assert before is not None
    assert after is not None
    assert (before.standing, before.unit_type, before.events[-1].became) == ("cancelled", "PHR", 903)
    assert (after.standing, after.unit_type, after.events[0].made_from) == ("held", "BEC", 13)
    assert after.events[0].transaction_id == before.events[-1].transaction_id == done.transaction_id


@pytest.mark.parametrize(
    "changes",
    [
        None,
        {"to": "PHR"},
        {"to": "nothing"},
        {"to": 7},
        {"years": "5"},
        {"years": None},
        {"years": -1},
        {"until": date(2026, 2, 1)},
    ],
)
def test_no_rule_no_conversion(office: Office, changes):
    if changes is not None:
        rule(office, **changes)
    with pytest.raises(Refused) as refusal:
        convert(office, 50, (1, 51))
    assert codes(refusal) == {5017}


def test_the_window_ends_with_the_last_year_in_the_issuing_jurisdictions_zone(office: Office):
    """Vintage 2023 and two years: until the end of 2025; vintage 2025 until that of 2027, at 16:00 UTC for Beijing."""
    rule(office, years=2)
    last = datetime(2027, 12, 31, 15, 59, 59, tzinfo=NOW.tzinfo)
    with pytest.raises(Refused) as refusal:
        convert(office, 10, vintage=2023)
    assert codes(refusal) == {5017}
    assert converted(office, 10, vintage=2025, now=last).state == State.COMPLETED
    with pytest.raises(Refused) as after:
        convert(office, 10, vintage=2025, now=last + timedelta(seconds=1))
    assert codes(after) == {5017}
    # What counts is the instant of completion: what waits past the end is not approved any more.
    waiting = convert(office, 10, vintage=2025, now=last)
    with pytest.raises(Refused) as late:
        approve(waiting.transaction_id, actor=office.made.approver, now=last + timedelta(seconds=1))
    assert codes(late) == {5017}


def test_only_an_operator_converts_and_only_in_its_own_account(office: Office):
    rule(office)
    office.stock(10, 2025, "ann")
    with pytest.raises(Refused) as trader:
        convert(office, 10, name="ann")
    assert codes(trader) == {4006}
    for elsewhere, code in (("mill", 4007), ("MCN", 4007), ("plant", 4005)):
        proposal = Proposal("2-0", (replace(line(office, 10, (1, 11)), acquiring=office.made[elsewhere]),))
        with pytest.raises(Refused) as refusal:
            propose(proposal, actor=office.made.representative, now=NOW)
        assert code in codes(refusal)


def test_what_was_made_is_not_converted_back_nor_again(office: Office):
    rule(office)
    done = converted(office, 10, (1, 11))
    made = next(r for r in done.ranges if r.made_from is not None)
    for attempt in ((1, 11), (made.first, made.next)):
        with pytest.raises(Refused) as refusal:
            convert(office, 10, attempt, unit_type="")
        assert codes(refusal) & {5017, 5010, 4008}
    with pytest.raises(Refused) as undone:
        reverse(done.transaction_id, reason="a mistake", actor=office.junior, now=NOW)
    assert codes(undone) == {5014}


def test_what_is_made_counts_under_the_cap_of_its_type_and_vintage(office: Office):
    rule(office)
    IssuanceCap.objects.filter(pk=office.caps["BEC", 2025].pk).update(limit=60)
    converted(office, 50, (1, 51))
    with pytest.raises(Refused) as full:
        convert(office, 11, (51, 62))
    assert codes(full) == {5001}
    assert full.value.failures[0].params == {"cap": "BEC 2025", "left": 10, "quantity": 11}
    first, second = convert(office, 10, (51, 61)), convert(office, 10, (61, 71))
    # What waits has counted for nothing yet, so the second finds the room taken.
    approve(first.transaction_id, actor=office.made.approver, now=NOW)
    with pytest.raises(Refused) as later:
        approve(second.transaction_id, actor=office.made.approver, now=NOW)
    assert codes(later) == {5001}


@pytest.mark.parametrize("ends", [None, date(2026, 6, 1)])
def test_without_a_cap_in_force_nothing_is_made(office: Office, ends):
    rule(office)
    IssuanceCap.objects.filter(pk=office.caps["BEC", 2025].pk).update(
        **({"valid_from": date(2027, 1, 1)} if ends is None else {"valid_to": ends})
    )
    with pytest.raises(Refused) as refusal:
        convert(office, 10, (1, 11))
    assert codes(refusal) == {5001}


def test_whatever_ends_without_effect_leaves_everything_as_it_was(office: Office):
    rule(office)
    for end in (withdraw, refuse):
        waiting = convert(office, 50, (101, 151))
        actor = office.made.representative if end is withdraw else office.made.approver
        end(waiting.transaction_id, reason="a mistake", actor=actor, now=NOW)
        assert holdings(office) == STOCK
    assert not TransactionBlock.objects.filter(made_from__isnull=False).exists()
    assert UnitBlock.objects.get(end_no=None, origin=office.made.home).start_no == 901


def test_a_frozen_account_converts_nothing(office: Office):
    rule(office)
    waiting = convert(office, 10, (1, 11))
    freeze_account(office.made["plant"], reason="an order", review_on=date(2026, 7, 1), actor=office.senior, now=NOW)
    for attempt in (
        lambda: approve(waiting.transaction_id, actor=office.made.approver, now=NOW),
        lambda: convert(office, 10, (11, 21)),
    ):
        with pytest.raises(Refused) as refusal:
            attempt()
        assert 4003 in codes(refusal)


def test_what_has_lapsed_is_not_converted(office: Office):
    rule(office)
    end = {"vintage": 2025, "source": "a notice", "actor": REGISTRY, "now": NOW, "valid_until": NOW}
    set_validity(unit_type=office.types["PHR"], **end)
    with pytest.raises(Refused) as refusal:
        convert(office, 10, (1, 11))
    assert codes(refusal) == {5013}


def test_a_rule_that_was_rewritten_since_the_proposal_converts_nothing(office: Office, owner, monkeypatch):
    rule(office)
    UnitType.objects.create(jurisdiction=office.made.home, code="BED", kind="offset")
    waiting = convert(office, 10, (1, 11))
    owner.execute("""UPDATE accounts_datedrule SET value = value || '{"to": "BED"}' WHERE key = 'conversion.PHR'""")
    with pytest.raises(Refused) as refusal:
        approve(waiting.transaction_id, actor=office.made.approver, now=NOW)
    assert codes(refusal) == {5001, 5017}
    monkeypatch.setattr("registry.rules.checks.run", lambda judged: ())
    with pytest.raises(IntegrityError) as alone:
        approve(waiting.transaction_id, actor=office.made.approver, now=NOW)
    assert isinstance(alone.value.__cause__, psycopg.errors.CheckViolation)
    assert alone.value.__cause__.diag.constraint_name == "units_are_converted_by_rule"
    withdraw(waiting.transaction_id, reason="a mistake", actor=office.made.representative, now=NOW)
    assert holdings(office) == STOCK


def test_explain_tells_of_a_conversion_and_leaves_nothing(office: Office):
    rule(office)
    told = explain(Proposal("2-0", (line(office, 10, (1, 11)),)), actor=office.made.representative, now=NOW)
    assert (told.failures, told.approval, [r.becomes for r in told.ranges]) == ((), "representative", ["BEC"])
    assert (
        Series.objects.filter(unit_type__code="BEC").count(),
        Transaction.objects.filter(type_id="2-0").count(),
    ) == (0, 0)


def test_a_batch_of_conversions_waits_and_each_completes_by_itself(office: Office):
    rule(office)
    office.stock(40, 2025, "mill")
    orders = [
        Proposal("2-0", (line(office, 30, (21, 31), (1, 21)),)),
        Proposal("2-0", (line(office, 40, name="mill"),)),
    ]
    orders.append(Proposal("2-0", (line(office, 30, (100, 130), unit_type=""), line(office, 5, (601, 606)))))
    results = [r for r in propose_batch(orders, actor=office.made.representative, now=NOW) if isinstance(r, Outcome)]
    assert [result.state for result in results] == [State.AWAITING_APPROVAL] * 3
    done = [approve(result.transaction_id, actor=office.made.approver, now=NOW) for result in results]
    made = [[(r.first, r.next) for r in result.ranges if r.made_from] for result in done]
    assert made == [[(941, 961), (961, 971)], [(971, 1011)], [(1011, 1041), (1041, 1046)]]
    for result in done:
        stored = transaction_queries.transaction_of(office.senior, result.transaction_id)
        assert stored is not None
        assert set(stored.ranges) == set(result.ranges)


def test_a_holding_limit_neither_counts_nor_hinders_a_conversion(office: Office, owner):
    rule(office)
    holder, home = office.made.accounts["plant"].holder_id, office.made.home.pk
    owner.execute(
        'INSERT INTO registry_holdinglimit (holder_id, jurisdiction_id, "limit", held, pending) VALUES (%s, %s, 1, 900, 0)',
        [holder, home],
    )
    converted(office, 50, (1, 51))
    limit = HoldingLimit.objects.get(holder_id=holder)
    assert (limit.held, limit.pending) == (900, 0)


def test_a_statement_shows_units_leave_and_others_enter(office: Office):
    rule(office)
    converted(office, 50, (1, 51), now=NOW + HOUR)
    account = office.made.accounts["plant"]
    lines = [one for one in movements_of(account, Place(NOW - DAY), NOW + DAY, 100) if one.type == "2-0"]
    assert {(one.series.unit_type.code, one.enters, one.entered + one.left, one.balance) for one in lines} == {
        ("PHR", False, 50, 450), ("BEC", True, 50, 50),
    }  # fmt: skip
    totals = {t.series.unit_type.code: (t.entered, t.left, t.closing) for t in totals_of(account, NOW + HOUR, NOW + DAY)
              if t.series.vintage == 2025 and not t.series.project}  # fmt: skip
    assert totals == {"PHR": (0, 50, 450), "BEC": (50, 0, 50)}


def test_conversions_issues_and_cancellations_at_once_take_each_serial_once(office: Office):
    rule(office)
    waiting = [convert(office, 10, (10 * n + 1, 10 * n + 11)) for n in range(8)]
    waiting += [convert(office, 20, (501 + 20 * n, 521 + 20 * n)) for n in range(4)]

    told: dict[UUID, set[MovedRange]] = {}

    def one(turn: int) -> str:
        try:
            if turn < len(waiting):
                done = approve(waiting[turn].transaction_id, actor=office.made.approver, now=NOW)
                told[done.transaction_id] = set(done.ranges)
                return done.state
            cap = office.caps["PHR", 2025].pk
            return issue(cap_id=cap, acquiring=office.made["ISS"], quantity=7, actor=REGISTRY, now=NOW).state
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, [place % 18 for place in range(0, 18 * 5, 5)])) == {State.COMPLETED}
    assert holdings(office)["BEC", 2025, ""] == (80, 0)
    assert holdings(office)["BEC", 2023, ""] == (80, 0)
    # What each was told is what was made.
    for one_of, ranges in told.items():
        stored = transaction_queries.transaction_of(office.senior, one_of)
        assert stored is not None
        assert set(stored.ranges) == ranges
    assert len(told) == 12


def test_the_recomputation_notices_a_conversion_that_made_more_or_less(office: Office, owner):
    rule(office)
    done = converted(office, 10, (1, 11))
    owner.execute("ALTER TABLE registry_transactionblock DISABLE TRIGGER USER")
    row = "UPDATE registry_transactionblock SET made_from_id = %s WHERE transaction_id = %s AND from_account_id IS NULL"
    source = TransactionBlock.objects.get(transaction=done.transaction_id, from_account__isnull=False).pk
    owner.execute(row, [source + 1_000_000, done.transaction_id])
    found = verify()
    assert isinstance(found, Difference)
    assert found.name == "conversion"
    owner.execute(row, [source, done.transaction_id])
