"""Notices in batches: recalls opened by rule, notices made by a job, the carrier's list out and its numbers back."""

import streamlit as st

from components import dates, empty, form_fields, guard, money, notices
from components.form_fields import Places
from services import legal
from services.actors import Actor
from services.cases import STAGES
from services.legal import KINDS, WAYS, Batch, Choice


def show(actor: Actor) -> None:
    """Both forms, and the batches so far."""
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True):
        _request(actor)
    with right, st.container(border=True):
        _recalls(actor)
    made = legal.batches(actor)
    if not made:
        empty.empty("No batch of notices was made yet.", "Choose a kind above: each open action gets its own PDF.")
    for batch in made:
        _batch(actor, batch)


def _request(actor: Actor) -> None:
    st.markdown("**Send the notices that are due**")
    kind = st.selectbox("Kind", list(KINDS), format_func=KINDS.__getitem__, key="legal.batch.kind")
    is_narrow = st.toggle("Only those whose time for the notice ends soon", key="legal.batch.soon")
    days = st.number_input("Within days", 0, 60, 7, key="legal.batch.days") if is_narrow else None
    choice = Choice(kind, due_within_days=int(days) if days is not None else None)
    size = legal.awaiting(actor, choice)
    form, places = form_fields.drawn("legal.batch"), Places()
    with st.form("legal_batch", border=False):
        how = st.selectbox("Sent by", list(WAYS), format_func=WAYS.__getitem__, key=f"{form}.how")
        places.under("how")
        is_sent = st.form_submit_button(
            f"Make {size} {'notice' if size == 1 else 'notices'}",
            type="primary",
            disabled=size == 0,
            help="No action of this kind awaits its notice." if size == 0 else "A job makes a PDF for each action",
        )
    if is_sent:
        with places.showing_errors():
            batch_id = legal.request(actor, choice, how=how, request_key=form_fields.request_key(form))
            form_fields.done(form)
            notices.after_rerun(f"Batch {batch_id} is being made; its progress stands below and on the Jobs page")


def _recalls(actor: Actor) -> None:
    st.markdown("**Recall loans by stage**")
    stage = st.selectbox("Stage", list(STAGES), index=3, format_func=STAGES.__getitem__, key="legal.recall.stage")
    days = st.number_input("Days past due from", 1, 2000, 90, key="legal.recall.days")
    size = legal.recallable(actor, stage=stage, min_dpd=int(days))
    form, places = form_fields.drawn("legal.recall"), Places()
    with st.form("legal_recall", border=False):
        reason = st.text_input("Reason", key=f"{form}.reason", max_chars=300)
        places.under("reason", "stage", "min_dpd")
        is_sent = st.form_submit_button(
            f"Open {size} {'recall' if size == 1 else 'recalls'}",
            type="primary",
            disabled=size == 0,
            help="No case is so late without an open recall." if size == 0 else "The outstanding is demanded",
        )
    if is_sent:
        with places.showing_errors():
            opened = legal.open_recalls(actor, stage=stage, min_dpd=int(days), reason=reason)
            form_fields.done(form)
            notices.after_rerun(f"{money.counted(opened, 'loan recall')} opened; send their notices on the left")


def _batch(actor: Actor, batch: Batch) -> None:
    with st.container(border=True, gap="small", key=f"legal_batch_{batch.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"**{batch.label}**", width="stretch")
            st.caption(f"{batch.who or 'Recoup'} · {dates.moment(batch.asked_at)}", width="content")
        refused = f" · {batch.refused} could not be sent" if batch.refused else ""
        way = WAYS[batch.how].lower()
        st.caption(f"{batch.issued} of {batch.actions} notices by {way}, text version {batch.version}{refused}")
        if not batch.is_done:
            st.progress((batch.issued + batch.refused) / batch.actions, text="A job makes the notices")
            st.button("Look again", key=f"legal.batch.look.{batch.id}", type="tertiary", icon=":material/refresh:")
        if batch.refused:
            with st.expander("Why some could not be sent"):
                for number, reason in legal.refusals(actor, batch.id):
                    st.markdown(f"{number}: {reason}")
        if batch.issued:
            _files(actor, batch)


def _files(actor: Actor, batch: Batch) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.download_button(
            "Dispatch list",
            data=guard.when_pressed(lambda: legal.dispatch_list(actor, batch.id)),
            file_name=f"dispatch-{batch.id}.csv",
            mime="text/csv",
            icon=":material/local_shipping:",
            key=f"legal.batch.list.{batch.id}",
            on_click="ignore",
            type="tertiary",
            help="Addresses and a column for tracking numbers. The download is recorded",
        )
        for part in range((batch.issued + legal.ZIP_SIZE - 1) // legal.ZIP_SIZE):
            st.download_button(
                "Notices" if batch.issued <= legal.ZIP_SIZE else f"Notices, part {part + 1}",
                data=guard.when_pressed(lambda part=part: legal.notices_zip(actor, batch.id, part=part)),  # type: ignore[misc]
                file_name=f"notices-{batch.id}-{part + 1}.zip",
                mime="application/zip",
                icon=":material/folder_zip:",
                key=f"legal.batch.zip.{batch.id}.{part}",
                on_click="ignore",
                type="tertiary",
            )
        with st.popover("Tracking numbers back", icon=":material/upload:"):
            _upload(actor, batch)


def _upload(actor: Actor, batch: Batch) -> None:
    form, places = form_fields.drawn(f"legal.dispatch.{batch.id}"), Places()
    with st.form(f"legal_dispatch_{batch.id}", border=False):
        file = st.file_uploader("The dispatch list, with its last column filled", type="csv", key=f"{form}.file")
        places.under("file")
        is_sent = st.form_submit_button("Record tracking numbers", type="primary")
    if is_sent:
        with places.showing_errors():
            done = legal.upload_dispatch(actor, batch.id, file.getvalue() if file else b"")
            for sentence in done.wrong[:20]:
                st.warning(sentence)
            if not done.wrong:
                form_fields.done(form)
                notices.after_rerun(f"{done.recorded} tracking numbers recorded, {done.unchanged} known already")
            st.info(f"{done.recorded} tracking numbers recorded, {done.unchanged} known already.")
