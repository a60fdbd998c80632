"""What came in before: who, what, when, with which result."""

from typing import Any

import streamlit as st

from components import import_steps, palette
from components.empty import empty
from components.tables import Column, next_page, position, table
from services import imports
from services.actors import Actor
from services.imports import BatchSummary

_PAGE = 15
_WORDS = {
    "uploaded": "draft", "staging": "checking", "checked": "checked", "committing": "committing",
    "committed": "committed", "undoing": "undoing", "undone": "undone", "failed": "failed",
}  # fmt: skip


def history(actor: Actor) -> None:
    """Imports, the newest first; choosing one opens it."""
    st.subheader("Imports so far")
    after = position("imports.history")
    found = imports.history(actor, before=after, limit=_PAGE + 1)
    if not found:
        empty("Nothing was imported yet.", "Upload a loan book to begin: a CSV or XLSX with one row a loan.")
        return
    chosen = table([_row(batch) for batch in found[:_PAGE]], _columns(), key="imports.history.table", select="id")
    next_page("imports.history", found[_PAGE - 1].id if len(found) > _PAGE else None, is_first=after is None)
    if chosen is not None and st.query_params.get("batch") != str(chosen):
        if st.session_state.get("imports.history.chosen") != chosen:
            st.session_state["imports.history.chosen"] = chosen
            import_steps.open_batch(chosen)
            st.rerun()
    elif chosen is None:
        st.session_state.pop("imports.history.chosen", None)


def _columns() -> tuple[Column, ...]:
    colours = palette.current()
    states = {
        "committed": colours.cured, "failed": colours.broken, "undone": colours.unknown, "draft": colours.unknown,
        "checked": colours.due_soon, "checking": colours.due_soon, "committing": colours.due_soon,
        "undoing": colours.due_soon,
    }  # fmt: skip
    return (
        Column("id", "Import", "number", width="small"),
        Column("kind", "Kind"),
        Column("file_name", "File", width="medium"),
        Column("state", "Result", "chip", width=110, colours=states),
        Column("accepted", "Rows taken", "number", width=95),
        Column("rejected", "Rejected", "number", width=85),
        Column("new", "New", "number", width=85),
        Column("changed", "Changed", "number", width=85),
        Column("who", "By"),
        Column("created_at", "Uploaded", "moment"),
    )


def _row(batch: BatchSummary) -> dict[str, Any]:
    return {
        "id": batch.id,
        "kind": batch.kind.value.replace("_", " ").capitalize(),
        "file_name": batch.file_name,
        "state": _WORDS.get(batch.status, batch.status),
        "accepted": batch.counts.get("accepted"),
        "rejected": batch.counts.get("rejected"),
        "new": batch.counts.get("new"),
        "changed": batch.counts.get("changed"),
        "who": batch.created_by or "Recoup",
        "created_at": batch.created_at,
    }
