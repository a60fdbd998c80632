"""What a table may be packed in: gzip and zip, unpacked on the way and within bounds."""

import gzip
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from services.imports.errors import FileUnreadable

_RATIO_AT_MOST = 200
"""A table rarely packs tighter than 1:30; beyond this ratio the archive is a bomb."""
_RATIO_FROM = 64 << 20
"""Unpacked bytes up to which the ratio does not matter."""


_DAMAGED = (OSError, EOFError, ValueError, NotImplementedError, struct.error, zlib.error, zipfile.BadZipFile)
"""What the libraries say of archives whose lengths and places contradict each other."""


def _damaged() -> FileUnreadable:
    return FileUnreadable("The archive is damaged and cannot be unpacked. Pack it again and upload that.")


def guarded_read(stream: IO[bytes], size: int) -> bytes:
    """Up to so many bytes of what is being unpacked.

    Raises:
        FileUnreadable: the archive is damaged or cannot be unpacked.
    """
    try:
        return stream.read(size)
    except (RuntimeError, NotImplementedError) as error:  # zipfile: encrypted, or an unknown method
        raise FileUnreadable("The archive needs a password or an unusual program. Pack it as a plain zip.") from error
    except _DAMAGED as error:
        raise _damaged() from error


def read_fully(stream: IO[bytes], size: int) -> bytes:
    """So many bytes, fewer only at the end."""
    parts, wanted = [], size
    while wanted and (part := guarded_read(stream, wanted)):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


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
        with opened_zip(path) as archive, _open_member(archive) as stream:
            yield stream
    else:
        with path.open("rb") as stream:
            yield stream


def _magic(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(8)


@contextmanager
def opened_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """The zip, which a workbook is, too.

    Raises:
        FileUnreadable: it is damaged.
    """
    try:
        archive = zipfile.ZipFile(path)
    except _DAMAGED as error:
        raise _damaged() from error
    with archive:
        yield archive


def _open_member(archive: zipfile.ZipFile) -> IO[bytes]:
    member = _member(archive)
    try:
        return archive.open(member)
    except (RuntimeError, NotImplementedError) as error:
        raise FileUnreadable("The archive needs a password or an unusual program. Pack it as a plain zip.") from error
    except _DAMAGED as error:
        raise _damaged() from error


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
        names = ", ".join(Path(member.filename).name for member in tables[:3]) + (", …" if len(tables) > 3 else "")
        held = f"{len(tables)} files ({names})" if tables else "no file"
        raise FileUnreadable(f"The zip holds {held}; put exactly one CSV or XLSX in it.")
    return tables[0]


def is_workbook(path: Path) -> bool:
    """Whether it is an XLSX file, plain or within gzip or zip."""
    magic = _magic(path)
    if magic.startswith(b"PK\x03\x04"):
        with opened_zip(path) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" in names:
                return True
            return _member(archive).filename.lower().endswith((".xlsx", ".xlsm"))
    if magic.startswith(b"\x1f\x8b"):
        with unpacked(path) as stream:
            return read_fully(stream, 4) == b"PK\x03\x04"
    return False


def refuse_bomb(read: int, packed: int) -> None:
    """Refuse to go on unpacking what grows as no table does.

    Raises:
        FileUnreadable: it is a zip bomb.
    """
    if read > _RATIO_FROM and read > packed * _RATIO_AT_MOST:
        raise FileUnreadable(
            f"The archive unpacks to more than {_RATIO_AT_MOST} times its size, as a zip bomb does. "
            "Upload the table unpacked."
        )
