"""Download buttons: what is on the screen as CSV and XLSX. Files are made only when asked for."""

from collections.abc import Callable, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from components import cached, guard
from services import exports
from services.exports import Field


def _to_xlsx(rows: Sequence[Any], columns: Sequence[Field] | None) -> bytes:
    return exports.to_xlsx(rows, columns, zone=ZoneInfo(cached.lender_format().time_zone))


def downloads(
    label: str,
    rows: Sequence[Any] | Callable[[], Sequence[Any]],
    *,
    columns: Sequence[Field] | None = None,
    key: str | None = None,
) -> None:
    """Two buttons that download rows as CSV and as XLSX.

    Args:
        label: what the rows are, such as 'Accounts 61–90'; it names the file.
        rows: dataclasses or mappings, or a function that reads them when a button is pressed (for long lists).
        columns: what to write, in order, with headers; None: every field.
        key: name of the widgets; None: made of the label.
    """
    name = "".join(letter if letter.isalnum() else "-" for letter in label.lower()).strip("-")
    read = rows if callable(rows) else lambda: rows
    is_empty = not callable(rows) and not rows
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        for kind, write, mime in (
            ("csv", exports.to_csv, exports.CSV_TYPE),
            ("xlsx", _to_xlsx, exports.XLSX_TYPE),
        ):
            st.download_button(
                kind.upper(),
                data=guard.when_pressed(lambda write=write: write(read(), columns)),  # type: ignore[misc]
                file_name=f"{name}.{kind}",
                mime=mime,
                icon=":material/download:",
                key=f"{key or name}.{kind}",
                help="Nothing to download yet." if is_empty else f"Download “{label}” as {kind.upper()}",
                disabled=is_empty,
                on_click="ignore",
                type="tertiary",
            )
