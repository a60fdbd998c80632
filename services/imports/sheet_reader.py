"""A program of its own that writes a workbook's rows, or the names of its sheets, to standard output as CSV.

A workbook of a few kilobytes can unfold to terabytes: one cell in the last row and column is enough. The library holds
a sheet whole and ends the process when memory does not suffice, so this is the process that may end, with its memory
bounded. It imports nothing of ours, so that it starts at once; `services.imports.workbooks` runs it.
"""

import csv
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any

DAMAGED = 3
"""Exit code: the workbook cannot be read. Any other than 0 means that memory did not suffice."""
MEMORY_AT_MOST = 1 << 30
_WHOLE_BELOW = 1e21
"""Whole numbers up to here are written by their digits, as a sheet shows account numbers of sixteen and more."""


def main(what: str, path: str) -> int:
    """Write the rows of the sheet that is read, or the names of all sheets with rows; the exit code."""
    from python_calamine import CalamineError, CalamineWorkbook

    _bound_memory()
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    writer = csv.writer(sys.stdout)
    try:
        for name, sheet in _sheets_with_rows(CalamineWorkbook.from_path(path)):
            if what == "names":
                writer.writerow([name])
                sys.stdout.flush()
                continue
            for row in sheet.iter_rows():
                writer.writerow([_cell_text(cell) for cell in row])
            break
    except CalamineError:
        return DAMAGED
    except (BrokenPipeError, MemoryError):
        raise
    except BaseException:  # noqa: BLE001 - the library also panics over what it does not expect
        return DAMAGED
    return 0


def _bound_memory() -> None:
    import resource

    with suppress(ValueError, OSError):  # some systems know no such bound
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_AT_MOST, MEMORY_AT_MOST))


def _sheets_with_rows(book: Any) -> Iterator[tuple[str, Any]]:
    """Sheets of cells that hold any; hidden ones, often lists of choices for the others, only where all are hidden."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    tables = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    shown = [sheet for sheet in tables if sheet.visible == SheetVisibleEnum.Visible]
    for listed in shown or tables:
        sheet = book.get_sheet_by_name(listed.name)
        if sheet.height:
            yield listed.name, sheet


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
    return str(cell)


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # who reads has seen enough
        code = main(*sys.argv[1:])
        sys.stdout.flush()
        sys.exit(code)
