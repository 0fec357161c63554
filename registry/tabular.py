"""Reads a table of rows from CSV (UTF-8) or XLSX: strict about columns, every cell a text, every fault with its row and column.

A file is read whole before anything is done with it. A cell that a program computed or dressed up (formula, date, 1.5, 1e3) is a
fault, not a guess. Of a workbook the first sheet is read.
"""

import csv
import io
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

from openpyxl import load_workbook

MOST_BYTES = 20 * 1024 * 1024
# What an XLSX may unpack to: more than any honest table of MOST_ROWS, far less than memory.
MOST_UNPACKED_BYTES = 100 * 1024 * 1024
MOST_ROWS = 200_000
# A sheet may claim 16,384 columns; what stands right of these cannot belong to a table of ours.
MOST_COLUMNS = 100
MOST_FAULTS = 50
XLSX = b"PK\x03\x04"
PROGRESS_EVERY = 1_000

# Told what is being done ("rows read", "rows written") and how much more of it is.
Progress = Callable[[str, int], object]


def untold(what: str, rows: int) -> None:
    """Tell nobody of progress."""


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


@dataclass(frozen=True, slots=True)
class _Dressed:
    """A cell that holds neither a text nor an integer, and the code of the fault."""

    code: str


_Cell = str | _Dressed


def read_table(content: bytes, columns: Sequence[str], progress: Progress = untold) -> list[Row]:
    """Return the rows below a header that names exactly these columns, in any order. Empty rows are skipped.

    `progress` is told now and then how many more rows were read. Raises: FileRefused.
    """
    if len(content) > MOST_BYTES:
        raise FileRefused([Fault("too-large", params={"most": MOST_BYTES})])
    lines = _xlsx(content) if content.startswith(XLSX) else _csv(content)
    header = next(lines, None)
    if header is None:
        raise FileRefused([Fault("empty")])
    names = [cell.strip() if isinstance(cell, str) else "" for cell in header]
    if sorted(names) != sorted(columns):
        found = ", ".join(shown(name, 40) for name in names[:20])
        raise FileRefused([Fault("wrong-columns", 1, params={"wanted": ", ".join(columns), "found": found})])
    rows: list[Row] = []
    faults: list[Fault] = []
    number = 1
    for number, cells in enumerate(lines, start=2):
        if number > MOST_ROWS + 1:
            raise FileRefused([Fault("too-many-rows", number, params={"most": MOST_ROWS})])
        if any(cells):
            _take(cells, number, names, rows, faults)
        if len(faults) >= MOST_FAULTS:
            break
        if number % PROGRESS_EVERY == 0:
            progress("rows read", PROGRESS_EVERY)
    if faults:
        raise FileRefused(faults[:MOST_FAULTS])
    if not rows:
        raise FileRefused([Fault("empty")])
    progress("rows read", number % PROGRESS_EVERY)
    return rows


def integer(text: str, least: int, most: int) -> int | None:
    """Return the integer that a cell writes in plain digits, or None for anything else."""
    if not text.isascii() or not text.isdigit() or len(text) > 18 or (len(text) > 1 and text[0] == "0"):
        return None
    value = int(text)
    return value if least <= value <= most else None


def shown(text: str, most: int = 100) -> str:
    """Return what a file says as a fault may repeat it: shortened, and nothing in it that steers a terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text[:most])


def _take(cells: Sequence[_Cell], number: int, names: Sequence[str], rows: list[Row], faults: list[Fault]) -> None:
    """Add one row to the rows, or what is wrong with it to the faults."""
    if len(cells) != len(names):
        faults.append(Fault("wrong-number-of-cells", number, params={"wanted": len(names), "found": len(cells)}))
        return
    texts: dict[str, str] = {}
    for name, cell in zip(names, cells, strict=True):
        if isinstance(cell, str):
            texts[name] = cell.strip()
        else:
            faults.append(Fault(cell.code, number, name))
    if len(texts) == len(names):
        rows.append(Row(number, texts))


def _csv(content: bytes) -> Iterator[Sequence[_Cell]]:
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


def _xlsx(content: bytes) -> Iterator[Sequence[_Cell]]:
    """Yield the rows of the first sheet, those below the header as long as it is."""
    width = 0
    for values in _sheet(content):
        cells = [_cell(value) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        # A sheet does not keep empty cells at a row's end, so a short row only leaves its last columns empty.
        width = width or len(cells)
        yield cells + [""] * (width - len(cells))


def _sheet(content: bytes) -> Iterator[Sequence[object]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            # An archive member never unpacks to more than it declares: zipfile stops there.
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > MOST_UNPACKED_BYTES:
            raise FileRefused([Fault("too-large", params={"most": MOST_UNPACKED_BYTES})])
        with _silence():
            book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        try:
            sheet = book.worksheets[0]
            # The size that a sheet claims may be wrong; rows beyond it would be dropped without a word.
            sheet.reset_dimensions()
            rows = sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS)
            while batch := _quietly_taken(rows):
                yield from batch
        finally:
            book.close()
    except FileRefused:
        raise
    except Exception:
        # Zip, inflate, XML and the reader fail on broken files each in its own way, with no class in common; that the file
        # cannot be read is all there is to say.
        raise FileRefused([Fault("not-xlsx")]) from None


def _quietly_taken(rows: Iterator[Sequence[object]]) -> list[Sequence[object]]:
    with _silence():
        return list(islice(rows, PROGRESS_EVERY))


@contextmanager
def _silence() -> Iterator[None]:
    """The reader warns of dress (styles, validations, conditional formats) that it leaves out; so do we."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _cell(value: object) -> _Cell:
    """The text of a cell. Only texts and integers are told; what else a program made of them is a fault."""
    if value is None:
        return ""
    if isinstance(value, str):
        return _Dressed("formula") if value.startswith("=") else value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        # A spreadsheet keeps every number as a float; a whole one is the integer that was typed.
        return str(int(value))
    return _Dressed("not-plain")
