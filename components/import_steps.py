"""The line of steps of an import, its first step, and the panel that follows background work."""

import json
import zlib
from typing import Any

import streamlit as st

from components import guard
from components.notices import plain, showing_errors
from services import imports, jobs
from services.actors import Actor
from services.imports import KIND_LABELS, BatchSummary, Kind

_STEPS = ("File", "Columns", "Check", "Preview", "Commit")
_POSITION = {
    "uploaded": 1,
    "failed": 1,
    "staging": 2,
    "checked": 3,
    "committing": 4,
    "committed": 5,
    "undoing": 5,
    "undone": 5,
}
_WORDS = {"staging": "Reading and checking the file", "committing": "Committing", "undoing": "Taking the import back"}


def steps(batch: BatchSummary | None) -> None:
    """Where this import is, and a way to the next one."""
    here = 0 if batch is None else _POSITION.get(batch.status, 5)
    words = []
    for position, name in enumerate(_STEPS):
        if position < here:
            words.append(f":green[:material/check:\u00a0{name}]")
        else:  # a number stays beside its word where the line breaks
            numbered = f"{position + 1}\u00a0{name}"
            words.append(f"**{numbered}**" if position == here else f":gray[{numbered}]")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(" :gray[›] ".join(words))
        if batch is not None:
            st.button(
                "New import",
                icon=":material/add:",
                key="imports.new",
                on_click=open_batch,
                args=(None,),
                type="tertiary",
            )
    if batch is not None:
        st.caption(f"Import {batch.id} · {plain(batch.file_name)} · {KIND_LABELS[batch.kind]}")


def open_batch(batch_id: int | None) -> None:
    """Show a batch, or the start of a new one; the address says which."""
    if batch_id is None:
        st.query_params.pop("batch", None)
    else:
        st.query_params["batch"] = str(batch_id)


def is_as_seen(batch: BatchSummary) -> bool:
    """Whether the import stands as this page showed it last; if somebody else changed it since, that is said."""
    stands = (batch.mapping, batch.options, batch.counts, batch.report.get("rules"))
    now = (batch.id, batch.status, digest(stands))
    before = st.session_state.get("imports.seen", now)
    st.session_state["imports.seen"] = now
    if before[:2] == now[:2] and before != now:
        st.warning(
            "Somebody else changed this import in the meantime. It is shown as it is now; nothing else was done.",
            icon=":material/group:",
        )
        return False
    return True


def changed_here() -> None:
    """What differs when the page is drawn next was changed by this very user."""
    st.session_state.pop("imports.seen", None)


def digest(stands: Any) -> int:
    """A short name of what is stored, for keys of widgets that begin anew when it changes."""
    return zlib.crc32(json.dumps(stands, sort_keys=True, default=str).encode())


def give_up(actor: Actor, batch: BatchSummary) -> None:
    """Give up a file that was not committed, and show the start of a new import."""
    imports.discard(actor, batch.id)
    open_batch(None)
    st.rerun()


def upload_form(actor: Actor) -> None:
    """What kind of file, and the file."""
    with st.form("imports.upload", border=True):
        kind = st.selectbox(
            "What does the file hold?", list(Kind), format_func=lambda k: KIND_LABELS[k], key="imports.kind"
        )
        file = st.file_uploader(
            "CSV or XLSX, also gzipped or zipped",
            type=["csv", "tsv", "txt", "xlsx", "xlsm", "gz", "zip"],
            key="imports.file",
            help="The first row names the columns. Larger files: manage.py import.",
        )
        is_sent = st.form_submit_button("Upload", type="primary", icon=":material/upload:")
    if is_sent and file is None:
        st.warning("Choose a file first.", icon=":material/info:")
    elif is_sent and file is not None and kind is not None:
        batch = imports.upload(actor, file, file.name, kind=kind)
        open_batch(batch.id)
        st.rerun()


@st.fragment(run_every="1s")
def work(actor: Actor, batch_id: int) -> None:
    """Progress of what runs; the page is drawn anew when it is over. It may be left: the work goes on."""
    if not guard.still(actor):
        return
    with showing_errors():
        batch, run = imports.view(actor, batch_id), imports.work_of(actor, batch_id)
        if batch.status not in _WORDS:
            st.rerun()
        if run is not None and run.status in ("failed", "cancelled"):
            st.error(plain(run.error or "The work was cancelled."), icon=":material/error:")
            with st.container(horizontal=True):
                if st.button("Try again", key="imports.retry", icon=":material/replay:"):
                    jobs.retry(actor, run.job_id)
                if st.button("Back a step", key="imports.step_back", icon=":material/arrow_back:"):
                    imports.step_back(actor, batch_id)
                    st.rerun()
            return
        note = (run.note if run else None) or "waiting for a worker"
        share = min(1.0, run.done / run.total) if run and run.total else 0.0
        st.progress(share, text=f"{_WORDS[batch.status]}: {plain(note)}")
        st.caption("You may leave this page: the work goes on, and this address shows how far it is.")
