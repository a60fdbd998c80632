"""The history of allocation: each change of hands with its rule or person and its reason."""

import streamlit as st

from components import empty, exports, tables
from components.tables import Column
from services import allocation
from services.actors import Actor

_ANY = "Any"
_KEY = "allocation.history"


def show(actor: Actor) -> None:
    """A page of the changes, the latest first."""
    kinds = {_ANY: None} | {words: kind for kind, words in allocation.KINDS.items()}
    chosen = st.selectbox(
        "How it came about", list(kinds), key=f"{_KEY}.kind", on_change=tables.restart, args=(_KEY,), width=300
    )
    after = tables.position(_KEY)
    page = allocation.history(actor, after=after, kind=kinds[chosen])
    if not page.rows:
        empty.empty(
            "No case has changed hands this way.",
            "Cases are given on the Queue page by hand, and here under **Run** by rule.",
            icon=":material/history:",
        )
        return
    columns = (
        Column("at", "When", "moment"),
        Column("number", "Borrower no.", width="small"),
        Column("borrower", "Borrower"),
        Column("owner", "Given to", help="Empty: to nobody"),
        Column("how", "How"),
        Column("reason", "Reason", width="large"),
        Column("allocated_by", "By", help="Empty: the nightly run, or the system"),
    )
    rows = [
        {name: getattr(row, name) for name in (column.name for column in columns)} | {"id": row.id} for row in page.rows
    ]
    tables.table(rows, columns, key=_KEY)
    tables.totals(len(rows), noun="changes")
    tables.next_page(_KEY, page.next_after, is_first=after is None)
    exports.downloads(
        "Changes of hands",
        lambda: allocation.export_history(actor, kind=kinds[chosen]),
        columns=allocation.EXPORT_FIELDS,
        key=f"{_KEY}.export",
    )
