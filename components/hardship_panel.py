"""A borrower's applications for relief as they stand: what was said, decided and reviewed, and the next acts."""

from collections.abc import Sequence
from datetime import date, timedelta

import streamlit as st

from components import dates, form_fields, guard, hardship_form, money, notices
from components.form_fields import Places
from services import documents, hardship
from services.actors import Actor, Permission
from services.hardship import Evidence, Hardship

COLOURS = {"waiting": "orange", "in_relief": "green", "review_due": "orange", "refused": "red"}


def show(actor: Actor, applications: Sequence[Hardship], today: date) -> None:
    """The applications, newest first; nothing when there are none."""
    for each in applications:
        with st.container(border=True, gap="small"):
            colour = COLOURS.get(each.status, "gray")
            st.markdown(
                f"**{hardship.RELIEFS[each.relief]}** · {each.number} · :{colour}[{hardship.STATUSES[each.status]}]"
            )
            st.markdown(_line(each))
            st.caption(" · ".join(notices.plain(part) for part in _told(each) if part))
            _acts(actor, each, today)


def _line(each: Hardship) -> str:
    terms = (
        f"{money.counted(each.months or 0, 'instalment')} of **{notices.plain(money.full(each.amount))}** "
        f"on {notices.plain(each.loan_number or '')}"
        if each.relief == "lower_instalment"
        else "nothing is asked for"
    )
    parts = [
        f"{terms}, {dates.day(each.relief_from)} to {dates.day(each.relief_until)}",
        f"review on **{dates.day(each.next_review_on)}**"
        if each.next_review_on and each.status in {"in_relief", "review_due"}
        else "",
        f"ended {dates.day(each.ended_on)}" if each.ended_on else "",
    ]
    return " · ".join(part for part in parts if part)


def _told(each: Hardship) -> list[str]:
    return [
        f"{hardship.CAUSES[each.cause]} since {dates.day(each.since_on)}: {each.story}",
        hardship_form.means_line(each.means),
        f"applied {dates.day(each.applied_on)} by {each.applied_by_name or 'Recoup'}",
        f"{'refused' if each.status == 'refused' else 'granted'} {dates.day(each.decided_on)} by "
        f"{each.decided_by_name or 'Recoup'}: {each.decision_reason}"
        if each.decided_on
        else "",
        f"taken back: {each.withdraw_reason}" if each.withdraw_reason else "",
        *(
            f"{dates.day(review.on_date)} {review.by or 'Recoup'}: {review.note}"
            f" ({'goes on' if review.outcome == 'continue' else 'ended'})"
            for review in each.reviews
        ),
    ]


def _acts(actor: Actor, each: Hardship, today: date) -> None:
    with st.container(horizontal=True, gap="small"):
        if each.decided_on is not None and actor.may(Permission.VIEW_BORROWER):
            st.download_button(
                "Letter",
                data=guard.when_pressed(
                    lambda: documents.newest_of(actor, ("hardship", each.id), kind="hardship_letter").content
                ),
                file_name=f"{each.number}.pdf",
                mime="application/pdf",
                icon=":material/picture_as_pdf:",
                key=f"hardship.letter.{each.id}",
                on_click="ignore",
                help="As it was kept with the decision; the download stands in the audit trail",
            )
        if not actor.may(Permission.MAKE_ARRANGEMENTS):
            return
        if each.status == "waiting":
            _add_file(actor, each)
            _withdraw(actor, each)
        if each.status in {"in_relief", "review_due"}:
            _review(actor, each, today)


def _add_file(actor: Actor, each: Hardship) -> None:
    key, places = f"hardship.file.{each.id}", Places()
    with st.popover("Add a file", icon=":material/attach_file:", key=f"{key}.open"), st.form(key, border=False):
        file = form_fields.upload("Evidence", key=f"{key}.file")
        places.under("file")
        if st.form_submit_button("Keep it", type="primary") and file is not None:
            with places.showing_errors():
                hardship.add_evidence(actor, each.id, Evidence(file.name, file.getvalue()))
                notices.after_rerun("The file is kept with the application")


def _withdraw(actor: Actor, each: Hardship) -> None:
    key = f"hardship.withdraw.{each.id}"
    with st.popover("Take back", icon=":material/undo:", key=f"{key}.open"), st.form(key, border=False):
        st.caption("Reminders and the usual work go on at once.")
        reason = st.text_input("Reason", key=f"{key}.reason", max_chars=200)
        if st.form_submit_button("Take it back", type="primary"):
            with notices.showing_errors():
                hardship.withdraw(actor, each.id, reason=reason)
                notices.after_rerun("The application is taken back")


def _review(actor: Actor, each: Hardship, today: date) -> None:
    key, places = f"hardship.review.{each.id}", Places()
    with st.popover("Review", icon=":material/rate_review:", key=f"{key}.open"), st.form(key, border=False):
        outcome = st.radio(
            "The relief", ["continue", "end"], format_func={"continue": "goes on", "end": "ends today"}.__getitem__,
            horizontal=True, key=f"{key}.outcome",
        )  # fmt: skip
        note = st.text_area("What was found", key=f"{key}.note", height=80, max_chars=500)
        places.under("note")
        again = st.date_input(
            "Look again on (empty: at its end)", value=None, min_value=today + timedelta(days=1), key=f"{key}.again",
            format="DD/MM/YYYY",
        )  # fmt: skip
        places.under("next_review_on")
        if st.form_submit_button("Record the review", type="primary"):
            with places.showing_errors():
                following = again if isinstance(again, date) else None
                hardship.review(
                    actor, each.id, is_continued=outcome == "continue", note=note or "", next_review_on=following
                )
                notices.after_rerun("The review is recorded")
