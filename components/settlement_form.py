"""The form that proposes a settlement: what is waived, how the rest is paid, what it is worth, and who must approve."""

from datetime import date, timedelta
from decimal import Decimal

import streamlit as st

from components import form_fields, guard, money, notices, plan_form, promise_form
from components.form_fields import Places
from services import money as amounts
from services import plans, settlements
from services.actors import Actor
from services.borrowers import BorrowerView, LoanView
from services.errors import InvalidInput

_STANDS_DAYS = 7


def show(actor: Actor, view: BorrowerView) -> None:
    """Terms to preview and the button that asks for approval; nothing is kept before it."""
    loans = [loan for loan in promise_form.payable(view) if loan.owed > 0]
    if not loans:
        st.caption("Nothing is owed on any loan, so there is nothing to settle.")
        return
    _form(actor, view, loans)


@st.fragment
def _form(actor: Actor, view: BorrowerView, loans: list[LoanView]) -> None:
    guard.again(actor)
    form, places = form_fields.drawn(f"settlement.{view.id}"), Places()
    loan = promise_form.loan_choice(loans, key=form)
    live = next((each for each in view.settlements if each.loan_id == loan.id and each.is_live), None)
    if live is not None:
        st.info(
            f"Loan {notices.plain(loan.number)} has a settlement: {settlements.STATUSES[live.status]}. Withdraw it "
            "under Agreements before you propose another.",
            icon=":material/info:",
        )
        return
    waived = _waived(loan, form, places)
    if waived is None:
        return
    parts = _parts(loan, waived, view.today, f"{form}.{loan.id}", places)
    valid_until = st.date_input(
        "Offer stands until", value=view.today + timedelta(days=_STANDS_DAYS), min_value=view.today,
        key=f"{form}.valid_until", format="DD/MM/YYYY", help="Last day on which the borrower may accept",
    )  # fmt: skip
    places.under("valid_until")
    reason = st.text_area("Why should the lender settle?", key=f"{form}.reason", max_chars=500, height=80)
    places.under("reason")
    if parts is None or not isinstance(valid_until, date):
        return
    _confirm(actor, settlements.Terms(loan.id, waived, parts, valid_until, reason or ""), form, places)


def _waived(loan: LoanView, form: str, places: Places) -> settlements.Components | None:
    """What is waived of each; charges and interest at first. None while an amount cannot be read."""
    st.markdown(f"**Waived of the {money.full(loan.owed)} owed**".replace("$", "\\$"))
    found: dict[str, Decimal] = {}
    columns = st.columns(3)
    for column, (name, owed, first) in zip(
        columns,
        (
            ("principal", loan.outstanding, Decimal(0)),
            ("interest", loan.overdue_interest, loan.overdue_interest),
            ("charges", loan.overdue_charges, loan.overdue_charges),
        ),
        strict=True,
    ):
        with column:
            typed = st.text_input(
                name.capitalize(), value=f"{first:f}", key=f"{form}.{loan.id}.{name}", help=f"Owed {money.full(owed)}"
            )
            places.under(f"waived_{name}")
        with places.showing_errors():
            found[name] = amounts.parse(typed or "0", field=f"waived_{name}")
    return settlements.Components(**found) if len(found) == len(columns) else None


def _parts(
    loan: LoanView, waived: settlements.Components, today: date, form: str, places: Places
) -> tuple[tuple[date, Decimal], ...] | None:
    """How the rest is paid; None while it cannot be."""
    left, right = st.columns(2)
    with left:
        number = st.number_input(
            "Parts", 1, settlements.MOST_PARTS, value=1, key=f"{form}.number", help="1: one payment"
        )
    with right:
        first = st.date_input(
            "First payment", value=today + timedelta(days=_STANDS_DAYS + 7), min_value=today, key=f"{form}.first",
            format="DD/MM/YYYY",
        )  # fmt: skip
    places.under("parts")
    rest = loan.outstanding + loan.overdue_interest + loan.overdue_charges - waived.whole
    if rest <= 0 or not isinstance(first, date):
        places.tell("parts", "Something must be left to pay. Waive less.")
        return None
    try:
        rows = plans.generate(plans.Pattern(amount=rest, length=int(number), start_on=first))
        if len(rows) > 1:
            rows = plan_form.rows_editor(rows, form)
    except InvalidInput as error:
        places.tell("parts", " ".join(error.fields.values()))
        return None
    return tuple((row.due_on, row.amount) for row in rows)


def _confirm(actor: Actor, terms: settlements.Terms, form: str, places: Places) -> None:
    """What the offer is worth, and the button that asks for approval."""
    if terms.waived.whole == 0:
        st.caption("Enter what is waived to see what the offer is worth.")
        return
    if not terms.reason.strip():
        st.caption("Say why, to see what the offer is worth against waiting.")
        return
    with places.showing_errors():
        told = settlements.preview(actor, terms)
        for sentence in verdict(told, terms.amount):
            st.markdown(sentence.replace("$", "\\$"))
        if told.is_restructuring:
            st.warning(
                "**Restructuring (IN-19)**: the last part is later than the policy allows for a settlement. The loan "
                "may have to be downgraded.",
                icon=":material/gavel:",
            )
        st.caption("Somebody above you and above who sanctioned the loan must approve it. Nothing changes until then.")
        if st.button("Ask for approval", type="primary", icon=":material/gavel:", key=f"{form}.propose"):
            made = settlements.propose(actor, terms, request_key=form_fields.request_key(form))
            form_fields.done(form)
            notices.after_rerun(f"The settlement of {money.full(made.amount)} waits for approval")


def verdict(told: settlements.Assessment, amount: Decimal) -> list[str]:
    """The offer in two sentences: what is given up, and what it is worth against waiting."""
    worth = told.worth
    is_gain = worth.gain >= 0
    colour, word = ("green", "more") if is_gain else ("orange", "less")
    return [
        f"The borrower pays **{money.full(amount)}** of {money.full(told.owed.whole)}; {told.percent:.1f} % is waived.",
        (
            f"Worth {money.full(worth.present_value)} today at {worth.discount_percent.normalize():f} % a year: "
            f":{colour}[{money.full(abs(worth.gain))} {word}] than the {money.full(worth.expected_value)} expected "
            f"without it ({worth.expected_percent.normalize():f} % of it all after {worth.expected_months} months)."
        ),
    ]
