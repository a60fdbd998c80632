"""Names of languages, as books write them: by ISO 639-1 code, or already in words."""

from collections.abc import Iterable
from typing import Final

_NAMES: Final = {
    "as": "Assamese",
    "bn": "Bengali",
    "en": "English",
    "gu": "Gujarati",
    "hi": "Hindi",
    "kn": "Kannada",
    "ks": "Kashmiri",
    "ml": "Malayalam",
    "mr": "Marathi",
    "ne": "Nepali",
    "or": "Odia",
    "pa": "Punjabi",
    "sa": "Sanskrit",
    "sd": "Sindhi",
    "ta": "Tamil",
    "te": "Telugu",
    "ur": "Urdu",
}
"""The languages of India that have a code of two letters."""


def named(written: str | None) -> str:
    """'Marathi' for 'mr'; anything else as it is written."""
    return _NAMES.get((written or "").strip().lower(), written or "")


def names(written: Iterable[str]) -> dict[str, str]:
    """What a list of languages is called, by what is kept."""
    return {one: named(one) for one in written}
