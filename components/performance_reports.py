"""Reports on the performance page: the newest of each kind, earlier ones, and producing them now."""

from collections.abc import Sequence

import streamlit as st

from components import guard, notices, tables
from components.dates import day, moment
from components.empty import empty
from components.form_fields import done, drawn, request_key
from components.tables import Column
from services import reports
from services.actors import Actor
from services.exports import XLSX_TYPE
from services.reports import REPORTS, ReportKind, ReportView

_FORMATS = {"xlsx": XLSX_TYPE, "pdf": "application/pdf"}
_COLUMNS = (
    Column("title", "Report", is_pinned=True),
    Column("period", "Period"),
    Column("format", "Format", width=70),
    Column("produced_at", "Produced", "moment"),
    Column("by", "Asked for by"),
    Column("size", "Bytes", "number"),
    Column("sha256", "SHA-256", help="Of the file: what was sent can be told from what was changed"),
)


def show(actor: Actor) -> None:
    """Forms to produce, and what was produced."""
    st.caption("Produced every morning from the last day-end; when, the timetable on the Jobs page says.")
    _form(actor)
    _produced(actor)


def _form(actor: Actor) -> None:
    name = drawn("performance.report")
    titles = {kind: REPORTS[kind].title for kind in ReportKind}
    with st.form(name, border=False):
        kinds = st.multiselect(
            "Reports", list(titles), default=list(titles), format_func=titles.__getitem__, key=f"{name}.kinds"
        )
        is_sent = st.form_submit_button("Produce now", type="primary", icon=":material/play_arrow:")
    if is_sent:
        with notices.showing_errors():
            reports.request(actor, kinds, request_key=request_key(name))
            done(name)
            notices.after_rerun("The reports are being produced; they appear below when they are ready")


@st.fragment(run_every="5s")
def _produced(actor: Actor) -> None:
    """What can be downloaded; looks again by itself, so that a report appears when it is ready."""
    if not guard.still(actor):
        return
    seen = reports.listing(actor)
    if not seen.earlier:
        empty(
            "No report has been produced yet",
            "Press **Produce now**, or wait for the next morning.",
            icon=":material/description:",
        )
        return
    with st.grid(3, min_column_width=230, gap="xsmall", border=True, key="performance_newest"):
        for kind, newest in seen.newest.items():
            _card(actor, kind, newest)
    st.markdown("##### All reports, newest first")
    rows = [
        {
            "id": view.id,
            "title": view.title,
            "period": f"{day(view.period_start)} to {day(view.as_of)}",
            "format": view.format.upper(),
            "produced_at": view.produced_at,
            "by": view.produced_by_name or "schedule",
            "size": view.size,
            "sha256": view.sha256,
        }
        for view in seen.earlier
    ]
    chosen = tables.table(rows, _COLUMNS, key="performance.reports", select="id", height=330)
    if (view := next((view for view in seen.earlier if view.id == chosen), None)) is not None:
        _button(actor, view, "chosen")


def _card(actor: Actor, kind: ReportKind, newest: Sequence[ReportView]) -> None:
    with st.container(gap=None):
        st.markdown(f"**{REPORTS[kind].title}**")
        if not newest:
            st.caption("Not produced yet.")
            return
        st.caption(f"As of {day(newest[0].as_of)}, produced {moment(newest[0].produced_at)}")
        with st.container(horizontal=True, gap="small"):
            for view in newest:
                _button(actor, view, "newest")


def _button(actor: Actor, view: ReportView, place: str) -> None:
    st.download_button(
        f"{view.format.upper()}" if place == "newest" else f"Download {view.file_name}",
        data=guard.when_pressed(lambda: reports.download(actor, view.id)),
        file_name=view.file_name,
        mime=_FORMATS[view.format],
        icon=":material/download:",
        key=f"performance.report.{place}.{view.kind}.{view.format}",
        on_click="ignore",
        type="tertiary",
        help=f"SHA-256 {view.sha256}",
    )
