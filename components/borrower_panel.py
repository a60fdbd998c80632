"""One borrower: finding one, the head, the tabs, and the acts at one place."""

from collections.abc import Callable

import streamlit as st

from components import (
    audit_trail,
    borrower_agreements,
    case_panel,
    case_people,
    complaint_form,
    contact_windows,
    dates,
    documents_panel,
    empty,
    follow_up_form,
    hardship_form,
    hold_banners,
    languages,
    legal_form,
    money,
    notices,
    outcome_form,
    payment_form,
    plan_form,
    promise_form,
    schedule_strip,
    settlement_form,
    status_form,
    tables,
    timeline,
    untried_list,
    visit_form,
    waiver_form,
)
from components.tables import Column
from services import borrowers, cases
from services.actors import Actor, Permission
from services.audit import searching
from services.borrowers import BorrowerView, LoanView
from services.errors import NotFound
from services.scoring import BANDS

_HITS = (
    Column("name", "Name"),
    Column("number", "Number"),
    Column("city", "City"),
    Column("max_dpd", "DPD", "number"),
    Column("overdue_amount", "Overdue", "money"),
)


def chosen() -> int | None:
    """The borrower that the address names."""
    named = st.query_params.get("borrower", "")
    return int(named) if named.isdecimal() and len(named) < 19 else None


_LED = "borrower.led"
"""What the search has led to: it leads there once, so that the browser's way back is not turned round."""


def find(actor: Actor) -> bool:
    """A search; what was typed stays out of the address, since it may be personal.

    Returns:
        Whether something is looked for.
    """
    typed = st.text_input(
        "Find a borrower",
        key="borrower.search",
        placeholder="Start of a name, a customer or loan number, or a whole phone number",
        label_visibility="collapsed",
        icon=":material/search:",
    )
    if not typed:
        st.session_state.pop(_LED, None)
        return False
    with notices.showing_errors():
        hits = borrowers.search(actor, typed)
        if not hits:
            empty.empty("Nobody matches among those you may see.", "Check the spelling, or use the loan number.")
            return True
        picked = hits[0].id if len(hits) == 1 else tables.table(hits, _HITS, key="borrower.hits", select="id")
        if picked is not None and st.session_state.get(_LED) != (typed, picked):
            st.session_state[_LED] = (typed, picked)
            st.query_params["borrower"] = str(picked)
            st.rerun()
    return True


def nobody(actor: Actor) -> None:
    """Said while no borrower is chosen: where one may be found by this role."""
    lists = ((Permission.WORK_QUEUE, "the queue"), (Permission.VIEW_PORTFOLIO, "Accounts"))
    found_in = next((f", or open one from {name}" for needed, name in lists if actor.may(needed)), "")
    empty.empty("No borrower is chosen.", f"Search above{found_in}.")


def view_of(actor: Actor, borrower_id: int) -> BorrowerView | None:
    """The borrower, or None after saying why not."""
    try:
        return borrowers.view(actor, borrower_id)
    except NotFound as missing:
        empty.empty(missing.message)
        return None


def head(actor: Actor, view: BorrowerView) -> None:
    """Who, how much, how late, whose, and whether contact is allowed now."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(case_panel.plain(view.name), anchor=False, width="content")
        where = [view.number, view.city, view.state, languages.named(view.language)]
        st.caption(" · ".join(case_panel.plain(part) for part in where if part), width="content")
        case_panel.allowed(view.call)
    with st.container(horizontal=True, gap="large"):
        for label, figure, meaning in _figures(view):
            st.metric(label, case_panel.plain(figure) if label == "Owner" else figure, help=meaning, width="content")
    case_people.show(actor, view)
    hold_banners.show(actor, view)


def _figures(view: BorrowerView) -> list[tuple[str, str, str]]:
    case = view.case
    worst = view.worst
    return [
        ("Overdue", money.full(view.overdue_amount), "Fell due on active loans and is not paid"),
        ("Owed in all", money.short(view.owed), f"{money.full(view.owed)}: principal, with interest and charges due"),
        ("Days past due", str(view.max_dpd), "Of the worst active loan, from its oldest unpaid due date"),
        ("Class", worst.class_label if worst else "–", "RBI class of the worst loan at day-end"),
        ("Stage", cases.ALL_STAGES.get(case.stage, "–") if case else "No open case", "By the stage rules in force"),
        ("Owner", (case.owner_name or "Unallocated") if case else "–", "Who works the case"),
    ]


def tabs(actor: Actor, view: BorrowerView) -> None:
    """What is known, a subject a tab."""
    names = ["Timeline", "Loans", "Contact", "Agreements", "Risk", "Documents"]
    is_audited = actor.may(Permission.VIEW_AUDIT)
    drawn = st.tabs([*names, "Audit"] if is_audited else names)
    with drawn[0]:
        timeline.show(actor, view.id)
    with drawn[1]:
        _loans(view)
    with drawn[2]:
        _contact(actor, view)
    with drawn[3]:
        borrower_agreements.show(actor, view)
    with drawn[4]:
        _risk(view)
    with drawn[5]:
        documents_panel.tab(actor, view)
    if is_audited:
        with drawn[6]:
            _audit(actor, view)


def _loans(view: BorrowerView) -> None:
    if not view.loans:
        empty.empty("This borrower has no loan.", "Import a loan book that names the borrower.")
    for loan in view.loans:
        with st.container(border=True, gap="small"):
            number, product = case_panel.plain(loan.number), case_panel.plain(loan.product)
            st.markdown(f"**{number}** · {product} · {loan.status.replace('_', ' ')}")
            st.markdown(_loan_line(loan))
            schedule_strip.show(loan.strip, is_reported=loan.source == "snapshot")


def _loan_line(loan: LoanView) -> str:
    rate = f" at {loan.interest_rate.normalize():f} %" if loan.interest_rate is not None else ""
    parts = [
        f"{loan.dpd} DPD",
        f"overdue **{money.full(loan.overdue_amount)}**",
        f"outstanding {money.full(loan.outstanding)} of {money.full(loan.principal)}{rate}",
        f"disbursed {dates.day(loan.disbursed_on)}",
        f"next due {dates.day(loan.next_due_on)} {money.full(loan.next_due_amount)}" if loan.next_due_on else "",
        f"last paid {dates.day(loan.last_paid_on)}",
        f"{loan.bounces} {'bounce' if loan.bounces == 1 else 'bounces'} in 180 days",
    ]
    return " · ".join(part.replace("$", "\\$") for part in parts if part)


def _contact(actor: Actor, view: BorrowerView) -> None:
    if not view.contact_points:
        empty.empty("No number or address is known.", "Import a contacts file; an address may be traced from the book.")
    for point in view.contact_points:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"{point.kind.capitalize()}{' (primary)' if point.is_primary else ''}", width=140)
            case_panel.contact_point(actor, point)
            consent = {True: ":green[consent given]", False: ":red[consent refused]", None: ":gray[never asked]"}
            st.markdown(consent[point.consent], width="content")
    contact_windows.show(actor, view)
    untried_list.show(actor, view.id)
    zone = view.time_zone or "the lender's"
    st.caption(
        f"Language: {languages.named(view.language) or 'not known'} · contact hours are judged in time zone: {zone}"
    )


_EVENTS = (
    Column("at", "When", "moment", width=140),
    Column("sentence", "What happened", width=460),
    Column("role", "Role", width=70),
)
_EVENTS_SHOWN = 50


def _audit(actor: Actor, view: BorrowerView) -> None:
    page = searching.search(actor, searching.Search(whom=view.number), limit=_EVENTS_SHOWN)
    if not page.events:
        empty.empty("No act about this borrower is in the trail yet.")
        return
    tables.table(audit_trail.rows(page.events), _EVENTS, key="borrower.audit")
    tables.totals(len(page.events), noun="events", of=page.found_label)
    st.page_link(
        "pages/audit.py",
        label="Search the trail for this borrower",
        icon=":material/verified_user:",
        query_params={"audit.whom": view.number},
    )


def _risk(view: BorrowerView) -> None:
    for loan in view.loans:
        score = f"{loan.risk_score} of 100, " if loan.risk_score is not None else ""
        st.markdown(f"**{case_panel.plain(loan.number)}**: {score}{BANDS[loan.risk_band].lower()}")
        words = [f"{case_panel.reason_words(reason)} :gray[({reason.points:+d})]" for reason in loan.risk_reasons]
        st.caption(" · ".join(words) or "No reasons are stored: the loan has not been scored yet.")
    if view.case is not None and view.case.reasons:
        st.markdown(f"**Priority of the case: {view.case.priority}**")
        words = [f"{case_panel.reason_words(reason)} :gray[({reason.points:+d})]" for reason in view.case.reasons]
        st.caption(" · ".join(words))


def _log_contact(actor: Actor, view: BorrowerView) -> None:
    if saved := outcome_form.show(actor, view, with_next=False):
        outcome_form.said(saved)


_ACTIONS: dict[str, tuple[str, Permission, Callable[[Actor, BorrowerView], None]]] = {
    "contact": ("Log contact", Permission.RECORD_CONTACT, _log_contact),
    "promise": ("Promise", Permission.RECORD_CONTACT, promise_form.show),
    "plan": ("Plan", Permission.MAKE_ARRANGEMENTS, plan_form.show),
    "hardship": ("Hardship", Permission.MAKE_ARRANGEMENTS, hardship_form.show),
    "settlement": ("Settlement", Permission.MAKE_ARRANGEMENTS, settlement_form.show),
    "waiver": ("Waive charges", Permission.MAKE_ARRANGEMENTS, waiver_form.show),
    "visit": ("Visit", Permission.MAKE_VISITS, visit_form.show),
    "payment": ("Payment", Permission.RECORD_PAYMENT, payment_form.show),
    "follow_up": ("Follow-up", Permission.RECORD_CONTACT, follow_up_form.show),
    "hold": ("Hold", Permission.RECORD_CONTACT, status_form.show),
    "complaint": ("Complaint", Permission.VIEW_BORROWER, complaint_form.show),
    "legal": ("Legal", Permission.HANDLE_LEGAL, legal_form.show),
}


def actions(actor: Actor, view: BorrowerView) -> None:
    """The acts that the actor may do, at one place; nothing for those who only look."""
    labels = {key: label for key, (label, needed, _) in _ACTIONS.items() if actor.may(needed)}
    if not labels:
        return
    with st.container(border=True, key="borrower_actions", gap="small"):
        act = st.segmented_control(
            "Act",
            list(labels),
            default=next(iter(labels)),
            required=True,
            format_func=labels.__getitem__,
            key="borrower.act",
            label_visibility="collapsed",
        )
        if act in labels:
            _ACTIONS[act][2](actor, view)
