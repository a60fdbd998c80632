"""The one way rows are shown: compact, typed columns, amounts in the currency's grouping, a count and sums beneath.

A page passes at most some hundred rows (a keyset page of its list), never a book.
"""

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import pandas as pd
import streamlit as st

from components import dates, money, palette
from services.exports import value

Kind = Literal["text", "money", "number", "points", "percent", "date", "moment", "chip", "link", "flag"]
ROW_HEIGHT = 32
_RIGHT = {"money", "number", "points", "percent"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    """Attribute or key of the row."""
    label: str
    kind: Kind = "text"
    help: str | None = None
    """Definition, shown when pointing at the header."""
    width: Literal["small", "medium", "large"] | int | None = None
    colours: Mapping[str, str] = field(default_factory=dict)
    """For chips: colour of each word; a word without one stands plain."""
    is_pinned: bool = False
    """Stays in view when the table is scrolled sideways."""


def table(
    rows: Sequence[Any],
    columns: Sequence[Column],
    *,
    key: str,
    select: str | None = None,
    height: int | None = None,
) -> Any:
    """Draw rows as a table.

    Args:
        rows: dataclasses or mappings, the page of a list.
        columns: what to show, in order.
        key: name of the widget, '<page>.<table>'.
        select: the field that identifies a row; with it a row can be chosen.
        height: pixels; None: as many rows as there are, up to about fifteen.

    Returns:
        The chosen row's `select` field, or None.
    """
    frame = pd.DataFrame({column.name: [_cell(row, column) for row in rows] for column in columns})
    shown: Any = st.dataframe(
        _styled(frame, columns),
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=height or (min(len(rows), 15) + 1) * ROW_HEIGHT + 2,  # the header, the rows, the frame
        column_config={column.name: _config(column) for column in columns},
        column_order=[column.name for column in columns],
        key=f"{key}.{_digest(rows, select)}" if select else key,
        on_select="rerun" if select else "ignore",
        selection_mode="single-row",
        placeholder=dates.NOTHING,
    )
    if select is None:
        return None
    chosen = [position for position in shown.selection.rows if position < len(rows)]
    return value(rows[chosen[0]], select) if chosen else None


def _digest(rows: Sequence[Any], select: str) -> int:
    """Of which rows these are: a choice is kept while they stay, and forgotten with the next page of the list."""
    return zlib.crc32(repr([value(row, select) for row in rows]).encode())


def _cell(row: Any, column: Column) -> Any:
    held = value(row, column.name)
    if held is None:
        return None
    if column.kind in _RIGHT:
        return float(held)  # for sorting only: what is shown is written from it in the currency's grouping
    if column.kind == "chip":
        return [str(held)] if str(held) else None
    if column.kind == "date":
        return pd.Timestamp(held)
    if column.kind == "moment":
        return held
    if column.kind == "flag":
        return bool(held)
    return str(held)


def _styled(frame: pd.DataFrame, columns: Sequence[Column]) -> Any:
    """The frame with what needs it written out, such as amounts; sorting still goes by the numbers under them."""
    written: dict[str, Callable[[Any], str]] = {}
    for column in columns:
        if column.kind == "money":
            written[column.name] = _money_cell
        elif column.kind == "percent":
            written[column.name] = lambda share: dates.NOTHING if pd.isna(share) else f"{share * 100:.1f} %"
        elif column.kind == "points":
            written[column.name] = _points_cell
        elif column.kind == "number" and not _is_plain(frame[column.name]):
            written[column.name] = lambda count: dates.NOTHING if pd.isna(count) else money.count(count)
        elif column.kind == "date":
            written[column.name] = lambda on: dates.NOTHING if pd.isna(on) else dates.day(on.date())
        elif column.kind == "moment":
            written[column.name] = lambda at: dates.NOTHING if pd.isna(at) else dates.moment(at.to_pydatetime())
    plain = {column.name: "Int64" for column in columns if column.kind == "number" and column.name not in written}
    frame = frame.astype(plain)
    # writing out takes longer than the rest of a small table
    return frame.style.format(written) if written else frame  # type: ignore[arg-type]


def _is_plain(numbers: pd.Series) -> bool:
    """Whether they read the same without grouping: whole numbers below a thousand."""
    known = numbers.dropna()
    return bool(((known.abs() < 1000) & (known % 1 == 0)).all())


def _points_cell(change: float) -> str:
    """'+2.1': a change told to a tenth, the same in every row."""
    if pd.isna(change):
        return dates.NOTHING
    tenths = round(change, 1)
    return f"{money.MINUS if tenths < 0 else '+' if tenths > 0 else ''}{abs(tenths):.1f}"


def _money_cell(amount: float) -> str:
    return money.NOTHING if pd.isna(amount) else money.full(Decimal(str(round(amount, 2))))


def _config(column: Column) -> Any:
    common: dict[str, Any] = {"label": column.label, "help": column.help, "width": column.width}
    if column.is_pinned:
        common["pinned"] = True
    if column.kind == "chip":
        words = list(column.colours)
        plain = palette.legible(palette.current().unknown)
        return st.column_config.MultiselectColumn(
            **common, options=words, color=[palette.legible(column.colours[word]) for word in words] or plain
        )
    if column.kind == "link":
        return st.column_config.LinkColumn(**common, display_text=":material/open_in_new:")
    if column.kind == "flag":
        return st.column_config.CheckboxColumn(**common)
    alignment: Literal["left", "right"] = "right" if column.kind in _RIGHT else "left"
    return st.column_config.Column(**common, alignment=alignment)


def totals(rows: int, *, noun: str, sums: Iterable[tuple[str, Decimal]] = (), of: int | str | None = None) -> None:
    """The line beneath a table: how many, of how many, and what they sum to.

    Args:
        rows: how many are shown.
        noun: what they are, in the plural: 'accounts'.
        sums: label and amount of each sum of what is filtered.
        of: how many there are in all, if more than shown.
    """
    shown = money.count(rows)
    if of is not None and str(of) != str(rows):
        shown = f"{shown} of {of if isinstance(of, str) else money.count(of)}"
    if rows == 1 and of in {None, 1, "1"}:
        first, *rest = noun.split(" ")
        noun = " ".join([first.removesuffix("s"), *rest])
    counted = f"{shown} {noun}"
    parts = [counted, *(f"{label} **{money.full(amount)}**" for label, amount in sums)]
    st.caption(" · ".join(parts))


def next_page(key: str, next_after: Any, *, is_first: bool) -> None:
    """Buttons under a keyset page: back to the start, and on to the next; the position is kept for this list only.

    Args:
        key: the list's name; read the position with `position(key)`.
        next_after: key of the last row shown, None when nothing follows.
        is_first: whether this is the first page.
    """
    if is_first and next_after is None:
        return
    with st.container(horizontal=True, horizontal_alignment="right", gap="small"):
        st.button("First", key=f"{key}.first", disabled=is_first, on_click=_go, args=(key, None), type="tertiary")
        st.button(
            "Next",
            key=f"{key}.next",
            icon=":material/chevron_right:",
            disabled=next_after is None,
            on_click=_go,
            args=(key, next_after),
            type="tertiary",
        )


def position(key: str) -> Any:
    """After which row the page of list `key` starts; None: at the start."""
    return st.session_state.get(f"{key}.after")


def restart(key: str) -> None:
    """Go back to the start of list `key`: call it when the filter changes."""
    _go(key, None)


def _go(key: str, after: Any) -> None:
    st.session_state[f"{key}.after"] = after
