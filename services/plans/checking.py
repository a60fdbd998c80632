"""Whether a plan may be agreed: the lender's limits, the borrower's means, what needs approval. Pure."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from db.base import AnyRow
from services import money
from services.actors import Actor, Permission
from services.errors import InvalidInput, Refused
from services.plans.generating import METHODS, MOST_INSTALMENTS, RHYTHMS, Row, monthly_burden, months_later
from services.plans.values import Affordability, Assessment, Limits, Proposal

FIRST_WITHIN_DAYS = 62
"""A first instalment later than this is a payment holiday, not a plan."""


def assess(proposal: Proposal, loan: AnyRow, limits: Limits, actor: Actor, today: date) -> Assessment:
    """Hold a proposal against the limits.

    Args:
        proposal: what is to be agreed.
        loan: see `db.queries.plans.loan`.
        limits: the lender's.
        actor: who makes it: a leader may exceed what an agent may.
        today: business date.

    Raises:
        InvalidInput: a row or figure cannot be.
        Refused: the loan is closed, more is planned than is owed, or it is more than the borrower has left (UK-01).
    """
    _check_rows(proposal, limits, today)
    _check_means(proposal.affordability)
    _check_loan(proposal, loan)
    burden, disposable = monthly_burden(proposal.rows), proposal.affordability.disposable
    if burden > disposable:
        raise Refused(
            f"The instalments take {burden:,.2f} a month, and the borrower has {max(disposable, Decimal(0)):,.2f} left "
            "after outgoings. Agree on less a month, or look at hardship relief."
        )
    restructuring = _restructuring(proposal, burden, loan, limits, today)
    is_large = proposal.amount > limits.agent_amount and not actor.may(Permission.EXCEED_PLAN_LIMITS)
    reasons = [*(("restructuring",) if restructuring else ()), *(("large_amount",) if is_large else ())]
    return Assessment(
        burden=burden,
        disposable=disposable,
        restructuring=restructuring,
        approval_reasons=tuple(reasons),
        needs_reason=burden * 100 > disposable * limits.max_share,
    )


def check_share(proposal: Proposal, assessment: Assessment, limits: Limits, actor: Actor) -> None:
    """Refuse instalments above the usual share of disposable income, unless a leader gives a reason.

    Raises:
        Refused: the actor may not exceed it.
        InvalidInput: the reason is missing.
    """
    if not assessment.needs_reason:
        return
    if not actor.may(Permission.EXCEED_PLAN_LIMITS):
        raise Refused(
            f"The instalments take {assessment.burden:,.2f} of the {assessment.disposable:,.2f} a month that the "
            f"borrower has left; up to {limits.max_share} % is usual. Agree on less a month, or ask your leader."
        )
    if not (proposal.over_limit_reason or "").strip():
        raise InvalidInput(
            {"over_limit_reason": f"Say why it may take more than {limits.max_share} % of what is left."}
        )


def _check_rows(proposal: Proposal, limits: Limits, today: date) -> None:
    rows = proposal.rows
    if not 1 <= len(rows) <= MOST_INSTALMENTS or proposal.method not in METHODS or proposal.rhythm not in RHYTHMS:
        raise InvalidInput({"instalments": f"A plan has 1 to {MOST_INSTALMENTS} instalments, made by a known method."})
    if [row.number for row in rows] != list(range(1, len(rows) + 1)) or any(
        later.due_on <= earlier.due_on for earlier, later in pairwise(rows)
    ):
        raise InvalidInput({"instalments": "Each instalment is due later than the one before it."})
    if any(row.amount <= 0 or row.amount != money.quantize(row.amount) for row in rows):
        raise InvalidInput({"instalments": "Each instalment is above zero, with at most two decimals."})
    _check_dates(rows, limits, today)
    if too_small := [row for row in rows[:-1] if row.amount < limits.min_instalment]:
        raise InvalidInput(
            {
                "instalments": f"Instalment {too_small[0].number} is {too_small[0].amount:,.2f}; the smallest allowed, "
                f"but for the last, is {limits.min_instalment:,.2f}. Take fewer instalments."
            }
        )


def _check_dates(rows: tuple[Row, ...], limits: Limits, today: date) -> None:
    last_start = today + timedelta(days=FIRST_WITHIN_DAYS)
    if rows[0].due_on < today:
        raise InvalidInput({"instalments": "The first instalment is due today or later."})
    if rows[0].due_on > last_start:
        raise InvalidInput({"instalments": f"The first instalment is due by {last_start:%-d %b %Y}."})
    last_day = months_later(today, limits.max_months)
    if rows[-1].due_on > last_day:
        raise InvalidInput(
            {"instalments": f"A plan may run {limits.max_months} months, to {last_day:%-d %b %Y}. Take fewer of them."}
        )


def _check_means(means: Affordability) -> None:
    amounts = {name: getattr(means, name) for name in ("income", "housing", "food", "utilities", "dependant_costs",
                                                       "other_debts", "other")}  # fmt: skip
    wrong = {
        name: "Enter an amount of zero or more, with at most two decimals."
        for name, amount in amounts.items()
        if amount < 0 or amount != money.quantize(amount)
    }
    if means.dependants < 0:
        wrong["dependants"] = "Enter how many people live on this income."
    if means.income == 0 and "income" not in wrong:
        wrong["income"] = "Enter the income a month. Without income no plan can be paid; look at hardship relief."
    if wrong:
        raise InvalidInput(wrong)


def _check_loan(proposal: Proposal, loan: AnyRow) -> None:
    if loan.status not in {"active", "written_off"}:
        raise Refused(f"Loan {loan.external_id} is closed; nothing is owed on it any more.")
    if loan.owed > 0 and proposal.amount > loan.owed:  # a book of snapshots may not say what is owed
        raise Refused(f"The plan of {proposal.amount:,.2f} is more than the {loan.owed:,.2f} owed. Lower the amount.")


def _restructuring(proposal: Proposal, burden: Decimal, loan: AnyRow, limits: Limits, today: date) -> tuple[str, ...]:
    """How the terms change the loan (IN-16): longer, less than is overdue, or lower than its own instalments."""
    found = []
    if proposal.rows[-1].due_on > months_later(today, limits.restructure_months):
        found.append("long_term")
    if proposal.amount < loan.overdue_amount:
        found.append("reduced_amount")
    elif proposal.amount > loan.overdue_amount and burden < (loan.instalment_amount or Decimal(0)):
        found.append("lower_instalment")
    return tuple(found)
