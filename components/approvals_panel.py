"""One request opened: what is asked and why, the facts, its history, and the decision."""

from contextlib import AbstractContextManager

import streamlit as st

from components import approvals_list, dates, documents_panel, form_fields, money, notices
from components.case_panel import plain
from services import approvals, clock
from services.actors import Actor, Permission
from services.approvals import Detail, Event, Request
from services.errors import NotFound

_EVENTS = {
    "asked": ":material/help:",
    "escalated": ":material/arrow_upward:",
    "approved": ":material/check_circle:",
    "refused": ":material/cancel:",
    "withdrawn": ":material/undo:",
}


def show(actor: Actor, request_id: int) -> None:
    """Everything about one request, and the acts on it."""
    try:
        detail = approvals.detail(actor, request_id)
    except NotFound as missing:
        st.info(missing.message)
        return
    with st.container(key="approvals_one" if approvals_list.is_named() else None, gap="small"):
        if approvals_list.is_named():
            with st.container(key="approvals_back"):
                st.button(
                    "Back to the list", icon=":material/arrow_back:", on_click=approvals_list.open_request, args=(None,)
                )
        _head(actor, detail.request)
        _facts(detail)
        if actor.may(Permission.VIEW_BORROWER):
            documents_panel.of_subject(actor, detail.request.subject)
        if detail.may_decide:
            _decide(actor, detail)
        elif detail.why_not:
            st.info(detail.why_not, icon=":material/lock:")
        if detail.may_withdraw:
            st.info("You asked for this yourself. Someone else must decide it.", icon=":material/lock:")
            _withdraw(actor, detail.request)
        _history(detail)


def _head(actor: Actor, request: Request) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"{request.label}: {plain(money.in_sentence(request.summary))}", anchor=False, width="content")
        if request.borrower_id is not None and actor.may(Permission.VIEW_BORROWER):
            st.page_link(
                "pages/borrower.py",
                label=f"Borrower {plain(request.borrower_number or '')}",
                icon=":material/person_search:",
                query_params={"borrower": str(request.borrower_id)},
            )
    with st.container(horizontal=True, gap="large"):
        if request.amount is not None:
            st.metric("At stake", money.full(request.amount), width="content")
        if request.percent is not None:
            st.metric("Of what is owed", f"{request.percent.normalize():f} %", width="content")
        now = clock.now()
        st.metric(
            "Waits" if request.status == "waiting" else "Waited",
            approvals_list.span(request.age(now)),
            help=f"Asked {dates.moment(request.asked_at)}",
            width="content",
        )
    level = f"Level {request.level}, {plain(request.level_title)}"
    st.caption(f"{level} · {approvals_list.due(request, now)}" if request.status == "waiting" else level)


def _facts(detail: Detail) -> None:
    request = detail.request
    st.markdown(f"**{plain(request.asked_by_name)}** asks, because: {plain(request.reason)}")
    if detail.facts:
        lines = [{"label": plain(label), "value": approvals_list.fact(value)} for label, value in detail.facts]
        st.table(lines, border="horizontal", hide_header=True, hide_index=True)


def _decide(actor: Actor, detail: Detail) -> None:
    request = detail.request
    if detail.stands_in_for:
        st.caption(f"You decide with the authority of {detail.stands_in_for}, for whom you stand in.")
    form, places = form_fields.drawn(f"decide.{request.id}"), form_fields.Places()
    with st.container(key="approvals_decision"), _undecided_form(request):
        reason = st.text_input("Reason", key=f"{form}.reason", max_chars=300, placeholder="What you saw and why")
        places.under("reason")
        with st.container(horizontal=True, gap="small"):
            is_approved = st.form_submit_button(
                "Approve", type="primary", icon=":material/check:", key=f"{form}.approve", shortcut="Ctrl+Enter"
            )
            is_refused = st.form_submit_button("Refuse", icon=":material/close:", key=f"{form}.refuse")
    form_fields.focus("approvals_decision", form)
    if is_approved or is_refused:
        with places.showing_errors():
            approvals.decide(actor, request.id, approve=is_approved, reason=reason)
            form_fields.done(form)
            approvals_list.open_request(None)
            notices.after_rerun("Approved; it takes effect now." if is_approved else "Refused.")


def _undecided_form(request: Request) -> AbstractContextManager[object]:
    """Enter alone decides nothing: it would approve what one means to refuse."""
    return st.form(f"approvals.decide.{request.id}", border=True, enter_to_submit=False)


def _withdraw(actor: Actor, request: Request) -> None:
    label = "Take the request back"
    with st.popover(label, icon=":material/undo:"), st.form(f"approvals.withdraw.{request.id}", border=False):
        st.markdown("Nobody decides it then, and what you asked for does not happen. You can ask again.")
        reason = st.text_input("Reason", key=f"approvals.withdraw.{request.id}.reason", max_chars=300)
        if st.form_submit_button("Take it back", type="primary"):
            with notices.showing_errors():
                approvals.withdraw(actor, request.id, reason=reason)
                notices.after_rerun("The request is taken back.")


def _history(detail: Detail) -> None:
    st.markdown("**History**")
    for event in detail.history:
        st.markdown(_line(event, detail.request))


def _line(event: Event, request: Request) -> str:
    who = plain(event.actor_name or "The time limit")
    said = {
        "asked": f"asked level {event.level}, {plain(event.level_title)}",
        "escalated": f"took it to level {event.level}, {plain(event.level_title)}",
        "withdrawn": "took it back",
    }.get(event.event, f"{event.event} it")
    if event.event in {"approved", "refused"} and request.decided_for_name:
        said += f" for {plain(request.decided_for_name)}"
    because = f": {plain(event.reason)}" if event.reason and event.event not in {"asked", "escalated"} else ""
    return f"{_EVENTS[event.event]} {who} {said}{because} :gray[{dates.moment(event.at)}]"
