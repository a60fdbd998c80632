"""Rows that are written as the database itself reads them: most of most files, and ten times faster to take.

A file's text is cut into blocks of whole rows. A block is plain when each cell of it is: numbers of digits with at most
a point, dates as 2025-03-31, text without anything around it. Its very bytes are then read into typed columns; a block
that holds anything else is read as text, cell by cell, by the expressions of `db.queries.imports.casts`. Both give the
same values, and a property test holds them to it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from services.imports.sniffing import LINE_AT_MOST

BLOCK_BYTES = 1 << 20
_ROW_AT_MOST = 4 * LINE_AT_MOST
_LINE_END = re.compile(rb"\r\n|\n|\r")
RATE_BELOW = 10_000
"""Rates that fit their column, numeric(9,4), whatever is rounded."""
_AROUND = " \t\r\n\u00a0\u202f\ufeff"
"""What `casts.cleaned` takes away from around a cell."""
_FORMULA_MARK = re.compile(r"'[=+@\t-]")
_DIGIT, _POINT, _MINUS = 1, 2, 4
_CLASS: NDArray[np.uint8] = np.zeros(256, np.uint8)
_CLASS[ord("0") : ord("9") + 1] = _DIGIT
_CLASS[ord(".")] = _POINT
_CLASS[ord("-")] = _MINUS
_MAY_NEED_CLEANING: NDArray[np.bool_] = np.zeros(256, np.bool_)
"""First and last bytes of what may be around a cell, in UTF-8, and the apostrophe before formulas."""
for _character in (*_AROUND, "'"):
    _MAY_NEED_CLEANING[[_character.encode()[0], _character.encode()[-1]]] = True

Bytes = NDArray[np.uint8]


class RowsUnclear(Exception):
    """Where cells and rows end cannot be told from quotes alone: one is never closed, or stands within a cell."""


def blocks(parts: Iterable[bytes], *, at_least: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The text under the header in blocks of whole rows, without empty lines at its end.

    Args:
        parts: the file's bytes, UTF-8, in pieces of any size.
        at_least: bytes of each block but the last.

    Raises:
        RowsUnclear: no row ends within megabytes.
    """
    rest, line_end = b"", b""
    for part in parts:
        rest += part
        if not line_end:
            line_end, rest = _without_header(rest)
        elif len(rest) >= at_least and (end := _end_of_rows(rest, line_end)):
            yield rest[:end]
            rest = rest[end:]
        if len(rest) > at_least + _ROW_AT_MOST:
            raise RowsUnclear
    if not line_end:
        line_end, rest = _without_header(rest + b"\n\n")
    if rest := rest.rstrip(b"\r\n"):
        yield rest


def _without_header(text: bytes) -> tuple[bytes, bytes]:
    """What ends the header, and what follows it; nothing and the text as it is before its end has come."""
    for found in _LINE_END.finditer(text):
        if found.end() == len(text):  # a CR may be half of a CR LF
            break
        if text.count(b'"', 0, found.start()) % 2 == 0:
            return found.group()[-1:], text[found.end() :]
    return b"", text


def _end_of_rows(text: bytes, line_end: bytes) -> int:
    """Where the last whole row ends; 0: none does. Quotes come in pairs before a line end that ends a row."""
    end, quotes = len(text), text.count(b'"')
    while (at := text.rfind(line_end, 0, end)) >= 0:
        quotes -= text.count(b'"', at, end)
        if quotes % 2 == 0:
            return at + 1
        end = at
    return 0


def has_stray_quotes(block: bytes, separator: str) -> bool:
    """Whether a quote stands within a cell, where Postgres would take it for one that opens or closes.

    Quotes open and close in turn: one that opens begins a cell, one that closes ends it. Two beside each other within a
    quoted cell stand for one, and read as closing and opening again.
    """
    if b'"' not in block:
        return False
    text = np.frombuffer(b"\n" + block + b"\n", np.uint8)
    quotes = np.flatnonzero(text == ord('"'))
    if len(quotes) % 2:
        return True
    around = np.zeros(256, np.bool_)
    around[[ord(separator), ord("\n"), ord("\r")]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    is_pair = opening[1:] == closing[:-1] + 1
    begins = around[text[opening - 1]]
    begins[1:] |= is_pair
    ends = around[text[closing + 1]]
    ends[:-1] |= is_pair
    return not (begins.all() and ends.all())


class Judge:
    """Tells of blocks whether they are plain. Holds how the file's columns are to be read."""

    def __init__(self, columns: int, types: Mapping[int, str], *, separator: str, decimal: str) -> None:
        """Take in how the file is to be read.

        Args:
            columns: how many the file has.
            types: position from 1 -> 'amount', 'rate', 'integer' or 'date' (see `fields`); the others are text.
            separator: between cells.
            decimal: the decimal sign; with a comma the point groups digits, so that no number with a point is plain.
        """
        self._types, self._has_points = dict(types), decimal != ","
        names = [f"c{position}" for position in range(1, columns + 1)]
        self._read = csv.ReadOptions(column_names=names, use_threads=False)
        self._parse = csv.ParseOptions(delimiter=separator, newlines_in_values=True, ignore_empty_lines=False)
        self._convert = csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        )

    def is_plain(self, block: bytes) -> bool:
        """Whether every cell of the block's rows is. False also for rows with other numbers of cells, or no UTF-8."""
        self._read.block_size = len(block) + 1
        try:
            table = csv.read_csv(pa.py_buffer(block), self._read, self._parse, self._convert)
            return all(
                self._is_plain_column(table.column(position - 1).combine_chunks(), self._types.get(position))
                for position in range(1, table.num_columns + 1)
            )
        except pa.ArrowInvalid:
            return False

    def _is_plain_column(self, cells: Any, type_: str | None) -> bool:
        offsets, text = _buffers(cells)
        lengths = np.diff(offsets)
        if type_ is None:
            return _is_trimmed(cells, offsets, text, lengths)
        if type_ == "date":
            return _is_iso(cells, text, lengths)
        return _is_number(cells, text, lengths, type_, has_points=self._has_points)


def _buffers(cells: Any) -> tuple[NDArray[np.int32], Bytes]:
    """Where each cell begins (and the last one ends), and the bytes of all cells, one after the other."""
    _, starts, content = cells.buffers()
    offsets = np.frombuffer(starts, np.int32)[cells.offset : cells.offset + len(cells) + 1]
    text = np.frombuffer(content, np.uint8) if content is not None else np.zeros(0, np.uint8)
    return offsets - offsets[0], text[offsets[0] : offsets[-1]]


def _is_trimmed(cells: Any, offsets: NDArray[np.int32], text: Bytes, lengths: NDArray[np.int32]) -> bool:
    """Whether nothing is to be taken away from around any cell."""
    filled = np.flatnonzero(lengths)
    first, last = text[offsets[filled]], text[offsets[filled + 1] - 1]
    suspects = filled[_MAY_NEED_CLEANING[first] | _MAY_NEED_CLEANING[last]]
    return all(
        cell == cell.strip(_AROUND) and not _FORMULA_MARK.match(cell) for cell in cells.take(suspects).to_pylist()
    )


def _is_iso(cells: Any, text: Bytes, lengths: NDArray[np.int32]) -> bool:
    """Whether all are dates of the calendar as 2025-03-31."""
    if not ((lengths == 0) | (lengths == 10)).all():
        return False
    digits = text.reshape(-1, 10)
    if not (_CLASS[digits[:, [0, 1, 2, 3, 5, 6, 8, 9]]] == _DIGIT).all() or (digits[:, :4] == ord("0")).all(1).any():
        return False
    cells.cast(pa.date32())  # ArrowInvalid: there is no such day, or other signs between the numbers
    return True


def _is_number(cells: Any, text: Bytes, lengths: NDArray[np.int32], type_: str, *, has_points: bool) -> bool:
    """Whether all are digits, with a minus before and a point between them at most, and not too many."""
    if len(text) == 0:
        return True
    is_whole = type_ == "integer"
    if lengths.max() > (9 if is_whole else 14):
        return False
    classes = _CLASS[text]
    allowed = _DIGIT | _MINUS | (_POINT if has_points and not is_whole else 0)
    if not (classes & allowed).all() or ((classes[:-1] == _MINUS) & (classes[1:] == _POINT)).any():
        return False
    numbers = cells.cast(pa.int32() if is_whole else pa.float64())  # ArrowInvalid: two points, a minus within, no digit
    return type_ != "rate" or bool(np.max(np.abs(numbers.drop_null().to_numpy())) < RATE_BELOW)
