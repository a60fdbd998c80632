"""A borrower's settlements as they stand: terms, parts against payments, the letter, the borrower's yes, withdrawal."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from components import dates, guard, money, notices, schedule_strip
from services import contacts, settlements
from services.actors import Actor, Permission
from services.borrowers import Paid, StripInstalment

COLOURS = {
    "running": "green",
    "completed": "green",
    "offered": "orange",
    "behind": "orange",
    "proposed": "orange",
    "broken": "red",
}


def show(actor: Actor, borrowers_settlements: Sequence[settlements.Settlement], today: date) -> None:
    """The settlements, newest first; nothing when there are none."""
    for each in borrowers_settlements:
        with st.container(border=True, gap="small"):
            colour = COLOURS.get(each.status, "gray")
            head = notices.plain(f"Settlement of {money.full(each.amount)}")
            st.markdown(
                f"**{head}** on {notices.plain(each.loan_number)} · :{colour}[{settlements.STATUSES[each.status]}]"
            )
            st.markdown(_line(each).replace("$", "\\$"))
            schedule_strip.show([_part(part, today) for part in each.parts], is_reported=False)
            st.caption(" · ".join(notices.plain(part) for part in _told(each) if part))
            _acts(actor, each)


def _line(each: settlements.Settlement) -> str:
    waived = each.waived
    apart = ", ".join(
        f"{name} {money.full(amount)}"
        for name, amount in (
            ("principal", waived.principal),
            ("interest", waived.interest),
            ("charges", waived.charges),
        )
        if amount
    )
    parts = [
        f"waives **{money.full(waived.whole)}** of {money.full(each.owed.whole)} ({each.percent:.1f} %: {apart})",
        f"stands until **{dates.day(each.valid_until)}**" if each.status in {"proposed", "offered"} else "",
        f"paid **{money.full(each.paid_amount)}**" if each.counts_from else "",
        f"missing {money.full(each.missing_amount)}" if each.status == "behind" else "",
        f"next {money.full(each.next_due_amount)} for {dates.day(each.next_due_on)}" if each.next_due_on else "",
        f"since {dates.day(each.resolved_on)}" if each.resolved_on else "",
    ]
    return " · ".join(part for part in parts if part)


def _part(part: settlements.Part, today: date) -> StripInstalment:
    days_late = max(((part.settled_on or today) - part.due_on).days, 0)
    if part.settled_on is not None:
        how = Paid.LATE if days_late else Paid.ON_TIME
    elif part.paid_amount > 0:
        how = Paid.PARTLY
    else:
        how = Paid.UNPAID if part.due_on <= today else Paid.FUTURE
    return StripInstalment(part.number, part.due_on, part.amount, part.paid_amount, part.settled_on, how, days_late)


def _told(each: settlements.Settlement) -> list[str]:
    """By whom, why, what it was worth, and how it ended."""
    worth = each.worth
    return [
        f"Proposed {dates.day(each.offered_on)} by {each.offered_by_name or 'Recoup'}: {each.reason}",
        f"worth {money.full(worth.present_value)} then, {money.full(worth.expected_value)} expected without it",
        f"approved {dates.day(each.approved_on)} by {each.approved_by_name}" if each.approved_on else "",
        f"accepted {dates.day(each.counts_from)} by {contacts.CHANNELS.get(each.accepted_channel or '', '').lower()}"
        if each.counts_from
        else "",
        "restructuring (IN-19)" if each.is_restructuring else "",
        f"withdrawn by {each.cancelled_by_name or 'Recoup'}: {each.cancel_reason}" if each.cancel_reason else "",
        f"refused: {each.refuse_reason}" if each.refuse_reason else "",
    ]


def _acts(actor: Actor, each: settlements.Settlement) -> None:
    with st.container(horizontal=True, gap="small"):
        if each.approved_on is not None:
            st.download_button(
                "Letter",
                data=guard.when_pressed(lambda: settlements.letter_of(actor, each.id).content),
                file_name=f"{each.number}.pdf",
                mime="application/pdf",
                icon=":material/picture_as_pdf:",
                key=f"settlement.letter.{each.id}",
                on_click="ignore",
                help="As it was kept when the offer was approved; the download stands in the audit trail",
            )
        if not actor.may(Permission.MAKE_ARRANGEMENTS):
            return
        if each.status == "offered":
            _accept(actor, each)
        if each.is_live:
            _withdraw(actor, each)


def _accept(actor: Actor, each: settlements.Settlement) -> None:
    key = f"settlement.accept.{each.id}"
    with st.popover("Accepted", icon=":material/handshake:", key=f"{key}.open"), st.form(key, border=False):
        st.caption("The borrower says yes today. Payments from today count, and the usual reminders of the loan stop.")
        channel = st.selectbox(
            "How", list(contacts.CHANNELS), format_func=contacts.CHANNELS.__getitem__, key=f"{key}.channel"
        )
        if st.form_submit_button("Record the yes", type="primary"):
            with notices.showing_errors():
                settlements.accept(actor, each.id, channel=channel)
                notices.after_rerun("The settlement is in force")


def _withdraw(actor: Actor, each: settlements.Settlement) -> None:
    key = f"settlement.withdraw.{each.id}"
    with st.popover("Withdraw", icon=":material/cancel:", key=f"{key}.open"), st.form(key, border=False):
        st.caption("The whole amount is owed again, less what was paid. The usual work on the loan goes on from today.")
        reason = st.text_input("Reason", key=f"{key}.reason", max_chars=200)
        if st.form_submit_button("Withdraw it", type="primary"):
            with notices.showing_errors():
                settlements.withdraw(actor, each.id, reason=reason)
                notices.after_rerun("The settlement is withdrawn")
