"""What a text file is made of, told from its beginning: encoding, separator, header and first rows."""

import codecs
import csv
import io
import re
from dataclasses import dataclass

from services.imports.errors import FileUnreadable

SAMPLE_BYTES = 1 << 18
COLUMNS_AT_MOST = 1000
LINE_AT_MOST = 1 << 20
"""Longest line of a text file, bytes. Longer ones are not tables."""
_SEPARATORS = (",", ";", "\t", "|")
_ESCAPE = re.compile(r"^'(?=[=+@\t-])")
"""The apostrophe that exports put before what a spreadsheet would run as a formula."""
_BINARY = {
    b"%PDF": "a PDF document",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls) or a workbook with a password",
    b"7z\xbc\xaf": "a 7-Zip archive",
    b"Rar!": "a RAR archive",
    b"PAR1": "a Parquet file",
    b"SQLite": "a database file",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a text file is written."""

    encoding: str
    """Python's name; 'utf-8' also for plain ASCII."""
    bom_bytes: int
    """Length of the byte-order mark to skip."""
    separator: str

    @property
    def is_utf8(self) -> bool:
        """Whether Postgres can read its bytes as they are."""
        return self.encoding == "utf-8"


def dialect_of(start: bytes) -> Dialect:
    """Encoding and separator of a file that starts so.

    Raises:
        FileUnreadable: it is empty, or no text.
    """
    if not start.strip(b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"):
        raise FileUnreadable("The file is empty. Choose the file that holds your rows.")
    refuse_binary(start)
    encoding, bom_bytes = _encoding_of(start)
    decoded = start[bom_bytes:].decode(encoding, errors="replace")
    if "\x00" in decoded:  # UTF-32 begins with the same mark as UTF-16
        raise nul_found(1 + decoded[: decoded.index("\x00")].count("\n"))
    return Dialect(encoding, bom_bytes, _separator_of(decoded))


def refuse_binary(start: bytes) -> None:
    """Refuse what is known not to be text.

    Raises:
        FileUnreadable: it is another kind of file, named.
    """
    for magic, name in _BINARY.items():
        if start.startswith(magic):
            raise FileUnreadable(f"This is {name}, not a table. Save it as CSV or XLSX and upload that.")


def _encoding_of(start: bytes) -> tuple[str, int]:
    for bom, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if start.startswith(bom):
            return encoding, len(bom)
    if b"\x00" in start:
        return _utf16_without_mark(start), 0
    control = sum(byte < 9 or 13 < byte < 32 for byte in start[:8192])
    if control > len(start[:8192]) / 50:
        raise FileUnreadable("This is not a text file. Save the table as CSV or XLSX and upload that.")
    return ("utf-8" if _is_rather_utf8(start) else "cp1252"), 0


def _is_rather_utf8(start: bytes) -> bool:
    """Whether there are more characters beyond ASCII in UTF-8 than bytes that are none.

    A few names in Windows-1252 within a file in UTF-8 are read as such by themselves. Taken the other way round, all
    names in other scripts would be lost.
    """
    decoder = codecs.getincrementaldecoder("utf-8")  # a character cut at the end is no error
    try:
        decoder().decode(start)
    except UnicodeDecodeError:
        told = decoder("ignore").decode(start)
        beyond = [character for character in told if character > "\x7f"]
        strange = len(start) - len(told.encode())
        return len(beyond) > strange
    return True


def _utf16_without_mark(start: bytes) -> str:
    half = max(len(start) // 2, 1)
    if start[1::2].count(0) > 0.4 * half and start[0::2].count(0) < 0.05 * half:
        return "utf-16-le"
    if start[0::2].count(0) > 0.4 * half and start[1::2].count(0) < 0.05 * half:
        return "utf-16-be"
    raise nul_found(1 + start[: start.index(b"\x00")].count(b"\n"))


def nul_found(line: int) -> FileUnreadable:
    """The refusal of a file with NUL bytes, the first of them in `line`."""
    return FileUnreadable(
        f"Line {line} holds NUL bytes, so the file is damaged or not text. Export it again as CSV in UTF-8."
    )


def _separator_of(decoded: str) -> str:
    """The separator that splits the first rows into the same number of cells, the more the better."""
    lines = decoded.splitlines()[:50]
    if len(lines) > 1 and len(decoded) >= SAMPLE_BYTES // 4:
        lines = lines[:-1]  # the last may be cut
    best, best_score = ",", (0.0, 0)
    for separator in _SEPARATORS:
        widths = [len(row) for row in csv.reader(lines[:20], delimiter=separator) if row]
        if not widths or widths[0] < 2:
            continue
        alike = sum(width == widths[0] for width in widths) / len(widths)
        if (alike, widths[0]) > best_score:
            best, best_score = separator, (alike, widths[0])
    return best


def lines_in(part: bytes) -> int:
    """How many lines end in a part of a file, by LF, CR LF or, as of old, by CR alone."""
    return part.count(b"\n") or part.count(b"\r")


def first_rows(start: bytes, dialect: Dialect, *, rows: int, is_whole: bool) -> list[list[str]]:
    """The header and the first rows.

    Args:
        start: beginning of the file.
        dialect: how it is written.
        rows: how many at most, with the header.
        is_whole: whether `start` is all of the file; else its last row may be cut and is left out.

    Raises:
        FileUnreadable: one of the first two lines is too long.
    """
    decoded = codecs.getincrementaldecoder(dialect.encoding)("replace").decode(start[dialect.bom_bytes :])
    if not is_whole:
        end = max(decoded.rfind("\n"), decoded.rfind("\r"))
        if end < 0:
            raise FileUnreadable(
                "The first line is longer than 250 kB, so this is no table with a row a line. Export it again."
            )
        decoded = decoded[: end + 1]
    csv.field_size_limit(LINE_AT_MOST)
    found: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(decoded, newline=""), delimiter=dialect.separator):
            if any(cell.strip() for cell in row):
                found.append(row)
            if len(found) >= rows:
                break
    except csv.Error:
        raise FileUnreadable(
            "The first rows cannot be told apart: a quote is opened and never closed. Export the file again."
        ) from None
    if len(found) == 1 and not is_whole:
        raise FileUnreadable(
            "The row under the header is longer than 250 kB, so this is no table with a row a line. Export it again."
        )
    return found


def headers_of(first: list[str]) -> list[str]:
    """The headers, stripped, the empty ones named by position and the doubled ones numbered.

    Raises:
        FileUnreadable: there are too many columns.
    """
    if len(first) > COLUMNS_AT_MOST:
        raise FileUnreadable(
            f"The file has {len(first):,} columns; at most {COLUMNS_AT_MOST:,} can be taken. "
            "Check its separator, or leave out columns."
        )
    names: list[str] = []
    seen: dict[str, int] = {}
    for position, cell in enumerate(first, start=1):
        name = " ".join(_ESCAPE.sub("", cell.replace("\ufeff", "")).split())[:200] or f"Column {position}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return names
