"""The stage before anything is overdue: who is in it, and from when borrowers are called."""

import streamlit as st

from components import form_fields, money, notices
from components.form_fields import Places
from services.actors import Actor, Permission
from services.scoring import BANDS
from services.stages import pre_due
from services.stages.pre_due import MOST_DAYS, PreDue


def show(actor: Actor) -> None:
    """The setting in a sentence, what another would bring today, and the form that changes it."""
    now = pre_due.current(actor)
    st.subheader(_headline(now), anchor=False)
    st.caption(
        "A case opens when an instalment is near and nothing is overdue. It becomes an overdue one by itself, and "
        "closes when the instalment is paid. Nothing counts it as delinquent; allocation rules give it only where they "
        "name the stage."
    )
    may_change = actor.may(Permission.CHANGE_STRATEGY)
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        days = int(
            st.number_input("Days before an instalment", min_value=0, max_value=MOST_DAYS, value=now.days, step=1,
                            key="pre_due.days", width=200, help="0 calls nobody")
        )  # fmt: skip
        bands = st.multiselect("Risk", list(BANDS), default=list(now.bands), format_func=BANDS.__getitem__,
                               key="pre_due.bands", placeholder="All", width=320)  # fmt: skip
    wanted = PreDue(days, tuple(sorted(bands)))
    with notices.showing_errors():
        trial = pre_due.try_out(actor, wanted)
        noun = "borrower" if trial.borrowers == 1 else "borrowers"
        words = f"Today: **{money.count(trial.borrowers)} {noun}**, from whom {money.full(trial.amount)} falls due."
        st.markdown(words.replace("$", "\\$"))
    if may_change and wanted != now:
        _change(actor, wanted)


def _headline(now: PreDue) -> str:
    if not now.days:
        return "Nobody is called before an instalment"
    whom = f" of {' or '.join(BANDS[band].lower() for band in now.bands)} risk" if now.bands else ""
    days = "1 day" if now.days == 1 else f"{now.days} days"
    return f"Borrowers{whom} are called from {days} before an instalment"


def _change(actor: Actor, wanted: PreDue) -> None:
    form, places = form_fields.drawn("pre_due"), Places()
    with st.form("pre_due_form", border=True, width=640):
        reason = st.text_input("Why does it change?", key=f"{form}.reason", max_chars=200)
        places.under("reason", "days", "bands")
        st.caption("Cases open and close by it from the next day-end close.")
        is_sent = st.form_submit_button("Apply", type="primary", icon=":material/save:")
    if is_sent:
        with places.showing_errors():
            pre_due.change(actor, wanted, reason=reason)
            form_fields.done(form)
            notices.after_rerun("The stage before the due date is set")
