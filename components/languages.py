"""Names of languages, as books write them: by ISO 639 code, or already in words."""

from collections.abc import Iterable

from babel import Locale

_ENGLISH = Locale("en", "IN")
"""Screens are in English; it is India's own that says Bengali where others say Bangla."""


def named(written: str | None) -> str:
    """'Marathi' for 'mr'; anything that is no code as it is written."""
    name = _ENGLISH.languages.get((written or "").strip().lower())
    return str(name or written or "")


def names(written: Iterable[str]) -> dict[str, str]:
    """What a list of languages is called, by what is kept."""
    return {one: named(one) for one in written}
