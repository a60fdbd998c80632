"""Repayment plans of the demo: running, behind, completed, broken, cancelled; and some that wait for approval.

Terms are written so that the payments of the book decide: where each plan stands is derived as for any other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.plans import PlanAffordability, PlanInstalment, RepaymentPlan
from db.queries import demo
from services import cases, lender, plans
from services.plans.generating import Pattern, Row, generate, monthly_burden

SHARE: Final = 0.0012
"""Plans of each fate per loan of the book."""
_LOOKED_BACK_DAYS: Final = 75
_STATEMENTS: Final = ("Payslip of last month", "Bank statement of three months", "As the borrower says", None)


@dataclass(frozen=True, slots=True)
class Made:
    """One plan of the demo with its terms."""

    loan: AnyRow
    """See `db.queries.demo.in_arrears`, or `recovered`."""
    rows: tuple[Row, ...]
    made_on: date
    extra: dict[str, Any] = field(default_factory=dict)
    """Further columns, such as a cancellation."""

    @property
    def amount(self) -> Decimal:
        """What the instalments sum to."""
        return sum((row.amount for row in self.rows), Decimal(0))


def add(session: Session, *, loans: int, as_of: date) -> list[AnyRow]:
    """Write plans that are in force or over; the loans past due that are left, for plans that wait for approval.

    Does nothing when there are plans already: an interrupted load goes on behind it.
    """
    if demo.any_plan(session):
        return []
    most = max(1, round(loans * SHARE))
    free = demo.in_arrears(session, since=as_of - timedelta(days=_LOOKED_BACK_DAYS))
    since = _month_end(as_of, 3)
    whole = demo.recovered(session, since=since, before=since + timedelta(days=30))
    made = list(islice((_completed(loan) for loan in _spread(whole, most)), most))
    for build in (_running, _behind, _broken, _cancelled):
        found = list(islice((plan for loan in free if (plan := build(loan, as_of)) is not None), most))
        taken = {plan.loan.borrower_id for plan in found}
        free = [loan for loan in free if loan.borrower_id not in taken]
        made += _one_each(found)
    ids = write(session, made)
    session.flush()
    plans.settle_for(session, as_of, [plan.loan.loan_id for plan in made])
    cases.refresh_for(session, as_of, sorted({plan.loan.borrower_id for plan in made}))
    return free if ids else []


def _month_end(day: date, months: int) -> date:
    """The last day of the month so many months before a day's."""
    first = day.replace(day=1)
    for _ in range(months - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    return first - timedelta(days=1)


def _spread(rows: Sequence[AnyRow], most: int) -> Sequence[AnyRow]:
    """As many of them, from all of the book."""
    return rows[:: max(1, len(rows) // most)] if rows else rows


def _one_each(made: Iterable[Made]) -> Iterator[Made]:
    """The first plan of each borrower."""
    seen: set[int] = set()
    for plan in made:
        if plan.loan.borrower_id not in seen:
            seen.add(plan.loan.borrower_id)
            yield plan


def _completed(loan: AnyRow) -> Made:
    """What the borrower paid, as instalments due a day or two later: each is whole in time."""
    paid = list(zip(loan.days, loan.amounts, strict=True))
    rows = [Row(number, day + timedelta(days=1), amount) for number, (day, amount) in enumerate(paid, start=1)]
    return Made(loan, tuple(rows), loan.days[0] - timedelta(days=3))


def _running(loan: AnyRow, as_of: date) -> Made | None:
    """The first instalment is paid, the others are to come."""
    if len(loan.days) != 1 or loan.amounts[0] < 1_000 or loan.overdue_amount < 2_000:
        return None
    if not as_of - timedelta(days=28) <= loan.days[0] < as_of:
        return None
    rest = _monthly(loan.overdue_amount, _length(loan.overdue_amount), as_of + timedelta(days=8))
    return _after_first(loan, rest)


def _behind(loan: AnyRow, as_of: date) -> Made | None:
    """The first instalment is paid, the second was due nine days ago."""
    if len(loan.days) != 1 or loan.amounts[0] < 1_000 or loan.overdue_amount < 2_000:
        return None
    if loan.days[0] >= as_of - timedelta(days=28):
        return None
    return _after_first(loan, _monthly(loan.overdue_amount, 3, as_of - timedelta(days=9)))


def _after_first(loan: AnyRow, rest: Sequence[Row]) -> Made:
    first = Row(1, loan.days[0] + timedelta(days=1), loan.amounts[0])
    later = (Row(row.number + 1, row.due_on, row.amount) for row in rest)
    return Made(loan, (first, *later), loan.days[0] - timedelta(days=4))


def _broken(loan: AnyRow, as_of: date) -> Made | None:
    """Nothing came since it was made: the first instalment has been due for longer than a plan waits."""
    if loan.days or loan.dpd < _LOOKED_BACK_DAYS or loan.overdue_amount < 2_000:
        return None
    made_on = as_of - timedelta(days=58)
    return Made(loan, _monthly(loan.overdue_amount, 3, made_on + timedelta(days=10)), made_on)


def _cancelled(loan: AnyRow, as_of: date) -> Made | None:
    """Made four weeks ago and ended by the collector before its first date."""
    if loan.loan_id % 3 or not 10 <= loan.dpd <= 90 or loan.days or loan.overdue_amount < 2_000:
        return None
    made_on, ended_on = as_of - timedelta(days=24), as_of - timedelta(days=15)
    ended = {
        "status": "cancelled",
        "cancelled_on": ended_on,
        "cancelled_by": loan.owner_id,
        "cancel_reason": "Lost the job; asked for relief instead",
    }
    rows = _monthly(loan.overdue_amount, _length(loan.overdue_amount), as_of - timedelta(days=10))
    return Made(loan, rows, made_on, extra=ended)


def _length(amount: Decimal) -> int:
    """Instalments for an amount: none smaller than a plan allows."""
    return max(2, min(4, int(amount // 1_000)))


def _monthly(amount: Decimal, length: int, start_on: date) -> tuple[Row, ...]:
    return generate(Pattern(amount=amount, length=length, start_on=start_on))


# --- writing ------------------------------------------------------------------------------------------------------


def write(session: Session, made: Sequence[Made]) -> list[int]:
    """Write plans with instalments and means, in three statements; their ids in order."""
    zone = ZoneInfo(lender.load(session).time_zone)
    first = demo.reserve_ids(session, "repayment_plan", len(made))
    ids = list(range(first, first + len(made)))
    numbered = list(zip(ids, made, strict=True))
    demo.insert_rows(session, RepaymentPlan, [_plan(number, plan, zone) for number, plan in numbered])
    demo.insert_rows(
        session,
        PlanInstalment,
        [
            {"plan_id": number, "number": row.number, "due_on": row.due_on, "amount": row.amount}
            for number, plan in numbered
            for row in plan.rows
        ],
    )
    demo.insert_rows(session, PlanAffordability, [{"plan_id": number, **means(plan)} for number, plan in numbered])
    return ids


def _plan(number: int, plan: Made, zone: ZoneInfo) -> dict[str, Any]:
    ended_on = plan.extra.get("cancelled_on")
    usual = {
        "id": number,
        "borrower_id": plan.loan.borrower_id,
        "loan_id": plan.loan.loan_id,
        "amount": plan.amount,
        "method": "equal",
        "rhythm": "monthly",
        "starts_on": plan.rows[0].due_on,
        "ends_on": plan.rows[-1].due_on,
        "made_on": plan.made_on,
        "made_at": datetime.combine(plan.made_on, time(11, 40), zone),
        "made_by": plan.loan.owner_id,
        "counts_from": plan.made_on,
        "approval_reasons": [],
        "restructuring": [],
        "status": "running",
        "refuse_reason": None,
        "cancelled_on": None,
        "cancelled_at": datetime.combine(ended_on, time(16, 5), zone) if ended_on else None,
        "cancelled_by": None,
        "cancel_reason": None,
    }
    return usual | plan.extra


def means(plan: Made) -> dict[str, Any]:
    """Income and outgoings that leave about twice the instalments (UK-01); the same loan says the same."""
    burden, place = monthly_burden(plan.rows), plan.loan.loan_id
    left = (burden * 2 // 1_000 + 1) * 1_000
    spent = [Decimal(amount + place % 7 * 500) for amount in (6_000, 7_500, 2_000, 3_000, 1_500, 1_000)]
    names = ("housing", "food", "utilities", "dependant_costs", "other_debts", "other")
    return {
        "income": left + sum(spent, Decimal(0)),
        **dict(zip(names, spent, strict=True)),
        "dependants": place % 4,
        "note": _STATEMENTS[place % len(_STATEMENTS)],
    }
