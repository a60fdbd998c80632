"""Opening what was uploaded: CSV and XLSX, plain, gzipped or zipped, as a stream of bounded size."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

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

CHUNK = 1 << 18
SAMPLE_ROWS = 500
_RATIO_AT_MOST = 200
"""A table rarely packs tighter than 1:30; beyond this ratio the archive is a bomb."""
_RATIO_FROM = 64 << 20
"""Unpacked bytes up to which the ratio does not matter."""
_SHEET_AT_MOST = 120 << 20
"""Unpacked bytes of a workbook: it is read whole, so this bounds memory."""


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
        start = _read_fully(stream, SAMPLE_BYTES)
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


def _read_fully(stream: IO[bytes], size: int) -> bytes:
    parts, wanted = [], size
    while wanted and (part := _guarded_read(stream, wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _guarded_read(stream: IO[bytes], size: int) -> bytes:
    try:
        return stream.read(size)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise FileUnreadable("The archive is damaged and cannot be unpacked. Pack it again and upload that.") from error
    except (RuntimeError, NotImplementedError) as error:  # zipfile: encrypted, or an unknown method
        raise FileUnreadable("The archive needs a password or an unusual program. Pack it as a plain zip.") from error


# --- containers ---------------------------------------------------------------------------------------------------


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    """The table's bytes, unpacked on the way.

    Raises:
        FileUnreadable: an archive without exactly one table, or one that cannot be opened.
    """
    magic = _magic(path)
    if magic.startswith(b"\x1f\x8b"):
        with gzip.open(path) as stream:
            yield stream  # type: ignore[misc]  # GzipFile reads bytes
    elif magic.startswith(b"PK\x03\x04"):
        with _archive(path) as archive, _open_member(archive) as stream:
            yield stream
    else:
        with path.open("rb") as stream:
            yield stream


def _magic(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(8)


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise FileUnreadable("The archive is damaged and cannot be unpacked. Pack it again and upload that.") from error


def _open_member(archive: zipfile.ZipFile) -> IO[bytes]:
    member = _member(archive)
    try:
        return archive.open(member)
    except (RuntimeError, NotImplementedError) as error:
        raise FileUnreadable("The archive needs a password or an unusual program. Pack it as a plain zip.") from error


def _member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one table in the archive; what systems add by themselves is passed over."""
    tables = [
        member
        for member in archive.infolist()
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not Path(member.filename).name.startswith(".")
    ]
    if len(tables) != 1:
        raise FileUnreadable(f"The zip holds {len(tables)} files; put exactly one CSV or XLSX in it.")
    return tables[0]


def is_workbook(path: Path) -> bool:
    """Whether it is an XLSX file, plain or within gzip or zip."""
    magic = _magic(path)
    if magic.startswith(b"PK\x03\x04"):
        with _archive(path) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" in names:
                return True
            return _member(archive).filename.lower().endswith((".xlsx", ".xlsm"))
    if magic.startswith(b"\x1f\x8b"):
        with unpacked(path) as stream:
            return _read_fully(stream, 4) == b"PK\x03\x04"
    return False


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
        while chunk := _guarded_read(stream, CHUNK):
            read += len(chunk)
            _refuse_bomb(read, packed)
            chunk, skip = chunk[skip:], 0
            if decoder is not None:
                chunk = decoder.decode(chunk).encode()
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


def _decoder(dialect: Dialect) -> Any:
    import codecs

    return codecs.getincrementaldecoder(dialect.encoding)("replace")


def _refuse_bomb(read: int, packed: int) -> None:
    if read > _RATIO_FROM and read > packed * _RATIO_AT_MOST:
        raise FileUnreadable(
            f"The archive unpacks to more than {_RATIO_AT_MOST} times its size, as a zip bomb does. "
            "Upload the table unpacked."
        )


# --- workbooks ----------------------------------------------------------------------------------------------------


def _look_at_workbook(path: Path) -> Look:
    rows = []
    for row in sheet_rows(path):
        rows.append(row)
        if len(rows) > SAMPLE_ROWS:
            break
    return _checked_look(rows, None)


def sheet_rows(path: Path) -> Iterator[list[str]]:
    """The rows of the first sheet that has any, as text: dates ISO, numbers as typed.

    Raises:
        FileUnreadable: the workbook is damaged, protected or too large.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    with _workbook_file(path) as file:
        _refuse_large_workbook(file)
        try:
            book = CalamineWorkbook.from_path(str(file))
            names = book.sheet_names
            for position in range(len(names)):
                sheet = book.get_sheet_by_index(position)
                if sheet.height:
                    yield from ([_cell_text(cell) for cell in row] for row in sheet.iter_rows())
                    return
        except CalamineError as error:
            raise FileUnreadable(
                "The workbook cannot be read: it is damaged or protected. Save it again, or as CSV."
            ) from error


@contextmanager
def _workbook_file(path: Path) -> Iterator[Path]:
    """The workbook itself, taken out of the archive it may be in."""
    import shutil
    import tempfile

    with path.open("rb") as stream:
        is_plain = stream.read(4) == b"PK\x03\x04"
    if is_plain:
        with _archive(path) as archive:
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
        part = _guarded_read(self._stream, size)
        self._left -= len(part)
        if self._left < 0:
            raise _too_large()
        return part


def _refuse_large_workbook(file: Path) -> None:
    with _archive(file) as archive:
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
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)
