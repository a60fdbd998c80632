"""Rows of the aggregates that portfolio pages read, with sane defaults."""

from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from db.models.owes import Borrower, Lender, Loan, Product, Segment
from db.models.stands import BucketFlow, LoanSnapshot, LoanState, PortfolioDay, PromiseDay, VintageMonth
from db.models.work import Promise

SEP, OCT, NOV = date(2025, 9, 30), date(2025, 10, 31), date(2025, 11, 14)


def add(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def make_segment(session: Session, *, product: str = "PL", region: str | None = "North", **over: Any) -> int:
    found = session.query(Product).filter_by(code=product).one_or_none()
    if found is None:
        found = add(session, Product(code=product, name=over.pop("name", f"{product} loans")))
    values = {"branch": "B1", "attribute": None, **over}
    return int(add(session, Segment(product_id=found.id, region=region, **values)).id)


def make_day(session: Session, as_of: date, *, segment_id: int, bucket: int = 0, **over: Any) -> None:
    values: dict[str, Any] = {
        "risk_band": 0,
        "asset_class": "standard",
        "loans": 1,
        "outstanding": Decimal(0),
        "overdue_amount": Decimal(0),
        "demand_mtd": Decimal(0),
        "collected_mtd": Decimal(0),
        "collected_of_demand": Decimal(0),
        **over,
    }
    add(session, PortfolioDay(as_of=as_of, segment_id=segment_id, bucket=bucket, **values))


def make_flow(session: Session, start: int, end: int, loans: int, *, segment_id: int, **over: Any) -> None:
    values: dict[str, Any] = {
        "opening_on": SEP,
        "closing_on": OCT,
        "risk_band": 0,
        "amount": Decimal(loans * 1000),
        **over,
    }
    add(session, BucketFlow(segment_id=segment_id, from_bucket=start, to_bucket=end, loans=loans, **values))


def make_vintage(session: Session, as_of: date, vintage_on: date, *, segment_id: int, **over: Any) -> None:
    values: dict[str, Any] = {
        "loans": 100,
        "disbursed": Decimal(100_000),
        "loans_30": 0,
        "loans_90": 0,
        "outstanding_30": Decimal(0),
        "outstanding_90": Decimal(0),
        **over,
    }
    add(session, VintageMonth(as_of=as_of, vintage_on=vintage_on, segment_id=segment_id, **values))


def make_promise_day(session: Session, as_of: date, *, segment_id: int, **over: Any) -> None:
    values: dict[str, Any] = {
        "risk_band": 0,
        "pending": 0,
        "pending_amount": Decimal(0),
        "kept_mtd": 0,
        "partly_kept_mtd": 0,
        "broken_mtd": 0,
        "broken_amount_mtd": Decimal(0),
        **over,
    }
    add(session, PromiseDay(as_of=as_of, segment_id=segment_id, **values))


def make_account(session: Session, number: str, *, segment_id: int, **over: Any) -> int:
    """A loan and its state. `loan` holds values of the loan, the rest are of the state."""
    loan_values = over.pop("loan", {})
    segment = session.get_one(Segment, segment_id)
    borrower = add(session, Borrower(external_id=f"C-{number}", name=f"Borrower {number}"))
    loan = add(
        session,
        Loan(
            external_id=number,
            borrower_id=borrower.id,
            product_id=segment.product_id,
            segment_id=segment_id,
            principal=Decimal(1000),
            **loan_values,
        ),
    )
    add(session, LoanState(loan_id=loan.id, borrower_id=borrower.id, segment_id=segment_id, **_state(over)))
    return int(loan.id)


def _state(over: dict[str, Any]) -> dict[str, Any]:
    zero = Decimal(0)
    amounts: tuple[str, ...] = (
        "due_to_date",
        "paid_to_date",
        "overdue_amount",
        "overdue_principal",
        "overdue_interest",
    )
    amounts += ("overdue_charges", "outstanding", "demand_mtd", "collected_mtd", "collected_of_demand")
    counts = ("dpd", "bucket", "missed_instalments", "partial_payments", "bounces", "bounces_total", "risk_band")
    fixed = {"as_of": NOV, "status": "active", "asset_class": "standard"}
    return {**dict.fromkeys(amounts, zero), **dict.fromkeys(counts, 0), **fixed, **over}


def make_snapshot(session: Session, as_of: date, loan_id: int, *, segment_id: int, **over: Any) -> None:
    zero = Decimal(0)
    values: dict[str, Any] = {
        "status": "active",
        "dpd": 0,
        "bucket": 0,
        "asset_class": "standard",
        "overdue_amount": zero,
        "outstanding": zero,
        "demand_mtd": zero,
        "collected_mtd": zero,
        "collected_of_demand": zero,
        "risk_band": 0,
        **over,
    }
    add(session, LoanSnapshot(as_of=as_of, loan_id=loan_id, segment_id=segment_id, **values))


def make_promise(session: Session, loan_id: int, **over: Any) -> None:
    loan = session.get_one(Loan, loan_id)
    values: dict[str, Any] = {"amount": Decimal(500), "due_on": NOV, "promised_on": OCT, "channel": "call", **over}
    add(session, Promise(borrower_id=loan.borrower_id, loan_id=loan_id, **values))


def close_through(session: Session, day: date) -> None:
    session.get_one(Lender, 1).closed_through = day
    session.flush()
