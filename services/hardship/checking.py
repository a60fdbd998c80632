"""Whether relief may be asked for: the lender's limits, and what the borrower states. Pure."""

from datetime import date, timedelta
from decimal import Decimal

from db.base import AnyRow
from services import money
from services.errors import InvalidInput, Refused
from services.hardship.values import CAUSES, RELIEFS, Application, Policy
from services.plans.generating import Pattern, Row, generate, months_later

_STARTS_WITHIN_DAYS = 62


def check(wanted: Application, policy: Policy, today: date, loan: AnyRow | None) -> None:
    """Refuse an application that cannot be.

    Args:
        wanted: what is said and asked for.
        policy: the lender's limits.
        today: business date.
        loan: see `db.queries.plans.loan`; of a lower instalment.

    Raises:
        InvalidInput: a field cannot be.
        Refused: the instalments are more than is owed on the loan, or than the borrower has left (UK-01).
    """
    wrong = _said(wanted, today) | _dates(wanted, policy, today)
    if wrong:
        raise InvalidInput(wrong)
    if wanted.relief.kind == "lower_instalment":
        _instalments(wanted, loan)


def until(wanted: Application) -> date:
    """First day without relief."""
    relief = wanted.relief
    return relief.ends_on or months_later(relief.starts_on, relief.months or 0)


def rows_of(starts_on: date, amount: Decimal, months: int) -> tuple[Row, ...]:
    """The instalments of a lower instalment: equal, every month."""
    return generate(Pattern(amount * months, months, starts_on))


def _said(wanted: Application, today: date) -> dict[str, str]:
    wrong = {}
    if wanted.cause not in CAUSES:
        wrong["cause"] = "Choose one of the causes in the list."
    if not wanted.story.strip():
        wrong["story"] = "Write what happened; whoever decides reads it."
    if wanted.since_on > today:
        wrong["since_on"] = "It began today or earlier."
    means = wanted.means
    amounts = {name: getattr(means, name) for name in ("income", "housing", "food", "utilities", "dependant_costs",
                                                       "other_debts", "other")}  # fmt: skip
    wrong |= {
        name: "Enter an amount of zero or more, with at most two decimals."
        for name, amount in amounts.items()
        if amount < 0 or amount != money.quantize(amount)
    }
    if wanted.relief.kind not in RELIEFS:
        wrong["relief"] = "Choose one of the kinds of relief in the list."
    return wrong


def _dates(wanted: Application, policy: Policy, today: date) -> dict[str, str]:
    relief, wrong = wanted.relief, {}
    if not today <= relief.starts_on <= today + timedelta(days=_STARTS_WITHIN_DAYS):
        wrong["starts_on"] = f"Relief begins within {_STARTS_WITHIN_DAYS} days, today or later."
    if relief.kind == "holiday":
        last = months_later(relief.starts_on, policy.max_holiday_months)
        if relief.ends_on is None or not relief.starts_on < relief.ends_on <= last:
            wrong["ends_on"] = f"A holiday ends after it began, and by {last:%-d %b %Y}."
    elif not 1 <= (relief.months or 0) <= policy.max_months:
        wrong["months"] = f"Take 1 to {policy.max_months} instalments."
    elif relief.amount is None or relief.amount <= 0 or relief.amount != money.quantize(relief.amount):
        wrong["amount"] = "Enter an amount above zero, with at most two decimals."
    if not wrong:
        latest = min(relief.starts_on + timedelta(days=policy.review_days), until(wanted))
        if not relief.starts_on <= wanted.review_on <= latest:
            wrong["review_on"] = f"Look at it again between its first day and {latest:%-d %b %Y}."
    return wrong


def _instalments(wanted: Application, loan: AnyRow | None) -> None:
    relief, left = wanted.relief, wanted.means.disposable
    if loan is None:
        raise InvalidInput({"loan": "Choose the loan that the instalments are for."})
    amount, months = relief.amount or Decimal(0), relief.months or 0
    if loan.owed <= 0 or amount * months > loan.owed:
        raise Refused(
            f"{months} instalments of {amount:,.2f} are more than the {loan.owed:,.2f} owed on loan "
            f"{loan.external_id}. Take fewer, or lower ones."
        )
    if amount > left:
        raise Refused(
            f"An instalment of {amount:,.2f} is more than the {max(left, Decimal(0)):,.2f} that is left a month. Lower "
            "it, or ask for a payment holiday."
        )
