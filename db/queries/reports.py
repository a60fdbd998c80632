"""Statements of produced reports, and of what only they read. They run in background jobs, set-based."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser
from db.models.performance import Report

LISTED = (
    Report.id,
    Report.kind,
    Report.format,
    Report.period_start,
    Report.as_of,
    Report.file_name,
    Report.sha256,
    Report.size,
    Report.produced_at,
    AppUser.name.label("produced_by_name"),
)


def insert_report(session: Session, **values: Any) -> int | None:
    """Keep a report; its id, or None when the same run made it before."""
    statement = insert(Report).values(**values).on_conflict_do_nothing(index_elements=["request_key"])
    return session.execute(statement.returning(Report.id)).scalar_one_or_none()


def is_there(session: Session, request_key: str) -> bool:
    """Whether a run of the job made it already."""
    return session.execute(select(Report.id).where(Report.request_key == request_key)).first() is not None


def newest(session: Session, *, limit: int) -> list[AnyRow]:
    """Reports without their content, newest first."""
    statement = select(*LISTED).outerjoin(AppUser, AppUser.id == Report.produced_by)
    return list(session.execute(statement.order_by(Report.as_of.desc(), Report.id.desc()).limit(limit)))


def newest_of_kinds(session: Session) -> list[AnyRow]:
    """The newest report of each kind and format, without content."""
    latest = select(func.max(Report.id)).group_by(Report.kind, Report.format)
    statement = select(*LISTED).outerjoin(AppUser, AppUser.id == Report.produced_by)
    return list(session.execute(statement.where(Report.id.in_(latest)).order_by(Report.format.desc())))


def content(session: Session, report_id: int) -> AnyRow | None:
    """A report's file name and bytes."""
    statement = select(Report.file_name, Report.content, Report.sha256, Report.kind, Report.as_of)
    return session.execute(statement.where(Report.id == report_id)).one_or_none()


_BY_DAY = text("""
    SELECT paid_on, count(*) FILTER (WHERE kind = 'payment') AS payments,
           coalesce(sum(amount) FILTER (WHERE kind = 'payment'), 0) AS received,
           coalesce(sum(amount) FILTER (WHERE kind = 'reversal'), 0) AS taken_back,
           sum(CASE WHEN kind = 'payment' THEN amount ELSE -amount END) AS net
    FROM payment WHERE paid_on BETWEEN :first AND :last
    GROUP BY paid_on ORDER BY paid_on
""")
_BY_PRODUCT = text("""
    SELECT p.name AS product, coalesce(y.mode, 'not given') AS mode,
           count(*) FILTER (WHERE y.kind = 'payment') AS payments,
           coalesce(sum(y.amount) FILTER (WHERE y.kind = 'payment'), 0) AS received,
           coalesce(sum(y.amount) FILTER (WHERE y.kind = 'reversal'), 0) AS taken_back,
           sum(CASE WHEN y.kind = 'payment' THEN y.amount ELSE -y.amount END) AS net
    FROM payment y JOIN loan l ON l.id = y.loan_id JOIN product p ON p.id = l.product_id
    WHERE y.paid_on BETWEEN :first AND :last
    GROUP BY p.name, coalesce(y.mode, 'not given') ORDER BY p.name, net DESC
""")
_MOVES = text("""
    SELECT opening_on, closing_on, from_bucket, to_bucket, sum(loans) AS loans, sum(amount) AS amount,
           sum(loans) / sum(sum(loans)) OVER (PARTITION BY from_bucket) AS share_of_loans,
           sum(amount) / nullif(sum(sum(amount)) OVER (PARTITION BY from_bucket), 0) AS share_of_amount
    FROM bucket_flow WHERE closing_on = :as_of
    GROUP BY opening_on, closing_on, from_bucket, to_bucket ORDER BY from_bucket, to_bucket
""")
_PROMISES = """
    SELECT l.external_id AS loan, u.name AS taken_by, p.promised_on, p.due_on, p.amount, p.paid_amount,
           greatest(p.amount - p.paid_amount, 0) AS missing, p.status
    FROM promise p JOIN loan l ON l.id = p.loan_id LEFT JOIN app_user u ON u.id = p.recorded_by
    WHERE p.cancelled_at IS NULL AND {which}
    ORDER BY p.due_on, l.external_id LIMIT :limit
"""
_DUE = text(_PROMISES.format(which="p.status = 'pending' AND p.due_on BETWEEN :first AND :last"))
_FALLEN = text(
    _PROMISES.format(which="p.status IN ('broken', 'partly_kept') AND p.due_on + :grace + 1 BETWEEN :first AND :last")
)
_NPA = text("""
    WITH moved AS (
        SELECT coalesce(n.segment_id, o.segment_id) AS segment_id,
               coalesce(o.asset_class = 'npa', false) AS was_npa, coalesce(n.asset_class = 'npa', false) AS is_npa,
               o.loan_id IS NOT NULL AS was_there, n.loan_id IS NOT NULL AS is_there,
               coalesce(o.outstanding, 0) AS before, coalesce(n.outstanding, 0) AS now
        FROM (SELECT * FROM loan_snapshot WHERE as_of = :opening AND status = 'active') o
        FULL JOIN (SELECT * FROM loan_snapshot WHERE as_of = :as_of AND status = 'active') n ON n.loan_id = o.loan_id
    )
    SELECT p.name AS product,
           coalesce(sum(before) FILTER (WHERE was_there AND NOT was_npa), 0) AS opening_standard,
           count(*) FILTER (WHERE is_npa AND NOT was_npa) AS newly_npa_loans,
           coalesce(sum(now) FILTER (WHERE is_npa AND NOT was_npa), 0) AS newly_npa,
           coalesce(sum(now) FILTER (WHERE is_npa AND NOT was_npa), 0)
               / nullif(sum(before) FILTER (WHERE was_there AND NOT was_npa), 0) AS formation,
           count(*) FILTER (WHERE was_npa AND is_there AND NOT is_npa) AS upgraded_loans,
           coalesce(sum(now) FILTER (WHERE was_npa AND is_there AND NOT is_npa), 0) AS upgraded,
           count(*) FILTER (WHERE is_npa) AS npa_loans,
           coalesce(sum(now) FILTER (WHERE is_npa), 0) AS npa
    FROM moved m JOIN segment s ON s.id = m.segment_id JOIN product p ON p.id = s.product_id
    GROUP BY ROLLUP (p.name) ORDER BY p.name NULLS LAST
""")


def collections_by_day(session: Session, first: date, last: date) -> Sequence[AnyRow]:
    """Money by value date; reversals by the day on which they became known."""
    return session.execute(_BY_DAY, {"first": first, "last": last}).all()


def collections_by_product(session: Session, first: date, last: date) -> Sequence[AnyRow]:
    """The same by product and mode."""
    return session.execute(_BY_PRODUCT, {"first": first, "last": last}).all()


def bucket_moves(session: Session, as_of: date) -> Sequence[AnyRow]:
    """Moves of the cohort of the last month-end to a closed day; none when that month-end was not closed."""
    return session.execute(_MOVES, {"as_of": as_of}).all()


def promises_due(session: Session, first: date, last: date, *, limit: int) -> Sequence[AnyRow]:
    """Pending promises due between two days, both included."""
    return session.execute(_DUE, {"first": first, "last": last, "limit": limit}).all()


def promises_not_kept(session: Session, first: date, last: date, *, grace: int, limit: int) -> Sequence[AnyRow]:
    """Promises broken or partly kept whose date with grace passed between two days, both included."""
    return session.execute(_FALLEN, {"first": first, "last": last, "grace": grace, "limit": limit}).all()


def npa_formation(session: Session, opening: date, as_of: date) -> Sequence[AnyRow]:
    """Loans that became NPA between two day-ends, by product; the last row, without a product, is the whole book."""
    return session.execute(_NPA, {"opening": opening, "as_of": as_of}).all()
