"""Units of one period are banked into the next: where they are, by two persons, as the dated rule of their type says, once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connection

from accounts.models import DatedRule
from audit.models import Entry
from registry import queries
from registry.models import Recognition, Transaction, UnitBlock
from registry.operations.approve import approve
from registry.operations.explain import explain
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.reverse import reverse
from registry.operations.set_validity import set_validity
from registry.operations.tally_turnovers import tally_turnovers
from registry.operations.withdraw import withdraw
from registry.rules.proposal import Proposal
from registry.rules.states import State
from registry.statements import holdings_as_of, movements_of, totals_of
from registry.turnovers import Place
from registry.verification import Difference, verify
from tests.build import NOW, REGISTRY
from tests.types.conftest import Office

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BANKING = {"first_vintage": 2024, "last_vintage": 2026, "to_period": "2027"}


def rule(office: Office, since: date = date(2026, 1, 1), until: date | None = None, **changes: object) -> None:
    DatedRule.objects.create(
        jurisdiction=office.made.home, key="carry-over.BEA", valid_from=since, valid_to=until,
        value=BANKING | changes, confidence="D", source="test",
    )  # fmt: skip


def carry(
    office: Office, quantity: int = 50, *ranges: tuple[int, int], recognition: int | None = None, **more: Any
) -> Outcome:
    line = replace(office.made.line("plant", "plant", quantity, *ranges), recognition=recognition)
    return propose(Proposal("7-0", (line,)), actor=office.made.representative, **{"now": NOW} | more)


def carried(office: Office, quantity: int = 50, *ranges: tuple[int, int], now: datetime = NOW) -> Outcome:
    proposed = carry(office, quantity, *ranges, now=now)
    return approve(proposed.transaction_id, actor=office.made.approver, now=now)


def holdings(office: Office, name: str = "plant") -> list[tuple[str, int, int]]:
    """Period, units and reserved units of each holding."""
    rows = queries.holdings_of(office.made.accounts[name])
    return [(row.recognition.applicable_period, row.quantity, row.reserved) for row in rows]


def runs(office: Office) -> list[tuple[int, int | None, object]]:
    """The account's maximal runs of serials that stand alike, each with its recognition."""
    found: list[tuple[int, int | None, object]] = []
    for block in UnitBlock.objects.filter(account=office.made.accounts["plant"]).order_by("start_no"):
        alike = (block.recognition_id, block.held_for_id)
        if found and found[-1][1:] == (block.start_no, alike):
            found[-1] = (found[-1][0], block.end_no, alike)
        else:
            found.append((block.start_no, block.end_no, alike))
    return found


def codes(refusal: pytest.ExceptionInfo[Refused]) -> set[int]:
    return {failure.code for failure in refusal.value.failures}


@pytest.mark.parametrize("ranges", [(), ((611, 661),)])
def test_units_count_in_the_next_period_once_another_person_approved(office: Office, ranges):
    rule(office)
    waiting = carry(office, 50, *ranges)
    assert waiting.state == State.AWAITING_APPROVAL
    # Reserved as they are: the period changes with completion.
    assert holdings(office) == [("", 200, 50)]
    with pytest.raises(Refused) as own:
        approve(waiting.transaction_id, actor=office.made.representative, now=NOW)
    assert codes(own) == {4013}
    done = approve(waiting.transaction_id, actor=office.made.approver, now=NOW)
    assert (done.state, done.transferring, done.acquiring) == (State.COMPLETED, *[office.made["plant"]] * 2)
    assert holdings(office) == [("", 150, 0), ("2027", 50, 0)]
    told = Entry.objects.filter(subject=str(waiting.transaction_id), event="transaction.proposed").get()
    assert b'"to_periods":["2027"]' in bytes(told.body).replace(b" ", b"")


def test_the_two_periods_are_different_products(office: Office):
    """Balances, selection and orders name the recognition."""
    rule(office)
    carried(office, 150)
    banked = Recognition.objects.get(applicable_period="2027").pk
    line = office.made.line("plant", "ann", 60)
    with pytest.raises(Refused) as refusal:
        propose(Proposal("10-50", (line,)), actor=office.made.representative, now=NOW)
    assert codes(refusal) == {4010}
    propose(Proposal("10-50", (replace(line, recognition=banked),)), actor=office.made.representative, now=NOW)
    assert holdings(office) == [("", 50, 0), ("2027", 90, 0)]
    # The period goes with the units.
    assert holdings(office, "ann") == [("2027", 60, 0)]


def test_all_rows_of_one_period_share_one_recognition(office: Office):
    rule(office)
    carried(office, 10)
    carried(office, 10)
    assert list(Recognition.objects.values_list("rate_numerator", "rate_denominator", "applicable_period")) == [
        (1, 1, ""), (1, 1, "2027"),
    ]  # fmt: skip


def test_first_carry_overs_at_once_share_one_recognition(office: Office):
    rule(office)
    office.made.move("ISS", "ann", 100)
    office.made.move("ISS", "bob", 100)

    def one(name: str) -> str:
        try:
            line = office.made.line(name, name, 5)
            return propose(Proposal("7-0", (line,)), actor=office.made.representative, now=NOW).state
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, ["plant", "ann", "bob"] * 4)) == {State.AWAITING_APPROVAL}
    assert Recognition.objects.count() == 2


@pytest.mark.parametrize(
    "changes", [None, {"last_vintage": 2025}, {"first_vintage": 2027, "last_vintage": 2030}, {"to_period": 7}]
)
@pytest.mark.parametrize("ranges", [(), ((611, 661),)])
def test_no_rule_no_carry_over(office: Office, ranges, changes):
    if changes is not None:
        rule(office, **changes)
    with pytest.raises(Refused) as refusal:
        carry(office, 50, *ranges)
    assert codes(refusal) == {5009}


def test_the_rule_is_that_of_the_day_in_the_issuing_jurisdictions_zone(office: Office):
    """From 2 June in Beijing, which begins at 16:00 UTC on the first, until 3 June."""
    rule(office, date(2026, 6, 2), date(2026, 6, 3))
    begins = NOW.replace(hour=16)
    second = timedelta(seconds=1)
    for now in (begins - second, begins + DAY):
        with pytest.raises(Refused) as refusal:
            carry(office, now=now)
        assert codes(refusal) == {5009}
    first, last = carry(office, now=begins), carry(office, now=begins + DAY - second)
    # What was proposed in time is approved after it.
    for proposed in (first, last):
        assert approve(proposed.transaction_id, actor=office.made.approver, now=begins + 2 * DAY).state == "COMPLETED"


def test_a_rule_that_is_gone_by_the_approval_carries_nothing(office: Office, owner):
    rule(office)
    waiting = carry(office)
    owner.execute("DELETE FROM accounts_datedrule WHERE key = 'carry-over.BEA'")
    with pytest.raises(Refused) as refusal:
        approve(waiting.transaction_id, actor=office.made.approver, now=NOW)
    assert codes(refusal) == {5009}


def test_there_is_no_way_back(office: Office):
    """Not by the same rule, not by undoing; a later rule leads on."""
    rule(office, until=date(2026, 6, 3))
    done = carried(office, 50, (611, 661))
    banked = Recognition.objects.get(applicable_period="2027").pk
    for attempt in ({"recognition": banked}, {"ranges": ((611, 661),)}):
        with pytest.raises(Refused) as refusal:
            carry(office, 50, *attempt.pop("ranges", ()), **attempt)
        assert codes(refusal) == {5009}
    with pytest.raises(Refused) as undoing:
        reverse(done.transaction_id, reason="a mistake", actor=office.junior, now=NOW)
    assert codes(undoing) == {5014}
    # Nor does a rule that names no period.
    rule(office, date(2026, 6, 3), date(2026, 6, 5), to_period="")
    with pytest.raises(Refused) as blank:
        carry(office, 50, recognition=banked, now=NOW + 2 * DAY)
    assert codes(blank) == {5009}
    rule(office, date(2026, 6, 5), to_period="2028")
    onward = carry(office, 50, recognition=banked, now=NOW + 4 * DAY)
    approve(onward.transaction_id, actor=office.made.approver, now=NOW + 4 * DAY)
    assert holdings(office) == [("", 150, 0), ("2028", 50, 0)]


def test_a_withdrawn_carry_over_leaves_the_runs_as_they_were(office: Office):
    rule(office)
    before = runs(office)
    waiting = carry(office, 50, (611, 661))
    assert runs(office) != before
    withdraw(waiting.transaction_id, reason="a mistake", actor=office.made.representative, now=NOW)
    assert runs(office) == before
    assert holdings(office) == [("", 200, 0)]


def test_carried_over_units_outlive_their_vintage(office: Office):
    rule(office)
    carried(office, 50, (611, 661))
    end = {"unit_type": office.made.unit_type, "vintage": 2026, "source": "a notice", "actor": REGISTRY, "now": NOW}
    set_validity(**end, valid_until=NOW)
    assert office.made.move("plant", "ann", 10, (611, 621)).state == State.COMPLETED
    with pytest.raises(Refused) as lapsed:
        office.made.move("plant", "ann", 10, (661, 671))
    assert codes(lapsed) == {5013}
    with pytest.raises(Refused) as too_late:
        carry(office, 10, (661, 671))
    assert codes(too_late) == {5013}
    # Until their own period ends.
    set_validity(**end, applicable_period="2027", valid_until=NOW)
    with pytest.raises(Refused) as ended:
        office.made.move("plant", "ann", 10, (621, 631))
    assert codes(ended) == {5013}
    line = office.made.line("plant", "LAP", 10, (621, 631))
    assert propose(Proposal("4-99", (line,), reason="the notice"), actor=office.junior, now=NOW).quantity == 10


def test_a_carried_over_unit_is_surrendered_and_its_surrender_reversed(office: Office):
    rule(office)
    carried(office, 50, (611, 661))
    obligation = office.made.obligation("plant").pk
    surrendered = office.made.move("plant", "SUR", 50, (611, 661), type_code="10-2", obligation=obligation)
    back = reverse(surrendered.transaction_id, reason="an order", actor=office.junior, now=NOW)
    approve(back.transaction_id, actor=office.senior, now=NOW)
    assert holdings(office) == [("", 150, 0), ("2027", 50, 0)]


@pytest.mark.parametrize("tallied", [False, True])
def test_a_statement_shows_units_leave_one_product_and_enter_the_other(office: Office, tallied):
    rule(office)
    carried(office, now=NOW + HOUR)
    account, start, end = office.made.accounts["plant"], NOW - DAY, NOW + DAY
    if tallied:
        for _ in range(3):
            tally_turnovers(now=NOW + 2 * DAY)
    totals = totals_of(account, start, end)
    assert [(t.recognition.applicable_period, t.opening, t.entered, t.left, t.closing) for t in totals] == [
        ("", 0, 200, 50, 150), ("2027", 0, 50, 0, 50),
    ]  # fmt: skip
    lines = [line for line in movements_of(account, Place(start), end, 100) if line.type == "7-0"]
    assert {(line.recognition.applicable_period, line.enters, line.entered + line.left, line.balance) for line in lines} == {
        ("", False, 50, 150), ("2027", True, 50, 50),
    }  # fmt: skip
    assert [(h.recognition.applicable_period, h.quantity) for h in holdings_as_of(account, NOW + HOUR)] == [
        ("", 150), ("2027", 50),
    ]  # fmt: skip


def test_explain_tells_of_a_carry_over_and_leaves_nothing(office: Office):
    rule(office)
    line = office.made.line("plant", "plant", 50)
    told = explain(Proposal("7-0", (line,)), actor=office.made.representative, now=NOW)
    assert (told.failures, told.approval) == ((), "representative")
    assert (Recognition.objects.count(), Transaction.objects.filter(type_id="7-0").count()) == (1, 0)


def test_the_recomputation_notices_units_that_are_counted_in_another_period(office: Office, owner):
    rule(office)
    done = carried(office)
    owner.execute("ALTER TABLE registry_transactionblock DISABLE TRIGGER USER")
    owner.execute(
        "UPDATE registry_transactionblock SET to_recognition_id = recognition_id WHERE transaction_id = %s",
        [done.transaction_id],
    )
    found = verify()
    assert isinstance(found, Difference)
    assert found.name == "balance"
    owner.execute(
        "UPDATE registry_transactionblock SET to_recognition_id = %s WHERE transaction_id = %s",
        [Recognition.objects.get(applicable_period="2027").pk, done.transaction_id],
    )


FORGED = "01900000-0000-7000-8000-000000000001"
STAYS = (
    "registry_range_takes_effect",
    "(parent.effect = 'carry') <> (NEW.from_account_id IS NOT DISTINCT FROM NEW.to_account_id)",
    "false",
)
GOES = (
    "registry_range_is_well_formed",
    "OR NEW.from_account_id = NEW.to_account_id AND NEW.to_recognition_id IS NULL",
    "",
)
# What is forged, the constraint that refuses it, and the functions' conditions without which it passes.
FORGERIES: dict[str, tuple[Any, ...]] = {
    "a vintage out of the rule": (
        {"rule": {"last_vintage": 2025}},
        "units_are_carried_over_by_rule",
        ("registry_range_carries_over", "IF NOT EXISTS", "IF false AND NOT EXISTS"),
    ),
    "another period than the rule's": (
        {"rule": {"to_period": "2028"}},
        "units_are_carried_over_by_rule",
        ("registry_range_carries_over", "after.applicable_period = rule ->> 'to_period'", "true"),
    ),
    "another rate": (
        {"rate": (1, 2)},
        "units_are_carried_over_by_rule",
        (
            "registry_range_carries_over",
            "(after.rate_numerator, after.rate_denominator) = (before.rate_numerator, before.rate_denominator)",
            "true",
        ),
    ),
    "a rule that is over": (
        {"until": date(2026, 2, 1)},
        "units_are_carried_over_by_rule",
        ("registry_carry_over_rule", "coalesce((at AT TIME ZONE j.time_zone)::date < d.valid_to, true)", "true"),
    ),
    "into another account": (
        {"to": "ann"},
        "recognition_changes_by_type",
        STAYS,
    ),
    "a transfer to itself": (
        {"type": "10-50", "carried": False},
        "transaction_is_well_formed",
        ("registry_transaction_keeps_to_its_states", "NEW.transferring_id = NEW.acquiring_id", "false"),
        STAYS,
        GOES,
    ),
    "by another type": (
        {"type": "10-50", "to": "ann"},
        "recognition_changes_by_type",
        (
            "registry_range_takes_effect",
            "(parent.effect IN ('carry', 'cross')) <> (NEW.to_recognition_id IS NOT NULL)",
            "false",
        ),
    ),
}  # fmt: skip


def forge(
    office: Office,
    owner: psycopg.Connection,
    *,
    rule: dict[str, object] | None = None,
    until: date | None = None,
    rate: tuple[int, int] = (1, 1),
    to: str = "plant",
    type: str = "7-0",
    carried: bool = True,
) -> None:
    """Record by hand, as the owner and in the name of the registry itself, what an exercise lets it."""
    globals()["rule"](office, until=until, **rule or {})
    made = office.made
    named = {
        "id": FORGED, "type": type, "home": made.home.pk, "now": NOW,
        "sender": made.accounts["plant"].pk, "acquirer": made.accounts[to].pk, "rate": rate[0], "per": rate[1],
        "series": UnitBlock.objects.get(start_no=601).series_id, "carried": 77 if carried else None,
    }  # fmt: skip
    with owner.transaction():
        owner.execute("INSERT INTO registry_recognition VALUES (77, %(rate)s, %(per)s, '2027')", named)
        owner.execute(
            "INSERT INTO registry_transaction (id, type_id, state, jurisdiction_id, transferring_id, acquiring_id, quantity,"
            " proposed_at, completed_at) VALUES (%(id)s, %(type)s, 'COMPLETED', %(home)s, %(sender)s, %(acquirer)s, 10, %(now)s,"
            " %(now)s)",
            named,
        )
        owner.execute(
            "INSERT INTO registry_transactionblock (transaction_id, origin_id, first_no, next_no, series_id, recognition_id,"
            " to_recognition_id, from_account_id, to_account_id) VALUES (%(id)s, %(home)s, 601, 611, %(series)s, 0, %(carried)s,"
            " %(sender)s, %(acquirer)s)",
            named,
        )


def weaken(owner: psycopg.Connection, name: str, condition: str, weaker: str) -> None:
    """Take one condition out of a function of the database."""
    (source,) = owner.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", [name]).fetchone()
    assert source.count(condition) == 1, (name, condition)
    owner.execute(source.replace(condition, weaker))


@pytest.mark.parametrize("case", FORGERIES)
def test_postgresql_alone_refuses(office: Office, owner, case):
    changes, constraint, *_ = FORGERIES[case]
    with pytest.raises(psycopg.errors.CheckViolation) as refusal:
        forge(office, owner, **changes)
    assert refusal.value.diag.constraint_name == constraint


def test_an_honest_record_by_hand_carries_units_over(office: Office, owner):
    forge(office, owner)
    assert holdings(office) == [("", 190, 0), ("2027", 10, 0)]


@pytest.mark.parametrize("case", FORGERIES)
def test_without_its_conditions_a_forgery_passes(office: Office, owner, case):
    changes, _, *guards = FORGERIES[case]
    for guard in guards:
        weaken(owner, *guard)
    # Taken back, since whoever verifies the ledger finds some of them.
    with owner.transaction(force_rollback=True):
        forge(office, owner, **changes)
        passed = "SELECT count(*) FROM registry_transactionblock WHERE transaction_id = %s AND first_no = 601"
        assert owner.execute(passed, [FORGED]).fetchone() == (1,)


def test_python_is_not_asked_and_postgresql_refuses(office: Office, monkeypatch):
    rule(office, last_vintage=2025)
    monkeypatch.setattr("registry.rules.checks.run", lambda judged: ())
    with pytest.raises(Exception) as refusal:
        carry(office)
    cause = refusal.value.__cause__
    assert isinstance(cause, psycopg.errors.CheckViolation)
    assert cause.diag.constraint_name == "units_are_carried_over_by_rule"


@pytest.mark.parametrize("asked", [True, False])
def test_a_rule_that_was_rewritten_since_the_proposal_completes_nothing(office: Office, owner, monkeypatch, asked):
    """Python tells it; PostgreSQL refuses it where Python was not asked."""
    rule(office)
    waiting = carry(office)
    owner.execute(
        """UPDATE accounts_datedrule SET value = value || '{"to_period": "2028"}' WHERE key = 'carry-over.BEA'"""
    )
    if not asked:
        monkeypatch.setattr("registry.rules.checks.run", lambda judged: ())
    with pytest.raises(Refused if asked else IntegrityError) as refusal:
        approve(waiting.transaction_id, actor=office.made.approver, now=NOW)
    assert ("5009" if asked else "no rule lets these units be carried over so") in str(refusal.value)
    assert holdings(office) == [("", 200, 50)]


def test_no_rule_is_rewritten_between_the_look_and_the_effect(office: Office, owner, monkeypatch):
    rule(office)
    waiting = carry(office)
    owner.execute("SET lock_timeout = '100ms'")
    tried = []

    def run(judged: Any) -> tuple[()]:
        with pytest.raises(psycopg.errors.LockNotAvailable) as refused:
            owner.execute("DELETE FROM accounts_datedrule WHERE key = 'carry-over.BEA'")
        tried.append(refused)
        return ()

    monkeypatch.setattr("registry.rules.checks.run", run)
    assert approve(waiting.transaction_id, actor=office.made.approver, now=NOW).state == State.COMPLETED
    assert len(tried) == 1
