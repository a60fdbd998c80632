"""Statements about the runs of closes: their ranges, who does which, and what is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models.owes import Borrower
from db.models.stands import CloseRange, CloseRun, PortfolioDay
from db.queries.loan_scope import BLOCK


@dataclass(frozen=True, slots=True)
class LoanRange:
    """Loans from first to last id, both included."""

    first_loan_id: int
    last_loan_id: int


def open_run(session: Session, business_date: date) -> int | None:
    """The run of that date that was begun and not ended, if one."""
    statement = select(CloseRun.id).where(CloseRun.business_date == business_date, CloseRun.status == "running")
    return session.execute(statement.order_by(CloseRun.id.desc()).limit(1)).scalar_one_or_none()


def begin_run(session: Session, business_date: date, *, range_size: int) -> int:
    """Insert a run with ranges of about so many loans; none shares a block of ids with another, if they are larger."""
    values = insert(CloseRun).values(business_date=business_date).returning(CloseRun.id)
    run_id = session.execute(values).scalar_one()
    session.execute(
        text("""
            INSERT INTO close_range (run_id, first_loan_id, last_loan_id)
            SELECT :run_id, min(first_id), max(last_id)
            FROM (SELECT first_id, last_id, (sum(loans) OVER (ORDER BY first_id) - loans)::bigint / :size AS part
                  FROM (SELECT min(id) AS first_id, max(id) AS last_id, count(*) AS loans
                        FROM loan GROUP BY id / :block) blocks) parts
            GROUP BY part
        """),
        {"run_id": run_id, "size": range_size, "block": BLOCK if range_size >= BLOCK else 1},
    )
    return run_id


def claim_range(session: Session, run_id: int) -> LoanRange | None:
    """Take a range that is not done, until the transaction ends; None when all are done.

    Ranges that someone else is at are skipped while there are others; then they are waited for, since whoever has
    them may have died and leave them undone.
    """
    claim = (
        select(CloseRange.first_loan_id, CloseRange.last_loan_id)
        .where(CloseRange.run_id == run_id, CloseRange.done_at.is_(None))
        .order_by(CloseRange.first_loan_id)
        .limit(1)
    )
    row = session.execute(claim.with_for_update(skip_locked=True)).first()
    if row is None:
        row = session.execute(claim.with_for_update()).first()
    return None if row is None else LoanRange(*row)


def finish_range(session: Session, run_id: int, done: LoanRange, *, loans: int) -> None:
    """Mark a range as done, in the transaction that did it."""
    session.execute(
        update(CloseRange)
        .where(CloseRange.run_id == run_id, CloseRange.first_loan_id == done.first_loan_id)
        .values(done_at=func.now(), loans=loans)
    )


def ranges_left(session: Session, run_id: int) -> tuple[int, int]:
    """Ranges that are not done, and all ranges."""
    statement = select(func.count().filter(CloseRange.done_at.is_(None)), func.count())
    left, total = session.execute(statement.where(CloseRange.run_id == run_id)).one()
    return left, total


def finish_run(session: Session, run_id: int) -> int:
    """Mark the run as done; how many loans its snapshot holds."""
    loans = session.execute(select(func.sum(CloseRange.loans)).where(CloseRange.run_id == run_id)).scalar_one() or 0
    session.execute(
        update(CloseRun).where(CloseRun.id == run_id).values(status="done", finished_at=func.now(), loans=loans)
    )
    session.execute(text("DELETE FROM close_range WHERE run_id = :run_id"), {"run_id": run_id})
    return int(loans)


def borrower_ranges(session: Session, *, size: int) -> list[tuple[int, int]]:
    """Ranges of borrower ids that cover all."""
    first, last = session.execute(select(func.min(Borrower.id), func.max(Borrower.id))).one()
    if first is None or last is None:
        return []
    return [(start, min(start + size - 1, last)) for start in range(first, last + 1, size)]


def newest_close(session: Session) -> date | None:
    """Latest business date that is closed, or whose close is under way; None: there is none."""
    closed = session.execute(select(func.max(PortfolioDay.as_of))).scalar_one()
    running = session.execute(select(func.max(CloseRun.business_date)).where(CloseRun.status == "running")).scalar_one()
    return max((day for day in (closed, running) if day is not None), default=None)


def closed_days(session: Session, since: date) -> Sequence[date]:
    """Business dates on or after `since` that have a snapshot, oldest first."""
    # steps by the primary key, since a day has many rows
    statement = text("""
        WITH RECURSIVE days AS (
            SELECT min(as_of) AS as_of FROM portfolio_day WHERE as_of >= :since
            UNION ALL
            SELECT (SELECT min(p.as_of) FROM portfolio_day p WHERE p.as_of > days.as_of) FROM days
            WHERE days.as_of IS NOT NULL
        ) SELECT as_of FROM days WHERE as_of IS NOT NULL ORDER BY as_of
    """)
    return session.scalars(statement, {"since": since}).all()


def kept_days(session: Session, since: date) -> Sequence[date]:
    """Of the `closed_days` those whose snapshot of single loans is still there: only they can be summed anew."""
    kept = text("""
        SELECT day FROM unnest(CAST(:days AS date[])) AS day
        WHERE EXISTS (SELECT FROM loan_snapshot s WHERE s.as_of = day) ORDER BY day
    """)
    return session.scalars(kept, {"days": list(closed_days(session, since))}).all()


def first_fact(session: Session) -> tuple[date | None, date | None]:
    """Earliest due date or report, and the latest report of a lender that has no schedule."""
    statement = text("""
        SELECT least((SELECT min(due_on) FROM instalment), (SELECT min(as_of) FROM reported_snapshot)),
               CASE WHEN NOT EXISTS (SELECT FROM instalment) THEN (SELECT max(as_of) FROM reported_snapshot) END
    """)
    first, last_report = session.execute(statement).one()
    return first, last_report


def forget_days(session: Session, before: date) -> int:
    """Delete snapshots of loans of days before that date, except each month's last closed day; how many rows."""
    statement = text("""
        DELETE FROM loan_snapshot s
        USING (SELECT as_of FROM (
                   SELECT as_of, max(as_of) OVER (PARTITION BY date_trunc('month', as_of)) AS last_of_month
                   FROM unnest(CAST(:days AS date[])) AS d (as_of)) m
               WHERE as_of < last_of_month AND as_of < :before) old
        WHERE s.as_of = old.as_of
    """)
    days = list(closed_days(session, date.min))
    return session.connection().execute(statement, {"days": days, "before": before}).rowcount
