"""The commands of compliance, as an administrator types them: files in, an allocation out, and every refusal in words."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts.models import UserRole
from accounts.rules.access import Role
from registry.models import AllocationTable, Holding, Obligation, RecordedEmissions
from tests.accounts import samples
from tests.build import Beijing, beijing
from tests.conftest import Own, begun_in, shared_by_module

DOCUMENT = (settings.BASE_DIR / "docs" / "compliance.md").read_text(encoding="utf-8")


def documented(kind: str) -> str:
    """Return the example of a table that the document shows."""
    found = re.search(rf"<!-- {kind} -->\n```csv\n(.*?)```", DOCUMENT, re.DOTALL)
    assert found
    return found[1]


OBLIGATIONS, EMISSIONS, ALLOCATIONS = map(documented, ("obligations", "emissions", "allocations"))


def staffed() -> Beijing:
    made = beijing(operators=("P-1", "P-2"))
    for name, role in (
        ("authority", Role.COMPLIANCE_AUTHORITY),
        ("junior", Role.JUNIOR_REGISTRY_ADMINISTRATOR),
        ("senior", Role.SENIOR_REGISTRY_ADMINISTRATOR),
    ):
        UserRole.objects.create(user=samples.user(name), role=role, jurisdiction=made.home)
    made.issue(100)
    made.move("ISS", "ALL", 100)
    return made


staffed_database = shared_by_module(staffed)


@pytest.fixture
def registry(staffed_database: Own[Beijing], db: None) -> Beijing:
    return begun_in(staffed_database)


def load(folder: Path, kind: str, content: str, who: str = "authority", jurisdiction: str = "CN-BJ") -> None:
    file = folder / f"{kind}.csv"
    file.write_text(content, encoding="utf-8")
    call_command("load_table", kind, str(file), jurisdiction=jurisdiction, username=who)


def test_the_three_tables_are_loaded_and_the_allocation_delivered(registry, tmp_path, capsys):
    load(tmp_path, "obligations", OBLIGATIONS)
    load(tmp_path, "emissions", EMISSIONS)
    load(tmp_path, "allocations", ALLOCATIONS, "junior")
    table = AllocationTable.objects.get()
    call_command("allocate", "approve", str(table.pk), username="senior")
    call_command("allocate", "run", str(table.pk), username="junior")
    call_command("allocate", "run", str(table.pk), username="junior")
    assert capsys.readouterr().out.splitlines() == [
        "loaded 2 obligations",
        "loaded 2 rows of verified emissions",
        f"loaded allocation table {table.pk}, 2 rows; not approved yet",
        f"approved allocation table {table.pk}",
        "delivered 2 allocations, 80 t CO2e",
        "delivered 0 allocations, 0 t CO2e",
    ]
    assert (Obligation.objects.count(), RecordedEmissions.objects.count()) == (2, 2)
    assert Holding.objects.get(account=registry.accounts["P-2"]).quantity == 50


def test_a_bad_file_is_told_fault_by_fault_and_leaves_nothing(registry, tmp_path):
    with pytest.raises(CommandError) as error:
        load(tmp_path, "emissions", "installation,year,emissions\nP-1,2025,7\nP-9,2025,1.5\n")
    assert str(error.value).count("\n") == 2
    assert f"\n{error.value}\n" in DOCUMENT
    assert not RecordedEmissions.objects.exists()


def test_every_other_refusal_is_one_sentence(registry, tmp_path):
    for who, where, sentence in (
        ("nobody", "CN-BJ", "There is no user nobody"),
        ("authority", "CN-SH", "There is no jurisdiction CN-SH"),
        ("representative", "CN-BJ", "no role that permits this"),
    ):
        with pytest.raises(CommandError, match=sentence):
            load(tmp_path, "emissions", EMISSIONS, who, where)
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("load_table", "emissions", str(tmp_path), jurisdiction="CN-BJ", username="authority")
    with pytest.raises(CommandError, match="no allocation table 77"):
        call_command("allocate", "run", "77", username="junior")


def test_an_authority_of_another_jurisdiction_loads_nothing_here(registry, tmp_path):
    neighbour = samples.user("neighbour")
    UserRole.objects.create(user=neighbour, role=Role.COMPLIANCE_AUTHORITY, jurisdiction=samples.jurisdiction("JP-13"))
    with pytest.raises(CommandError, match="no role that permits this"):
        load(tmp_path, "obligations", OBLIGATIONS, "neighbour")
    assert not Obligation.objects.exists()
