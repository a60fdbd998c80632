"""Which fonts a text needs beside the Latin one: Noto Sans of the scripts that India's languages are written in."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from unicodedata import category, name

FONTS: Final = Path(__file__).parent / "fonts"
_LATIN: Final = FONTS / "DejaVuSans.ttf"
UNKNOWN: Final = "☐"
"""Stands for a letter that no font here has: the reader sees that something is missing."""


@dataclass(frozen=True, slots=True)
class Script:
    """A script and the font that has its letters."""

    name: str
    blocks: tuple[tuple[int, int], ...]
    """First and last code point of its Unicode blocks."""

    @property
    def family(self) -> str:
        """What the font is called within a document."""
        return f"Noto{self.name}"

    @property
    def file(self) -> Path:
        """The font's file."""
        return FONTS / f"NotoSans{self.name}.ttf"


SCRIPTS: Final = (
    Script("Devanagari", ((0x0900, 0x097F), (0x1CD0, 0x1CFF), (0xA8E0, 0xA8FF))),
    Script("Bengali", ((0x0980, 0x09FF),)),
    Script("Gurmukhi", ((0x0A00, 0x0A7F),)),
    Script("Gujarati", ((0x0A80, 0x0AFF),)),
    Script("Oriya", ((0x0B00, 0x0B7F),)),
    Script("Tamil", ((0x0B80, 0x0BFF),)),
    Script("Telugu", ((0x0C00, 0x0C7F),)),
    Script("Kannada", ((0x0C80, 0x0CFF),)),
    Script("Malayalam", ((0x0D00, 0x0D7F),)),
    Script("Arabic", ((0x0600, 0x06FF), (0x0750, 0x077F), (0x08A0, 0x08FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))),
    Script("OlChiki", ((0x1C50, 0x1C7F),)),
    Script("MeeteiMayek", ((0xABC0, 0xABFF), (0xAAE0, 0xAAFF))),
)


def needed(letters: Iterable[str]) -> tuple[Script, ...]:
    """The scripts that occur among the letters, in a fixed order; none for a text in Latin letters."""
    points = {ord(letter) for letter in letters if ord(letter) >= SCRIPTS[9].blocks[0][0]}
    return tuple(
        script for script in SCRIPTS if any(first <= point <= last for first, last in script.blocks for point in points)
    )


def unknown(letters: Iterable[str], scripts: Iterable[Script]) -> dict[int, str]:
    """What to write for letters that none of the fonts has, as a table for `str.translate`."""
    known = _points(_LATIN).union(*(_points(script.file) for script in scripts))
    points = {ord(letter) for letter in letters} - known - {0x0A, 0x0D}
    return {point: _instead(chr(point)) for point in points}


def _instead(letter: str) -> str:
    if letter.isspace():
        return " "
    is_invisible = category(letter) in {"Cc", "Cf"} or name(letter, "").startswith("VARIATION SELECTOR")
    return "" if is_invisible else UNKNOWN


@cache
def _points(font: Path) -> frozenset[int]:
    from fontTools.ttLib import TTFont

    with TTFont(font, lazy=True) as opened:
        return frozenset(opened.getBestCmap())
