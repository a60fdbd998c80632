"""The list of complaints by days left, with filters and the figures above, and how complaints are handled here."""

from dataclasses import dataclass
from typing import Any

import streamlit as st

from components import complaints_cached, empty, exports, filters, money, notices, palette, tables
from components.form_fields import Places
from components.tables import Column
from services import complaints
from services.actors import Actor, Permission
from services.complaints import ABOUT, LISTS, Complaint, Urgency, Wanted

_PLACE = "complaints.list"
_EVERYONE = "everyone"


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of the list."""

    id: int
    number: str
    borrower: str
    about: str
    against: str | None
    status: str
    urgency: str
    days_left: int | None
    due_on: Any
    officer: str | None


def chosen() -> int | None:
    """The complaint that the address names."""
    named = st.query_params.get("complaint", "")
    return int(named) if named.isdecimal() and len(named) < 19 else None


def go_to(complaint_id: int | None) -> None:
    """Make a complaint the one that the address names; None: the list."""
    if complaint_id is None:
        st.query_params.pop("complaint", None)
    else:
        st.query_params["complaint"] = str(complaint_id)


def head(actor: Actor) -> None:
    """The state of things as a sentence, the figures, and the settings for those who handle complaints."""
    found = complaints_cached.figures(actor)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(_headline(found), anchor=False, width="stretch")
        if actor.may(Permission.HANDLE_COMPLAINTS):
            _settings(actor)
    days = f"{found.days_to_answer:.1f}" if found.days_to_answer is not None else "–"
    rate = f"{found.per_thousand_contacts:.2f}" if found.per_thousand_contacts is not None else "–"
    with st.container(horizontal=True, gap="large"):
        for label, figure, meaning in (
            ("Waiting for an answer", money.count(found.awaiting), "Received or reopened, and not answered"),
            ("Overdue", money.count(found.overdue), "Waiting after the last day for an answer"),
            ("To be closed", money.count(found.to_close), "Answered; contact is still stopped"),
            ("Days to answer", days, "Mean from receipt or reopening, of those answered in the last 90 days"),
            ("Received this month", money.count(found.received_this_month), "By the day on which they came"),
            ("Per 1,000 contacts", rate, "Received this month, per 1,000 contacts that people recorded this month"),
        ):
            st.metric(label, figure, help=meaning, width="content")


def _headline(found: complaints.Figures) -> str:
    if found.overdue:
        are = "complaint is" if found.overdue == 1 else "complaints are"
        return f"{money.count(found.overdue)} {are} past the last day for an answer"
    if found.awaiting:
        wait = "complaint waits" if found.awaiting == 1 else "complaints wait"
        return f"{money.count(found.awaiting)} {wait} for an answer, all in time"
    return "No complaint waits for an answer"


def chosen_filters(actor: Actor) -> Wanted:
    """The list and what narrows it, in one row."""
    people = {_EVERYONE: "Everyone"} | {str(person.id): person.name for person in complaints.people(actor)}
    with filters.bar():
        listed = filters.one("List", LISTS, name="list")
        about = filters.many("About", ABOUT, name="about")
        against = filters.one("Against", people, name="against")
        is_mine = actor.may(Permission.HANDLE_COMPLAINTS) and st.toggle(
            "Mine", key="complaints.mine", help="Those whose receipt you acknowledged"
        )
    wanted = Wanted(
        listed=listed, about=about, against_user_id=None if against == _EVERYONE else int(against), is_mine=is_mine
    )
    if st.session_state.get("complaints.wanted") != wanted:
        st.session_state["complaints.wanted"] = wanted
        tables.restart(_PLACE)
    return wanted


def show(actor: Actor, wanted: Wanted) -> None:
    """A page of the list; a chosen line opens the complaint."""
    after = tables.position(_PLACE)
    page = complaints.page(actor, wanted, after=after)
    if not page.rows:
        empty.empty(
            "No complaints in this list.",
            "A complaint is recorded on the borrower's page, with the action “Complaint”.",
        )
        return
    picked = tables.table([_row(row) for row in page.rows], _columns(), key="complaints.table", select="id")
    tables.totals(len(page.rows), noun="complaints")
    tables.next_page(_PLACE, page.next_after, is_first=after is None)
    exports.downloads(
        f"Complaints {LISTS[wanted.listed]}",
        lambda: complaints.export(actor, wanted),
        columns=complaints.EXPORT_FIELDS,
        key="complaints.export",
    )
    if picked is not None:
        go_to(int(picked))
        st.rerun()


def _row(row: Complaint) -> _Row:
    return _Row(
        id=row.id,
        number=row.number,
        borrower=f"{row.borrower_name} · {row.borrower_number}",
        about=row.about_words,
        against=row.against,
        status=row.status_words,
        urgency=row.urgency if row.days_left is not None else "",
        days_left=row.days_left,
        due_on=row.due_on,
        officer=row.officer_name,
    )


def urgency_colours() -> dict[str, str]:
    """The colour of each urgency's chip."""
    now = palette.current()
    return {
        Urgency.OVERDUE.value: now.broken,
        Urgency.URGENT.value: now.broken,
        Urgency.DUE_SOON.value: now.due_soon,
        Urgency.IN_TIME.value: now.cured,
    }


def _columns() -> tuple[Column, ...]:
    return (
        Column("number", "Complaint", is_pinned=True, width=90),
        Column("urgency", "Clock", "chip", colours=urgency_colours(), width=90, help="Against the time for an answer"),
        Column("days_left", "Days left", "number", width=75, help="Until the last day for an answer"),
        Column("due_on", "Answer due", "date", width=100),
        Column("borrower", "Borrower", width=200),
        Column("about", "About", width=140),
        Column("against", "Against", width=110),
        Column("status", "Status", width=120),
        Column("officer", "Officer", width=105),
    )


def _settings(actor: Actor) -> None:
    with st.popover("Settings", icon=":material/settings:"):
        now, places = complaints.settings(actor), Places()
        with st.form("complaints.settings", border=False):
            days = st.number_input("Answer within days", 1, 30, value=now.answer_days, help="The law allows 30")
            places.under("answer_days")
            alerts = st.text_input("Remind on days", value=", ".join(str(day) for day in now.alert_days))
            places.under("alert_days")
            words = st.text_area("What every answer says about the ombudsman", value=now.escalation, height=130)
            places.under("escalation")
            is_sent = st.form_submit_button("Save", type="primary")
        if is_sent:
            with places.showing_errors():
                complaints.configure(actor, answer_days=int(days), alert_days=_days(alerts), escalation=words)
                complaints_cached.clear()
                notices.after_rerun("Settings saved; complaints that were received keep their time")


def _days(typed: str) -> list[int]:
    parts = [part.strip() for part in typed.split(",")]
    return [int(part) if part.isdecimal() and len(part) < 4 else 0 for part in parts if part]
