"""Bucket codes and their names: positions among the lender's bucket edges, and the ways out of the book."""

from typing import Final

from services.lender import LenderSettings

CURRENT: Final = 0
CLOSED: Final = 100
WRITTEN_OFF: Final = 101
NOT_REPORTED: Final = 102
"""The lender's file of the month had the loan no more."""

WAYS_OUT: Final = {CLOSED: "Closed", WRITTEN_OFF: "Written off", NOT_REPORTED: "No longer reported"}


def label_of(code: int, settings: LenderSettings) -> str:
    """The name of a bucket or way out, such as '31–60' or 'Closed'.

    Raises:
        IndexError: no bucket has that code under the lender's edges.
    """
    return WAYS_OUT.get(code) or settings.bucket_labels[code]
