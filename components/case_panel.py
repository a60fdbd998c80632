"""The opened case: who and how to reach, allowed or blocked, what is owed, what was said, and the outcome form."""

from datetime import date, datetime
from decimal import Decimal
from html import escape
from zoneinfo import ZoneInfo

import streamlit as st

from components import (
    cached,
    dates,
    hold_banners,
    languages,
    money,
    notices,
    outcome_form,
    palette,
    tables,
    untried_list,
)
from components.tables import Column
from services import borrowers, cases, promises, queue, scoring
from services.actors import Actor, Permission
from services.borrowers import BorrowerView, ContactPointView
from services.errors import Conflict, NotAllowed, NotFound
from services.policy import GateAnswer
from services.queue import QueueFilter, QueueRow
from services.scoring import BANDS

plain = notices.plain


def opened() -> int | None:
    """The case that the address names."""
    named = st.query_params.get("case", "")
    return int(named) if named.isdecimal() and len(named) < 19 else None


def invite(actor: Actor, wanted: QueueFilter) -> None:
    """What stands beside the list while no case is open."""
    with st.container(key="queue_invite"):
        st.markdown("**Choose a case from the list, or let the queue choose.**")
        is_asked = st.button(
            "Open the best case now", type="primary", icon=":material/play_arrow:", key="case.best", shortcut="N"
        )
    if is_asked:
        best = queue.next_case(actor, wanted)
        go_to(best)
        notices.after_rerun("Here is your next case" if best else "No case is left that can be worked now")


def show(actor: Actor, case_id: int, wanted: QueueFilter) -> None:
    """Hold a case for the actor and draw it; when someone else has it, say who and offer the next.

    Args:
        actor: who works.
        case_id: the case.
        wanted: the list that 'Save and next' goes on with.
    """
    st.button("Back to the list", icon=":material/arrow_back:", key="queue_back", on_click=go_to, args=(None,))
    try:
        row = queue.one(actor, case_id)
    except NotFound as gone:
        st.info(gone.message, icon=":material/info:")
        return
    with st.container(key="queue_case", gap="small"):
        _show(actor, row, wanted)


def _show(actor: Actor, row: QueueRow, wanted: QueueFilter) -> None:
    is_mine = _take(actor, row)
    view = borrowers.view(actor, row.borrower_id)
    _head(actor, view, row)
    hold_banners.show(actor, view)
    _owed(view)
    _record_so_far(view)
    if not is_mine:
        _offer_next(actor, row, wanted)
        return
    if st.toggle("What was not tried yet", key=f"case.untried.{view.id}"):
        untried_list.show(actor, view.id)
    saved = outcome_form.show(actor, view, with_next=True)
    if saved == "next":
        go_to(queue.next_case(actor, wanted, but=row.case_id))
    if saved is not None:
        outcome_form.said(saved)


def _take(actor: Actor, row: QueueRow) -> bool:
    try:
        queue.take(actor, row.case_id)
    except (Conflict, NotAllowed) as taken:
        st.warning(taken.message, icon=":material/lock_person:")
        return False
    return True


def _offer_next(actor: Actor, row: QueueRow, wanted: QueueFilter) -> None:
    if st.button("Open the next free case", type="primary", icon=":material/arrow_forward:", key="case.next_free"):
        go_to(queue.next_case(actor, wanted, but=row.case_id))
        st.rerun()


def go_to(case_id: int | None) -> None:
    """Make a case the one that the address names; None: the list."""
    if case_id is None:
        st.query_params.pop("case", None)
    else:
        st.query_params["case"] = str(case_id)


def _head(actor: Actor, view: BorrowerView, row: QueueRow) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(plain(view.name), anchor=False, width="content")
        st.page_link(
            "pages/borrower.py",
            label=plain(view.number),
            icon=":material/open_in_new:",
            query_params={"borrower": str(view.id)},
        )
        owner = f"owner {row.owner_name}" if row.owner_name else "unallocated"
        where = [view.city, languages.named(view.language), f"{cases.ALL_STAGES[row.stage]} stage", owner]
        st.caption(" · ".join(plain(part) for part in where if part), width="content")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        allowed(view.call)
        for point in [point for point in view.contact_points if point.kind in {"phone", "whatsapp"}][:2]:
            contact_point(actor, point)
    parts = " · ".join(f"{reason_words(reason)} {reason.points:+d}" for reason in row.reasons)
    st.caption(f"**Priority {row.priority}**: {parts or 'nothing raises or lowers it'}")


def allowed(answer: GateAnswer) -> None:
    """Whether a call is allowed now, in a word and colour, with the reason and from when."""
    colours = palette.current()
    if answer.is_allowed:
        colour, word = colours.cured, "Call allowed now"
    else:
        colour, word = colours.broken, "Call blocked"
    if answer.is_allowed and answer.rule:
        colour, word = colours.due_soon, f"Call allowed, with care: {answer.reason}"
    later = f" · from {dates.moment(answer.next_allowed_at)}" if answer.next_allowed_at else ""
    reason = "" if answer.is_allowed else f": {answer.reason}"
    st.html(
        f'<span style="color:{colour};font-weight:600">● {escape(word)}</span>'
        f'<span style="color:{colours.muted}">{escape(reason + later)}</span>',
        width="content",
    )


_ICONS = {"email": ":material/mail:", "address": ":material/home_pin:"}


def contact_point(actor: Actor, point: ContactPointView) -> None:
    """A masked contact point, with a way to see it in the clear for a reason that is recorded."""
    party = f" ({plain(point.party_name)}, {(point.party_role or '').replace('_', '-')})" if point.party_name else ""
    stops = (("do not contact", point.do_not_contact), ("no consent", point.consent is False))
    flags = [flag for flag, is_on in stops if is_on]
    label = f"{point.masked}{party}" + (f" · {', '.join(flags)}" if flags else "")
    if not actor.may(Permission.REVEAL_PERSONAL_DATA):
        st.caption(label, width="content")
        return
    icon = _ICONS.get(point.kind, ":material/call:")
    with st.popover(label, icon=icon, key=f"point.{point.id}"):
        with st.form(f"reveal.{point.id}", border=False):
            reason = st.text_input("Why do you need it in the clear?", value="To call", key=f"reveal.{point.id}.reason")
            is_sent = st.form_submit_button("Show", icon=":material/visibility:")
        if is_sent:
            with notices.showing_errors():
                st.code(borrowers.reveal(actor, point.id, reason=reason), language=None)


_LOANS_SEEN = 6
"""More are scrolled: the outcome form must not be pushed off the screen."""
LOAN_COLUMNS = (
    Column("number", "Loan"),
    Column("product", "Product"),
    Column("dpd", "DPD", "number", help="Days since the oldest unpaid due date"),
    Column("class_label", "Class", help="RBI class at day-end"),
    Column("overdue_amount", "Overdue", "money", help="Fell due and is not paid"),
    Column("outstanding", "Outstanding", "money", help="Principal not yet repaid, due or not"),
    Column("missed_instalments", "Missed", "number", help="Due dates not wholly paid"),
    Column("last_paid_on", "Last paid", "date"),
    Column("next_due_on", "Next due", "date"),
)


def _owed(view: BorrowerView) -> None:
    active = [loan for loan in view.loans if loan.status != "closed"]
    if active:
        height = (_LOANS_SEEN + 1) * tables.ROW_HEIGHT if len(active) > _LOANS_SEEN else None
        tables.table(active, LOAN_COLUMNS, key="case.loans", height=height)
        if len(active) > _LOANS_SEEN:
            overdue = sum((loan.overdue_amount for loan in active), Decimal(0))
            tables.totals(len(active), noun="loans", sums=(("overdue", overdue),))


def _record_so_far(view: BorrowerView) -> None:
    with st.container(key="case_record"):
        left, middle, right = st.columns([5, 4, 4], gap="medium")
    with left:
        st.markdown("**Last contacts**")
        st.markdown(_last_contacts(view))
    with middle:
        st.markdown("**Promises**")
        st.markdown(_promises(view))
    with right:
        st.markdown(f"**Risk: {BANDS[max((loan.risk_band for loan in view.loans), default=0)].lower()}**")
        st.markdown(_risk(view))


def _last_contacts(view: BorrowerView) -> str:
    if not view.last_contacts:
        return ":gray[Never contacted.]"
    lines = []
    for contact in view.last_contacts:
        note = f" · {plain(contact.note)}" if contact.note else ""
        lines.append(f"{dates.relative(local_date(contact.at), view.today)}: {plain(contact.outcome_label)}{note}")
    return "  \n".join(lines)


_STATUS_COLOUR = {"kept": "green", "partly_kept": "orange", "broken": "red", "pending": "orange", "cancelled": "gray"}


def _promises(view: BorrowerView) -> str:
    if not view.promises:
        return ":gray[None so far.]"
    lines = []
    for promise in promises.wholes(view.promises)[:3]:
        state = f":{_STATUS_COLOUR[promise.status]}[{promise.status.replace('_', ' ')}]"
        when = f"for {dates.relative(promise.parts[0].due_on, view.today)}"
        if len(promise.parts) > 1:
            when = f"on {len(promise.parts)} dates, {promise.kept} kept"
            if promise.next_on is not None:
                when += f", next {dates.relative(promise.next_on, view.today)}"
            state = ":red[a date missed]" if promise.is_behind else state
        lines.append(f"{money.full(promise.amount)} {when}: {state}")
    kept = sum(1 for promise in view.promises if promise.status == "kept")
    fallen_due = sum(1 for promise in view.promises if promise.status in {"kept", "partly_kept", "broken"})
    if fallen_due:
        lines.append(f":gray[{kept} of {fallen_due} fallen due were kept]")
    return "  \n".join(lines)


def _risk(view: BorrowerView) -> str:
    worst = max(view.loans, key=lambda loan: loan.risk_score or -1, default=None)
    reasons: tuple[cases.Reason | scoring.Reason, ...] = worst.risk_reasons if worst is not None else ()
    if not reasons and view.case is not None:
        reasons = view.case.reasons
    return "  \n".join(_reason(reason) for reason in reasons[:3]) or ":gray[Not scored yet.]"


def _reason(reason: cases.Reason | scoring.Reason) -> str:
    words = reason_words(reason)
    return f"{words[:1].upper()}{words[1:]} :gray[({reason.points:+d})]"


def reason_words(reason: cases.Reason | scoring.Reason) -> str:
    """Part of a priority or of a risk score in words, as Markdown."""
    return notices.said(reason.words)


def local_date(at: datetime | None) -> date | None:
    """The lender's date of a moment."""
    return at.astimezone(ZoneInfo(cached.lender_format().time_zone)).date() if at else None
