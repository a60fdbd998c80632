"""Whether terms may be offered: the lender's policy, and what the loan owes. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

from db.base import AnyRow
from services import money
from services.errors import InvalidInput, Refused
from services.plans.generating import months_later
from services.settlements.values import Assessment, Components, Expectation, Policy, Terms, percent_of
from services.settlements.worth import line_for, worth

MOST_PARTS = 24


def owed_on(loan: AnyRow) -> Components:
    """What is owed on a loan today: principal not yet repaid, with interest and charges that fell due."""
    return Components(loan.owed_principal, loan.owed_interest, loan.owed_charges)


def assess(terms: Terms, loan: AnyRow, policy: Policy, lines: Sequence[Expectation], today: date) -> Assessment:
    """Hold terms against the policy.

    Args:
        terms: what is to be offered.
        loan: see `db.queries.settlements.loan`.
        policy: the lender's.
        lines: what is expected without a settlement.
        today: business date.

    Raises:
        InvalidInput: an amount or date cannot be.
        Refused: the loan is closed, or nothing is owed.
    """
    owed = owed_on(loan)
    if loan.status not in {"active", "written_off"} or owed.whole <= 0:
        raise Refused(f"Nothing is owed on loan {loan.external_id}, so there is nothing to settle.")
    _check_waived(terms, owed)
    _check_parts(terms, owed)
    _check_dates(terms, policy, today)
    line = line_for(lines, loan.dpd)
    return Assessment(
        owed=owed,
        waived=terms.waived,
        percent=percent_of(terms.waived.whole, owed.whole),
        worth=worth(terms.parts, owed.whole, line, policy, is_secured=loan.is_secured, today=today),
        is_restructuring=terms.parts[-1][0] > months_later(today, policy.restructure_months),
        sanctioned_by=loan.sanctioned_by,
    )


def _check_waived(terms: Terms, owed: Components) -> None:
    wrong = {}
    for name in ("principal", "interest", "charges"):
        waived, most = getattr(terms.waived, name), getattr(owed, name)
        if waived < 0 or waived != money.quantize(waived):
            wrong[f"waived_{name}"] = "Enter an amount of zero or more, with at most two decimals."
        elif waived > most:
            wrong[f"waived_{name}"] = f"Only {most:,.2f} of {name} is owed."
    if not wrong and terms.waived.whole == 0:
        wrong["waived_charges"] = "A settlement waives something. To agree on dates alone, make a repayment plan."
    if not wrong and terms.waived.whole >= owed.whole:
        wrong["waived_principal"] = "Something must be left to pay. To give up all of it, write the loan off."
    if wrong:
        raise InvalidInput(wrong)


def _check_parts(terms: Terms, owed: Components) -> None:
    if not 1 <= len(terms.parts) <= MOST_PARTS:
        raise InvalidInput({"parts": f"A settlement is paid in 1 to {MOST_PARTS} parts."})
    if any(amount <= 0 or amount != money.quantize(amount) for _, amount in terms.parts):
        raise InvalidInput({"parts": "Each part is above zero, with at most two decimals."})
    if any(later <= earlier for (earlier, _), (later, _) in pairwise(terms.parts)):
        raise InvalidInput({"parts": "Each part is due later than the one before it."})
    rest = owed.whole - terms.waived.whole
    if terms.amount != rest:
        raise InvalidInput(
            {"parts": f"The parts sum to {terms.amount:,.2f}, and {rest:,.2f} is left after what is waived."}
        )


def _check_dates(terms: Terms, policy: Policy, today: date) -> None:
    wrong = {}
    first, last = terms.parts[0][0], terms.parts[-1][0]
    if not terms.reason.strip():
        wrong["reason"] = "Say why the lender should give up this money; whoever approves reads it."
    if terms.valid_until < today:
        wrong["valid_until"] = "The borrower needs time to accept: today or later."
    elif terms.valid_until > today + timedelta(days=policy.valid_days):
        wrong["valid_until"] = f"An offer stands for at most {policy.valid_days} days."
    elif first < terms.valid_until:
        wrong["parts"] = "The first part is due on the last day to accept, or later."
    if last > months_later(today, policy.max_months):
        wrong["parts"] = f"The last part is due within {policy.max_months} months."
    if wrong:
        raise InvalidInput(wrong)
