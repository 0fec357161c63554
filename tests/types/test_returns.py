"""What was allocated too much goes back, within the excess that the authority determined; what waits counts."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import connection

from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Role
from registry.models import Allocation, AllocationExcess
from registry.operations.approve import approve
from registry.operations.load_allocation_table import approve_allocation_table, load_allocation_table
from registry.operations.outcome import Outcome, Refused
from registry.operations.propose import propose
from registry.operations.record_excess import record_excess
from registry.operations.refuse import refuse
from registry.operations.run_allocation import run_allocation
from registry.rules.proposal import Proposal
from registry.rules.states import State
from tests.build import NOW, REGISTRY, official
from tests.types.conftest import Office

TABLE = b"installation,unit_type,vintage,quantity\nplant,BEA,2026,100\n"


@pytest.fixture
def allocated(office: Office) -> Allocation:
    """100 units allocated to plant, 40 of them too much."""
    made = office.made
    made.move("ISS", "ALL", 200)
    loader = official(Role.COMPLIANCE_AUTHORITY, "loader")
    table = load_allocation_table(TABLE, jurisdiction=made.home, name="2026.csv", actor=loader, now=NOW)
    approve_allocation_table(table=table, actor=office.senior, now=NOW)
    run_allocation(table=table, transferring=made["ALL"], actor=REGISTRY, now=NOW)
    [row] = table.allocations.all()
    record_excess(allocation=row, quantity=40, source="decision 9", actor=loader, now=NOW)
    return row


def back(office: Office, row: Allocation, quantity: int, acquirer: str = "ALL", vintage: int = 2026) -> Outcome:
    line = office.made.line("plant", acquirer, quantity, vintage=vintage)
    return propose(Proposal("10-42", (line,), returns=row.pk), actor=office.made.representative, now=NOW)


def returned() -> int:
    return AllocationExcess.objects.get().returned


def codes(refusal: pytest.ExceptionInfo[Refused]) -> set[int]:
    return {failure.code for failure in refusal.value.failures}


def test_an_excess_is_returned_by_two_persons_and_counts_from_the_proposal_on(office: Office, allocated: Allocation):
    waiting = back(office, allocated, 30)
    assert (waiting.state, returned()) == (State.AWAITING_APPROVAL, 30)
    with pytest.raises(Refused) as refusal:
        back(office, allocated, 11)
    assert codes(refusal) == {5008}
    assert approve(waiting.transaction_id, actor=office.made.approver, now=NOW).state == State.COMPLETED
    rest = back(office, allocated, 10)
    assert returned() == 40
    refuse(rest.transaction_id, actor=office.made.approver, now=NOW)
    assert returned() == 30


def test_a_return_is_of_the_own_allocation_in_its_own_units(office: Office, allocated: Allocation):
    with pytest.raises(Refused) as unknown:
        propose(
            Proposal("10-42", (office.made.line("plant", "ALL", 1, vintage=2026),), returns=allocated.pk + 1),
            actor=office.made.representative,
            now=NOW,
        )
    assert codes(unknown) == {5008}
    with pytest.raises(Refused) as unnamed:
        propose(
            Proposal("10-42", (office.made.line("plant", "ALL", 1, vintage=2026),)),
            actor=office.made.representative,
            now=NOW,
        )
    assert codes(unnamed) == {2011}


def test_the_excess_is_the_authoritys_and_never_below_what_was_returned(office: Office, allocated: Allocation):
    back(office, allocated, 30)
    authority = official(Role.COMPLIANCE_AUTHORITY, "authority")
    for quantity in (29, 101):
        with pytest.raises(Refusal):
            record_excess(allocation=allocated, quantity=quantity, source="decision 10", actor=authority, now=NOW)
    assert (
        record_excess(allocation=allocated, quantity=30, source="decision 10", actor=authority, now=NOW).quantity == 30
    )
    with pytest.raises(NotPermitted):
        record_excess(allocation=allocated, quantity=30, source="mine", actor=office.made.representative, now=NOW)


def test_postgresql_alone_keeps_returns_within_the_excess(office: Office, allocated: Allocation, monkeypatch):
    monkeypatch.setattr("registry.rules.checks.run", lambda judged: ())
    with pytest.raises(Exception) as refusal:
        back(office, allocated, 41)
    cause = refusal.value.__cause__
    assert isinstance(cause, psycopg.errors.CheckViolation)
    assert cause.diag.constraint_name == "return_is_within_the_excess"


ATTACKS = {
    "counting less": "UPDATE registry_allocationexcess SET returned = 0",
    "more than was allocated": "UPDATE registry_allocationexcess SET quantity = 101",
    "forgetting it": "DELETE FROM registry_allocationexcess",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_owner_cannot(office: Office, allocated: Allocation, owner, attack):
    back(office, allocated, 30)
    with pytest.raises(psycopg.errors.IntegrityError):
        owner.execute(ATTACKS[attack])


@pytest.mark.parametrize("attack", ATTACKS)
def test_without_the_guard_the_attack_succeeds(office: Office, allocated: Allocation, owner, attack):
    back(office, allocated, 30)
    owner.execute("ALTER TABLE registry_allocationexcess DISABLE TRIGGER excesses_count_returns")
    owner.execute(ATTACKS[attack])


def test_sixteen_at_once_end_at_exactly_the_excess(office: Office, allocated: Allocation):
    def one(_: int) -> int:
        try:
            return back(office, allocated, 5).quantity
        except Refused as refused:
            return 0 if {failure.code for failure in refused.failures} == {5008} else -100
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(one, range(16))) == 40
    assert returned() == 40
