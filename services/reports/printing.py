"""A report as a PDF: the cover and sheets of the workbook on landscape pages; long sheets are cut, and say so."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal

from services import pdf
from services.exports import value
from services.reports.workbook import Content, Kind, Sheet, SheetColumn, written_day

MOST_ROWS = 300
"""Rows of a sheet that are printed: a list of a hundred thousand promises is for the workbook."""
_COLUMNS = 9
"""Columns that a landscape page holds; wider sheets go on in a second table, the first column repeated."""


def to_pdf(content: Content) -> bytes:
    """The file. It holds no moment of making, so that the same content has the same SHA-256."""
    return pdf.render(
        title=content.title,
        blocks=list(_blocks(content)),
        made_at=datetime.combine(content.as_of, datetime.min.time(), UTC),
        letterhead=[content.lender],
        reference=f"{content.title}, {written_day(content.period_start)} to {written_day(content.as_of)}",
        is_landscape=True,
    )


def _blocks(content: Content) -> Iterator[pdf.Block]:
    yield pdf.Facts(
        [
            ("Period", f"{written_day(content.period_start)} to {written_day(content.as_of)}"),
            ("As of", f"{written_day(content.as_of)}, day-end"),
            ("Currency", content.currency),
        ]
    )
    for sheet in content.sheets:
        yield from _table(sheet, content.currency)
    yield pdf.Heading("Definitions")
    for term, meaning in content.definitions:
        yield pdf.Paragraph(f"{term}: {meaning}", is_small=True)


def _table(sheet: Sheet, currency: str) -> Iterator[pdf.Block]:
    yield pdf.Heading(sheet.name)
    if not sheet.rows:
        yield pdf.Paragraph("Nothing to report.")
        return
    first, rest = sheet.columns[0], sheet.columns[1:]
    for start in range(0, len(rest), _COLUMNS - 1):
        yield _grid([first, *rest[start : start + _COLUMNS - 1]], sheet.rows[:MOST_ROWS], currency)
        yield pdf.Gap()
    if len(sheet.rows) > MOST_ROWS:
        yield pdf.Paragraph(
            f"The first {MOST_ROWS} of {len(sheet.rows):,} rows; the workbook holds all.", is_small=True
        )


def _grid(columns: Sequence[SheetColumn], rows: Sequence[Any], currency: str) -> pdf.Grid:
    return pdf.Grid(
        head=[column.label for column in columns],
        rows=[[_written(value(row, column.name), column.kind, currency) for column in columns] for row in rows],
        widths=[2.0, *(1.0 for _ in columns[1:])],
        right=[place for place, column in enumerate(columns) if column.kind not in {"text", "day"}],
    )


def _written(held: Any, kind: Kind, currency: str) -> str:
    """A cell's text: numbers in groups as those who pay in the currency write them, as spreadsheets of theirs do."""
    if held is None:
        return ""
    if isinstance(held, date):
        return written_day(held)
    if not isinstance(held, (Decimal, int, float)):
        return str(held)
    if kind == "share":
        return f"{held * 100:.1f} %"
    groups = "#,##,##0" if currency == "INR" else "#,##0"
    return str(format_decimal(held, format=groups if kind == "count" else f"{groups}.00", locale="en"))
