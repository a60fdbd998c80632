"""Opening what was uploaded: CSV and XLSX, plain, gzipped or zipped, as a stream of bounded size."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.imports.containers import guarded_read, is_workbook, read_fully, refuse_bomb, unpacked
from services.imports.errors import FileUnreadable
from services.imports.sniffing import (
    LINE_AT_MOST,
    SAMPLE_BYTES,
    Dialect,
    dialect_of,
    first_rows,
    headers_of,
    lines_in,
    nul_found,
)
from services.imports.workbooks import sheet_rows, sheets

CHUNK = 1 << 18
SAMPLE_ROWS = 500


@dataclass(frozen=True, slots=True)
class Look:
    """What the beginning of a file shows."""

    headers: list[str]
    samples: list[list[str]]
    """First rows under the header."""
    dialect: Dialect | None
    """None: a workbook."""


def look(path: Path) -> Look:
    """Read the header and the first rows.

    Raises:
        FileUnreadable: the file is not a table, with the reason.
    """
    if is_workbook(path):
        return _look_at_workbook(path)
    with unpacked(path) as stream:
        start = read_fully(stream, SAMPLE_BYTES)
    dialect = dialect_of(start)
    rows = first_rows(start, dialect, rows=SAMPLE_ROWS + 1, is_whole=len(start) < SAMPLE_BYTES)
    return _checked_look(rows, dialect)


def _checked_look(rows: list[list[str]], dialect: Dialect | None) -> Look:
    if not rows:
        raise FileUnreadable("The file is empty. Choose the file that holds your rows.")
    headers = headers_of(rows[0])
    if len(rows) == 1:
        raise FileUnreadable("The file holds a header and no rows. Export it again with its rows.")
    return Look(headers, rows[1:], dialect)


def _look_at_workbook(path: Path) -> Look:
    rows = []
    for row in sheet_rows(path):
        if any(cell.strip() for cell in row):
            rows.append(row)
        if len(rows) > SAMPLE_ROWS:
            break
    return _checked_look(rows, None)


def chunks(path: Path, dialect: Dialect) -> Iterator[bytes]:
    """The file's text in UTF-8 without byte-order mark, guarded: no NUL, no endless line, no bomb.

    Raises:
        FileUnreadable: a guard refused, naming the line.
    """
    decoder = None if dialect.is_utf8 else _decoder(dialect)
    packed = path.stat().st_size
    read, line, length = 0, 1, 0
    with unpacked(path) as stream:
        skip = dialect.bom_bytes
        while chunk := guarded_read(stream, CHUNK):
            is_first, read = read == 0, read + len(chunk)
            refuse_bomb(read, packed)
            chunk, skip = chunk[skip:], 0
            if decoder is not None:
                chunk = decoder.decode(chunk).encode()
            if is_first:
                chunk = _header_first(chunk)
            if b"\x00" in chunk:
                raise nul_found(line + lines_in(chunk[: chunk.index(b"\x00")]))
            end = max(chunk.rfind(b"\n"), chunk.rfind(b"\r"))
            length = length + len(chunk) if end < 0 else len(chunk) - end - 1
            line += lines_in(chunk)
            if length > LINE_AT_MOST:
                raise FileUnreadable(
                    f"Line {line:,} is longer than 1 MB, so this is not a table with a row a line. Export it again."
                )
            yield chunk


_BLANK_LINES = re.compile(rb"(?:[ \t,;|]*(?:\r\n|\n|\r))+")
_RECORD = re.compile(rb'(?:"[^"]*"|[^"\r\n])*(?:\r\n|\n|\r)')


def _header_first(start: bytes) -> bytes:
    """The beginning of a file with blank lines above the header moved below it: so all rows keep their numbers."""
    blank = _BLANK_LINES.match(start)
    header = _RECORD.match(start, blank.end()) if blank else None
    if blank is None or header is None:
        return start
    return header.group() + b"\n" * lines_in(blank.group()) + start[header.end() :]


def _decoder(dialect: Dialect) -> Any:
    import codecs

    return codecs.getincrementaldecoder(dialect.encoding)("replace")


__all__ = ["Look", "chunks", "look", "sheet_rows", "sheets"]
