"""Files of rows: every bad one is refused with row, column and reason, and nothing of it is loaded."""

import io
import random
import zipfile
from collections.abc import Callable, Iterator

import pytest
from openpyxl import Workbook

from accounts.refusals import NotPermitted
from accounts.rules.access import Role
from audit.models import Entry
from registry.models import Allocation, AllocationTable, Obligation, RecordedEmissions
from registry.operations.load_allocation_table import load_allocation_table
from registry.operations.load_compliance import load_emissions, load_obligations
from registry.tabular import MOST_FAULTS, MOST_ROWS, FileRefused, read_table
from tests.build import NOW, Beijing, beijing, official
from tests.conftest import Own, begun_in, shared_by_module


def two_operators() -> Beijing:
    return beijing(operators=("P-1", "P-2"))


two_operators_database = shared_by_module(two_operators)


@pytest.fixture
def registry(two_operators_database: Own[Beijing], db: None) -> Beijing:
    return begun_in(two_operators_database)


def xlsx(*rows: tuple[object, ...]) -> bytes:
    book, output = Workbook(), io.BytesIO()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    book.save(output)
    return output.getvalue()


def fault_of(content: bytes, columns: tuple[str, ...] = ("a", "b")) -> tuple[str, int, str]:
    with pytest.raises(FileRefused) as refused:
        read_table(content, columns)
    first = refused.value.faults[0]
    return first.code, first.row, first.column


UNREADABLE = {
    "nothing": (b"", ("empty", 0, "")),
    "only a header": (b"a,b\n", ("empty", 0, "")),
    "another column": (b"a,c\n1,2\n", ("wrong-columns", 1, "")),
    "a column twice": (b"a,b,b\n1,2,3\n", ("wrong-columns", 1, "")),
    "a cell too many": (b"a,b\n1,2\n1,2,3\n", ("wrong-number-of-cells", 3, "")),
    "latin-1": ("a,b\n1,é\n".encode("latin-1"), ("not-utf-8", 2, "")),
    "utf-16": ("a,b\n1,2\n".encode("utf-16"), ("not-utf-8", 1, "")),
    "a NUL": (b"a,b\n1,\x00\n", ("not-text", 2, "")),
    "an open quote": (b'a,b\n1,"2\n', ("not-csv", 2, "")),
    "a broken workbook": (b"PK\x03\x04 and no more", ("not-xlsx", 0, "")),
    "a formula": (xlsx(("a", "b"), (1, "=1+1")), ("formula", 2, "b")),
    "a fraction": (xlsx(("a", "b"), (1, 1.5)), ("not-plain", 2, "b")),
    "a truth value": (xlsx(("a", "b"), (True, 1)), ("not-plain", 2, "a")),
    "a date": (xlsx(("a", "b"), (1, NOW.replace(tzinfo=None))), ("not-plain", 2, "b")),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_file_is_refused_for(case: str) -> None:
    content, fault = UNREADABLE[case]
    assert fault_of(content) == fault


def test_a_file_that_unpacks_to_too_much_is_refused_unread() -> None:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (201 * 1024 * 1024))
    assert fault_of(output.getvalue())[0] == "too-large"


def remade(content: bytes, name: str, change: Callable[[bytes], bytes | None]) -> bytes:
    """Return a workbook with one member changed, or left out."""
    output = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(output, "w") as new:
        for member in old.namelist():
            part = change(old.read(member)) if member == name else old.read(member)
            if part is not None:
                new.writestr(member, part)
    return output.getvalue()


def broken_workbooks() -> Iterator[bytes]:
    """A workbook cut short, with bytes overwritten, and with each of its members missing, empty or broken."""
    whole, chance = xlsx(("a", "b"), (1, "x"), (2, "y")), random.Random(1)
    yield from (whole[:length] for length in range(4, len(whole), 97))
    for _ in range(80):
        spoilt = bytearray(whole)
        for _ in range(3):
            spoilt[chance.randrange(4, len(spoilt))] = chance.randrange(256)
        yield bytes(spoilt)
    for name in zipfile.ZipFile(io.BytesIO(whole)).namelist():
        for instead in (None, b"", b"<x/>"):
            yield remade(whole, name, lambda part, instead=instead: instead)
        for place in range(0, 400, 25):
            yield remade(whole, name, lambda part, place=place: part[:place] + b'<0"' + part[place + 3 :])


def test_a_broken_workbook_is_read_or_refused_and_never_more() -> None:
    refused = 0
    for content in broken_workbooks():
        try:
            read_table(content, ("a", "b"))
        except FileRefused:
            refused += 1
    assert refused > 100


def test_every_cell_at_fault_is_told_by_the_name_of_its_column() -> None:
    with pytest.raises(FileRefused) as refused:
        read_table(xlsx(("a", "b"), (1.5, "=A1"), (1, 2), (True, 3)), ("a", "b"))
    assert [(fault.code, fault.row, fault.column) for fault in refused.value.faults] == [
        ("not-plain", 2, "a"),
        ("formula", 2, "b"),
        ("not-plain", 4, "a"),
    ]


def test_no_more_faults_are_told_than_a_person_reads() -> None:
    with pytest.raises(FileRefused) as refused:
        read_table(b"a,b\n" + b"1\n" * 1_000, ("a", "b"))
    assert len(refused.value.faults) == MOST_FAULTS


def test_a_row_of_a_workbook_may_end_in_empty_cells() -> None:
    rows = read_table(xlsx(("a", "b", None), ("1", None, None), ("2", "x")), ("a", "b"))
    assert [row.cells for row in rows] == [{"a": "1", "b": ""}, {"a": "2", "b": "x"}]
    assert fault_of(xlsx(("a", "b"), (1, 2, 3))) == ("wrong-number-of-cells", 2, "")


CLAIMS = ("A1:XFD1048576", "A1:B2", "A1")


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_sheet_is_read_as_far_as_it_goes_whatever_size_it_claims(claim: str) -> None:
    content, sheet = xlsx(("a", "b"), (1, 2), (3, 4)), "xl/worksheets/sheet1.xml"
    stated, claimed = b'<dimension ref="A1:B3" />', f'<dimension ref="{claim}" />'.encode()
    assert stated in zipfile.ZipFile(io.BytesIO(content)).read(sheet)
    claiming = remade(content, sheet, lambda part: part.replace(stated, claimed))
    assert [row.number for row in read_table(claiming, ("a", "b"))] == [2, 3]
    far = remade(
        claiming, sheet, lambda part: part.replace(b'<row r="3"', b'<row r="900000"').replace(b'3"', b'900000"')
    )
    assert fault_of(far)[0] == "too-many-rows"


def test_what_a_fault_repeats_steers_no_terminal() -> None:
    with pytest.raises(FileRefused) as refused:
        read_table(b"a,\x1b[2J\n1,2\n", ("a", "b"))
    assert refused.value.faults[0].params["found"] == "a, \ufffd[2J"


def test_progress_counts_the_rows() -> None:
    told: list[int] = []
    rows = read_table(b"a,b\n" + b"1,2\n" * 2_500, ("a", "b"), lambda what, rows: told.append(rows))
    assert (len(rows), sum(told), len(told)) == (2_500, 2_501, 3)


def test_too_many_rows_are_refused() -> None:
    assert fault_of(b"a,b\n" + b"1,2\n" * (MOST_ROWS + 1))[0] == "too-many-rows"


@pytest.mark.parametrize(
    "content",
    [b"a,b\n1,x\n\n", b"\xef\xbb\xbfb,a\r\nx,1\r\n", b'"a", b \n" 1 ",x\n', xlsx(("a", "b"), (1, "x"), (None, None))],
)
def test_the_same_rows_are_read_from_any_dress(content: bytes) -> None:
    assert [(row.number, row.cells) for row in read_table(content, ("a", "b"))] == [(2, {"a": "1", "b": "x"})]


EMISSIONS = b"installation,year,emissions\n"
BAD_EMISSIONS = {
    "P-9,2025,1": ("unknown-installation", "installation"),
    "P-1,25,1": ("not-an-integer", "year"),
    "P-1,2025,-1": ("not-an-integer", "emissions"),
    "P-1,2025,1.5": ("not-an-integer", "emissions"),
    "P-1,2025,1e3": ("not-an-integer", "emissions"),
    'P-1,2025,"1,000"': ("not-an-integer", "emissions"),
    "P-1,2025,": ("not-an-integer", "emissions"),
    "P-1,2025,9223372036854775808": ("not-an-integer", "emissions"),
    "P-1,2025,１": ("not-an-integer", "emissions"),
    "P-1,2025,excluded": ("not-an-integer", "emissions"),
    "P-2,2025,7": ("named-twice", "installation"),
}


@pytest.mark.parametrize("line", BAD_EMISSIONS)
def test_one_bad_row_of_emissions_refuses_the_file(registry: Beijing, line: str) -> None:
    content = EMISSIONS + b"P-2,2025,7\n" + line.encode() + b"\n"
    entries = Entry.objects.count()
    with pytest.raises(FileRefused) as refused:
        load_emissions(content, jurisdiction=registry.home, name="e.csv", actor=authority(), now=NOW)
    fault = refused.value.faults[0]
    assert (fault.code, fault.row, fault.column) == (BAD_EMISSIONS[line][0], 3, BAD_EMISSIONS[line][1])
    assert not RecordedEmissions.objects.exists()
    assert Entry.objects.count() == entries


def authority(name: str = "authority"):
    return official(Role.COMPLIANCE_AUTHORITY, name)


def test_every_fault_is_told_at_once(registry: Beijing) -> None:
    with pytest.raises(FileRefused) as refused:
        load_emissions(
            EMISSIONS + b"P-9,2025,1\nP-1,x,y\n", jurisdiction=registry.home, name="e.csv", actor=authority(), now=NOW
        )
    assert [(fault.row, fault.column) for fault in refused.value.faults] == [
        (2, "installation"),
        (3, "year"),
        (3, "emissions"),
    ]


def test_a_correction_keeps_what_it_corrects(registry: Beijing) -> None:
    told = {"jurisdiction": registry.home, "name": "e.csv", "actor": authority(), "now": NOW}
    load_emissions(EMISSIONS + b"P-1,2025,100\nP-2,2025,EXCLUDED\n", **told)
    load_emissions(EMISSIONS + b"P-1,2025,90\nP-2,2025,EXCLUDED\n", **told)
    rows = RecordedEmissions.objects.order_by("id")
    assert [(row.quantity, row.excluded, row.corrects_id) for row in rows] == [
        (100, False, None),
        (None, True, None),
        (90, False, rows[0].pk),
    ]


OBLIGATIONS = b"installation,year,opens_at,due_at,closes_at,eligible_until_vintage\n"
BAD_OBLIGATIONS = {
    "P-1,2025,,2026-10-31T24:00:00+08:00,,2025": ("not-an-instant", "due_at"),
    "P-1,2025,,2026-10-31T12:00:00,,2025": ("not-an-instant", "due_at"),
    "P-1,2025,,,,2025": ("not-an-instant", "due_at"),
    "P-1,2025,2026-11-01T00:00:00Z,2026-10-31T00:00:00Z,,2025": ("wrong-order", "due_at"),
    "P-1,2025,,2026-10-31T00:00:00Z,2026-10-30T00:00:00Z,2025": ("wrong-order", "due_at"),
    "P-1,2025,,2026-10-31T00:00:00Z,,x": ("not-an-integer", "eligible_until_vintage"),
}


@pytest.mark.parametrize("line", BAD_OBLIGATIONS)
def test_one_bad_row_of_obligations_refuses_the_file(registry: Beijing, line: str) -> None:
    with pytest.raises(FileRefused) as refused:
        load_obligations(
            OBLIGATIONS + line.encode(), jurisdiction=registry.home, name="o.csv", actor=authority(), now=NOW
        )
    assert (refused.value.faults[0].code, refused.value.faults[0].column) == BAD_OBLIGATIONS[line]
    assert not Obligation.objects.exists()


def test_obligations_are_recorded_once_and_their_dates_are_not_slipped_in_anew(registry: Beijing) -> None:
    told = {"jurisdiction": registry.home, "name": "o.csv", "actor": authority(), "now": NOW}
    line = b"P-1,2025,2026-03-01T00:00:00+08:00,2026-10-31T23:59:59+08:00,,2025\n"
    load_obligations(OBLIGATIONS + line, **told)
    load_obligations(OBLIGATIONS + line + line.replace(b"P-1", b"P-2"), **told)
    assert Obligation.objects.count() == 2
    assert Obligation.objects.order_by("id")[0].due_at.isoformat() == "2026-10-31T15:59:59+00:00"
    with pytest.raises(FileRefused):
        load_obligations(OBLIGATIONS + line.replace(b"10-31", b"12-31"), **told)


ALLOCATIONS = b"installation,unit_type,vintage,quantity\n"
BAD_ALLOCATIONS = {
    "P-9,BEA,2026,5": ("unknown-installation", "installation"),
    "P-1,KAU,2026,5": ("unknown-unit-type", "unit_type"),
    "P-1,BEA,26,5": ("not-an-integer", "vintage"),
    "P-1,BEA,2026,0": ("not-an-integer", "quantity"),
    "P-2,BEA,2026,6": ("named-twice", "installation"),
}


@pytest.mark.parametrize("line", BAD_ALLOCATIONS)
def test_one_bad_row_of_allocations_refuses_the_file(registry: Beijing, line: str) -> None:
    with pytest.raises(FileRefused) as refused:
        load_allocation_table(
            ALLOCATIONS + b"P-2,BEA,2026,5\n" + line.encode(),
            jurisdiction=registry.home,
            name="a.csv",
            actor=authority(),
            now=NOW,
        )
    assert (refused.value.faults[0].code, refused.value.faults[0].column) == BAD_ALLOCATIONS[line]
    assert not AllocationTable.objects.exists()
    assert not Allocation.objects.exists()


def test_a_file_is_loaded_once(registry: Beijing) -> None:
    told = {"jurisdiction": registry.home, "name": "a.csv", "actor": authority(), "now": NOW}
    load_allocation_table(ALLOCATIONS + b"P-2,BEA,2026,5\n", **told)
    with pytest.raises(FileRefused, match="loaded-before"):
        load_allocation_table(ALLOCATIONS + b"P-2,BEA,2026,5\n", **told)


def test_only_who_may_loads(registry: Beijing) -> None:
    auditor = official(Role.AUDITOR, "auditor")
    for load, content in (
        (load_emissions, EMISSIONS + b"P-1,2025,1\n"),
        (load_obligations, OBLIGATIONS + b"P-1,2025,,2026-10-31T00:00:00Z,,2025\n"),
        (load_allocation_table, ALLOCATIONS + b"P-2,BEA,2026,5\n"),
    ):
        with pytest.raises(NotPermitted):
            load(content, jurisdiction=registry.home, name="x.csv", actor=auditor, now=NOW)
