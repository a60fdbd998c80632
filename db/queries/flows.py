"""Statements that sum day-end snapshots into what portfolio pages read: the day, moves between months, vintages."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

_DAY = """
    INSERT INTO portfolio_day (as_of, segment_id, risk_band, bucket, asset_class, loans, outstanding, overdue_amount,
                               demand_mtd, collected_mtd, collected_of_demand)
    SELECT as_of, segment_id, risk_band, bucket, asset_class, count(*), sum(outstanding), sum(overdue_amount),
           sum(demand_mtd), sum(collected_mtd), sum(collected_of_demand)
    FROM loan_snapshot WHERE as_of = :as_of
    GROUP BY as_of, segment_id, risk_band, bucket, asset_class
"""

# A loan that was active at the opening and has no row at the closing has left: the book says how, or reports it no
# more. Every loan of the opening gets one outcome, so the rows of the matrix add to their cohort.
_FLOW = """
    INSERT INTO bucket_flow (opening_on, closing_on, segment_id, risk_band, from_bucket, to_bucket, loans, amount)
    SELECT :opening_on, :closing_on, segment_id, risk_band, bucket, outcome, count(*), sum(outstanding)
    FROM (
        SELECT o.segment_id, o.risk_band, o.bucket, o.outstanding,
               CASE c.status
                   WHEN 'active' THEN c.bucket WHEN 'closed' THEN 100 WHEN 'written_off' THEN 101
                   ELSE (SELECT CASE WHEN l.closed_on <= :closing_on THEN 100
                                     WHEN l.written_off_on <= :closing_on THEN 101 ELSE 102 END
                         FROM loan l WHERE l.id = o.loan_id)
               END AS outcome
        FROM loan_snapshot o
        LEFT JOIN loan_snapshot c ON c.as_of = :closing_on AND c.loan_id = o.loan_id
        WHERE o.as_of = :opening_on AND o.status = 'active'
    ) moved
    GROUP BY segment_id, risk_band, bucket, outcome
"""

_VINTAGE = """
    INSERT INTO vintage_month (as_of, vintage_on, segment_id, loans, disbursed, loans_30, loans_90,
                               outstanding_30, outstanding_90)
    SELECT :as_of, vintage_on, segment_id, count(*), sum(principal),
           count(*) FILTER (WHERE is_lost OR dpd > 30), count(*) FILTER (WHERE is_lost OR dpd > 90),
           coalesce(sum(owed) FILTER (WHERE is_lost OR dpd > 30), 0),
           coalesce(sum(owed) FILTER (WHERE is_lost OR dpd > 90), 0)
    FROM (
        SELECT date_trunc('quarter', l.disbursed_on)::date AS vintage_on, l.segment_id, l.principal,
               coalesce(s.status = 'written_off' OR l.written_off_on <= :as_of, false) AS is_lost, s.dpd,
               CASE WHEN s.loan_id IS NULL AND l.written_off_on <= :as_of
                    THEN (SELECT outstanding FROM loan_state z WHERE z.loan_id = l.id)
                    ELSE s.outstanding END AS owed
        FROM loan l LEFT JOIN loan_snapshot s ON s.as_of = :as_of AND s.loan_id = l.id
        WHERE l.disbursed_on <= :as_of
    ) aged
    GROUP BY vintage_on, segment_id
"""


def replace_day(session: Session, as_of: date) -> None:
    """Sum the snapshot of a day by segment, risk band, bucket and class, in place of an earlier sum."""
    session.execute(text("DELETE FROM portfolio_day WHERE as_of = :as_of"), {"as_of": as_of})
    session.execute(text(_DAY), {"as_of": as_of})


def delete_month(session: Session, month_start: date, next_month: date) -> None:
    """Remove moves to and from days of a month, and its vintages: another of its days has become its last."""
    month = {"first": month_start, "next": next_month}
    session.execute(text("DELETE FROM bucket_flow WHERE closing_on >= :first AND closing_on < :next"), month)
    session.execute(text("DELETE FROM bucket_flow WHERE opening_on >= :first AND opening_on < :next"), month)
    session.execute(text("DELETE FROM vintage_month WHERE as_of >= :first AND as_of < :next"), month)


def insert_flow(session: Session, opening_on: date, closing_on: date) -> None:
    """Count the moves of the cohort frozen at the opening."""
    session.execute(text(_FLOW), {"opening_on": opening_on, "closing_on": closing_on})


def insert_vintages(session: Session, as_of: date) -> None:
    """Sum loans by quarter of disbursal."""
    session.execute(text(_VINTAGE), {"as_of": as_of})
