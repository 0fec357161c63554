"""Writes a table as CSV or XLSX, row by row: however long it is, no more than some rows are in memory.

A cell never says anything but its text: what a spreadsheet would take for a formula gets an apostrophe in front.
"""

import csv
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from openpyxl import Workbook

# Excel takes a file for UTF-8, and shows Chinese, Japanese and Korean, only where it begins with this mark.
BYTE_ORDER_MARK = "\ufeff"
ROWS_OF_A_SHEET = 1_000_000
CHUNK_BYTES = 64 * 1024
# A spreadsheet computes what begins so; some drop the tab or line end before it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
# What XML 1.0 has no way to say.
_UNSAYABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

Cell = str | int | None


def safe(cell: Cell) -> Cell:
    """Return a cell that a spreadsheet shows as it stands."""
    if not isinstance(cell, str):
        return cell
    shown = _UNSAYABLE.sub("\ufffd", cell)
    return f"'{shown}" if shown.startswith(_FORMULA) else shown


class _Line:
    """What csv.writer writes to; the last line is kept."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text = text
        return len(text)


def csv_chunks(rows: Iterable[Sequence[Cell]]) -> Iterator[bytes]:
    """Yield the table as CSV (RFC 4180) in UTF-8 with a byte order mark, in chunks."""
    line = _Line()
    writer = csv.writer(line)
    waiting, size = [BYTE_ORDER_MARK], 0
    for row in rows:
        writer.writerow([safe(cell) for cell in row])
        waiting.append(line.text)
        size += len(line.text)
        if size >= CHUNK_BYTES:
            yield "".join(waiting).encode()
            waiting, size = [], 0
    yield "".join(waiting).encode()


def xlsx_file(rows: Iterable[Sequence[Cell]], title: str, columns: Sequence[str]) -> IO[bytes]:
    """Return the table as an open XLSX file, kept on disk and gone when it is closed.

    Every sheet begins with the columns; a further one is begun where a sheet is full.
    """
    book = Workbook(write_only=True)
    for number, row in enumerate(rows):
        if number % ROWS_OF_A_SHEET == 0:
            sheet = book.create_sheet(title if number == 0 else f"{title} {number // ROWS_OF_A_SHEET + 1}")
            sheet.freeze_panes = "A2"
            sheet.append(list(columns))
        sheet.append([safe(cell) for cell in row])
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller reads and closes it
    try:
        book.save(file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file in chunks and close it."""
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
