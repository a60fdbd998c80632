"""Holds: the fields of a new one, the form that places it, and banners that show and release those in force."""

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st

from components import dates, form_fields, notices
from components.form_fields import Places
from services import holds
from services.actors import Actor, Permission
from services.borrowers import BorrowerView


def fields(*, today: date, key: str, places: Places, kind: str | None = None, reason: str | None = None) -> holds.Terms:
    """Kind, end and reason of a hold; the reason is asked here unless it is given."""
    kinds = list(holds.KINDS)
    left, right = st.columns(2)
    with left:
        chosen = st.selectbox(
            "Hold",
            kinds,
            index=kinds.index(kind) if kind in kinds else 0,
            format_func=holds.KINDS.__getitem__,
            key=f"{key}.kind",
        )
        places.under("kind", "hold")
    with right:
        ends_on = st.date_input(
            "Ends on (empty: until released)",
            value=today + timedelta(days=15),
            min_value=today + timedelta(days=1),
            key=f"{key}.ends_on",
            format="DD/MM/YYYY",
            help="First day on which contact is allowed again",
        )
        places.under("ends_on")
    if reason is None:
        reason = st.text_input("Reason", key=f"{key}.reason", max_chars=300)
        places.under("reason")
    return holds.Terms(kind=chosen, reason=reason or "", ends_on=ends_on if isinstance(ends_on, date) else None)


def show(actor: Actor, view: BorrowerView) -> None:
    """A form that places a hold without a contact."""
    form, places = form_fields.drawn(f"hold.{view.id}"), Places()
    with st.form("hold_form", border=False):
        terms = fields(today=view.today, key=form, places=places)
        is_sent = st.form_submit_button("Place hold", type="primary", icon=":material/back_hand:")
    if is_sent:
        with places.showing_errors():
            holds.place(
                actor,
                view.id,
                kind=terms.kind,
                reason=terms.reason,
                ends_on=terms.ends_on,
                request_key=form_fields.request_key(form),
            )
            form_fields.done(form)
            notices.after_rerun(f"Hold placed: {holds.KINDS[terms.kind].lower()}")


def banners(actor: Actor, in_force: Sequence[holds.Hold]) -> None:
    """The holds of a borrower, each with its end, its reason and a way to release it."""
    for hold in in_force:
        until = f"until {dates.day(hold.ends_on)}" if hold.ends_on else "until released"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.warning(f"**{hold.label}** {until}: {notices.plain(hold.reason)}", icon=":material/back_hand:")
            if actor.may(Permission.CHANGE_STATUS):
                _release(actor, hold)


def _release(actor: Actor, hold: holds.Hold) -> None:
    with st.popover("Release", key=f"release.{hold.id}"), st.form(f"release_form.{hold.id}", border=False):
        reason = st.text_input("Why does the hold end?", key=f"release.{hold.id}.reason", max_chars=300)
        if st.form_submit_button("Release hold"):
            with notices.showing_errors():
                holds.release(actor, hold.id, reason=reason)
                notices.after_rerun("Hold released")
