"""Bringing a file into its staging table: by COPY of its very bytes, or row by row where COPY would refuse it."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from db.queries.imports import staging as queries
from db.queries.imports.plan import Plan
from services.imports.errors import FileUnreadable
from services.imports.files import Look, chunks, sheet_rows
from services.imports.plainness import Judge, RowsUnclear, blocks, has_stray_quotes
from services.imports.sniffing import LINE_AT_MOST, Dialect

_BUFFER_ROWS = 2_000
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
Reported = Callable[[int], None]


def stage(session: Session, plan: Plan, path: Path, look: Look, *, read: Reported = lambda _: None) -> int:
    """Fill the batch's staging table anew.

    Args:
        session: the transaction.
        plan: the batch.
        path: the file.
        look: what its beginning showed.
        read: told how many bytes of text have been read so far.

    Returns:
        Rows staged.

    Raises:
        FileUnreadable: the file is damaged in a way that its beginning did not show.
    """
    queries.create(session, plan)
    if look.dialect is None:
        rows = queries.copy_rows(session, plan, _written(_numbered(sheet_rows(path)), len(plan.headers)))
    else:
        try:
            with session.begin_nested():
                rows = _stage_as_written(session, plan, path, look.dialect, read)
        except (psycopg.DataError, DBAPIError, RowsUnclear):
            rows = _stage_tolerantly(session, plan, path, look.dialect, read)
    if rows == 0:
        raise FileUnreadable("The file holds a header and no rows. Export it again with its rows.")
    return rows


def _stage_as_written(session: Session, plan: Plan, path: Path, dialect: Dialect, read: Reported) -> int:
    """Hand over the file's very bytes, in as few orders as its plain and other blocks take turns. How many rows.

    Raises:
        psycopg.Error: Postgres refused a row.
    """
    parts = blocks(_told(chunks(path, dialect), read))
    rows = 0
    for is_plain, alike in groupby(_judged(plan, parts, dialect), key=itemgetter(0)):
        told = (block for _, block in alike)
        rows += queries.copy_csv(session, plan, told, separator=dialect.separator, is_plain=is_plain)
    return rows


def _judged(plan: Plan, parts: Iterator[bytes], dialect: Dialect) -> Iterator[tuple[bool, bytes]]:
    """Blocks, and whether they are plain. The next is judged while Postgres reads the one before.

    Raises:
        RowsUnclear: Postgres would read other cells than are meant.
    """
    decimal = str(plan.options.get("decimal", "."))
    judge = Judge(len(plan.headers), plan.plain_types, separator=dialect.separator, decimal=decimal)

    def judged() -> tuple[bool, bytes] | None:
        block = next(parts, None)
        if block is None:
            return None
        if has_stray_quotes(block, dialect.separator):
            raise RowsUnclear
        return judge.is_plain(block), block

    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(judged)
        while (now := coming.result()) is not None:
            coming = ahead.submit(judged)
            yield now


def _told(parts: Iterable[bytes], read: Reported) -> Iterator[bytes]:
    total = 0
    for part in parts:
        total += len(part)
        read(total)
        yield part


def _stage_tolerantly(session: Session, plan: Plan, path: Path, dialect: Dialect, read: Reported) -> int:
    """Read rows one by one; those with the wrong number of cells are kept with that as their fault. How many rows."""
    text = _decoded(_told(chunks(path, dialect), read))
    csv.field_size_limit(LINE_AT_MOST)
    rows = csv.reader(_lines(text), delimiter=dialect.separator)
    return queries.copy_rows(session, plan, _written(_numbered(_readable(rows, len(plan.headers))), len(plan.headers)))


def _decoded(parts: Iterable[bytes]) -> Iterator[str]:
    """Text of the parts. Bytes that are no UTF-8 in a file that began as UTF-8 are read as Windows-1252."""
    import codecs

    codecs.register_error("recoup_cp1252", _as_cp1252)
    decoder = codecs.getincrementaldecoder("utf-8")("recoup_cp1252")
    for part in parts:
        yield decoder.decode(part)
    yield decoder.decode(b"", final=True)


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


def _lines(parts: Iterable[str]) -> Iterator[str]:
    """Lines with their ends, as csv wants them; line ends are LF, CR LF or CR."""
    rest = ""
    for part in parts:
        lines = _LINE.findall(rest + part)
        # a CR at the end of a part may be half of a CR LF
        rest = lines.pop() if lines and not lines[-1].endswith("\n") else ""
        yield from lines
    yield from _LINE.findall(rest)


def _readable(rows: Any, width: int) -> Iterator[list[str]]:
    """Rows of a csv reader. A last row over several lines with the wrong number of cells is a quote left open."""
    number, before, is_whole = 0, 0, True
    try:
        for row in rows:
            is_whole = rows.line_num - before <= 1 or len(row) == width
            before = rows.line_num
            number += 1
            yield row
    except csv.Error as error:
        raise _open_quote(number + 1) from error
    if not is_whole:
        raise _open_quote(number)


def _open_quote(number: int) -> FileUnreadable:
    return FileUnreadable(
        f"From row {number:,} on the file cannot be read: a quote is opened and never closed. "
        "Mend that row, or export the file again."
    )


def _numbered(rows: Iterable[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows under the header with their number in the file; empty rows are passed over."""
    for number, row in enumerate(rows, start=1):
        if number > 1 and any(cell.strip() for cell in row):
            yield number, row


def _written(rows: Iterable[tuple[int, list[str]]], width: int) -> Iterator[bytes]:
    """Rows as CSV for COPY, a few thousand at a time: line, fault, cells beyond the header, cells."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    for count, (number, row) in enumerate(rows, start=1):
        fault = f"cells:{len(row)}" if len(row) != width else ""
        cells = row[:width] + [""] * (width - len(row))
        writer.writerow([number, fault, json.dumps(row[width:]) if len(row) > width else "", *cells])
        if count % _BUFFER_ROWS == 0:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()
