"""Running the rules: what a run would do, the run with its progress, the daily switch, and what past runs did."""

import streamlit as st

from components import allocation_cached, dates, empty, guard, money, notices, tables
from components.tables import Column
from services import allocation
from services.actors import Actor
from services.allocation import AllocationRun, RunReport, Scope

_SCOPES = {
    Scope.UNALLOCATED: "Cases that nobody has",
    Scope.ALL: "Every open case, dealt anew",
}
_PREVIEW = "allocation.preview"


def show(actor: Actor) -> None:
    """Choose the cases, look at what would happen, then run; below, the runs so far."""
    nobodys = allocation_cached.unallocated(actor)
    st.subheader(
        f"{money.count(nobodys.cases)} open cases have nobody, {money.short(nobodys.overdue_amount)} overdue",
        anchor=False,
    )
    scope = st.radio("Which cases", list(_SCOPES), format_func=_SCOPES.__getitem__, key="allocation.scope")
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Show what a run would do", icon=":material/preview:", type="primary", key="allocation.dry_run"):
            with notices.showing_errors(), st.spinner("Reading open cases …"):
                st.session_state[_PREVIEW] = (scope, allocation.dry_run(actor, scope))
        _daily(actor)
    _progress(actor)
    previewed: tuple[Scope, RunReport] | None = st.session_state.get(_PREVIEW)
    if previewed is not None and previewed[0] is scope:
        _preview(actor, scope, previewed[1])
    _past(actor)


def _daily(actor: Actor) -> None:
    is_on = allocation.is_daily(actor)
    wanted = st.toggle(
        "Run every night after the close",
        value=is_on,
        key=f"allocation.daily.{is_on}",
        help="Cases that nobody has are given by the rules of the day. Others stay where they are.",
    )
    if wanted != is_on:
        with notices.showing_errors():
            allocation.switch_daily(actor, is_enabled=wanted)
            notices.after_rerun(f"The nightly run is {'on' if wanted else 'off'}.")


@st.fragment(run_every="2s")
def _progress(actor: Actor) -> None:
    """The run that waits or goes on; the page is drawn anew when it ends."""
    if not guard.still(actor):
        return
    run = allocation.current_run(actor)
    was_on = st.session_state.get("allocation.was_running", False)
    st.session_state["allocation.was_running"] = run is not None
    if run is None:
        if was_on:
            st.session_state.pop(_PREVIEW, None)
            allocation_cached.clear()
            st.rerun()
        return
    with st.container(border=True):
        st.markdown(f":material/sync: **{run.label}** · {notices.plain(run.note or 'waits for a worker')}")
        st.progress(run.share_done or 0.0)
        if run.error:
            st.caption(notices.plain(run.error))


def _preview(actor: Actor, scope: Scope, report: RunReport) -> None:
    with st.container(border=True):
        st.markdown(f"**{_sentence(report)}** Nothing has moved yet.")
        _tables(report, key="preview")
        with st.form("allocation.run_form", border=False):
            if scope is Scope.ALL:
                st.warning(
                    "Cases change hands, also those that collectors are in the middle of. What is open on someone's "
                    "screen now is left alone.",
                    icon=":material/warning:",
                )
            reason = st.text_input("Why (may be empty)", key="allocation.run_reason")
            if st.form_submit_button(f"Run now: {report.changed:,} cases change hands", type="primary"):
                with notices.showing_errors():
                    allocation.request_run(actor, scope, reason=reason)
                    st.session_state.pop(_PREVIEW, None)
                    st.session_state["allocation.was_running"] = True
                    notices.after_rerun("The run is under way. Its result stands below when it is done.")


def _sentence(report: RunReport) -> str:
    parts = [f"{money.count(report.considered)} cases considered", f"{money.count(report.allocated)} placed by rule"]
    if report.unallocated:
        parts.append(f"{money.count(report.unallocated)} not placed")
    if report.complaints:
        parts.append(f"{money.count(report.complaints)} left out for an open complaint")
    if report.in_work:
        parts.append(f"{money.count(report.in_work)} left out as someone has them open")
    return ", ".join(parts) + "."


def _tables(report: RunReport, *, key: str) -> None:
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.markdown("**By rule**")
        columns = (Column("rule", "Rule"), Column("cases", "Cases", "number"))
        tables.table(report.rules, columns, key=f"allocation.{key}.rules")
    with right:
        st.markdown("**By collector**")
        if not report.people:
            st.caption("Nobody is given or loses a case.")
        people = (
            Column("name", "Collector", is_pinned=True),
            Column("agency", "Agency"),
            Column("before", "Had", "number"),
            Column("given", "By rule", "number", help="Placed by this run, with those that were theirs before"),
            Column("after", "Then has", "number"),
            Column("capacity", "Capacity", "number"),
        )
        if report.people:
            tables.table(report.people, people, key=f"allocation.{key}.people")
    if report.misses:
        st.markdown("**Not placed**")
        why = (
            Column("cases", "Cases", "number", width="small"),
            Column("why", "Why", width="large"),
            Column("rule", "Last rule asked", width="medium"),
        )
        tables.table(report.misses, why, key=f"allocation.{key}.misses")


def _past(actor: Actor) -> None:
    runs = allocation.allocation_runs(actor)
    if not runs:
        empty.empty("The rules have not been run yet.", "Look at what a run would do first.", icon=":material/preview:")
        return
    st.markdown("**Runs so far**")
    rows = [_line(run) for run in runs]
    columns = (
        Column("at", "When", "moment"),
        Column("what", "Cases"),
        Column("considered", "Considered", "number"),
        Column("changed", "Changed hands", "number"),
        Column("unallocated", "Not placed", "number"),
        Column("asked_by", "Asked by"),
        Column("version", "Rules version", "number"),
        Column("seconds", "Seconds", "number"),
    )
    chosen = tables.table(rows, columns, key="allocation.runs", select="id")
    run = next((run for run in runs if run.id == chosen), runs[0])
    st.markdown(f"**Run of {dates.moment(run.at)}**: {_sentence(run.report)}")
    _tables(run.report, key=f"run.{run.id}")


def _line(run: AllocationRun) -> dict[str, object]:
    return {
        "id": run.id,
        "at": run.at,
        "what": _SCOPES[run.scope],
        "considered": run.report.considered,
        "changed": run.report.changed,
        "unallocated": run.report.unallocated,
        "asked_by": run.asked_by or "Timetable",
        "version": run.version_id,
        "seconds": run.seconds,
    }
