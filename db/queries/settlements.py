"""Statements of settlements: terms are inserted once; decision, acceptance and withdrawal are set once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, or_, select, text, update
from sqlalchemy import insert as insert_rows
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from db.base import AnyRow
from db.models.access import AppUser
from db.models.owes import Borrower, Lender, Loan, Product
from db.models.settlements import RecoveryExpectation, Settlement, SettlementPart, SettlementPolicy

LIVE = ("proposed", "offered", "running", "behind")
"""Statuses in which it may be withdrawn, and the loan gets no other."""
IN_FORCE = ("running", "behind")

_sacrifice = Settlement.waived_principal + Settlement.waived_interest + Settlement.waived_charges


# --- policy --------------------------------------------------------------------------------------------------------

POLICY_COLUMNS = (
    SettlementPolicy.grace_days,
    SettlementPolicy.discount_percent,
    SettlementPolicy.restructure_months,
    SettlementPolicy.max_months,
    SettlementPolicy.cooling_months,
    SettlementPolicy.valid_days,
)


def policy(session: Session) -> AnyRow:
    """The lender's policy."""
    return session.execute(select(*POLICY_COLUMNS)).one()


def grievance_contact(session: Session) -> str | None:
    """Where a borrower may complain; None: nothing is set."""
    return session.execute(select(Lender.grievance_contact)).scalar_one()


def change_policy(session: Session, values: Mapping[str, Any]) -> None:
    """Set columns of the policy."""
    session.execute(update(SettlementPolicy).values(**values))


def expectations(session: Session) -> Sequence[AnyRow]:
    """What is expected without a settlement, by days past due, lowest first."""
    return session.execute(
        select(
            RecoveryExpectation.dpd_from,
            RecoveryExpectation.secured_percent,
            RecoveryExpectation.unsecured_percent,
            RecoveryExpectation.months,
        ).order_by(RecoveryExpectation.dpd_from)
    ).all()


def replace_expectations(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put these lines in place of all that are there."""
    session.execute(delete(RecoveryExpectation))
    session.execute(insert_rows(RecoveryExpectation), list(rows))


# --- what an offer is checked against ------------------------------------------------------------------------------


def loan(session: Session, loan_id: int) -> AnyRow | None:
    """What an offer for the loan is checked against, with who sanctioned it as the book says."""
    statement = text("""
        SELECT l.external_id, l.borrower_id, p.is_secured, s.status, s.dpd, s.outstanding AS owed_principal,
               s.overdue_interest AS owed_interest, s.overdue_charges AS owed_charges, s.overdue_amount,
               (SELECT btrim(a.value) FROM settlement_policy y
                CROSS JOIN LATERAL unnest(y.sanctioner_attributes) WITH ORDINALITY AS w (name, place)
                JOIN LATERAL jsonb_each_text(l.attributes) a ON lower(a.key) = lower(w.name)
                WHERE btrim(a.value) <> '' ORDER BY w.place LIMIT 1) AS sanctioned_by
        FROM loan l JOIN product p ON p.id = l.product_id JOIN loan_state s ON s.loan_id = l.id
        WHERE l.id = :loan_id
    """)
    return session.execute(statement, {"loan_id": loan_id}).one_or_none()


def users_called(session: Session, name: str) -> list[int]:
    """Users with this user name or name, whatever the case."""
    wanted = name.strip().lower()
    statement = select(AppUser.id).where(
        or_(func.lower(AppUser.username) == wanted, func.lower(AppUser.name) == wanted)
    )
    return list(session.scalars(statement))


def live(session: Session, loan_id: int) -> AnyRow | None:
    """The loan's settlement that waits, is offered or runs."""
    return session.execute(
        select(Settlement.id, Settlement.status)
        .where(Settlement.loan_id == loan_id, Settlement.status.in_(LIVE))
        .limit(1)
    ).one_or_none()


# --- terms and what happens to them --------------------------------------------------------------------------------


def insert_settlement(session: Session, **values: Any) -> int | None:
    """Insert an offer's terms; its id, or None when one with the same request key is there."""
    return session.execute(
        insert(Settlement)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["request_key"])
        .returning(Settlement.id)
    ).scalar_one_or_none()


def insert_parts(session: Session, settlement_id: int, rows: Sequence[tuple[int, date, Decimal]]) -> None:
    """Insert the parts: number, date, amount."""
    names = ("number", "due_on", "amount")
    session.execute(
        insert_rows(SettlementPart),
        [{"settlement_id": settlement_id, **dict(zip(names, row, strict=True))} for row in rows],
    )


def offer(session: Session, settlement_id: int, *, on: date, by: int | None) -> bool:
    """Let a proposed settlement be offered; False when it is not proposed any more."""
    return _moved(session, settlement_id, ("proposed",), status="offered", approved_on=on, approved_by=by)


def refuse(session: Session, settlement_id: int, *, on: date, reason: str) -> bool:
    """End a proposed settlement by the approver's no; False when it is not proposed any more."""
    return _moved(session, settlement_id, ("proposed",), status="refused", refuse_reason=reason, resolved_on=on)


def accept(session: Session, settlement_id: int, *, on: date, channel: str, by: int | None) -> bool:
    """Put an offer into force from a day on; False when it is not offered any more."""
    return _moved(
        session,
        settlement_id,
        ("offered",),
        status="running",
        counts_from=on,
        accepted_channel=channel,
        accepted_at=func.now(),
        accepted_by=by,
    )


def cancel(session: Session, settlement_id: int, *, on: date, reason: str, by: int | None) -> bool:
    """Withdraw a settlement from a day on; False when it ended already."""
    return _moved(
        session,
        settlement_id,
        LIVE,
        status="cancelled",
        cancelled_on=on,
        cancelled_at=func.now(),
        cancelled_by=by,
        cancel_reason=reason,
        resolved_on=on,
        next_due_on=None,
        next_due_amount=None,
    )


def _moved(session: Session, settlement_id: int, from_statuses: Sequence[str], **values: Any) -> bool:
    statement = (
        update(Settlement)
        .where(Settlement.id == settlement_id, Settlement.status.in_(from_statuses))
        .values(**values)
        .returning(Settlement.id)
    )
    return session.execute(statement).first() is not None


def expire(session: Session, predicate: str, values: Mapping[str, Any], *, as_of: date) -> list[int]:
    """End offers whose time to accept is over; ids of their borrowers. The predicate is ours, on `settlement p`."""
    statement = text(f"""
        UPDATE settlement p SET status = 'expired', resolved_on = p.valid_until + 1
        WHERE p.status = 'offered' AND p.valid_until < :as_of AND {predicate}
        RETURNING p.borrower_id
    """)
    return list(session.execute(statement, {"as_of": as_of, **values}).scalars())


# --- reading -------------------------------------------------------------------------------------------------------

_offerer, _approver, _canceller = aliased(AppUser), aliased(AppUser), aliased(AppUser)
COLUMNS = (
    Settlement.id,
    Settlement.borrower_id,
    Settlement.loan_id,
    Loan.external_id.label("loan_number"),
    Borrower.name.label("borrower_name"),
    Borrower.external_id.label("borrower_number"),
    Settlement.owed_principal,
    Settlement.owed_interest,
    Settlement.owed_charges,
    Settlement.waived_principal,
    Settlement.waived_interest,
    Settlement.waived_charges,
    Settlement.amount,
    Settlement.starts_on,
    Settlement.ends_on,
    Settlement.valid_until,
    Settlement.reason,
    Settlement.discount_percent,
    Settlement.present_value,
    Settlement.expected_percent,
    Settlement.expected_months,
    Settlement.expected_value,
    Settlement.is_restructuring,
    Settlement.sanctioned_by,
    Settlement.offered_on,
    Settlement.offered_by,
    _offerer.name.label("offered_by_name"),
    Settlement.approved_on,
    _approver.name.label("approved_by_name"),
    Settlement.refuse_reason,
    Settlement.counts_from,
    Settlement.accepted_channel,
    Settlement.cancel_reason,
    _canceller.name.label("cancelled_by_name"),
    Settlement.status,
    Settlement.paid_amount,
    Settlement.due_amount,
    Settlement.next_due_on,
    Settlement.next_due_amount,
    Settlement.resolved_on,
)


def _settlements() -> Select[*tuple[Any, ...]]:
    return (
        select(*COLUMNS)
        .join(Loan, Loan.id == Settlement.loan_id)
        .join(Borrower, Borrower.id == Settlement.borrower_id)
        .outerjoin(_offerer, _offerer.id == Settlement.offered_by)
        .outerjoin(_approver, _approver.id == Settlement.approved_by)
        .outerjoin(_canceller, _canceller.id == Settlement.cancelled_by)
    )


def by_id(session: Session, settlement_id: int) -> AnyRow | None:
    """One settlement."""
    return session.execute(_settlements().where(Settlement.id == settlement_id)).one_or_none()


def by_request_key(session: Session, request_key: str) -> AnyRow | None:
    """The settlement that an earlier submit of the same form made."""
    return session.execute(_settlements().where(Settlement.request_key == request_key)).one_or_none()


def of_borrower(session: Session, borrower_id: int, *, limit: int) -> Sequence[AnyRow]:
    """The borrower's settlements, newest first."""
    statement = _settlements().where(Settlement.borrower_id == borrower_id)
    return session.execute(statement.order_by(Settlement.id.desc()).limit(limit)).all()


def parts(session: Session, settlement_ids: Sequence[int]) -> Sequence[AnyRow]:
    """Parts of settlements, in order."""
    return session.execute(
        select(
            SettlementPart.settlement_id,
            SettlementPart.number,
            SettlementPart.due_on,
            SettlementPart.amount,
            SettlementPart.paid_amount,
            SettlementPart.settled_on,
        )
        .where(SettlementPart.settlement_id.in_(settlement_ids))
        .order_by(SettlementPart.settlement_id, SettlementPart.number)
    ).all()


@dataclass(frozen=True, slots=True)
class Listed:
    """Which settlements a list shows; an empty field asks nothing."""

    statuses: tuple[str, ...] = ()
    product_id: int | None = None
    expires_by: date | None = None
    """Offers that must be accepted by this day."""
    first: date | None = None
    """Offered on this day or later."""
    last: date | None = None
    """Offered on this day or earlier."""


def _wanted(which: Listed) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if which.statuses:
        found.append(Settlement.status.in_(which.statuses))
    if which.product_id is not None:
        found.append(Loan.product_id == which.product_id)
    if which.expires_by is not None:
        found += [Settlement.status == "offered", Settlement.valid_until <= which.expires_by]
    if which.first is not None:
        found.append(Settlement.offered_on >= which.first)
    if which.last is not None:
        found.append(Settlement.offered_on <= which.last)
    return found


def listed(session: Session, which: Listed, *, limit: int) -> Sequence[AnyRow]:
    """Settlements that match: what runs out or falls due next first, then the newest."""
    next_on = case(
        (Settlement.status == "offered", Settlement.valid_until),
        (Settlement.status.in_(IN_FORCE), Settlement.next_due_on),
    )
    statement = (
        _settlements()
        .join(Product, Product.id == Loan.product_id)
        .add_columns(Product.name.label("product"), next_on.label("next_on"), _sacrifice.label("sacrifice"))
        .where(*_wanted(which))
    )
    return session.execute(statement.order_by(next_on.nulls_last(), Settlement.id.desc()).limit(limit)).all()


def sums(session: Session, which: Listed) -> Sequence[AnyRow]:
    """Number, owed, waived, agreed and paid of the settlements that match, by status."""
    owed = Settlement.owed_principal + Settlement.owed_interest + Settlement.owed_charges
    return session.execute(
        select(
            Settlement.status,
            func.count().label("number"),
            func.sum(owed).label("owed"),
            func.sum(_sacrifice).label("sacrifice"),
            func.sum(Settlement.amount).label("amount"),
            func.sum(Settlement.paid_amount).label("paid"),
        )
        .join(Loan, Loan.id == Settlement.loan_id)
        .where(*_wanted(which))
        .group_by(Settlement.status)
    ).all()
