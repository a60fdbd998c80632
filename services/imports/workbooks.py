"""Workbooks: the sheet that is read, its rows as text, read by a process of its own that may run out of memory."""

import csv
import io
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from services.imports import sheet_reader
from services.imports.containers import guarded_read, is_workbook, opened_zip, unpacked
from services.imports.errors import FileUnreadable
from services.imports.sniffing import LINE_AT_MOST
from settings import settings

_SHEET_AT_MOST = 120 << 20
"""Unpacked bytes of a workbook: it is read whole."""


def sheet_rows(path: Path) -> Iterator[list[str]]:
    """The rows of the sheet that is read, the header first, as text: dates ISO, numbers as typed.

    Blank rows above the header come below it: so all rows keep their numbers.

    Raises:
        FileUnreadable: the workbook is damaged, protected or too large.
    """
    with _workbook_file(path) as file:
        _refuse_large_workbook(file)
        yield from _header_row_first(_read("rows", file))


def _header_row_first(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    above = 0
    for row in rows:
        if any(cell.strip() for cell in row):
            yield row
            break
        above += 1
    yield from ([] for _ in range(above))
    yield from rows


def sheets(path: Path) -> list[str]:
    """The sheets of a workbook that hold rows: the first is read, the others are not. None for other files.

    Raises:
        FileUnreadable: the workbook is damaged, protected or too large.
    """
    if not is_workbook(path):
        return []
    names: list[str] = []
    with _workbook_file(path) as file, suppress(FileUnreadable):  # a sheet that is not read need not be readable
        names.extend(name for (name,) in _read("names", file))
    return names


def _read(what: str, file: Path) -> Iterator[list[str]]:
    """What the reader writes of a workbook; it is ended when enough was seen.

    Raises:
        FileUnreadable: the workbook is damaged, protected or too large.
    """
    command = [sys.executable, "-P", sheet_reader.__file__, what, str(file)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet) as reader:  # noqa: S603 - ours
        assert reader.stdout is not None
        csv.field_size_limit(LINE_AT_MOST)
        try:
            yield from csv.reader(io.TextIOWrapper(reader.stdout, encoding="utf-8", newline=""))
            code = reader.wait()
        except csv.Error as error:
            raise _too_large() from error
        finally:
            reader.kill()
    if code == sheet_reader.DAMAGED:
        raise FileUnreadable("The workbook cannot be read: it is damaged or protected. Save it again, or as CSV.")
    if code:
        raise _too_large()


@contextmanager
def _workbook_file(path: Path) -> Iterator[Path]:
    """The workbook itself, taken out of the archive it may be in."""
    import shutil
    import tempfile

    with path.open("rb") as stream:
        is_plain = stream.read(4) == b"PK\x03\x04"
    if is_plain:
        with opened_zip(path) as archive:
            is_plain = "[Content_Types].xml" in archive.namelist()
    if is_plain:
        yield path
        return
    folder = settings().home / "uploads"  # what operators import may lie where nothing can be written
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".xlsx") as copy:
        with unpacked(path) as stream:
            shutil.copyfileobj(_Bounded(stream, _SHEET_AT_MOST), copy)
        copy.flush()
        yield Path(copy.name)


class _Bounded:
    """A stream that refuses to give more than so many bytes."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._left = stream, limit

    def read(self, size: int = -1) -> bytes:
        part = guarded_read(self._stream, size)
        self._left -= len(part)
        if self._left < 0:
            raise _too_large()
        return part


def _refuse_large_workbook(file: Path) -> None:
    with opened_zip(file) as archive:
        if sum(member.file_size for member in archive.infolist()) > _SHEET_AT_MOST:
            raise _too_large()


def _too_large() -> FileUnreadable:
    return FileUnreadable(
        "The workbook is too large to be read at once, or a cell lies far away from its table. "
        "Save the sheet as CSV and upload that: it may have any size."
    )
