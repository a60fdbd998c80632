"""The sheet of a day: taken along, filled without network, sent in later."""

from datetime import date, timedelta

import streamlit as st

from components import empty, notices, palette, tables
from components.tables import Column
from services import exports, lender
from services.actors import Actor
from services.errors import Refused
from services.visits import sheet_lines, sheets

_KEY = "visits.sheet"


def show(actor: Actor) -> None:
    """Taking a sheet along, and sending one in."""
    st.markdown("#### Take along")
    st.caption("Visits of a day with their addresses, to fill where there is no network. Taking it is recorded.")
    today = lender.current().today
    on = st.date_input("Day", value=today, min_value=today, max_value=today + timedelta(days=7), key=f"{_KEY}.day",
                       format="DD/MM/YYYY", width=150)  # fmt: skip
    if isinstance(on, date):
        _take(actor, on)
    st.markdown("#### Send in")
    st.caption("The CSV that the page saved, or the sheet as you filled it. A file that comes twice is recorded once.")
    file = st.file_uploader(
        "Filled sheet", type=["csv"], max_upload_size=2, key=f"{_KEY}.file", label_visibility="collapsed"
    )
    if file is not None:
        with notices.showing_errors():
            _send(actor, file.getvalue())


def _take(actor: Actor, on: date) -> None:
    if not st.button("Make the sheet", icon=":material/download:", key=f"{_KEY}.make"):
        return
    try:
        lines = sheets.taken_along(actor, on)
    except Refused as refused:
        empty.empty(refused.message, "Plan visits first, under “Plan”.")
        return
    st.success(
        f"{len(lines)} visits are on the sheet. Save it now: it is made anew each time.", icon=":material/check:"
    )
    with st.container(horizontal=True, gap="small"):
        st.download_button("Page for the phone", data=sheets.as_page(actor, lines, on), file_name=f"visits-{on}.html",
                           mime="text/html", icon=":material/phone_android:", type="primary", on_click="ignore",
                           key=f"{_KEY}.html", help="Opens in the browser, works without network")  # fmt: skip
        st.download_button("CSV", data=sheets.as_csv(lines), file_name=f"visits-{on}.csv", mime=exports.CSV_TYPE,
                           icon=":material/table:", on_click="ignore", key=f"{_KEY}.csv")  # fmt: skip


def _send(actor: Actor, content: bytes) -> None:
    if st.session_state.get(f"{_KEY}.sent") == hash(content):
        _lines(sheet_lines.send_in(actor, content, is_trial=True))
        st.caption("This sheet was sent in.")
        return
    found = sheet_lines.send_in(actor, content, is_trial=True)
    _lines(found)
    ready = sum(line.result == "recorded" for line in found)
    if not ready:
        st.caption("Nothing of this sheet is new. Mend the lines that are wrong in the file, and choose it again.")
        return
    noun = "visit" if ready == 1 else "visits"
    if st.button(f"Record {ready} {noun}", type="primary", icon=":material/upload:", key=f"{_KEY}.send"):
        done = sheet_lines.send_in(actor, content, is_trial=False)
        recorded = sum(line.result == "recorded" for line in done)
        st.session_state[f"{_KEY}.sent"] = hash(content)
        notices.after_rerun(f"{recorded} of {len(done)} lines are recorded")


def _lines(found: list[sheet_lines.Line]) -> None:
    now = palette.current()
    colours = {
        sheet_lines.RESULTS["recorded"]: now.cured,
        sheet_lines.RESULTS["wrong"]: now.broken,
        sheet_lines.RESULTS["already"]: now.unknown,
    }
    words = {"recorded": "To be recorded"}
    colours["To be recorded"] = now.due_soon
    rows = [
        {"number": line.number, "visit": line.visit, "borrower": line.borrower,
         "result": words.get(line.result, sheet_lines.RESULTS[line.result]), "sentence": line.sentence}
        for line in found
    ]  # fmt: skip
    tables.table(
        rows,
        (
            Column("visit", "Visit", is_pinned=True, width=90),
            Column("borrower", "Borrower", width=150),
            Column("result", "Result", "chip", colours=colours, width=130),
            Column("sentence", "What", width=320),
            Column("number", "Line", "number", width=60),
        ),
        key=f"{_KEY}.lines",
    )
