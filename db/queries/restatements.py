"""Statements about loans whose facts changed for days that are closed already, and the facts of an import batch."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import exists, func, select, text, update
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.jobs import JobRun
from db.models.owes import Loan, Payment, ReportedSnapshot
from db.models.stands import Restatement


def insert(session: Session, loan_ids: Sequence[int], from_dates: Sequence[date], cause: str) -> None:
    """Note loans that are to be derived again from a date on, loan by loan."""
    session.execute(
        text("""
            INSERT INTO restatement (loan_id, from_date, cause)
            SELECT loan_id, from_date, :cause
            FROM unnest(CAST(:loan_ids AS bigint[]), CAST(:from_dates AS date[])) AS r (loan_id, from_date)
        """),
        {"loan_ids": list(loan_ids), "from_dates": list(from_dates), "cause": cause},
    )


def newest(session: Session) -> int | None:
    """Id of the newest that waits; None: nothing waits."""
    return session.execute(select(func.max(Restatement.id)).where(Restatement.done_at.is_(None))).scalar_one()


def causes(session: Session, up_to: int) -> Sequence[str]:
    """Causes of those that wait."""
    statement = select(Restatement.cause).where(Restatement.done_at.is_(None), Restatement.id <= up_to).distinct()
    return session.scalars(statement).all()


def loans(session: Session, up_to: int, cause: str, *, after: int, limit: int) -> list[tuple[int, date]]:
    """Loans that wait, in order of id from the one after `after`, and their earliest date."""
    statement = (
        select(Restatement.loan_id, func.min(Restatement.from_date))
        .where(
            Restatement.done_at.is_(None),
            Restatement.id <= up_to,
            Restatement.cause == cause,
            Restatement.loan_id > after,
        )
        .group_by(Restatement.loan_id)
        .order_by(Restatement.loan_id)
        .limit(limit)
    )
    return [(loan_id, from_date) for loan_id, from_date in session.execute(statement)]


def finish(session: Session, up_to: int) -> int:
    """Mark those that waited as done; how many."""
    done = session.execute(
        update(Restatement)
        .where(Restatement.done_at.is_(None), Restatement.id <= up_to)
        .values(done_at=func.now())
        .returning(Restatement.id)
    )
    return len(done.all())


def job_waits(session: Session) -> bool:
    """Whether a job that will restate is waiting to begin."""
    waiting = exists().where(JobRun.kind == "restate", JobRun.status == "queued")
    return bool(session.execute(select(waiting)).scalar_one())


def borrowers_of(session: Session, loan_ids: Sequence[int]) -> list[int]:
    """Borrowers of the loans."""
    return list(session.scalars(select(Loan.borrower_id).where(Loan.id.in_(loan_ids)).distinct()))


def batch_loans(session: Session, batch_id: int, *, after: int, limit: int) -> list[AnyRow]:
    """Loans that an import batch brought facts of, in order of id, each with the earliest date of those facts."""
    statement = text("""
        SELECT loan_id, min(day) AS from_date
        FROM (
            SELECT loan_id, due_on AS day FROM instalment WHERE batch_id = :batch_id AND loan_id > :after
            UNION ALL
            SELECT loan_id, paid_on FROM payment WHERE batch_id = :batch_id AND loan_id > :after
            UNION ALL
            SELECT loan_id, presented_on FROM mandate_presentation WHERE batch_id = :batch_id AND loan_id > :after
            UNION ALL
            SELECT loan_id, as_of FROM reported_snapshot WHERE batch_id = :batch_id AND loan_id > :after
            UNION ALL
            SELECT id, coalesce(disbursed_on, CURRENT_DATE) FROM loan
            WHERE created_batch_id = :batch_id AND id > :after
            UNION ALL
            SELECT l.id, least(l.closed_on, l.written_off_on, CAST(c.before->>'closed_on' AS date),
                               CAST(c.before->>'written_off_on' AS date), CURRENT_DATE)
            FROM import_change c JOIN loan l ON l.id = c.entity_id
            WHERE c.batch_id = :batch_id AND c.entity = 'loan' AND c.entity_id > :after
              AND (c.before->>'closed_on', c.before->>'written_off_on')
                  IS DISTINCT FROM (CAST(l.closed_on AS text), CAST(l.written_off_on AS text))
            UNION ALL
            SELECT CAST(before->>'loan_id' AS bigint), CAST(before->>'due_on' AS date) FROM import_change
            WHERE batch_id = :batch_id AND entity = 'instalment' AND CAST(before->>'loan_id' AS bigint) > :after
            UNION ALL
            SELECT c.entity_id, min(s.as_of) FROM import_change c JOIN reported_snapshot s ON s.loan_id = c.entity_id
            WHERE c.batch_id = :batch_id AND c.entity = 'loan_source' AND c.entity_id > :after GROUP BY c.entity_id
        ) f
        GROUP BY loan_id ORDER BY loan_id LIMIT :limit
    """)
    return list(session.execute(statement, {"batch_id": batch_id, "after": after, "limit": limit}))


def brings_history(session: Session, batch_id: int) -> bool:
    """Whether a batch holds payments or a lender's own figures: what closes of past months need."""
    paid = exists().where(Payment.batch_id == batch_id)
    reported = exists().where(ReportedSnapshot.batch_id == batch_id)
    return bool(session.execute(select(paid | reported)).scalar_one())
