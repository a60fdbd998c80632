"""Why a file cannot be taken: each a sentence that says what to do."""

from services.errors import Refused


class FileUnreadable(Refused):
    """The file as a whole cannot be read as a table."""


class DateOrderNeeded(Refused):
    """Dates such as 03/04/2025 could be read two ways, and nothing in the file tells which."""

    def __init__(self, sample: str) -> None:
        super().__init__(
            f"Dates in this file, such as {sample}, can be read two ways. Say whether the day or the month comes first."
        )
        self.sample = sample
