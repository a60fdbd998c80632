"""The form that applies for hardship relief: what happened, the means, the relief, the files that show it."""

from datetime import date, timedelta
from typing import Any

import streamlit as st

from components import dates, form_fields, guard, money, notices, plan_form, promise_form
from components.form_fields import Places
from services import documents, hardship
from services import money as amounts
from services.actors import Actor
from services.borrowers import BorrowerView
from services.errors import InvalidInput
from services.plans import Affordability


def show(actor: Actor, view: BorrowerView) -> None:
    """The form, or why there is none."""
    live = next((each for each in view.hardships if each.status in hardship.LIVE), None)
    if live is not None:
        st.info(
            f"{live.number} {hardship.STATUSES[live.status]}: see Agreements. There is one application at a time.",
            icon=":material/info:",
        )
        return
    if not promise_form.payable(view):
        st.caption("Nothing is owed on any loan, so there is nothing to relieve.")
        return
    st.caption("Reminders stop while the application waits, and callers are warned. Another person decides.")
    _form(actor, view)


@st.fragment
def _form(actor: Actor, view: BorrowerView) -> None:
    guard.again(actor)
    form, places = form_fields.drawn(f"hardship.{view.id}"), Places()
    said = _said(view, form, places)
    relief = _relief(view, form, places)
    review_on = st.date_input(
        "Look at it again on", value=view.today + timedelta(days=45), min_value=view.today, key=f"{form}.review_on",
        format="DD/MM/YYYY", help="A follow-up comes up on this day",
    )  # fmt: skip
    places.under("review_on")
    means = plan_form.means_fields(form, places)
    files = st.file_uploader(
        "Evidence", type=list(documents.UPLOADS), accept_multiple_files=True, key=f"{form}.files",
        max_upload_size=documents.MAX_MB,
        help="Salary slip, notice of dismissal, hospital papers: PDF, PNG, JPEG, TXT or CSV",
    )  # fmt: skip
    places.under("file")
    if st.button("Apply", type="primary", icon=":material/volunteer_activism:", key=f"{form}.apply"):
        with places.showing_errors():
            if relief is None:
                raise InvalidInput({"amount": "Enter the amount of each instalment."})
            wanted = hardship.Application(**said, means=means, relief=relief, review_on=_day(review_on, view.today))
            evidence = [hardship.Evidence(each.name, each.getvalue()) for each in files or ()]
            made = hardship.apply(actor, view.id, wanted, evidence=evidence, request_key=form_fields.request_key(form))
            form_fields.done(form)
            notices.after_rerun(f"{made.number} waits for a decision. Reminders stop meanwhile")


def _said(view: BorrowerView, form: str, places: Places) -> dict[str, Any]:
    left, right = st.columns(2)
    with left:
        cause = st.selectbox(
            "Cause", list(hardship.CAUSES), format_func=hardship.CAUSES.__getitem__, key=f"{form}.cause"
        )
        places.under("cause")
    with right:
        since = st.date_input(
            "Since", value=view.today, max_value=view.today, key=f"{form}.since_on", format="DD/MM/YYYY"
        )
        places.under("since_on")
    story = st.text_area("What happened, as the borrower says", key=f"{form}.story", max_chars=1000, height=90)
    places.under("story")
    return {"cause": cause, "story": story or "", "since_on": _day(since, view.today)}


def _relief(view: BorrowerView, form: str, places: Places) -> hardship.Relief | None:
    """What is asked for; None while the amount cannot be read."""
    kind = st.segmented_control(
        "Relief", list(hardship.RELIEFS), default="holiday", required=True,
        format_func=hardship.RELIEFS.__getitem__, key=f"{form}.relief",
    )  # fmt: skip
    places.under("relief", "loan")
    left, right = st.columns(2)
    with left:
        starts = st.date_input(
            "First instalment" if kind == "lower_instalment" else "From", value=view.today + timedelta(days=1),
            min_value=view.today, key=f"{form}.starts_on", format="DD/MM/YYYY",
        )  # fmt: skip
        places.under("starts_on")
    starts_on = _day(starts, view.today)
    if kind != "lower_instalment":
        with right:
            ends = st.date_input(
                "Until", value=view.today + timedelta(days=61), min_value=view.today, key=f"{form}.ends_on",
                format="DD/MM/YYYY", help="First day on which the usual work goes on",
            )  # fmt: skip
            places.under("ends_on")
        st.caption(f"Nothing is asked for until {dates.day(_day(ends, view.today))}. What is not paid stays owed.")
        return hardship.Relief("holiday", starts_on, _day(ends, view.today))
    with right:
        months = st.number_input("Months", 1, 60, value=12, key=f"{form}.months")
        places.under("months")
    loan = promise_form.loan_choice(promise_form.payable(view), key=form)
    typed = st.text_input(
        "Each month", key=f"{form}.amount", help=f"Owed in all {money.full(loan.owed)}",
        placeholder=money.full(loan.instalment_amount) if loan.instalment_amount else "",
    )  # fmt: skip
    places.under("amount")
    if not typed:
        return None
    with places.showing_errors():
        return hardship.Relief(kind, starts_on, loan_id=loan.id, amount=amounts.parse(typed), months=int(months))
    return None


def _day(chosen: object, otherwise: date) -> date:
    return chosen if isinstance(chosen, date) else otherwise


def means_line(means: Affordability) -> str:
    """The stated means in one line."""
    return f"income {money.full(means.income)} a month, left after outgoings {money.full(means.disposable)}" + (
        f" ({means.note})" if means.note else ""
    )
