"""Steps in time with their unit: a bare number added to dates is a step of no unit, which numpy gives up."""

import numpy as np
import numpy.typing as npt

Spans = npt.NDArray[np.timedelta64]
Numbers = npt.NDArray[np.int64] | int


def days(number: Numbers) -> Spans:
    """So many days."""
    return np.asarray(number, np.int64).astype("timedelta64[D]")


def months(number: Numbers) -> Spans:
    """So many calendar months, for dates of unit month."""
    return np.asarray(number, np.int64).astype("timedelta64[M]")


def seconds(number: Numbers) -> Spans:
    """So many seconds."""
    return np.asarray(number, np.int64).astype("timedelta64[s]")
