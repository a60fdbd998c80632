"""A borrower's repayment plans as they stand: instalments against payments, the means, and cancelling."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from components import dates, money, notices, schedule_strip
from services import plans
from services.actors import Actor, Permission
from services.borrowers import Paid, StripInstalment

_COLOURS = {"running": "green", "completed": "green", "behind": "orange", "proposed": "orange", "broken": "red"}


def show(actor: Actor, borrowers_plans: Sequence[plans.Plan], today: date) -> None:
    """The plans, newest first; nothing when there are none."""
    for plan in borrowers_plans:
        with st.container(border=True, gap="small"):
            colour = _COLOURS.get(plan.status, "gray")
            st.markdown(
                f"**{notices.plain(f'Plan of {money.full(plan.amount)}')}** on {notices.plain(plan.loan_number)} · "
                f":{colour}[{plans.STATUSES[plan.status]}]"
            )
            st.markdown(_line(plan).replace("$", "\\$"))
            schedule_strip.show(strip(plan, today), is_reported=False)
            _told(plan)
            if plan.is_live and actor.may(Permission.MAKE_ARRANGEMENTS):
                _cancel(actor, plan)


def _line(plan: plans.Plan) -> str:
    parts = [
        money.counted(len(plan.instalments), "instalment")
        + f", {dates.day(plan.starts_on)} to {dates.day(plan.ends_on)}",
        f"paid **{money.full(plan.paid_amount)}** of {money.full(plan.due_amount)} due so far"
        if plan.due_amount or plan.paid_amount
        else "nothing has fallen due yet",
        f"missing {money.full(plan.missing_amount)}" if plan.status == "behind" else "",
        f"next {money.full(plan.next_due_amount)} for {dates.day(plan.next_due_on)}" if plan.next_due_on else "",
        f"since {dates.day(plan.resolved_on)}" if plan.resolved_on else "",
    ]
    return " · ".join(part for part in parts if part)


def strip(plan: plans.Plan, today: date) -> list[StripInstalment]:
    """The plan's instalments as the strip of a schedule shows them."""
    return [_instalment(row, today) for row in plan.instalments]


def _instalment(row: plans.Instalment, today: date) -> StripInstalment:
    days_late = max(((row.settled_on or today) - row.due_on).days, 0)
    if row.settled_on is not None:
        how = Paid.LATE if days_late else Paid.ON_TIME
    elif row.paid_amount > 0:
        how = Paid.PARTLY
    else:
        how = Paid.UNPAID if row.due_on <= today else Paid.FUTURE
    return StripInstalment(row.number, row.due_on, row.amount, row.paid_amount, row.settled_on, how, days_late)


def _told(plan: plans.Plan) -> None:
    """By whom, on which means, and why it is out of the ordinary."""
    means = plan.affordability
    verb = "Asked for" if plan.status == "proposed" or plan.refuse_reason else "Agreed"
    parts = [
        f"{verb} {dates.day(plan.made_on)} by {plan.made_by_name or 'Recoup'}",
        f"stated income {money.full(means.income)}, left after outgoings {money.full(means.disposable)}"
        if means
        else "",
        "restructuring: " + ", ".join(plans.RESTRUCTURING[code] for code in plan.restructuring)
        if plan.restructuring
        else "",
        f"above the usual share: {plan.over_limit_reason}" if plan.over_limit_reason else "",
        f"cancelled by {plan.cancelled_by_name or 'Recoup'}: {plan.cancel_reason}" if plan.cancel_reason else "",
        f"refused: {plan.refuse_reason}" if plan.refuse_reason else "",
    ]
    st.caption(" · ".join(notices.plain(part) for part in parts if part))


def _cancel(actor: Actor, plan: plans.Plan) -> None:
    key = f"plan.cancel.{plan.id}"
    with st.popover("Cancel the plan", icon=":material/cancel:", key=f"{key}.open"), st.form(key, border=False):
        st.caption("Reminders and the usual work on the loan go on from today. What was paid stays counted.")
        reason = st.text_input("Reason", key=f"{key}.reason", max_chars=200)
        if st.form_submit_button("Cancel it", type="primary"):
            with notices.showing_errors():
                plans.cancel(actor, plan.id, reason=reason)
                notices.after_rerun("The plan is cancelled")
