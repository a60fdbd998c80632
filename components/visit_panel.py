"""One visit on a phone: who and where, check-in, what came of it, money, photos."""

from datetime import timedelta

import streamlit as st

from components import (
    case_panel,
    dates,
    follow_up_form,
    form_fields,
    languages,
    money,
    notices,
    outcomes_cached,
    position,
    promise_form,
    reach_fields,
    receipt_form,
    status_form,
    visit_form,
)
from components.form_fields import Places
from services import borrowers, contacts, documents, lender, visits
from services.actors import Actor, Permission
from services.borrowers import BorrowerView
from services.contacts import Outcome, reaching
from services.errors import InvalidInput
from services.visits import PLACES, Presence, Visit

_PHOTOS = ["jpg", "jpeg", "png"]


def show(actor: Actor, visit: Visit) -> None:
    """The visit as far as it has come: what is next stands first."""
    view = borrowers.view(actor, visit.borrower_id)
    _head(actor, visit, view)
    may_act = actor.may(Permission.MAKE_VISITS)
    if visit.status == "planned" and may_act:
        _arrive(actor, visit)
        _change(actor, visit)
    elif visit.status == "checked_in" and may_act:
        st.markdown("#### What came of it?")
        _outcome(actor, visit, view)
    elif visit.status == "missed" and may_act:
        st.warning(
            "Nobody checked in on the day. Plan it for another day, or call it off.", icon=":material/event_busy:"
        )
        _change(actor, visit)
    if visit.check_in is not None:
        _made(visit)
        if may_act:
            st.markdown("#### Money")
            receipt_form.show(actor, view, visit)
            _photos(actor, visit)


def _head(actor: Actor, visit: Visit, view: BorrowerView) -> None:
    st.subheader(case_panel.plain(visit.borrower_name), anchor=False)
    about = [
        visit.number,
        f"{dates.day(visit.planned_on)}" + (f", {visit.appointed_at:%H:%M}" if visit.appointed_at else ""),
        PLACES[visit.place],
        languages.named(view.language),
    ]
    st.caption(" · ".join(part for part in about if part))
    owed = f"**{money.full(visit.overdue_amount)}** overdue · {visit.max_dpd} DPD"
    st.markdown(f"{owed}".replace("$", "\\$"))
    if visit.purpose:
        st.markdown(f":material/flag: {case_panel.plain(visit.purpose)}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        _address(actor, visit)
        st.page_link(
            "pages/borrower.py", label="The borrower's record", icon=":material/person:",
            query_params={"borrower": str(visit.borrower_id)},
        )  # fmt: skip
    if view.holds:
        st.warning(
            "On hold: " + "; ".join(case_panel.plain(hold.reason) for hold in view.holds), icon=":material/back_hand:"
        )


def _address(actor: Actor, visit: Visit) -> None:
    key = f"visit.address.{visit.id}"
    if st.session_state.get(key):
        with notices.showing_errors():
            st.code(visits.places.reveal(actor, visit.id), language=None, wrap_lines=True)
        st.session_state[key] = False
    elif actor.may(Permission.REVEAL_PERSONAL_DATA):
        st.button(
            f"Show the address ({notices.plain(visit.masked)})", icon=":material/location_on:", key=f"{key}.show",
            on_click=st.session_state.__setitem__, args=(key, True), help="Who sees it is recorded",
        )  # fmt: skip
    else:
        st.markdown(f":material/location_on: {visit.masked}")


def _arrive(actor: Actor, visit: Visit) -> None:
    today = lender.current().today
    if visit.planned_on != today:
        st.info(
            f"You can check in on {dates.day(visit.planned_on)}, or move the visit to today.", icon=":material/event:"
        )
        return
    answer = reaching.allowed(actor, visit.borrower_id, "visit", place=visit.place)
    if answer.is_allowed:
        st.markdown(
            ":green[● A visit is allowed now]"
            + (f" :gray[with care: {notices.plain(answer.reason)}]" if answer.rule else "")
        )
    else:
        later = f" From {dates.moment(answer.next_allowed_at)}." if answer.next_allowed_at else ""
        st.markdown(f":red[● A visit is blocked:] {notices.plain(answer.reason)}{later}")
    here, places = position.ask("I am there: share the position", key=f"visit.here.{visit.id}"), Places()
    if here.problem:
        st.warning(here.problem, icon=":material/location_off:")
    with st.form(f"visit.arrive.{visit.id}", border=False):
        reason = ""
        if here.fix is None:
            reason = st.text_input(
                "If the device gives no position: why?", key=f"visit.nowhere.{visit.id}", max_chars=200,
                placeholder="No signal in the basement",
            )  # fmt: skip
            places.under("no_position_reason")
        override = None
        if not answer.is_allowed and actor.may(Permission.OVERRIDE_GATE):
            override = st.text_input(
                "Reason to visit against the gate", key=f"visit.override.{visit.id}",
                help="It stands out in the audit trail.",
            )  # fmt: skip
        is_sent = st.form_submit_button("Check in", type="primary", icon=":material/where_to_vote:", width="stretch")
    if is_sent:
        with places.showing_errors():
            visits.check_in(actor, visit.id, Presence(here.fix, reason, override))
            notices.after_rerun("Checked in")


def _change(actor: Actor, visit: Visit) -> None:
    today = lender.current().today
    with st.container(horizontal=True, gap="small"):
        with st.popover("Another day", icon=":material/event_repeat:"), st.form(f"visit.move.{visit.id}", border=False):
            on = st.date_input("Day", value=today + timedelta(days=1), min_value=today, key=f"visit.move.{visit.id}.on",
                               format="DD/MM/YYYY")  # fmt: skip
            at = visit_form.agreed_time(f"visit.move.{visit.id}.at")
            reason = st.text_input("Reason", key=f"visit.move.{visit.id}.reason", max_chars=200)
            if st.form_submit_button("Move the visit", type="primary"):
                with notices.showing_errors():
                    moved = visits.move(actor, visit.id, planned_on=on, appointed_at=at, reason=reason)
                    st.query_params["visit"] = str(moved.id)
                    notices.after_rerun(f"Moved to {dates.day(moved.planned_on)}")
        with st.popover("Call off", icon=":material/event_busy:"), st.form(f"visit.cancel.{visit.id}", border=False):
            reason = st.text_input("Reason", key=f"visit.cancel.{visit.id}.reason", max_chars=200)
            if st.form_submit_button("Call the visit off", type="primary"):
                with notices.showing_errors():
                    visits.cancel(actor, visit.id, reason=reason)
                    st.query_params.pop("visit", None)
                    notices.after_rerun("The visit is called off")


def _outcome(actor: Actor, visit: Visit, view: BorrowerView) -> None:
    known = {each.code: each for each in outcomes_cached.outcomes(actor) if each.fits("visit", "outbound")}
    chosen = st.pills(
        "Outcome", list(known), format_func=lambda code: known[code].label, key=f"visit.outcome.{visit.id}",
        label_visibility="collapsed",
    )  # fmt: skip
    if chosen is None:
        st.caption("Choose how the visit ended; the fields that it needs follow.")
        return
    _outcome_form(actor, visit, view, known[chosen])


def _outcome_form(actor: Actor, visit: Visit, view: BorrowerView, outcome: Outcome) -> None:
    form, places = form_fields.drawn(f"visit.{visit.id}.{outcome.code}"), Places()
    loans = promise_form.payable(view)
    with st.form(f"visit.outcome_form.{visit.id}", border=True):
        wants = outcome.requires
        promise = (
            promise_form.fields(loans, today=view.today, key=form, places=places)
            if "promise" in wants and loans
            else None
        )
        follow_up = follow_up_form.fields(today=view.today, key=form, places=places) if "follow_up" in wants else None
        note = st.text_input("Note" if "note" in wants else "Note (optional)", key=f"{form}.note", max_chars=500) if (
            outcome.takes_note
        ) else ""  # fmt: skip
        places.under("note", "reason")
        hold = (
            status_form.fields(today=view.today, key=form, places=places, kind=outcome.hold_kind, reason=note)
            if "hold" in wants
            else None
        )
        person, party_id = reach_fields.person(actor, view, outcome, form)
        places.under("person", "outcome", "channel")
        files = st.file_uploader(
            "Photos (optional)",
            type=_PHOTOS,
            accept_multiple_files=True,
            max_upload_size=documents.MAX_MB,
            key=f"{form}.photos",
        )
        is_sent = st.form_submit_button("Save the visit", type="primary", icon=":material/check:", width="stretch")
    if is_sent:
        with places.showing_errors():
            if "promise" in wants:
                promise_form.read(form)
            entry = contacts.Entry(
                channel="visit", direction="outbound", person=person, outcome=outcome.code, note=note.strip() or None,
                promise=promise, follow_up_at=follow_up, hold=hold, party_id=party_id,
            )  # fmt: skip
            photos = [(file.name, file.getvalue()) for file in files or []]
            visits.finish(actor, visit.id, entry, request_key=form_fields.request_key(form), photos=photos)
            form_fields.done(form)
            notices.after_rerun("The visit is recorded")


def _made(visit: Visit) -> None:
    check_in = visit.check_in
    assert check_in is not None
    limit = visits.near_metres()
    if check_in.no_position_reason:
        where = f"without a position: {case_panel.plain(check_in.no_position_reason)}"
    elif check_in.distance_m is None:
        where = "at an address that was not on the map"
    else:
        where = f"{check_in.distance_m:,} m from the address"
        where = f":red[{where}]" if check_in.distance_m > limit else where
    came = f" · **{notices.plain(visit.outcome_label)}**" if visit.outcome_label else ""
    person = f" · {contacts.PERSONS[visit.person]}" if visit.person else ""
    st.markdown(f"Checked in {dates.moment(check_in.at)}, {where}{came}{person}")
    if visit.note:
        st.caption(case_panel.plain(visit.note))
    if check_in.override_reason:
        st.warning(f"Against the gate: {case_panel.plain(check_in.override_reason)}", icon=":material/warning:")


def _photos(actor: Actor, visit: Visit) -> None:
    st.markdown("#### Photos")
    if visit.photos:
        kept = "1 photo is" if visit.photos == 1 else f"{visit.photos} photos are"
        st.caption(f"{kept} kept with the visit, under Documents on the borrower's page.")
    form, places = form_fields.drawn(f"visit.photo.{visit.id}"), Places()
    with st.form(f"visit.photo_form.{visit.id}", border=False):
        file = form_fields.upload("Add a photo", key=f"{form}.file", types=_PHOTOS)
        places.under("photo", "file")
        is_sent = st.form_submit_button("Keep the photo", icon=":material/add_a_photo:")
    if is_sent:
        with places.showing_errors():
            if file is None:
                raise InvalidInput({"photo": "Choose or take a photo first."})
            visits.add_photo(actor, visit.id, file_name=file.name, content=file.getvalue())
            form_fields.done(form)
            notices.after_rerun("The photo is kept")
