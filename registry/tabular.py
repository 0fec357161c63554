"""Reads a table of rows from CSV (UTF-8) or XLSX: strict about columns, every cell a text, every fault with its row and column.

A file is read whole before anything is done with it. A cell that a program computed or dressed up (formula, date, 1.5, 1e3) is a
fault, not a guess.
"""

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

MOST_BYTES = 20 * 1024 * 1024
# What an XLSX may unpack to: far more than any honest table, far less than memory.
MOST_UNPACKED_BYTES = 200 * 1024 * 1024
MOST_ROWS = 200_000
MOST_FAULTS = 50
XLSX = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file, at a row (1 is the header; 0: the whole file) and a column. The text is `table.<code>`."""

    code: str
    row: int = 0
    column: str = ""
    params: Mapping[str, str | int] = field(default_factory=dict)


class FileRefused(Exception):
    """A file has faults and nothing of it was loaded; at most `MOST_FAULTS` are told."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults, first: {faults[0]}")
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number in the file and the text of each column."""

    number: int
    cells: Mapping[str, str]


def read_table(content: bytes, columns: Sequence[str]) -> list[Row]:
    """Return the rows below a header that names exactly these columns, in any order.

    Raises: FileRefused.
    """
    if len(content) > MOST_BYTES:
        raise FileRefused([Fault("too-large", params={"most": MOST_BYTES})])
    lines = _xlsx(content) if content.startswith(XLSX) else _csv(content)
    header = next(lines, None)
    if header is None:
        raise FileRefused([Fault("empty")])
    names = [name.strip() for name in header]
    if sorted(names) != sorted(columns):
        raise FileRefused([Fault("wrong-columns", 1, params={"wanted": ", ".join(columns), "found": ", ".join(names)})])
    rows: list[Row] = []
    faults: list[Fault] = []
    for number, cells in enumerate(lines, start=2):
        if number > MOST_ROWS + 1:
            raise FileRefused([Fault("too-many-rows", number, params={"most": MOST_ROWS})])
        if not any(cells):
            continue
        if len(cells) != len(names):
            faults.append(Fault("wrong-number-of-cells", number, params={"wanted": len(names), "found": len(cells)}))
        else:
            rows.append(Row(number, dict(zip(names, (cell.strip() for cell in cells), strict=True))))
        if len(faults) >= MOST_FAULTS:
            break
    if faults:
        raise FileRefused(faults)
    if not rows:
        raise FileRefused([Fault("empty")])
    return rows


def integer(text: str, least: int, most: int) -> int | None:
    """Return the integer that a cell writes in plain digits, or None for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or (len(text) > 1 and text[0] == "0"):
        return None
    value = int(text)
    return value if least <= value <= most else None


def _csv(content: bytes) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content[: error.start].count(b"\n") + 1
        raise FileRefused([Fault("not-utf-8", row)]) from None
    if "\0" in text:
        raise FileRefused([Fault("not-text", text[: text.index("\0")].count("\n") + 1)])
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from reader
    except csv.Error:
        raise FileRefused([Fault("not-csv", reader.line_num)]) from None


def _xlsx(content: bytes) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > MOST_UNPACKED_BYTES:
                raise FileRefused([Fault("too-large", params={"most": MOST_UNPACKED_BYTES})])
        book = load_workbook(io.BytesIO(content), read_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, OSError):
        raise FileRefused([Fault("not-xlsx")]) from None
    try:
        for number, row in enumerate(book.worksheets[0].iter_rows(values_only=True), start=1):
            yield [_cell(value, number, place) for place, value in enumerate(row)]
    finally:
        book.close()


def _cell(value: object, number: int, place: int) -> str:
    """The text of a cell. Only texts and integers are told; what else a program made of them is a fault."""
    if value is None:
        return ""
    if isinstance(value, str):
        if value.startswith("="):
            raise FileRefused([Fault("formula", number, f"{place + 1}")])
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        # A spreadsheet keeps every number as a float; a whole one is the integer that was typed.
        return str(int(value))
    raise FileRefused([Fault("not-plain", number, f"{place + 1}")])
