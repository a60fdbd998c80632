"""Statements about one borrower: who, loans and how their instalments were paid, contact points; and finding one."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, or_, select, text
from sqlalchemy.orm import Session

from db.models.case_people import CasePerson
from db.models.owes import Borrower, ContactPoint, Loan, Party, Product
from db.models.stands import LoanState, RiskScore
from db.models.work import CollectionCase


def borrower(session: Session, borrower_id: int) -> Row[*tuple[Any, ...]] | None:
    """Who it is."""
    return session.execute(
        select(
            Borrower.id,
            Borrower.external_id.label("number"),
            Borrower.name,
            Borrower.language,
            Borrower.city,
            Borrower.state,
            Borrower.region,
            Borrower.time_zone,
        ).where(Borrower.id == borrower_id)
    ).one_or_none()


def loans(session: Session, borrower_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The borrower's loans with where each stands, worst first; loans not yet derived have no state."""
    score = (
        select(RiskScore.reasons)
        .where(RiskScore.loan_id == Loan.id)
        .order_by(RiskScore.scored_on.desc())
        .limit(1)
        .scalar_subquery()
    )
    return session.execute(
        select(
            Loan.id,
            Loan.external_id.label("number"),
            Product.name.label("product"),
            Loan.source,
            Loan.disbursed_on,
            Loan.maturity_on,
            Loan.principal,
            Loan.interest_rate,
            Loan.instalment_amount,
            LoanState.status,
            LoanState.dpd,
            LoanState.bucket,
            LoanState.asset_class,
            LoanState.overdue_amount,
            LoanState.overdue_principal,
            LoanState.overdue_interest,
            LoanState.overdue_charges,
            LoanState.outstanding,
            LoanState.next_due_on,
            LoanState.next_due_amount,
            LoanState.last_paid_on,
            LoanState.last_paid_amount,
            LoanState.missed_instalments,
            LoanState.partial_payments,
            LoanState.bounces,
            LoanState.risk_score,
            LoanState.risk_band,
            score.label("risk_reasons"),
        )
        .join(Product, Product.id == Loan.product_id)
        .outerjoin(LoanState, LoanState.loan_id == Loan.id)
        .where(Loan.borrower_id == borrower_id)
        .order_by(LoanState.dpd.desc().nulls_last(), Loan.id)
    ).all()


def instalments(session: Session, loan_ids: Sequence[int], *, as_of: date) -> Sequence[Row[*tuple[Any, ...]]]:
    """Each instalment with what is paid of it and the day that settled it, payments settling the oldest dues first."""
    statement = text("""
        WITH waived AS (
            SELECT loan_id, number, sum(amount) AS amount FROM charge_waiver_part
            WHERE loan_id = ANY(CAST(:ids AS bigint[])) AND waived_on <= :as_of
              AND (taken_back_on IS NULL OR taken_back_on > :as_of)
            GROUP BY loan_id, number
        ), due AS (
            SELECT n.*, sum(n.amount) OVER (PARTITION BY n.loan_id ORDER BY n.due_on, n.number) AS due_to_here
            FROM (
                SELECT i.loan_id, i.number, i.due_on,
                       i.principal + i.interest + greatest(i.charges - coalesce(w.amount, 0), 0) AS amount
                FROM instalment i LEFT JOIN waived w ON w.loan_id = i.loan_id AND w.number = i.number
                WHERE i.loan_id = ANY(CAST(:ids AS bigint[]))
            ) n
        ), taken_back AS (
            SELECT r.loan_id, r.reverses_reference AS reference, sum(r.amount) AS amount
            FROM payment r
            WHERE r.loan_id = ANY(CAST(:ids AS bigint[])) AND r.kind = 'reversal' AND r.paid_on <= :as_of
            GROUP BY 1, 2
        ), paid AS (
            SELECT y.loan_id, y.paid_on,
                   sum(greatest(y.amount - coalesce(t.amount, 0), 0))
                       OVER (PARTITION BY y.loan_id ORDER BY y.paid_on, y.id) AS paid_to_here
            FROM payment y
            LEFT JOIN taken_back t ON t.loan_id = y.loan_id AND t.reference = y.reference
            WHERE y.loan_id = ANY(CAST(:ids AS bigint[])) AND y.kind = 'payment' AND y.paid_on <= :as_of
        ), total AS (
            SELECT loan_id, max(paid_to_here) AS paid FROM paid GROUP BY loan_id
        )
        SELECT d.loan_id, d.number, d.due_on, d.amount,
               least(greatest(coalesce(t.paid, 0) - (d.due_to_here - d.amount), 0), d.amount) AS paid,
               (SELECT min(p.paid_on) FROM paid p WHERE p.loan_id = d.loan_id AND p.paid_to_here >= d.due_to_here)
                   AS settled_on
        FROM due d LEFT JOIN total t USING (loan_id)
        ORDER BY d.loan_id, d.due_on, d.number
    """)
    return session.execute(statement, {"ids": list(loan_ids), "as_of": as_of}).all()


def reported(session: Session, loan_ids: Sequence[int], *, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The last figures that the lender reported for each loan, oldest first."""
    statement = text("""
        SELECT n.loan_id, n.as_of, n.dpd
        FROM unnest(CAST(:ids AS bigint[])) AS wanted (id)
        CROSS JOIN LATERAL (
            SELECT r.loan_id, r.as_of, r.dpd FROM reported_snapshot r
            WHERE r.loan_id = wanted.id ORDER BY r.as_of DESC LIMIT :limit
        ) n
        ORDER BY n.loan_id, n.as_of
    """)
    return session.execute(statement, {"ids": list(loan_ids), "limit": limit}).all()


def risk_history(session: Session, loan_ids: Sequence[int]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Scores of loans over time, newest first."""
    return session.execute(
        select(RiskScore.loan_id, RiskScore.scored_on, RiskScore.score, RiskScore.band, RiskScore.reasons)
        .where(RiskScore.loan_id.in_(loan_ids))
        .order_by(RiskScore.scored_on.desc())
        .limit(200)
    ).all()


def contact_points(session: Session, borrower_id: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """Where the borrower and parties may be reached, masked; the primary ones first."""
    return session.execute(
        select(
            ContactPoint.id,
            ContactPoint.kind,
            ContactPoint.value_hint.label("masked"),
            ContactPoint.is_primary,
            ContactPoint.do_not_contact,
            ContactPoint.consent,
            Party.name.label("party_name"),
            Party.role.label("party_role"),
        )
        .outerjoin(Party, Party.id == ContactPoint.party_id)
        .where(ContactPoint.borrower_id == borrower_id)
        .order_by(ContactPoint.is_primary.desc(), ContactPoint.kind, ContactPoint.id)
    ).all()


def sealed_value(session: Session, contact_point_id: int) -> Row[*tuple[Any, ...]] | None:
    """A contact point's encrypted value, kind and borrower."""
    return session.execute(
        select(ContactPoint.borrower_id, ContactPoint.kind, ContactPoint.value_encrypted).where(
            ContactPoint.id == contact_point_id
        )
    ).one_or_none()


def search(
    session: Session, typed: str, *, phone_index: bytes | None, owner_id: int | None, limit: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Borrowers with this number (their own or a loan's), this phone, or a name that starts so.

    Args:
        session: the caller's transaction.
        typed: what was typed, trimmed.
        phone_index: blind index of a phone number, when what was typed is one.
        owner_id: only borrowers whose open case this user has or takes part in; None: all.
        limit: how many at most.
    """
    exact: ColumnElement[bool] = or_(
        Borrower.external_id == typed,
        Borrower.id.in_(select(Loan.borrower_id).where(Loan.external_id == typed)),
    )
    if phone_index is not None:
        by_phone = select(ContactPoint.borrower_id).where(ContactPoint.value_index == phone_index)
        exact = or_(exact, Borrower.id.in_(by_phone))
    found = session.execute(_hits(exact, owner_id).limit(limit)).all()
    if found or phone_index is not None:
        return found
    last_name = func.lower(func.split_part(Borrower.name, text("' '"), text("-1")))
    by_name = or_(
        func.lower(Borrower.name).startswith(typed.lower(), autoescape=True),
        last_name.startswith(typed.lower(), autoescape=True),
    )
    return session.execute(_hits(by_name, owner_id).order_by(func.lower(Borrower.name)).limit(limit)).all()


def _hits(condition: ColumnElement[bool], owner_id: int | None) -> Select[*tuple[Any, ...]]:
    statement = (
        select(
            Borrower.id,
            Borrower.external_id.label("number"),
            Borrower.name,
            Borrower.city,
            CollectionCase.max_dpd,
            CollectionCase.overdue_amount,
        )
        .outerjoin(CollectionCase, (CollectionCase.borrower_id == Borrower.id) & CollectionCase.closed_on.is_(None))
        .where(condition)
    )
    if owner_id is None:
        return statement
    takes_part = select(CasePerson.case_id).where(CasePerson.user_id == owner_id, CasePerson.removed_at.is_(None))
    return statement.where(or_(CollectionCase.owner_id == owner_id, CollectionCase.id.in_(takes_part)))
