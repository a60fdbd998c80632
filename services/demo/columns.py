"""Arrays as Arrow columns: the one form from which both COPY and the CSV files are written."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from services.demo.book import Days, Ints


def money(paise: Ints) -> pa.Array:
    """Amounts with two decimals, exactly: the integers are reread as decimals of scale 2."""
    words = np.empty((len(paise), 2), dtype=np.int64)
    words[:, 0], words[:, 1] = paise, paise >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(paise), [None, pa.py_buffer(np.ascontiguousarray(words))])


def day(days: Days) -> pa.Array:
    """Dates; NaT becomes empty."""
    return pa.array(days.astype("datetime64[D]"), type=pa.date32(), from_pandas=True)


def moment(moments: Days) -> pa.Array:
    """Moments in UTC; NaT becomes empty."""
    return pa.array(moments.astype("datetime64[s]"), from_pandas=True).cast(pa.timestamp("s", tz="UTC"))


def pick(words: Sequence[str | None], positions: Ints) -> pa.Array:
    """The words at these positions."""
    return pa.array(words, type=pa.string()).take(pa.array(positions))


def constant(word: str | int | bool, size: int) -> pa.Array:  # noqa: FBT001 - a value, not a switch
    """The same value `size` times."""
    return pa.repeat(pa.scalar(word), size)


def numbered(prefix: str, numbers: Ints, width: int) -> pa.Array:
    """Text such as 'LN0000042'."""
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width, "0")
    return joined(pa.scalar(prefix), digits)


def joined(*parts: pa.Array | pa.Scalar) -> pa.Array:
    """Texts put together row by row."""
    return pc.binary_join_element_wise(*parts, pa.scalar(""))


def as_csv(columns: Mapping[str, pa.Array], *, header: bool) -> bytes:
    """The columns as CSV; empty cells are NULL to Postgres, quoted ones are text."""
    sink = io.BytesIO()
    options = csv.WriteOptions(include_header=header, quoting_style="needed", quoting_header="none")
    csv.write_csv(pa.table(dict(columns)), sink, options)
    return sink.getvalue()
