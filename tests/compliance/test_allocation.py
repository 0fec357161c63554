"""An allocation table becomes deliveries: approved by a second person, once each, however often it is run."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connections, transaction

from accounts.models import Installation
from accounts.refusals import NotPermitted, Refusal
from accounts.rules.access import Actor, Role
from registry.models import Allocation, AllocationTable, Holding, Transaction
from registry.operations import run_allocation as run_module
from registry.operations.load_allocation_table import (
    approve_allocation_table,
    load_allocation_table,
    withhold_allocation,
)
from registry.operations.outcome import Refused
from registry.operations.propose import propose
from registry.operations.run_allocation import run_allocation
from registry.rules import checks
from registry.rules.proposal import Proposal
from tests.build import NOW, REGISTRY, Beijing, beijing, official
from tests.conftest import Own, begun_in, shared_by_module

HEADER = b"installation,unit_type,vintage,quantity\n"
TABLE = HEADER + b"P-1,BEA,2026,30\nP-2,BEA,2026,50\nP-3,BEA,2026,20\n"


def three_operators() -> Beijing:
    made = beijing(operators=("P-1", "P-2", "P-3"))
    made.issue(1_000)
    made.move("ISS", "ALL", 100)
    return made


three_operators_database = shared_by_module(three_operators)


@pytest.fixture
def registry(three_operators_database: Own[Beijing], db: None) -> Beijing:
    return begun_in(three_operators_database)


@pytest.fixture
def loader(registry: Beijing) -> Actor:
    return official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "loader")


@pytest.fixture
def table(registry: Beijing, loader: Actor) -> AllocationTable:
    return load_allocation_table(TABLE, jurisdiction=registry.home, name="2026.csv", actor=loader, now=NOW)


def approve(table: AllocationTable) -> AllocationTable:
    approver = official(Role.SENIOR_REGISTRY_ADMINISTRATOR, f"approver of {table.name}")
    return approve_allocation_table(table=table, actor=approver, now=NOW)


def held(registry: Beijing) -> dict[str, int]:
    rows = Holding.objects.filter(quantity__gt=0).values_list("account__name", "quantity")
    return dict(rows)


def test_an_approved_table_is_delivered_once_however_often_it_is_run(registry, table):
    approve(table)
    first = run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW)
    again = run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW)
    assert (first.delivered, first.quantity, again.delivered) == (3, 100, 0)
    assert held(registry) == {"ISS": 900, "P-1": 30, "P-2": 50, "P-3": 20}


def test_a_run_that_was_cut_off_goes_on_where_it_stopped(registry, table, monkeypatch):
    approve(table)
    monkeypatch.setattr(run_module, "AT_ONCE", 1)

    def cut_off(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW, progress=cut_off)
    assert Transaction.objects.filter(type_id="10-40").count() == 1
    assert run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW).delivered == 2
    assert held(registry) == {"ISS": 900, "P-1": 30, "P-2": 50, "P-3": 20}


def test_a_run_whose_connection_is_cut_has_delivered_whole_rows(committed_db, as_application_role, monkeypatch):
    monkeypatch.setattr(run_module, "AT_ONCE", 1)
    made = beijing(operators=("P-1", "P-2", "P-3"))
    made.issue(1_000)
    made.move("ISS", "ALL", 100)
    loader = official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "loader")
    table = load_allocation_table(TABLE, jurisdiction=made.home, name="2026.csv", actor=loader, now=NOW)
    approve(table)

    def cut(rows: int) -> None:
        as_application_role.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()"
        )

    with pytest.raises(OperationalError):
        run_allocation(table=table, transferring=made["ALL"], actor=REGISTRY, now=NOW, progress=cut)
    connections.close_all()
    assert held(made) == {"ISS": 900, "ALL": 70, "P-1": 30}
    assert run_allocation(table=table, transferring=made["ALL"], actor=REGISTRY, now=NOW).delivered == 2
    assert held(made) == {"ISS": 900, "P-1": 30, "P-2": 50, "P-3": 20}


def test_what_the_balance_does_not_cover_stays_ready_and_is_told(registry, table):
    approve(table)
    registry.move("ALL", "AUC", 40)
    run = run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW)
    assert (run.delivered, [failure.code for refused in run.refused.values() for failure in refused.failures]) == (
        2,
        [4010],
    )
    registry.move("AUC", "ALL", 40)
    assert run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW).delivered == 1


def test_a_table_that_nobody_approved_delivers_nothing(registry, table):
    with pytest.raises(Refusal, match="not-approved"):
        run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW)
    with pytest.raises(Refused) as refused:
        propose(_delivery(registry, table.allocations.all()[0]), actor=REGISTRY, now=NOW)
    assert [failure.code for failure in refused.value.failures] == [5003]


def test_who_loaded_a_table_does_not_approve_it(registry, table, loader):
    senior = Actor(loader.user_id, loader.name, frozenset({"senior-registry-administrator@CN-BJ"}))
    with pytest.raises(Refusal, match="approver-is-initiator"):
        approve_allocation_table(table=table, actor=senior, now=NOW)
    with pytest.raises(NotPermitted):
        approve_allocation_table(table=table, actor=REGISTRY, now=NOW)  # the registry is no second person
    with pytest.raises(IntegrityError, match="approver_is_not_initiator"), transaction.atomic():
        AllocationTable.objects.filter(pk=table.pk).update(
            state="APPROVED", approved_by=loader.user_id, approved_at=NOW
        )


def test_a_withheld_row_waits_until_it_is_released(registry, table, loader):
    approve(table)
    row = table.allocations.get(installation__number="P-2")
    withhold_allocation(allocation=row, withheld=True, actor=loader, now=NOW)
    assert run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW).delivered == 2
    with pytest.raises(Refused) as refused:
        propose(_delivery(registry, row), actor=REGISTRY, now=NOW)
    assert [failure.code for failure in refused.value.failures] == [5002]
    withhold_allocation(allocation=row, withheld=False, actor=loader, now=NOW)
    assert run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW).delivered == 1
    with pytest.raises(Refusal, match="delivered-already"):
        withhold_allocation(allocation=row, withheld=True, actor=loader, now=NOW)


def test_a_corrected_table_grants_nothing_a_second_time(registry, table, loader):
    """The first one was delivered to P-1 already; what it still has to give is withheld before the second is approved."""
    approve(table)
    propose(_delivery(registry, table.allocations.get(installation__number="P-1")), actor=REGISTRY, now=NOW)
    told = {"jurisdiction": registry.home, "actor": loader, "now": NOW}
    whole = load_allocation_table(TABLE + b"P-3,BEA,2025,1\n", name="whole.csv", **told)
    senior = official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior")
    with pytest.raises(Refusal, match="allocation-granted-already") as refused:
        approve_allocation_table(table=whole, actor=senior, now=NOW)
    assert (refused.value.params["installation"], refused.value.params["table"]) == ("P-1", table.pk)
    rest = load_allocation_table(HEADER + b"P-2,BEA,2026,55\n", name="rest.csv", **told)
    with pytest.raises(Refusal, match="allocation-granted-already"):
        approve_allocation_table(table=rest, actor=senior, now=NOW)
    row = table.allocations.get(installation__number="P-2")
    withhold_allocation(allocation=row, withheld=True, actor=loader, now=NOW)
    approve(rest)
    with pytest.raises(Refusal, match="allocation-granted-already"):
        withhold_allocation(allocation=row, withheld=False, actor=loader, now=NOW)
    for each in (rest, table):
        run_allocation(table=each, transferring=registry["ALL"], actor=REGISTRY, now=NOW)
    # 15 were left for P-3, who is granted 20: refused, and ready for a run when there is more.
    assert held(registry) == {"ISS": 900, "ALL": 15, "P-1": 30, "P-2": 55}


def test_a_row_withheld_before_approval_is_not_made_ready_by_it(registry, table, loader):
    row = table.allocations.get(installation__number="P-2")
    assert withhold_allocation(allocation=row, withheld=True, actor=loader, now=NOW).state == "WITHHELD"
    assert withhold_allocation(allocation=row, withheld=False, actor=loader, now=NOW).state == "LOADED"
    withhold_allocation(allocation=row, withheld=True, actor=loader, now=NOW)
    approve(table)
    assert run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW).delivered == 2


def test_an_installation_without_an_account_is_told_and_waits(registry, loader):
    Installation.objects.create(jurisdiction=registry.home, number="P-9", name="P-9", first_year=2024)
    told = {"jurisdiction": registry.home, "name": "9.csv", "actor": loader, "now": NOW}
    table = load_allocation_table(HEADER + b"P-9,BEA,2026,5\n", **told)
    approve(table)
    run = run_allocation(table=table, transferring=registry["ALL"], actor=REGISTRY, now=NOW)
    assert (run.delivered, run.without_account) == (0, [table.allocations.get().pk])


def test_runs_at_the_same_time_deliver_each_row_once(committed_db, monkeypatch):
    monkeypatch.setattr(run_module, "AT_ONCE", 2)
    names = [f"P-{number}" for number in range(12)]
    made = beijing(operators=tuple(names))
    made.issue(1_000)
    made.move("ISS", "ALL", 120)
    loader = official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "loader")
    rows = "".join(f"{name},BEA,2026,10\n" for name in names).encode()
    table = load_allocation_table(HEADER + rows, jurisdiction=made.home, name="12.csv", actor=loader, now=NOW)
    approve(table)

    def run() -> int:
        try:
            return run_allocation(table=table, transferring=made["ALL"], actor=REGISTRY, now=NOW).delivered
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        delivered = [job.result() for job in [pool.submit(run) for _ in range(4)]]
    assert sum(delivered) == 12
    assert held(made) == {"ISS": 880} | dict.fromkeys(names, 10)


CHANGES = {
    "rewriting a row": "UPDATE registry_allocation SET quantity = 31 WHERE quantity = 30",
    "deleting a row": "DELETE FROM registry_allocation",
    "adding a row to an approved table": (
        "INSERT INTO registry_allocation (table_id, installation_id, unit_type_id, vintage, quantity, state)"
        " SELECT table_id, installation_id, unit_type_id, 2025, 5, 'LOADED' FROM registry_allocation LIMIT 1"
    ),
    "taking approval back": "UPDATE registry_allocationtable SET state = 'LOADED', approved_by_id = NULL, approved_at = NULL",
    "renaming a table": "UPDATE registry_allocationtable SET name = 'x'",
    "deleting a table": "DELETE FROM registry_allocationtable",
}


@pytest.mark.parametrize("change", CHANGES)
def test_postgresql_alone_refuses_also_the_owner(owner, change):
    made = beijing(operators=("P-1", "P-2", "P-3"))
    loader = official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "loader")
    approve(load_allocation_table(TABLE, jurisdiction=made.home, name="2026.csv", actor=loader, now=NOW))
    with pytest.raises(psycopg.errors.IntegrityError):
        owner.execute(CHANGES[change])


FORGED: dict[str, dict[str, Any]] = {
    "another quantity": {"quantity": 29},
    "another installation": {"acquiring": "P-2"},
    "a table that nobody approved": {"approved": False},
}


@pytest.mark.parametrize("case", FORGED)
def test_postgresql_alone_refuses_a_delivery_that_is_not_its_row(owner, case, monkeypatch):
    """With every check of ours switched off."""
    forged: dict[str, Any] = {"quantity": 30, "acquiring": "P-1", "approved": True} | FORGED[case]
    made = beijing(operators=("P-1", "P-2", "P-3"))
    made.issue(1_000)
    loader = official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "loader")
    table = load_allocation_table(TABLE, jurisdiction=made.home, name="2026.csv", actor=loader, now=NOW)
    if forged["approved"]:
        approve(table)
    row = table.allocations.get(quantity=30)
    order = Proposal(
        "10-40", (made.line("ISS", forged["acquiring"], forged["quantity"], vintage=2026),), allocation=row.pk
    )
    monkeypatch.setattr(checks, "run", lambda context: ())
    with pytest.raises(IntegrityError, match="is not what allocation"):
        propose(order, actor=REGISTRY, now=NOW)
    assert held(made) == {"ISS": 1_000}
    monkeypatch.undo()
    if forged["approved"]:
        propose(_delivery(made, row, "ISS"), actor=REGISTRY, now=NOW)
        assert held(made) == {"ISS": 970, "P-1": 30}


def _delivery(registry: Beijing, row: Allocation, sender: str = "ALL") -> Proposal:
    installation = row.installation.number
    return Proposal(
        "10-40", (registry.line(sender, installation, row.quantity, vintage=row.vintage),), allocation=row.pk
    )
