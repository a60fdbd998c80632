"""Notices of agents (IN-06): who must still be told of whom, the letters to print, and the setting."""

import streamlit as st

from components import dates, empty, form_fields, guard, money, notices, tables
from components.form_fields import Places
from components.tables import Column
from services import agent_notices, documents
from services.actors import Actor, Permission
from services.agent_notices import LETTERS_A_FILE, WHOM, Standing

_COLUMNS = (
    Column("agent_name", "Agent", is_pinned=True, width=170),
    Column("agency", "Agency", width=170),
    Column("waiting", "To be told", "number", help="Borrowers of open cases: until then no call and no visit"),
    Column("by_email", "By e-mail", "number", help="A message is on its way, or is planned within minutes"),
    Column("by_letter", "By letter", "number", help="No usable e-mail address, or the message did not go out"),
    Column("printed", "Printed", "number", help="The letter is made, and not marked as dispatched"),
    Column("unreachable", "Neither", "number", help="No e-mail and no address: find one, or give the case to another"),
)


def show(actor: Actor) -> None:
    """The agents, the letters, the files to dispatch, and of whom borrowers are told."""
    found = agent_notices.standing(actor)
    with st.container(horizontal=True, vertical_alignment="center", gap="large"):
        st.subheader(_headline(found), anchor=False, width="content")
        if actor.may(Permission.CHANGE_STRATEGY):
            with st.popover("Of whom", icon=":material/tune:", key="notices.setting"):
                _setting(actor)
    if found:
        tables.table(found, _COLUMNS, key="notices.agents")
    else:
        empty.empty(
            "Every borrower has been told of the agent who has the case.",
            f"Borrowers are told {WHOM[agent_notices.whom(actor)].lower()}; messages go out by themselves.",
            icon=":material/mark_email_read:",
        )
    _write(actor, sum(each.by_letter for each in found))
    for each in agent_notices.open_files(actor):
        _file(actor, each)


def _headline(found: list[Standing]) -> str:
    waiting = sum(each.waiting for each in found)
    if not waiting:
        return "Nobody waits to be told"
    noun = "borrower waits" if waiting == 1 else "borrowers wait"
    return f"{money.count(waiting)} {noun} to be told of the agent"


def _write(actor: Actor, letters: int) -> None:
    if not letters:
        return
    number = min(letters, LETTERS_A_FILE)
    if st.button(f"Write {money.count(number)} {'letter' if number == 1 else 'letters'}", icon=":material/print:",
                 type="primary", key="notices.write", help="One file to print, an address a page"):  # fmt: skip
        with notices.showing_errors(), st.spinner("Writing the letters"):
            agent_notices.write_letters(actor)
            notices.after_rerun("The letters are written; print them, then mark them as dispatched")


def _file(actor: Actor, each: agent_notices.OpenFile) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        noun = "letter" if each.letters == 1 else "letters"
        made = f"made {dates.moment(each.made_at)} by {each.made_by_name or 'Recoup'}"
        st.markdown(f"**{money.count(each.letters)} {noun}** {made}", width="content")
        st.download_button(
            "Print", data=guard.when_pressed(lambda: documents.fetch(actor, each.document_id).content),
            file_name=f"notices-{each.document_id}.pdf", mime="application/pdf", icon=":material/picture_as_pdf:",
            key=f"notices.pdf.{each.document_id}", on_click="ignore", help="The download stands in the audit trail",
        )  # fmt: skip
        if st.button("Dispatched", icon=":material/local_post_office:", key=f"notices.done.{each.document_id}",
                     help="They were given to the post: from now on the agents may be in touch"):  # fmt: skip
            with notices.showing_errors():
                done = agent_notices.dispatched(actor, each.document_id)
                notices.after_rerun(f"{money.count(done)} notices are dispatched")


def _setting(actor: Actor) -> None:
    form, places = form_fields.drawn("notices.whom"), Places()
    with st.form("notices_whom_form", border=False):
        st.caption("Before the first contact a borrower is told name, agency, identity card and certificate (IN-06).")
        now = agent_notices.whom(actor)
        whom = st.radio("Borrowers are told", list(WHOM), index=list(WHOM).index(now), format_func=WHOM.__getitem__,
                        key=f"{form}.whom")  # fmt: skip
        places.under("whom")
        reason = st.text_input("Why does it change?", key=f"{form}.reason", max_chars=200)
        places.under("reason")
        is_sent = st.form_submit_button("Save", type="primary")
    if is_sent:
        with places.showing_errors():
            agent_notices.change_whom(actor, whom or now, reason=reason)
            form_fields.done(form)
            notices.after_rerun("Saved")
