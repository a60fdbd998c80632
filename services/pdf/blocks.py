"""What a document is made of. Values are text already: amounts and dates are written by who makes the document."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that names what follows."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text; wraps."""

    text: str
    is_bold: bool = False
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels with their values, one a line."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table with a head, repeated on each page it runs over."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float] | None = None
    """Relative; None: all alike."""
    right: Sequence[int] = ()
    """Positions of the columns that are set to the right: amounts."""
    total: Sequence[str] | None = None
    """A last line in bold."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Empty space."""

    millimetres: float = 4


@dataclass(frozen=True, slots=True)
class Signature:
    """A line to sign on, with what stands under it. Kept together on one page."""

    under: Sequence[str]


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows begins a page, such as the next letter of a file of letters."""


Block = Heading | Paragraph | Facts | Grid | Gap | Signature | PageBreak
