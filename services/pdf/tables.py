"""Setting tables: lines are broken and placed here, many times as fast as by fpdf2, which measures each letter.

A head is repeated on each page; a row that fits on a page is not torn apart, one that is longer than a page goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fpdf import FPDF

    from services.pdf.blocks import Grid

_PAD: Final = 1.0
"""Millimetres around a cell's text."""

Lines = list[list[str]]
"""Of each cell of a row."""


@dataclass(slots=True)
class _Table:
    """One table on its way to the page; widths in millimetres."""

    pdf: FPDF
    font: tuple[str, float]
    """Family and size in points."""
    line: float
    """Height of a line of text, in millimetres."""
    widths: list[float]
    right: frozenset[int]
    head: Lines = field(default_factory=list)
    measured: dict[tuple[bool, str], float] = field(default_factory=dict)
    """Widths of words that were met; most words of a table are met again."""

    def draw(self, block: Grid) -> None:
        """Head, rows and total."""
        self.head = self._broken(block.head, is_bold=True)
        rows = [(self._broken(row, is_bold=False), False) for row in block.rows]
        if block.total is not None:
            rows.append((self._broken(block.total, is_bold=True), True))
        first = self._height(rows[0][0]) if rows else 0
        if not self._fits(self._height(self.head) + min(first, 6 * self.line)):
            self.pdf.add_page()
        self._set(self.head, is_bold=True)
        for lines, is_bold in rows:
            self._row(lines, is_bold=is_bold)

    def _row(self, lines: Lines, *, is_bold: bool) -> None:
        room = self._room()
        for part in _parts(lines, room):
            if not self._fits(self._height(part)):
                self._rule()
                self.pdf.add_page()
                self._set(self.head, is_bold=True)
            self._rule()
            self._set(part, is_bold=is_bold)

    def _room(self) -> int:
        """How many lines of text a row on an empty page may have."""
        pdf = self.pdf
        whole = pdf.page_break_trigger - pdf.t_margin - self._height(self.head) - 2 * _PAD
        return max(int(whole / self.line), 1)

    def _height(self, lines: Lines) -> float:
        return max((len(cell) for cell in lines), default=1) * self.line + 2 * _PAD

    def _fits(self, height: float) -> bool:
        return self.pdf.get_y() + height <= self.pdf.page_break_trigger

    def _rule(self) -> None:
        left = self.pdf.l_margin
        self.pdf.line(left, self.pdf.get_y(), left + sum(self.widths), self.pdf.get_y())

    def _set(self, lines: Lines, *, is_bold: bool) -> None:
        """A row of cells at the current place, in the middle of its height."""
        pdf, left, height = self.pdf, self.pdf.l_margin, self._height(lines)
        top = pdf.get_y()
        pdf.set_font(self.font[0], "B" if is_bold else "", self.font[1])
        for place, (width, cell) in enumerate(zip(self.widths, lines, strict=True)):
            at = top + (height - len(cell) * self.line) / 2
            for number, words in enumerate(cell):
                if words:
                    pdf.set_xy(left + _PAD, at + number * self.line)
                    pdf.cell(width - 2 * _PAD, self.line, words, align="R" if place in self.right else "L")
            left += width
        pdf.set_xy(pdf.l_margin, top + height)

    # --- breaking lines -----------------------------------------------------------------------------------------

    def _broken(self, row: Sequence[str], *, is_bold: bool) -> Lines:
        self.pdf.set_font(self.font[0], "B" if is_bold else "", self.font[1])
        return [
            [line for part in words.split("\n") for line in self._wrapped(part, width - 2 * _PAD, is_bold=is_bold)]
            for words, width in zip(row, self.widths, strict=True)
        ]

    def _wrapped(self, text: str, room: float, *, is_bold: bool) -> Iterator[str]:
        """The lines of a text without breaks of its own: broken between words, within a word that is too long."""
        space = self._width(" ", is_bold=is_bold)
        line, used = "", 0.0
        for word in text.split(" "):
            wide = self._width(word, is_bold=is_bold)
            if line and used + space + wide <= room:
                line, used = f"{line} {word}", used + space + wide
                continue
            if line:
                yield line
            *whole, word = self._torn(word, room, is_bold=is_bold) if wide > room else [word]  # noqa: PLW2901
            yield from whole
            line, used = word, self._width(word, is_bold=is_bold)
        yield line

    def _torn(self, word: str, room: float, *, is_bold: bool) -> list[str]:
        """A word that no line holds, in pieces that lines hold."""
        pieces, start, used = [], 0, 0.0
        for place, letter in enumerate(word):
            wide = self._width(letter, is_bold=is_bold)
            if used + wide > room and place > start:
                pieces.append(word[start:place])
                start, used = place, 0.0
            used += wide
        return [*pieces, word[start:]]

    def _width(self, words: str, *, is_bold: bool) -> float:
        """Of words in the current font."""
        key = (is_bold, words)
        if key not in self.measured:
            self.measured[key] = self.pdf.get_string_width(words)
        return self.measured[key]


def _parts(lines: Lines, room: int) -> Iterator[Lines]:
    """A row as so many rows as pages that it takes."""
    pieces = [[cell[start : start + room] for start in range(0, len(cell), room)] for cell in lines]
    for part in zip_longest(*pieces, fillvalue=[]):
        yield list(part)


def set_table(pdf: FPDF, block: Grid, *, family: str, size: float, line: float) -> None:
    """Set a table over the whole width of the page.

    Args:
        pdf: the document, at the place where the table begins.
        block: what it says.
        family: font.
        size: of the font, in points.
        line: height of a line of text, in millimetres.
    """
    shares = block.widths or [1.0] * len(block.head)
    widths = [pdf.epw * share / sum(shares) for share in shares]
    margin, pdf.c_margin = pdf.c_margin, 0
    try:
        _Table(pdf, (family, size), line, widths, frozenset(block.right)).draw(block)
    finally:
        pdf.c_margin = margin
