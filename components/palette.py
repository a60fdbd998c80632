"""Colours by meaning, in both themes. Colour means state, never decoration, and always stands beside a word or sign.

One hue in steps for buckets, so that order is seen without telling hues apart, and each step light enough for black
or dark enough for white, so that figures can be read in it; green, amber and red differ in
lightness too, for those who do not tell them apart by hue (Okabe-Ito's bluish green, orange and vermilion).
"""

from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme, as hex."""

    buckets: tuple[str, ...]
    """Current first, worst last: paler to deeper by day, dimmer to brighter by night."""
    cured: str
    """Cured, kept, paid."""
    due_soon: str
    """Due soon, held, partly."""
    broken: str
    """Broken, blocked, an overdue act."""
    unknown: str
    """Nothing known."""
    accent: str
    """A neutral series, where colour carries no state."""
    text: str
    muted: str
    grid: str
    surface: str
    """The page's ground, for text inside dark cells and gaps between bars."""

    def bucket(self, position: int, of: int) -> str:
        """Colour of one of `of` buckets, spread over the steps whatever their number."""
        steps = len(self.buckets) - 1
        return self.buckets[round(position * steps / max(of - 1, 1))]

    def ink_on(self, shade: str) -> str:
        """What to write in on a shade of this palette: text or ground, whichever stands out more."""
        return max((self.text, self.surface), key=lambda ink: contrast(ink, shade))

    @property
    def heat(self) -> list[tuple[float, str]]:
        """A colour scale from nothing to all, for heat maps."""
        shades = (self.surface, *self.buckets[1:])
        return [(i / (len(shades) - 1), shade) for i, shade in enumerate(shades)]


LIGHT = Palette(
    buckets=("#d6e5f5", "#a2c4e8", "#3f76b6", "#2c5d99", "#1c4277", "#0d2750"),
    cured="#00875f",
    due_soon="#c77700",
    broken="#c4342d",
    unknown="#8a919c",
    accent="#2f6db5",
    text="#1c2430",
    muted="#5b6573",
    grid="#e3e7ed",
    surface="#ffffff",
)
DARK = Palette(
    buckets=("#203650", "#29507f", "#3c72b3", "#99c1ec", "#bdd8f5", "#e6f1fd"),
    cured="#3ccb98",
    due_soon="#f0a83c",
    broken="#ff7a6b",
    unknown="#7f8896",
    accent="#6ba2da",
    text="#e6eaf0",
    muted="#9aa5b4",
    grid="#2b3340",
    surface="#11161d",
)


_DARKEST_FOR_BLACK, _LIGHTEST_FOR_WHITE = 0.5, 0.183
"""Luminance from which chips are written on in black, and up to which white reaches a contrast of 4.5 : 1."""


def contrast(one: str, other: str) -> float:
    """How far two colours stand apart, 1 to 21, as WCAG reckons it."""
    dim, bright = sorted(_luminance(*_parts(colour)) for colour in (one, other))
    return (bright + 0.05) / (dim + 0.05)


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def legible(colour: str) -> str:
    """A colour that a chip's text can be read on: chips are written in white unless the colour is light."""
    red, green, blue = _parts(colour)
    while _LIGHTEST_FOR_WHITE < _luminance(red, green, blue) <= _DARKEST_FOR_BLACK:
        red, green, blue = red * 0.97, green * 0.97, blue * 0.97
    return "#" + "".join(f"{round(part * 255):02x}" for part in (red, green, blue))


def _luminance(*rgb: float) -> float:
    """Relative luminance as WCAG defines it."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def is_dark() -> bool:
    """Whether the browser shows the dark theme."""
    return st.context.theme.type == "dark"


def current() -> Palette:
    """The palette of the theme that the browser shows."""
    return DARK if is_dark() else LIGHT
