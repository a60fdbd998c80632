"""The people of a case beside its owner: who they are, their history, and a leader's forms that add and remove."""

from collections.abc import Sequence

import streamlit as st

from components import allocation_cached, case_panel, dates, form_fields, notices
from components.form_fields import Places
from services import case_people
from services.actors import Actor, Permission
from services.borrowers import BorrowerView
from services.case_people import ROLES, CasePerson

_MEANING = "A watcher sees the case. A field agent and a legal officer also record contacts and promises."


def show(actor: Actor, view: BorrowerView) -> None:
    """Who takes part in the case, in one line with a leader's tools; nothing where nobody does and nobody may add."""
    people = case_people.of_borrower(actor, view.id)
    now = [person for person in people if person.takes_part]
    is_leader = actor.may(Permission.ALLOCATE_CASES)
    if not people and not (is_leader and view.case):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="case_people"):
        named = [f"{case_panel.plain(person.name)} :gray[({person.role_label.lower()})]" for person in now]
        st.markdown(f"**Also on the case:** {', '.join(named) or 'nobody'}", width="content")
        if is_leader and view.case is not None:
            _add(actor, view)
        if is_leader and now:
            _remove(actor, view, now)
        if people:
            with st.popover("History", icon=":material/history:", type="tertiary", key=f"people.history.{view.id}"):
                st.markdown("\n".join(f"- {_told(person)}" for person in people))


def visitors(actor: Actor, view: BorrowerView) -> dict[int, str]:
    """Who may visit the borrower: the owner of the case and its field agents, by id."""
    case = view.case
    owner = {case.owner_id: case.owner_name or ""} if case and case.owner_id is not None else {}
    people = case_people.of_borrower(actor, view.id)
    return owner | {person.user_id: person.name for person in people if person.takes_part and person.role == "field"}


def _told(person: CasePerson) -> str:
    """One person's time in the case, in a sentence."""
    added = f"added {dates.moment(person.added_at)} by {person.added_by_name or 'Recoup'}: {person.reason}"
    told = f"**{case_panel.plain(person.name)}**, {person.role_label.lower()}, {case_panel.plain(added)}"
    if person.removed_at is None:
        return told
    removed = (
        f"removed {dates.moment(person.removed_at)} by {person.removed_by_name or 'Recoup'}: {person.remove_reason}"
    )
    return f"{told}. {case_panel.plain(removed[:1].upper() + removed[1:])}"


def _add(actor: Actor, view: BorrowerView) -> None:
    form, places = form_fields.drawn(f"people.add.{view.id}"), Places()
    owner_id = view.case.owner_id if view.case else None
    offered = {worker.id: worker.name for worker in allocation_cached.workers(actor) if worker.id != owner_id}
    with (
        st.popover("Add someone", icon=":material/person_add:", key=f"{form}.open"),
        st.form("people_add_form", border=False),
    ):
        user_id = st.selectbox("Who", list(offered), format_func=offered.__getitem__, index=None, key=f"{form}.user")
        places.under("user")
        role = st.selectbox("Role", list(ROLES), format_func=ROLES.__getitem__, key=f"{form}.role", help=_MEANING)
        places.under("role")
        reason = st.text_input("Reason", key=f"{form}.reason", max_chars=200, placeholder="Visits the area on Fridays")
        places.under("reason")
        is_sent = st.form_submit_button("Add to the case", type="primary")
    if is_sent:
        with places.showing_errors():
            case_people.add(actor, view.id, user_id=user_id or 0, role=role, reason=reason)
            form_fields.done(form)
            notices.after_rerun(f"{offered.get(user_id or 0, '')} is {ROLES[role].lower()} of this case")


def _remove(actor: Actor, view: BorrowerView, now: Sequence[CasePerson]) -> None:
    form, places = form_fields.drawn(f"people.remove.{view.id}"), Places()
    named = {person.id: f"{person.name}, {person.role_label.lower()}" for person in now}
    with (
        st.popover("Remove someone", icon=":material/person_remove:", key=f"{form}.open"),
        st.form("people_remove_form", border=False),
    ):
        person_id = st.selectbox("Who", list(named), format_func=lambda key: named.get(key, ""), key=f"{form}.who")
        reason = st.text_input("Reason", key=f"{form}.reason", max_chars=200)
        places.under("remove_reason")
        st.caption("Agents who have no other role in the case no longer see it.")
        is_sent = st.form_submit_button("Remove from the case", type="primary")
    if is_sent:
        with places.showing_errors():
            case_people.remove(actor, person_id, reason=reason)
            form_fields.done(form)
            notices.after_rerun(f"{named[person_id].partition(',')[0]} is no longer on this case")
