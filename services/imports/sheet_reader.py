"""A program of its own that writes a workbook's rows, or the names of its sheets, to standard output as CSV.

A workbook of a few kilobytes can unfold to terabytes: one cell in the last row and column is enough. The library holds
a sheet whole and ends the process when memory does not suffice, so this is the process that may end, with its memory
bounded. It imports nothing of ours, so that it starts at once; `services.imports.workbooks` runs it.
"""

import csv
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET
from xml.parsers import expat

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
            for row in _told_rows(path, name, sheet):
                writer.writerow([_cell_text(cell) for cell in row])
            break
    except (CalamineError, expat.ExpatError, ET.ParseError):
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


# --- what the library keeps to itself: percentages are numbers to it, errors of formulas blank ------------------------

_PERCENT_FORMATS = {9, 10}
"""Numbers of the formats 0% and 0.00%, which no workbook spells out."""
_ERROR = re.compile(rb"""\st\s*=\s*["']e["']""")
_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.')
"""Parts of a number's format that stand for themselves."""


def _told_rows(path: str, name: str, sheet: Any) -> Iterator[list[Any]]:
    """The rows of a sheet: percentages as text such as 12.5%, errors of formulas as they are shown, such as #REF!."""
    with zipfile.ZipFile(path) as archive:
        part = _part_of(archive, name)
        marks = _marks(archive, part, _percent_styles(archive)) if part else iter(())
        left = (sheet.start or (0, 0))[1]
        mark = next(marks, None)
        for number, row in enumerate(sheet.iter_rows()):
            while mark is not None and mark[0] <= number:
                at = mark[1] - left
                if mark[0] == number and 0 <= at < len(row):
                    row[at] = mark[2] or _percentage(row[at])
                mark = next(marks, None)
            yield row


def _percentage(cell: Any) -> Any:
    if not isinstance(cell, float):
        return cell
    return f"{(Decimal(repr(cell)) * 100).normalize():f}%"


def _part_of(archive: zipfile.ZipFile, name: str) -> str | None:
    """The part of the workbook that holds the sheet, unless it is kept in another way than as XML."""
    if "xl/workbook.xml" not in archive.namelist():
        return None
    book = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - in a process that may end
    links = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    ids = {s.get("name"): value for s in book.findall(".//{*}sheet") for key, value in s.items() if key.endswith("}id")}
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    target = targets.get(ids.get(name), "")
    part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return part if part in archive.namelist() else None


def _percent_styles(archive: zipfile.ZipFile) -> set[str]:
    """The styles of cells that show a number as a percentage, by their position."""
    if "xl/styles.xml" not in archive.namelist():
        return set()
    styles = ET.fromstring(archive.read("xl/styles.xml"))  # noqa: S314 - in a process that may end
    formats = {
        one.get("numFmtId")
        for one in styles.findall(".//{*}numFmt")
        if "%" in _LITERAL.sub("", one.get("formatCode", ""))
    } | {str(number) for number in _PERCENT_FORMATS}
    cells = styles.find("{*}cellXfs")
    return {str(at) for at, one in enumerate(cells if cells is not None else ()) if one.get("numFmtId") in formats}


def _marks(archive: zipfile.ZipFile, part: str, percent_styles: set[str]) -> Iterator[tuple[int, int, str]]:
    """Row, column and text of cells with errors of formulas, and of percentages without a text, in order of rows."""
    if not percent_styles and not _has_errors(archive, part):
        return
    reader = _Marking(percent_styles)
    with archive.open(part) as stream:
        while chunk := stream.read(1 << 18):
            reader.parser.Parse(chunk)
            yield from reader.found
            reader.found.clear()


def _has_errors(archive: zipfile.ZipFile, part: str) -> bool:
    """Whether any cell may hold an error, asked of the bytes: to walk through a sheet takes longer than to read it."""
    with archive.open(part) as stream:
        rest = b""
        while chunk := stream.read(1 << 20):
            if _ERROR.search(rest + chunk):
                return True
            rest = chunk[-8:]
    return False


class _Marking:
    """Walks through a sheet's XML. Rows and cells may say where they are; otherwise each follows the one before."""

    def __init__(self, percent_styles: set[str]) -> None:
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.found: list[tuple[int, int, str]] = []
        self._styles = percent_styles
        self._row, self._column, self._is_value = -1, -1, False
        self._error: str | None = None
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _start(self, tag: str, told: dict[str, str]) -> None:
        name = tag.rpartition("}")[2]
        if name == "c":
            place = told.get("r")
            self._column = _column_of(place) if place else self._column + 1
            self._error = "" if told.get("t") == "e" else None
            if told.get("s") in self._styles and told.get("t", "n") == "n":
                self.found.append((self._row, self._column, ""))
        elif name == "row":
            self._row, self._column = int(told["r"]) - 1 if "r" in told else self._row + 1, -1
        self._is_value = name == "v"

    def _end(self, tag: str) -> None:
        self._is_value = False
        if self._error and tag.rpartition("}")[2] == "c":
            self.found.append((self._row, self._column, self._error))

    def _text(self, part: str) -> None:
        if self._is_value and self._error is not None:
            self._error += part

    def _refuse(self, *_: Any) -> None:
        raise expat.ExpatError("no sheet defines entities")


def _column_of(place: str) -> int:
    """'C7' -> 2."""
    column = 0
    for letter in place.rstrip("0123456789"):
        column = column * 26 + ord(letter) - 64
    return column - 1


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
