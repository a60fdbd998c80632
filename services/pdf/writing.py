"""Setting blocks on A4 pages. The same blocks and moment give the same bytes."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any, Final

from services.pdf import scripts
from services.pdf.blocks import Block, Facts, Gap, Grid, Heading, PageBreak, Paragraph, Signature
from services.pdf.tables import set_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from fpdf import FPDF

MEDIA_TYPE: Final = "application/pdf"
_FAMILY = "DejaVu"
_SIZE, _SMALL, _LARGE = 10, 8, 15
_LINE = 5.4
"""Millimetres."""
_GREY = 110


def render(
    *,
    title: str,
    blocks: Sequence[Block],
    made_at: datetime,
    letterhead: Sequence[str] = (),
    reference: str = "",
    is_landscape: bool = False,
    is_archival: bool = False,
) -> bytes:
    """The document as bytes.

    Args:
        title: at the top of the first page and in the file's properties.
        blocks: what it says, in order.
        made_at: aware; goes into the file's properties.
        letterhead: lines above the title, the first in bold: who writes.
        reference: at the foot of each page, beside the page number.
        is_landscape: for wide tables.
        is_archival: as PDF/A-2u, which shows the same in many years: all that it needs is within.
    """
    letters = {letter for words in _words(title, reference, letterhead, blocks) for letter in words}
    pdf = _document(reference, letters, is_landscape=is_landscape, is_archival=is_archival)
    pdf.set_title(title)
    pdf.set_creator("Recoup")
    pdf.set_creation_date(made_at)
    pdf.add_page()
    for number, line in enumerate(letterhead):
        _text(pdf, line, is_bold=number == 0, size=_SIZE if number == 0 else _SMALL)
    if letterhead:
        pdf.ln(2)
        pdf.set_draw_color(_GREY)
        pdf.line(pdf.l_margin, pdf.get_y(), pdf.w - pdf.r_margin, pdf.get_y())
        pdf.ln(5)
    _text(pdf, title, is_bold=True, size=_LARGE)
    pdf.ln(3)
    for block in blocks:
        _set(block, pdf)
    return bytes(pdf.output())


def _words(title: str, reference: str, letterhead: Sequence[str], blocks: Sequence[Block]) -> Iterator[str]:
    """All that will be written, to know which fonts it takes."""
    yield from (title, reference, *letterhead)
    for block in blocks:
        match block:
            case Heading(text=words) | Paragraph(text=words):
                yield words
            case Facts(rows=rows):
                yield from (words for row in rows for words in row)
            case Grid(head=head, rows=lines, total=total):
                yield from (words for row in (head, *lines, total or ()) for words in row)
            case Signature(under=under):
                yield from under


def _document(reference: str, letters: set[str], *, is_landscape: bool, is_archival: bool) -> FPDF:
    from fpdf import FPDF

    other = scripts.needed(letters)
    unknown = scripts.unknown(letters, other)

    class Document(FPDF):
        # fpdf2 2.8.9 takes a font as told to the page also where it told only a line that begins with another's letters
        def set_font(self, *args: Any, **kwargs: Any) -> None:
            super().set_font(*args, **kwargs)
            self._tell_font()

        def add_page(self, *args: Any, **kwargs: Any) -> None:
            super().add_page(*args, **kwargs)
            self._tell_font()

        def _tell_font(self) -> None:
            if other and self.page > 0 and self.font_family:
                self.text(0, 0, "")

        def normalize_text(self, text: str) -> str:
            return super().normalize_text(text.translate(unknown) if unknown else text)

        def footer(self) -> None:
            self.set_y(-14)
            self.set_font(_FAMILY, size=_SMALL)
            self.set_text_color(_GREY)
            width = self.epw / 2
            self.cell(width, 5, reference)
            self.cell(width, 5, f"Page {self.page_no()} of {{nb}}", align="R")
            self.set_text_color(0)

    pdf = Document(
        orientation="landscape" if is_landscape else "portrait",
        format="A4",
        enforce_compliance="PDFA_2U" if is_archival else None,
    )
    pdf.add_font(_FAMILY, "", scripts.FONTS / "DejaVuSans.ttf")
    pdf.add_font(_FAMILY, "B", scripts.FONTS / "DejaVuSans-Bold.ttf")
    if other:
        for script in other:
            pdf.add_font(script.family, "", script.file)
        pdf.set_fallback_fonts([script.family for script in other], exact_match=False)
        pdf.set_text_shaping()  # letters of these scripts join and change places
    pdf.set_margins(20, 18, 20)
    pdf.set_auto_page_break(auto=True, margin=20)
    return pdf


def _text(pdf: FPDF, words: str, *, is_bold: bool = False, size: int = _SIZE) -> None:
    pdf.set_font(_FAMILY, "B" if is_bold else "", size)
    pdf.multi_cell(0, _LINE * size / _SIZE, words, align="L", new_x="LMARGIN", new_y="NEXT")


@singledispatch
def _set(block: Block, _pdf: FPDF) -> None:
    raise TypeError(block)


@_set.register(Heading)
def _heading(block: Heading, pdf: FPDF) -> None:
    pdf.ln(2)
    if pdf.will_page_break(4 * _LINE):  # a heading does not stand alone at the foot of a page
        pdf.add_page()
    _text(pdf, block.text, is_bold=True, size=_SIZE + 1)
    pdf.ln(1)


@_set.register(Paragraph)
def _paragraph(block: Paragraph, pdf: FPDF) -> None:
    _text(pdf, block.text, is_bold=block.is_bold, size=_SMALL if block.is_small else _SIZE)
    pdf.ln(2.5)


@_set.register(Facts)
def _facts(block: Facts, pdf: FPDF) -> None:
    pdf.set_font(_FAMILY, size=_SIZE)
    with pdf.table(
        borders_layout="NONE",
        col_widths=(2, 3),
        line_height=_LINE,
        first_row_as_headings=False,
        text_align=("LEFT", "LEFT"),
    ) as table:
        for label, value in block.rows:
            row = table.row()
            row.cell(label)
            row.cell(value)
    pdf.ln(2.5)


@_set.register(Grid)
def _grid(block: Grid, pdf: FPDF) -> None:
    set_table(pdf, block, family=_FAMILY, size=_SIZE - 1, line=_LINE)
    pdf.ln(2.5)


@_set.register(Gap)
def _gap(block: Gap, pdf: FPDF) -> None:
    pdf.ln(block.millimetres)


@_set.register(Signature)
def _signature(block: Signature, pdf: FPDF) -> None:
    if pdf.will_page_break(16 + _LINE * len(block.under)):
        pdf.add_page()
    pdf.ln(14)
    pdf.line(pdf.l_margin, pdf.get_y(), pdf.l_margin + 70, pdf.get_y())
    pdf.ln(1.5)
    for line in block.under:
        _text(pdf, line)


@_set.register(PageBreak)
def _page_break(_block: PageBreak, pdf: FPDF) -> None:
    pdf.add_page()
