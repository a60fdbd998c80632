"""Documents of a borrower: what is kept, taking one out, and keeping another."""

from collections.abc import Sequence

import streamlit as st

from components import dates, empty, form_fields, guard, notices
from components.case_panel import plain
from components.form_fields import Places
from services import documents
from services.actors import Actor, Permission
from services.borrowers import BorrowerView
from services.documents import KINDS, UPLOADED, Document


def tab(actor: Actor, view: BorrowerView) -> None:
    """The borrower's documents, newest first, and the form that keeps one more."""
    found = documents.of_borrower(actor, view.id)
    if found:
        _rows(actor, found, key="borrower.document")
    else:
        empty.empty(
            "No document is kept with this borrower.", "Letters that are made, and files that are added, stand here."
        )
    if actor.may(Permission.RECORD_CONTACT):
        _add(actor, view.id)


def of_subject(actor: Actor, subject: tuple[str, int]) -> None:
    """The documents that belong to one thing, such as a request's evidence; nothing when there are none."""
    found = documents.with_subject(actor, subject)
    if found:
        st.markdown(f"**{len(found)} {'document' if len(found) == 1 else 'documents'}**")
        _rows(actor, found, key=f"documents.{subject[0]}")


def _rows(actor: Actor, found: Sequence[Document], *, key: str) -> None:
    for each in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.download_button(
                plain(each.file_name),
                data=guard.when_pressed(lambda document_id=each.id: documents.fetch(actor, document_id).content),  # type: ignore[misc]
                file_name=each.file_name,
                mime=each.media_type,
                icon=":material/download:",
                key=f"{key}.{each.id}",
                on_click="ignore",
                help=f"SHA-256 {each.sha256}. The download stands in the audit trail",
            )
            by = plain(each.stored_by_name or "Recoup")
            st.caption(f"{each.label} · {_size(each.size)} · {by}, {dates.moment(each.stored_at)}")


def _size(size: int) -> str:
    """'312 kB' or '2.4 MB'."""
    return f"{max(size // 1000, 1)} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def _add(actor: Actor, borrower_id: int) -> None:
    form, places = form_fields.drawn(f"document.{borrower_id}"), Places()
    with st.popover("Add a document", icon=":material/attach_file:", key=f"{form}.open"):  # noqa: SIM117 - a form within
        with st.form("document_form", border=False):
            kind = st.selectbox("Kind", list(UPLOADED), format_func=KINDS.__getitem__, key=f"{form}.kind")
            places.under("kind")
            file = form_fields.upload("File", key=f"{form}.file")
            places.under("file")
            is_sent = st.form_submit_button("Keep it", type="primary")
    if is_sent:
        with places.showing_errors():
            if file is None:
                places.tell("file", "Choose a file first.")
                return
            kept = documents.add(actor, borrower_id, kind=kind, file_name=file.name, content=file.getvalue())
            form_fields.done(form)
            notices.after_rerun(f"{kept.file_name} is kept")
