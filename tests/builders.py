"""Rows for tests: plain functions with sane defaults that insert and return the id. Amounts in rupees."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from db.models.owes import Borrower, ContactPoint, Instalment, Loan, Payment, Product, Segment
from db.models.stands import LoanState
from db.models.work import CollectionCase, ContactAttempt, Hold, Promise
from services import personal_data

_numbers = count(1)


def _add(session: Session, row: Any) -> int:
    session.add(row)
    session.flush()  # tests need the key
    return int(row.id)


def make_segment(session: Session, *, product: str = "personal", region: str | None = "West", **over: Any) -> int:
    """A product, if it is not there yet, and a segment of it."""
    product_id = session.execute(select(Product.id).where(Product.code == product)).scalar_one_or_none()
    if product_id is None:
        product_id = _add(session, Product(code=product, name=product.capitalize()))
    wanted = {"product_id": product_id, "region": region, "branch": None, "attribute": None, **over}
    found = session.execute(select(Segment.id).filter_by(**wanted)).scalar_one_or_none()
    return found if found is not None else _add(session, Segment(**wanted))


def make_borrower(session: Session, *, name: str = "Meera Iyer", **over: Any) -> int:
    """A borrower without loans."""
    over.setdefault("external_id", f"B-{next(_numbers):05}")
    return _add(session, Borrower(name=name, **over))


def make_loan(session: Session, borrower_id: int, *, segment_id: int | None = None, **over: Any) -> int:
    """A loan of 1,00,000 without schedule or state."""
    segment = segment_id if segment_id is not None else make_segment(session)
    product_id = session.execute(select(Segment.product_id).where(Segment.id == segment)).scalar_one()
    over.setdefault("external_id", f"L-{next(_numbers):05}")
    over.setdefault("principal", Decimal(100_000))
    return _add(session, Loan(borrower_id=borrower_id, product_id=product_id, segment_id=segment, **over))


def make_state(session: Session, loan_id: int, *, dpd: int = 0, as_of: date = date(2025, 6, 16), **over: Any) -> None:
    """Where a loan stands, as the day-end would write it; overdue 10,000 when any day is past due."""
    loan = session.get_one(Loan, loan_id)
    overdue = Decimal(10_000) if dpd else Decimal(0)
    edges = (0, 30, 60, 90, 180)
    values: dict[str, Any] = {
        "borrower_id": loan.borrower_id,
        "segment_id": loan.segment_id,
        "as_of": as_of,
        "status": "active",
        "dpd": dpd,
        "bucket": sum(dpd > edge for edge in edges),
        "asset_class": "npa" if dpd >= 90 else "standard" if dpd == 0 else f"sma_{dpd // 30}",
        "oldest_due_on": as_of - timedelta(days=dpd) if dpd else None,
        "due_to_date": Decimal(20_000),
        "paid_to_date": Decimal(20_000) - overdue,
        "overdue_amount": overdue,
        "overdue_principal": overdue,
        "overdue_interest": Decimal(0),
        "overdue_charges": Decimal(0),
        "outstanding": Decimal(80_000),
        "missed_instalments": min(dpd, 1),
        "partial_payments": 0,
        "bounces": 0,
        "bounces_total": 0,
        "demand_mtd": Decimal(0),
        "collected_mtd": Decimal(0),
        "collected_of_demand": Decimal(0),
    }
    session.add(LoanState(loan_id=loan_id, **{**values, **over}))
    session.flush()  # statements of the test read it


def make_overdue(session: Session, *, dpd: int = 45, name: str = "Meera Iyer", **state: Any) -> tuple[int, int]:
    """A borrower with one loan so many days past due; ids of both."""
    borrower_id = make_borrower(session, name=name)
    loan_id = make_loan(session, borrower_id)
    make_state(session, loan_id, dpd=dpd, **state)
    return borrower_id, loan_id


def make_case(session: Session, borrower_id: int, *, owner_id: int | None = None, **over: Any) -> int:
    """An open case of a borrower."""
    over.setdefault("opened_on", date(2025, 6, 1))
    return _add(session, CollectionCase(borrower_id=borrower_id, owner_id=owner_id, **over))


def make_instalment(session: Session, loan_id: int, number: int, due_on: date, amount: int = 10_000) -> None:
    """One due date, all of it principal."""
    session.add(Instalment(loan_id=loan_id, number=number, due_on=due_on, principal=Decimal(amount)))
    session.flush()  # statements of the test read it


def make_payment(session: Session, loan_id: int, paid_on: date, amount: int, **over: Any) -> str:
    """Money received; its reference."""
    over.setdefault("reference", f"R-{next(_numbers):05}")
    _add(session, Payment(loan_id=loan_id, paid_on=paid_on, amount=Decimal(amount), **over))
    return str(over["reference"])


def make_reversal(session: Session, loan_id: int, known_on: date, amount: int, reference: str) -> None:
    """A payment taken back."""
    make_payment(session, loan_id, known_on, amount, kind="reversal", reverses_reference=reference)


def make_promise(
    session: Session, loan_id: int, *, amount: int = 5_000, promised_on: date, due_on: date, **over: Any
) -> int:
    """A pending promise."""
    borrower_id = session.get_one(Loan, loan_id).borrower_id
    over.setdefault("channel", "call")
    return _add(
        session,
        Promise(
            borrower_id=borrower_id,
            loan_id=loan_id,
            amount=Decimal(amount),
            promised_on=promised_on,
            due_on=due_on,
            **over,
        ),
    )


def make_phone(session: Session, borrower_id: int, number: str = "+919876543210", **over: Any) -> int:
    """A phone number, encrypted as imports write it."""
    return _add(
        session,
        ContactPoint(
            borrower_id=borrower_id,
            kind="phone",
            value_encrypted=personal_data.encrypt(number),
            value_index=personal_data.blind_index(number),
            value_hint=personal_data.mask_phone(number),
            **over,
        ),
    )


def make_contact(session: Session, borrower_id: int, *, outcome: str = "no_answer", **over: Any) -> int:
    """A contact that was recorded earlier."""
    defaults: dict[str, Any] = {"channel": "call", "person": "nobody"}
    return _add(session, ContactAttempt(borrower_id=borrower_id, outcome=outcome, **{**defaults, **over}))


def make_hold(session: Session, borrower_id: int, *, kind: str = "dispute", starts_on: date, **over: Any) -> int:
    """A hold."""
    return _add(
        session, Hold(borrower_id=borrower_id, kind=kind, reason="says it is paid", starts_on=starts_on, **over)
    )


def make_address(
    session: Session, borrower_id: int, address: str = "12 Hill Road, Bandra, Mumbai 400050", **over: Any
) -> int:
    """An address, encrypted as imports write it."""
    return _add(
        session,
        ContactPoint(
            borrower_id=borrower_id,
            kind="address",
            value_encrypted=personal_data.encrypt(address),
            value_index=personal_data.blind_index(address),
            value_hint=personal_data.mask_address(address),
            **over,
        ),
    )
