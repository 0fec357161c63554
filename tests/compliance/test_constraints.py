"""PostgreSQL keeps the records of compliance by itself, from the tables' owner too; a role may do no more than it needs."""

from collections.abc import Callable

import psycopg
import pytest

from accounts.rules.access import Role
from registry.models import Allocation, AllocationTable, Obligation, RecordedEmissions, StatusSnapshot
from registry.operations.load_allocation_table import approve_allocation_table, load_allocation_table
from registry.operations.load_compliance import load_emissions
from registry.operations.run_due import run_due
from tests.accounts import samples
from tests.build import DUE, NOW, REGISTRY, Beijing, beijing, official

HEADER = b"installation,unit_type,vintage,quantity\n"
TABLES = (
    "registry_obligation",
    "registry_allocationtable",
    "registry_allocation",
    "registry_recordedemissions",
    "registry_statussnapshot",
)
CORRECTION = (
    "INSERT INTO registry_recordedemissions (installation_id, year, quantity, excluded, corrects_id, source, recorded_at)"
    " SELECT installation_id, {year}, {quantity}, {excluded}, {corrects}, 'sql', {at} FROM registry_recordedemissions"
    " WHERE corrects_id IS NULL LIMIT 1"
)


def correction(
    year: str = "year",
    quantity: str = "7",
    excluded: str = "false",
    corrects: str = "id",
    at: str = "recorded_at",
) -> str:
    return CORRECTION.format(year=year, quantity=quantity, excluded=excluded, corrects=corrects, at=at)


REFUSED = {
    "rewriting emissions": "UPDATE registry_recordedemissions SET quantity = 1",
    "deleting emissions": "DELETE FROM registry_recordedemissions",
    "a second first record of a year": correction(corrects="NULL"),
    "emissions below zero": correction(quantity="-1"),
    "emissions and an exclusion": correction(excluded="true"),
    "neither emissions nor an exclusion": correction(quantity="NULL"),
    "a correction of another year's record": correction(year="year + 1"),
    "a correction known before what it corrects": correction(at="recorded_at - interval '1 s'"),
    "deleting an obligation": "DELETE FROM registry_obligation",
    "an obligation of another year": "UPDATE registry_obligation SET year = year + 1",
    "a second obligation of a year": (
        "INSERT INTO registry_obligation (jurisdiction_id, installation_id, year, due_at, eligible_until_vintage)"
        " SELECT jurisdiction_id, installation_id, year, due_at, 2026 FROM registry_obligation"
    ),
    "an obligation in a jurisdiction not its installation's": (
        "UPDATE registry_obligation SET jurisdiction_id = (SELECT id FROM accounts_jurisdiction WHERE code = 'JP-13')"
    ),
    "an obligation that opens after it is due": "UPDATE registry_obligation SET opens_at = due_at + interval '1 s'",
    "moving a deadline that has passed": "UPDATE registry_obligation SET due_at = due_at + interval '1 s'",
    "rewriting a status": "UPDATE registry_statussnapshot SET status = 'A'",
    "deleting a status": "DELETE FROM registry_statussnapshot",
    "a second status of a year": (
        "INSERT INTO registry_statussnapshot"
        " (installation_id, year, status, emissions, surrendered, determined_at, recorded_at)"
        " SELECT installation_id, year, 'A', 0, 0, determined_at, recorded_at FROM registry_statussnapshot"
    ),
    "a row that is ready in a table nobody approved": "UPDATE registry_allocation SET state = 'READY'",
    "a row of nothing": (
        "INSERT INTO registry_allocation (table_id, installation_id, unit_type_id, vintage, quantity, state)"
        " SELECT table_id, installation_id, unit_type_id, 2030, 0, 'LOADED' FROM registry_allocation"
    ),
    "a table that begins approved": (
        "INSERT INTO registry_allocationtable"
        " (jurisdiction_id, name, sha256, state, loaded_by_id, loaded_at, approved_by_id, approved_at)"
        " SELECT jurisdiction_id, name, 'x', 'APPROVED', loaded_by_id, loaded_at,"
        " (SELECT max(id) FROM accounts_user), loaded_at FROM registry_allocationtable"
    ),
    **{f"emptying {name}": f"TRUNCATE {name} CASCADE" for name in TABLES},
}
ALLOWED = {
    "a correction": correction(),
    "a correction by an exclusion": correction(quantity="NULL", excluded="true"),
    "a later closing": "UPDATE registry_obligation SET closes_at = due_at + interval '1 s'",
    "withholding a row": "UPDATE registry_allocation SET state = 'WITHHELD'",
}


def recorded() -> Beijing:
    """An obligation, emissions, a status and a table that nobody approved."""
    made = beijing(operators=("P-1",))
    made.obligation("P-1", 2025)
    authority = official(Role.COMPLIANCE_AUTHORITY, "authority")
    told = {"jurisdiction": made.home, "name": "x.csv", "actor": authority, "now": NOW}
    load_emissions(b"installation,year,emissions\nP-1,2025,7\n", **told)
    load_allocation_table(HEADER + b"P-1,BEA,2026,5\n", **told)
    samples.jurisdiction("JP-13")
    run_due(actor=REGISTRY, now=DUE)
    return made


@pytest.fixture
def world() -> Callable[[], Beijing]:
    return recorded


@pytest.fixture
def records(begun: Beijing) -> Beijing:
    """The records, in commits of their own."""
    return begun


@pytest.mark.parametrize("case", REFUSED)
def test_the_owner_too_is_refused(records, owner, case):
    with pytest.raises(psycopg.errors.IntegrityError):
        owner.execute(REFUSED[case])


@pytest.mark.parametrize("case", ALLOWED)
def test_what_may_happen_happens(records, owner, case):
    assert owner.execute(ALLOWED[case]).rowcount == 1


@pytest.mark.parametrize("name", TABLES)
def test_the_application_deletes_nothing_and_the_auditor_only_reads(records, as_application_role, as_auditor, name):
    assert as_auditor.execute(f"SELECT count(*) FROM {name}").fetchone() == (1,)
    for role, statement in (
        (as_application_role, f"DELETE FROM {name}"),
        (as_application_role, f"TRUNCATE {name} CASCADE"),
        (as_application_role, f"UPDATE {name} SET id = id"),
        (as_auditor, f"DELETE FROM {name}"),
        (as_auditor, f"UPDATE {name} SET id = id"),
        (as_auditor, f"INSERT INTO {name} SELECT * FROM {name}"),
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute(statement)


def test_two_tables_never_grant_the_same_even_where_the_operation_does_not_ask(records, owner, monkeypatch):
    senior = official(Role.SENIOR_REGISTRY_ADMINISTRATOR, "senior")
    approve_allocation_table(table=AllocationTable.objects.get(), actor=senior, now=NOW)
    junior = official(Role.JUNIOR_REGISTRY_ADMINISTRATOR, "junior")
    second = load_allocation_table(
        HEADER + b"P-1,BEA,2026,6\n", jurisdiction=records.home, name="again.csv", actor=junior, now=NOW
    )
    approval = (
        "UPDATE registry_allocationtable SET state = 'APPROVED', approved_by_id = %s, approved_at = now() WHERE id = %s"
    )
    with pytest.raises(psycopg.errors.UniqueViolation, match="allocation_is_granted_once"):
        owner.execute(approval, (senior.user_id, second.pk))
    owner.execute("UPDATE registry_allocation SET state = 'WITHHELD' WHERE quantity = 5")
    owner.execute(approval, (senior.user_id, second.pk))
    assert Allocation.objects.get(quantity=6).state == "READY"
    with pytest.raises(psycopg.errors.UniqueViolation, match="allocation_is_granted_once"):
        owner.execute("UPDATE registry_allocation SET state = 'READY' WHERE quantity = 5")


def test_every_record_has_a_status_to_compare(records):
    """The negative control of the table above: there is something of everything to attack."""
    models = (Obligation, AllocationTable, Allocation, RecordedEmissions, StatusSnapshot)
    assert [model.objects.count() for model in models] == [1] * len(models)
    assert StatusSnapshot.objects.get().status == "C"  # 2024, its first year, is missing
