"""The errors that a user may read. Each is named for the rule that refused, and carries the facts as attributes."""

from collections.abc import Mapping


class CollectionsError(Exception):
    """Parent of every refusal. Its message is one sentence, fit for the screen, that says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotFound(CollectionsError):
    """What was asked for is not there, or not for this actor to see: the two are not told apart."""


class NotAllowed(CollectionsError):
    """The actor's role lacks the permission."""


class Refused(CollectionsError):
    """A rule said no; trying again changes nothing."""


class Conflict(CollectionsError):
    """Someone else changed it in the meantime; look again and decide anew."""


class Unavailable(CollectionsError):
    """Something outside is not there just now, such as the mail server; later it may be."""


class InvalidInput(CollectionsError):
    """Fields that cannot be taken, each with its sentence."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = dict(fields)
