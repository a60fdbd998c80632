"""Rows as CSV and XLSX files that are safe to open: text that a spreadsheet would run as a formula is escaped."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

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
    kind: Literal["", "share"] = ""
    """A share of 1 is shown in percent by spreadsheets; other kinds follow from the values."""


def escaped(text: str) -> str:
    """Text with an apostrophe before it when a spreadsheet would take it for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_STARTS_FORMULA) else text


def columns_of(rows: Sequence[Any]) -> tuple[Field, ...]:
    """Every field of the first row, under its own name; none when there is no row."""
    if not rows:
        return ()
    first = rows[0]
    names = [field.name for field in fields(first)] if is_dataclass(first) else [str(name) for name in first]
    return tuple(
        Field(name, name.replace("_", " ").capitalize(), "share" if "share" in name.split("_") else "")
        for name in names
    )


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


def to_xlsx(
    rows: Sequence[Any], columns: Sequence[Field] | None = None, *, sheet: str = "Export", zone: tzinfo = UTC
) -> bytes:
    """The rows as one sheet with typed cells, a frozen header and a filter.

    Args:
        rows: dataclasses or mappings, no more than `XLSX_ROWS_AT_MOST`.
        columns: what to write, in order; None: every field.
        sheet: name of the sheet, at most 31 characters.
        zone: where moments are told; the header names it, since a cell cannot.
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
        page.write_row(0, 0, [_header(column, rows, zone) for column in chosen], book.add_format({"bold": True}))
        formats = _Formats(
            zone=zone,
            money=book.add_format({"num_format": "#,##0.00"}),
            share=book.add_format({"num_format": "0.0 %"}),
            day=book.add_format({"num_format": "d mmm yyyy"}),
            moment=book.add_format({"num_format": "d mmm yyyy hh:mm"}),
        )
        for line, row in enumerate(rows[:XLSX_ROWS_AT_MOST], start=1):
            for position, column in enumerate(chosen):
                _write_cell(page, (line, position), value(row, column.name), formats, is_share=column.kind == "share")
        page.autofilter(0, 0, max(len(rows), 1), max(len(chosen) - 1, 0))
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Formats:
    zone: tzinfo
    money: Any
    share: Any
    day: Any
    moment: Any


def _header(column: Field, rows: Sequence[Any], zone: tzinfo) -> str:
    first = next((held for row in rows if (held := value(row, column.name)) is not None), None)
    return escaped(f"{column.label} ({zone})" if isinstance(first, datetime) else column.label)


def _write_cell(page: Any, place: tuple[int, int], held: Any, formats: _Formats, *, is_share: bool) -> None:
    line, position = place
    if held is None:
        return
    if is_share and isinstance(held, (Decimal, float)):
        page.write_number(line, position, held, formats.share)
    elif isinstance(held, Decimal):
        page.write_number(line, position, held, formats.money if held == round(held, 2) else None)
    elif isinstance(held, bool):
        page.write_boolean(line, position, held)
    elif isinstance(held, (int, float)) and not isinstance(held, Enum):
        page.write_number(line, position, held)
    elif isinstance(held, datetime):  # a spreadsheet knows no time zones: the header names it
        there = held.astimezone(formats.zone) if held.tzinfo is not None else held
        page.write_datetime(line, position, there.replace(tzinfo=None), formats.moment)
    elif isinstance(held, date):
        page.write_datetime(line, position, datetime(held.year, held.month, held.day), formats.day)  # noqa: DTZ001
    else:
        page.write_string(line, position, _as_text(held))


def value(row: Any, name: str) -> Any:
    """A field of a row that is a mapping or an object."""
    return row[name] if isinstance(row, Mapping) else getattr(row, name)


_DECIMALS_AT_MOST = 6


def _plain(number: Decimal) -> str:
    """Without an exponent, and without the decimals of a division that nobody measured."""
    exponent = number.as_tuple().exponent
    is_long = isinstance(exponent, int) and exponent < -_DECIMALS_AT_MOST
    return f"{round(number, _DECIMALS_AT_MOST) if is_long else number:f}"


def _as_text(held: Any) -> str:
    """A cell's text: numbers bare, dates ISO, text escaped."""
    if held is None:
        return ""
    if isinstance(held, Enum):
        return escaped(str(held.value))
    if isinstance(held, Decimal):
        return _plain(held)
    if isinstance(held, (bool, int, float)):
        return str(held)
    if isinstance(held, (date, datetime)):
        return held.isoformat()
    if isinstance(held, (list, tuple, set, frozenset)):
        return escaped(", ".join(str(part) for part in held))
    return escaped(str(held))
