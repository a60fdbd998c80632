"""What the store could not take of what somebody typed or an address named, told as a refusal.

Services check what they know of; this is for what any text field may be sent and no rule is about, such as a NUL byte.
"""

from psycopg import DataError, errors

from services.errors import CollectionsError, InvalidInput

_CHARACTER = (
    "A text holds a character that cannot be kept: an invisible one, mostly brought along by copying. Delete the text "
    "and type it, or paste it by way of a plain text editor."
)
_LONG = "A text is longer than can be kept. Shorten it."
_RANGE = "A number or a date is beyond what can be kept. Correct it."


def refusal_of(error: BaseException) -> CollectionsError | None:
    """The refusal that an error of the store amounts to; None: it is nothing that the user can mend.

    Args:
        error: what a statement raised, as it is or within the error of the layer above.
    """
    cause = getattr(error, "orig", None) or error
    match cause:
        case errors.NumericValueOutOfRange() | errors.DatetimeFieldOverflow():
            said = _RANGE
        case errors.StringDataRightTruncation() | errors.ProgramLimitExceeded():
            said = _LONG
        case errors.UntranslatableCharacter() | errors.CharacterNotInRepertoire():
            said = _CHARACTER
        case DataError() if "NUL" in str(cause):  # psycopg's own, before anything is sent
            said = _CHARACTER
        case _:
            return None
    return InvalidInput({"": said})
