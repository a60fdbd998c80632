"""A report as an XLSX file: a cover sheet with period and definitions, then its sheets. Same content, same bytes."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal

from services.exports import XLSX_ROWS_AT_MOST, value

Kind = Literal["text", "count", "money", "share", "day", "ratio"]
_FORMATS = {"count": "#,##0", "money": "#,##0.00", "share": "0.0%", "day": "d mmm yyyy", "ratio": "0.00"}


@dataclass(frozen=True, slots=True)
class SheetColumn:
    """A column: the row's field, the header, and how it is written."""

    name: str
    label: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of a report."""

    name: str
    columns: tuple[SheetColumn, ...]
    rows: Sequence[Any]
    """Mappings or objects."""


@dataclass(frozen=True, slots=True)
class Content:
    """All that a report says."""

    title: str
    lender: str
    currency: str
    period_start: date
    as_of: date
    definitions: tuple[tuple[str, str], ...]
    sheets: tuple[Sheet, ...]


def to_xlsx(content: Content) -> bytes:
    """The file. It holds no moment of making, so that the same content has the same SHA-256."""
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_numbers": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        made = datetime.combine(content.as_of, datetime.min.time())
        book.set_properties({"title": content.title, "author": content.lender, "created": made})
        formats = {kind: book.add_format({"num_format": pattern}) for kind, pattern in _FORMATS.items()}
        formats["bold"] = book.add_format({"bold": True})
        formats["title"] = book.add_format({"bold": True, "font_size": 16})
        formats["wrap"] = book.add_format({"text_wrap": True, "valign": "top"})
        _cover(book.add_worksheet("Cover"), content, formats)
        for sheet in content.sheets:
            _sheet(book.add_worksheet(sheet.name[:31]), sheet, formats)
    return buffer.getvalue()


def _cover(page: Any, content: Content, formats: dict[str, Any]) -> None:
    page.set_column(0, 0, 24)
    page.set_column(1, 1, 100)
    page.write_string(0, 0, content.title, formats["title"])
    facts = (
        ("Lender", content.lender),
        ("Period", f"{written_day(content.period_start)} to {written_day(content.as_of)}"),
        ("As of", f"{written_day(content.as_of)}, day-end"),
        ("Currency", content.currency),
    )
    for line, (name, said) in enumerate(facts, start=2):
        page.write_string(line, 0, name, formats["bold"])
        page.write_string(line, 1, said)
    first = 3 + len(facts)
    page.write_string(first, 0, "Definitions", formats["bold"])
    for line, (term, meaning) in enumerate(content.definitions, start=first + 1):
        page.write_string(line, 0, term, formats["wrap"])
        page.write_string(line, 1, meaning, formats["wrap"])


def _sheet(page: Any, sheet: Sheet, formats: dict[str, Any]) -> None:
    page.freeze_panes(1, 1)
    for position, column in enumerate(sheet.columns):
        page.set_column(position, position, max(len(column.label) + 3, 24 if position == 0 else 12))
        page.write_string(0, position, column.label, formats["bold"])
    for line, row in enumerate(sheet.rows[:XLSX_ROWS_AT_MOST], start=1):
        for position, column in enumerate(sheet.columns):
            _cell(page, line, position, value(row, column.name), formats.get(column.kind))
    page.autofilter(0, 0, max(len(sheet.rows), 1), len(sheet.columns) - 1)


def _cell(page: Any, line: int, position: int, held: Any, shown_as: Any) -> None:
    if held is None:
        return
    if isinstance(held, date):
        page.write_datetime(line, position, datetime.combine(held, datetime.min.time()), shown_as)
    elif isinstance(held, (Decimal, int, float)):
        page.write_number(line, position, held, shown_as)
    else:
        page.write_string(line, position, str(held))


def written_day(on: date) -> str:
    """'14 Nov 2026'."""
    return f"{on.day} {on:%b %Y}"
