"""How background work goes, drawn anew every few seconds; starting, retrying and cancelling it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from components import dates, empty, guard, money, notices, palette, tables
from components.tables import Column
from services import clock, jobs, schedules
from services.actors import Actor, Permission
from services.jobs import JobsOverview, JobView
from services.schedules import ScheduleView


@st.fragment(run_every="5s")
def live(actor: Actor) -> None:
    """What runs, failed and waits, and what was done lately."""
    if not guard.still(actor):
        return
    with notices.showing_errors():
        now = jobs.overview(actor)
        st.subheader(_headline(now), anchor=False)
        for run in now.running:
            _running(run)
        for run in now.failed:
            _failed(actor, run)
        _waiting(actor, now.waiting)
        _ended(now.ended)


def _headline(now: JobsOverview) -> str:
    running, failed, waiting = (now.counts.get(status, 0) for status in ("running", "failed", "queued"))
    parts = [f"{running} running", f"{waiting} waiting", f"{failed} failed"]
    return ", ".join(parts) if running or failed or waiting else "Nothing is running and nothing waits"


def _running(run: JobView) -> None:
    since = f"for {_ago(run.started_at)}" if run.started_at else ""
    attempt = f", attempt {run.attempts}" if run.attempts > 1 else ""
    steps = f" · {money.count(run.done)} of {money.count(run.total)}" if run.total else ""
    with st.container(border=True):
        st.markdown(f":material/sync: **{run.label}**{_subject(run)} · {notices.plain(run.note or 'running')}{steps}")
        if run.share_done is not None:  # a bar that stays empty looks stuck
            st.progress(run.share_done)
        st.caption(f"{since}{attempt}{_asked_by(run)}".lstrip(", "))


def _failed(actor: Actor, run: JobView) -> None:
    with (
        st.container(border=True),
        st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"),
    ):
        with st.container():
            st.markdown(f":red[:material/error:] **{run.label}**{_subject(run)} failed {_ago(run.finished_at)} ago")
            st.markdown(notices.plain(run.error or "No reason was kept."))
            tries = f"{money.counted(run.attempts, 'attempt')}{_asked_by(run)}"
            st.caption(f"{tries} · reference {run.reference}" if run.reference else tries)
        if actor.may(Permission.MANAGE_JOBS):
            with st.container(horizontal=True, width="content"):
                _button(actor, run, "Retry", ":material/replay:")
                _button(actor, run, "Dismiss", ":material/close:")


def _button(actor: Actor, run: JobView, label: str, icon: str) -> None:
    if st.button(label, icon=icon, key=f"jobs.{label.lower()}.{run.id}"):
        with notices.showing_errors():
            if label == "Retry":
                jobs.retry(actor, run.id)
                notices.after_rerun(f"{run.label} is tried again.")
            jobs.cancel(actor, run.id)
            notices.after_rerun(f"{run.label} is off the list.")


def _waiting(actor: Actor, waiting: Sequence[JobView]) -> None:
    if not waiting:
        return
    rows = [
        {
            "label": run.label + _subject(run),
            "run_after": run.run_after,
            "why": run.error or "A worker will take it.",
            "attempts": run.attempts,
            "id": run.id,
        }
        for run in waiting
    ]
    columns = (
        Column("label", "Waiting", width="medium"),
        Column("run_after", "Not before", "moment"),
        Column("why", "Why", width="large"),
        Column("attempts", "Begun", "number", help="How often it was begun already", width="small"),
    )
    chosen = tables.table(rows, columns, key="jobs.waiting", select="id" if actor.may(Permission.MANAGE_JOBS) else None)
    run = next((run for run in waiting if run.id == chosen), None)
    if run is not None:
        _button(actor, run, "Cancel", ":material/close:")


def _ended(ended: Sequence[JobView]) -> None:
    if not ended:
        empty.empty(
            "No job has been done yet.",
            "Jobs come from imports, from the timetable below, and from its buttons.",
            icon=":material/schedule:",
        )
        return
    colours = palette.current()
    rows = [
        {
            "label": run.label + _subject(run),
            "state": "Done" if run.status == "done" else "Cancelled",
            "finished_at": run.finished_at,
            "took": _spoken(run.duration) if run.duration is not None and run.status == "done" else None,
            "result": _result(run),
            "asked_by": run.asked_by or "Timetable",
        }
        for run in ended
    ]
    columns = (
        Column("label", "Done lately", width="medium"),
        Column("state", "State", "chip", colours={"Done": colours.cured, "Cancelled": colours.unknown}, width="small"),
        Column("finished_at", "Ended", "moment"),
        Column("took", "Took", width="small"),
        Column("result", "Result", width="large"),
        Column("asked_by", "Asked for by"),
    )
    tables.table(rows, columns, key="jobs.ended")


def timetable(actor: Actor) -> None:
    """When recurring work comes next, with a switch and a button for who may use them."""
    with notices.showing_errors():
        lines = schedules.timetable(actor)
        st.markdown("**Timetable**")
        columns = (
            Column("label", "Recurring work", width="medium"),
            Column("rhythm", "When"),
            Column(
                "last_at", "Last planned", "moment", help="Frequent work is planned only when there is something to do"
            ),
            Column("next_at", "Next", "moment"),
            Column("is_enabled", "On", "flag", width="small"),
        )
        rows = [
            {
                "kind": line.kind,
                "label": line.label,
                "rhythm": _rhythm(line),
                "last_at": line.last_at,
                "next_at": line.next_at,
                "is_enabled": line.is_enabled,
            }
            for line in lines
        ]
        is_manager = actor.may(Permission.MANAGE_JOBS)
        chosen = tables.table(rows, columns, key="jobs.timetable", select="kind" if is_manager else None)
        line = next((line for line in lines if line.kind == chosen), None)
        if line is not None:
            _switch(actor, line)


def _switch(actor: Actor, line: ScheduleView) -> None:
    label, verb = ("Switch off", "off") if line.is_enabled else ("Switch on", "on")
    if st.button(f"{label} “{line.label}”", key=f"jobs.switch.{line.kind}"):
        schedules.switch(actor, line.kind, is_enabled=not line.is_enabled)
        notices.after_rerun(f"{line.label} is switched {verb}.")


def start_buttons(actor: Actor) -> None:
    """A button for each kind of work that may be started by hand."""
    if not actor.may(Permission.MANAGE_JOBS):
        return
    with st.container(horizontal=True, gap="small"):
        for kind, known in jobs.KINDS.items():
            if not known.can_start:
                continue
            if st.button(f"{known.label} now", icon=":material/play_arrow:", key=f"jobs.start.{kind}"):
                with notices.showing_errors():
                    jobs.start(actor, kind)
                    notices.after_rerun(f"{known.label} starts as soon as a worker is free.")


def _rhythm(line: ScheduleView) -> str:
    if line.daily_at is not None:
        return f"daily at {line.daily_at}"
    return "every minute" if line.every_minutes == 1 else f"every {line.every_minutes} minutes"


def _subject(run: JobView) -> str:
    day = run.arguments.get("business_date")
    return f" of {dates.day(datetime.fromisoformat(day).date())}" if day else ""


def _asked_by(run: JobView) -> str:
    return f" · asked for by {notices.plain(run.asked_by)}" if run.asked_by else ""


def _result(run: JobView) -> str:
    counts = {name.replace("_", " "): value for name, value in (run.result or {}).items()}
    return " · ".join(f"{name} {_written(value)}" for name, value in counts.items())


def _written(value: object) -> str:
    return money.count(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _ago(at: datetime | None) -> str:
    return _spoken(clock.now() - at) if at is not None else dates.NOTHING


def _spoken(span: timedelta) -> str:
    """'0.4 s', '12 s', '3 min 20 s', '2 h 5 min', '3 days'."""
    seconds = max(0.0, span.total_seconds())
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, left = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days"
    if hours:
        return f"{hours} h {left} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
