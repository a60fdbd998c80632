"""Workbooks: the sheet that is read, its rows as text, and the bound on what is read whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

from services.imports.containers import guarded_read, is_workbook, opened_zip, unpacked
from services.imports.errors import FileUnreadable

_WHOLE_BELOW = 1e21
"""Whole numbers up to here are written by their digits, as a sheet shows account numbers of sixteen and more."""
_SHEET_AT_MOST = 120 << 20
"""Unpacked bytes of a workbook: it is read whole, so this bounds memory."""


def sheet_rows(path: Path) -> Iterator[list[str]]:
    """The rows of the sheet that is read, the header first, as text: dates ISO, numbers as typed.

    Blank rows above the header come below it: so all rows keep their numbers.

    Raises:
        FileUnreadable: the workbook is damaged, protected or too large.
    """
    with _open_workbook(path) as book:
        for _, sheet in _sheets_with_rows(book):
            yield from _header_row_first([_cell_text(cell) for cell in row] for row in sheet.iter_rows())
            return


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
    with _open_workbook(path) as book:
        return [name for name, _ in _sheets_with_rows(book)]


@contextmanager
def _open_workbook(path: Path) -> Iterator[Any]:
    from python_calamine import CalamineError, CalamineWorkbook

    with _workbook_file(path) as file:
        _refuse_large_workbook(file)
        try:
            yield CalamineWorkbook.from_path(str(file))
        except CalamineError as error:
            raise FileUnreadable(
                "The workbook cannot be read: it is damaged or protected. Save it again, or as CSV."
            ) from error


def _sheets_with_rows(book: Any) -> Iterator[tuple[str, Any]]:
    """Sheets of cells that hold any; hidden ones, often lists of choices for the others, only where all are hidden."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    tables = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    shown = [sheet for sheet in tables if sheet.visible == SheetVisibleEnum.Visible]
    for listed in shown or tables:
        sheet = book.get_sheet_by_name(listed.name)
        if sheet.height:
            yield listed.name, sheet


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
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".xlsx") as copy:
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
        "The workbook is too large to be read at once. Save the sheet as CSV and upload that: it may have any size."
    )


def _cell_text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell.replace("\x00", "")
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _WHOLE_BELOW else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)
