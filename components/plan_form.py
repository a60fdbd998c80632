"""The form that makes a repayment plan: terms, the instalments they give, the borrower's means, and what it needs."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

import pandas as pd
import streamlit as st

from components import dates, form_fields, guard, money, notices, promise_form
from components.form_fields import Places
from services import money as amounts
from services import plans
from services.actors import Actor, Permission
from services.borrowers import BorrowerView, LoanView

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MEANS: Final = (
    ("income", "Income", "Wages, business and all else that comes in a month, after tax"),
    ("housing", "Housing", "Rent or upkeep"),
    ("food", "Food", None),
    ("utilities", "Bills and travel", "Electricity, water, phone, the way to work"),
    ("dependant_costs", "Family", "School, care, money sent to family"),
    ("other_debts", "Other debts", "Instalments to others, and those of other loans here"),
    ("other", "Other", "Whatever else must be paid every month"),
)


def show(actor: Actor, view: BorrowerView) -> None:
    """Terms to preview, means to check, and the button that makes the plan; nothing is kept before it."""
    loans = [loan for loan in promise_form.payable(view) if loan.owed > 0]
    if not loans:
        st.caption("Nothing is owed on any loan, so there is nothing to plan.")
        return
    _form(actor, view, loans)


@st.fragment
def _form(actor: Actor, view: BorrowerView, loans: list[LoanView]) -> None:
    guard.again(actor)
    form, places = form_fields.drawn(f"plan.{view.id}"), Places()
    loan = promise_form.loan_choice(loans, key=form)
    live = next((plan for plan in view.plans if plan.loan_id == loan.id and plan.is_live), None)
    if live is not None:
        st.info(
            f"Loan {notices.plain(loan.number)} has a plan that {_stands(live.status)}. Cancel it under "
            "Agreements before you make another.",
            icon=":material/info:",
        )
        return
    rows, pattern = _terms(loan, view.today, form, places)
    means = means_fields(form, places)
    if rows is None or pattern is None:
        return
    proposal = plans.Proposal(
        loan_id=loan.id, rows=rows, affordability=means, method=pattern.method, rhythm=pattern.rhythm
    )
    _confirm(actor, proposal, form, places)


def _stands(status: str) -> str:
    return {"proposed": "waits for approval"}.get(status, f"is {plans.STATUSES[status]}")


def _terms(
    loan: LoanView, today: date, form: str, places: Places
) -> tuple[tuple[plans.Row, ...] | None, plans.Pattern | None]:
    """The fields of the terms and the table of instalments they give; None while a field cannot be read."""
    whole = loan.overdue_amount or loan.owed
    left, right = st.columns(2)
    with left:
        typed = st.text_input("Amount", value=f"{whole:f}", key=f"{form}.amount.{loan.id}", help=_owed(loan))
        places.under("amount")
    with right:
        length = st.number_input("Instalments", min_value=1, max_value=120, value=6, key=f"{form}.length")
        places.under("length")
    rhythm, payday = _rhythm(form)
    left, right = st.columns(2)
    with left:
        start_on = st.date_input(
            "From", value=today + timedelta(days=7), min_value=today, key=f"{form}.start_on", format="DD/MM/YYYY",
            help="The first instalment is due on this day, or on the first payday from it on",
        )  # fmt: skip
    with right:
        method = st.selectbox(
            "Amounts", list(plans.METHODS), format_func=plans.METHODS.__getitem__, key=f"{form}.method"
        )
    step = st.text_input("Each grows by", value="500", key=f"{form}.step") if method == "stepped" else "0"
    places.under("step")
    with places.showing_errors():
        pattern = plans.Pattern(
            amount=amounts.parse(typed or ""),
            length=int(length),
            start_on=start_on if isinstance(start_on, date) else today,
            rhythm=rhythm,
            payday=payday,
            method=method,
            step=amounts.parse(step or "", field="step"),
        )
        return rows_editor(plans.generate(pattern), form), pattern
    return None, None


def _owed(loan: LoanView) -> str:
    return f"Overdue {money.full(loan.overdue_amount)}, owed in all {money.full(loan.owed)}"


def _rhythm(form: str) -> tuple[str, int | None]:
    left, right = st.columns(2)
    with left:
        rhythm = st.selectbox(
            "How often", list(plans.RHYTHMS), format_func=plans.RHYTHMS.__getitem__, key=f"{form}.rhythm"
        )
    with right:
        if rhythm == "monthly":
            day = st.number_input(
                "Payday", min_value=1, max_value=31, value=None, placeholder="as the first date", key=f"{form}.payday",
                help="Day of the month on which the borrower is paid; 31 is the last day. Empty: as the first date",
            )  # fmt: skip
            return rhythm, None if day is None else int(day)
        named = st.selectbox(
            "Payday", range(1, 8), index=None, placeholder="as the first date", key=f"{form}.weekday",
            format_func=lambda number: _WEEKDAYS[number - 1],
        )  # fmt: skip
        return rhythm, named


def rows_editor(rows: tuple[plans.Row, ...], form: str) -> tuple[plans.Row, ...]:
    """The instalments in a table in which single dates and amounts may be changed."""
    frame = pd.DataFrame(
        {
            "number": [row.number for row in rows],
            "due_on": [row.due_on for row in rows],
            "amount": [float(row.amount) for row in rows],  # for the editor only: read back to two decimals
        }
    )
    shown: Any = st.data_editor(
        frame,
        hide_index=True,
        num_rows="fixed",
        disabled=["number"],
        row_height=32,
        height=(min(len(rows), 8) + 1) * 32 + 2,
        key=f"{form}.rows.{hash(rows)}",
        column_config={
            "number": st.column_config.NumberColumn("No.", width=40),
            "due_on": st.column_config.DateColumn("Due", format="DD/MM/YYYY", required=True),
            "amount": st.column_config.NumberColumn("Amount", format="localized", min_value=0.01, required=True),
        },
    )
    changed = plans.edited(rows, changes(rows, shown))
    whole = sum((row.amount for row in changed), Decimal(0))
    st.caption(
        f"{len(changed)} instalments, {money.full(whole)} in all, the last {money.full(changed[-1].amount)} on "
        f"{dates.day(changed[-1].due_on)}. Change a row above if another date or amount suits; the last takes the rest."
    )
    return changed


def changes(rows: tuple[plans.Row, ...], frame: pd.DataFrame) -> dict[int, plans.Row]:
    """Rows of the editor that differ from those generated, by number."""
    found = {}
    for row, due_on, typed in zip(rows, frame["due_on"], frame["amount"], strict=True):
        if pd.isna(due_on) or pd.isna(typed):
            continue
        now = replace(row, due_on=pd.Timestamp(due_on).date(), amount=amounts.quantize(Decimal(str(typed))))
        if now != row:
            found[row.number] = now
    return found


def means_fields(form: str, places: Places) -> plans.Affordability:
    """What the borrower says of a month's income and outgoings; empty fields are nothing."""
    st.markdown("**Income and outgoings a month, as the borrower says**")
    stated: dict[str, Decimal] = {}
    columns = [column for _ in range((len(_MEANS) + 1) // 2) for column in st.columns(2)]  # in order on a phone, too
    for place, (name, label, meaning) in enumerate(_MEANS):
        with columns[place]:
            typed = st.text_input(label, key=f"{form}.{name}", placeholder="0", help=meaning)
            places.under(name)
        with places.showing_errors():
            stated[name] = amounts.parse(typed, field=name) if typed else Decimal(0)
    with columns[-1]:
        dependants = st.number_input("People who live on it", min_value=0, max_value=30, key=f"{form}.dependants")
        places.under("dependants")
    note = st.text_input(
        "How it is known", key=f"{form}.note", max_chars=300, placeholder="Payslip, bank statement, the borrower's word"
    )
    stated = {name: stated.get(name, Decimal(0)) for name, _, _ in _MEANS}
    return plans.Affordability(**stated, dependants=int(dependants), note=(note or "").strip() or None)


def _confirm(actor: Actor, proposal: plans.Proposal, form: str, places: Places) -> None:
    """What the plan takes of the means and what it needs, and the button that makes it."""
    if proposal.affordability.income == 0:
        st.caption("Enter the income to see whether the borrower can pay this.")
        st.button("Make the plan", disabled=True, help="The income is missing", key=f"{form}.make")
        return
    with places.showing_errors():
        told = plans.preview(actor, proposal)
        st.markdown(_verdict(told))
        if told.restructuring:
            terms = ", ".join(plans.RESTRUCTURING[code] for code in told.restructuring)
            st.warning(
                f"**Restructuring (IN-16)**: {terms}. The loan may have to be downgraded.", icon=":material/gavel:"
            )
        if told.needs_reason and actor.may(Permission.EXCEED_PLAN_LIMITS):
            why = st.text_input("Why may it take more than the usual share?", key=f"{form}.over", max_chars=300)
            places.under("over_limit_reason")
            proposal = replace(proposal, over_limit_reason=why)
        label = "Ask for approval" if told.approval_reasons else "Make the plan"
        if told.approval_reasons:
            needed = "; ".join(plans.APPROVAL_REASONS[code] for code in told.approval_reasons)
            st.caption(f"Another person must approve it: {needed}. Nothing changes until then.")
        if st.button(label, type="primary", icon=":material/event_repeat:", key=f"{form}.make"):
            made = plans.make(actor, proposal, request_key=form_fields.request_key(form))
            form_fields.done(form)
            done = "waits for approval" if made.status == "proposed" else "is in force"
            notices.after_rerun(f"The plan of {money.full(made.amount)} {done}")


def _verdict(told: plans.Assessment) -> str:
    share = f"{told.share * 100:.0f} %" if told.share is not None else "all"
    colour = "orange" if told.needs_reason else "green"
    sentence = (
        f"At most {money.full(told.burden)} a month, :{colour}[{share} of the {money.full(told.disposable)}] that is "
        "left after outgoings."
    )
    return sentence.replace("$", "\\$")
