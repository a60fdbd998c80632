"""Rows as CSV and XLSX files that are safe to open: text that a spreadsheet would run as a formula is escaped."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSX_ROWS_AT_MOST = 1_048_575
"""Rows under the header that one sheet holds."""

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Field:
    """A column of an export: the attribute or key to read, and the header to write."""

    name: str
    label: str


def escaped(text: str) -> str:
    """Text with an apostrophe before it when a spreadsheet would take it for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_STARTS_FORMULA) else text


def columns_of(rows: Sequence[Any]) -> tuple[Field, ...]:
    """Every field of the first row, under its own name; none when there is no row."""
    if not rows:
        return ()
    first = rows[0]
    names = [field.name for field in fields(first)] if is_dataclass(first) else [str(name) for name in first]
    return tuple(Field(name, name.replace("_", " ").capitalize()) for name in names)


def to_csv(rows: Sequence[Any], columns: Sequence[Field] | None = None) -> bytes:
    """The rows as CSV in UTF-8 with a byte-order mark, so that spreadsheets read ₹ right.

    Args:
        rows: dataclasses or mappings.
        columns: what to write, in order; None: every field.
    """
    chosen = columns or columns_of(rows)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([escaped(column.label) for column in chosen])
    for row in rows:
        writer.writerow([_as_text(value(row, column.name)) for column in chosen])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def to_xlsx(rows: Sequence[Any], columns: Sequence[Field] | None = None, *, sheet: str = "Export") -> bytes:
    """The rows as one sheet with typed cells, a frozen header and a filter.

    Args:
        rows: dataclasses or mappings, no more than `XLSX_ROWS_AT_MOST`.
        columns: what to write, in order; None: every field.
        sheet: name of the sheet, at most 31 characters.
    """
    import xlsxwriter

    chosen = columns or columns_of(rows)
    buffer = io.BytesIO()
    # constant_memory writes row by row; strings are never read as formulas, numbers or links
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
    }
    with xlsxwriter.Workbook(buffer, options) as book:
        page = book.add_worksheet(sheet[:31])
        page.freeze_panes(1, 0)
        page.write_row(0, 0, [escaped(column.label) for column in chosen], book.add_format({"bold": True}))
        formats = _Formats(
            money=book.add_format({"num_format": "#,##0.00"}),
            day=book.add_format({"num_format": "d mmm yyyy"}),
            moment=book.add_format({"num_format": "d mmm yyyy hh:mm"}),
        )
        for line, row in enumerate(rows[:XLSX_ROWS_AT_MOST], start=1):
            for position, column in enumerate(chosen):
                _write_cell(page, line, position, value(row, column.name), formats)
        page.autofilter(0, 0, max(len(rows), 1), max(len(chosen) - 1, 0))
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Formats:
    money: Any
    day: Any
    moment: Any


def _write_cell(page: Any, line: int, position: int, held: Any, formats: _Formats) -> None:
    if held is None:
        return
    if isinstance(held, Decimal):
        page.write_number(line, position, held, formats.money)
    elif isinstance(held, bool):
        page.write_boolean(line, position, held)
    elif isinstance(held, (int, float)) and not isinstance(held, Enum):
        page.write_number(line, position, held)
    elif isinstance(held, datetime):  # a spreadsheet knows no time zones: the header or the user does
        page.write_datetime(line, position, held.replace(tzinfo=None), formats.moment)
    elif isinstance(held, date):
        page.write_datetime(line, position, datetime(held.year, held.month, held.day), formats.day)  # noqa: DTZ001
    else:
        page.write_string(line, position, _as_text(held))


def value(row: Any, name: str) -> Any:
    """A field of a row that is a mapping or an object."""
    return row[name] if isinstance(row, Mapping) else getattr(row, name)


def _as_text(held: Any) -> str:
    """A cell's text: numbers bare, dates ISO, text escaped."""
    if held is None:
        return ""
    if isinstance(held, Enum):
        return escaped(str(held.value))
    if isinstance(held, (bool, int, float, Decimal)):
        return str(held)
    if isinstance(held, (date, datetime)):
        return held.isoformat()
    if isinstance(held, (list, tuple, set, frozenset)):
        return escaped(", ".join(str(part) for part in held))
    return escaped(str(held))
