"""The one definition of where an agreement to pay by dates stands: derived from its rows and the loan's payments.

Repayment plans and settlements are such agreements: each has a first day whose payments count (`counts_from`) and rows
with dates and amounts. One text serves both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True, slots=True)
class Agreement:
    """The tables of a kind of agreement."""

    table: str
    rows: str
    key: str
    """Column of the rows that names the agreement."""


PLAN = Agreement("repayment_plan", "plan_instalment", "plan_id")
SETTLEMENT = Agreement("settlement", "settlement_part", "settlement_id")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which agreements a statement begins from: a predicate of ours on the agreement `p`, and its bound values."""

    predicate: str
    values: Mapping[str, Any]


def loan_range(first_loan_id: int, last_loan_id: int) -> Scope:
    """Loans from first to last id, both included, that have an agreement which may still change.

    One that ended half a year ago stays as it is unless a fact about its loan arrives.
    """
    return Scope(
        "p.loan_id BETWEEN :first_id AND :last_id"
        " AND (p.status IN ('running', 'behind') OR p.ends_on > CAST(:as_of AS date) - 180)",
        {"first_id": first_loan_id, "last_id": last_loan_id},
    )


def these_loans(loan_ids: Sequence[int]) -> Scope:
    """The loans with these ids."""
    return Scope("p.loan_id = ANY(CAST(:ids AS bigint[]))", {"ids": list(loan_ids)})


_SETTLE = """
WITH loans AS MATERIALIZED (
    SELECT DISTINCT p.loan_id FROM {table} p WHERE p.counts_from IS NOT NULL AND {scope}
), agreement AS MATERIALIZED (
    -- it takes payments from its first day until it is cancelled or the loan's next one begins
    SELECT p.id, p.loan_id, p.counts_from, p.cancelled_on,
           lead(p.counts_from) OVER (PARTITION BY p.loan_id ORDER BY p.counts_from, p.id) AS next_from
    FROM {table} p JOIN loans USING (loan_id)
    WHERE p.counts_from IS NOT NULL
), received AS MATERIALIZED (
    -- by index for each, also where joins by nested loops are switched off: agreements are few, payments are not
    SELECT w.id AS agreement_id, y.paid_on, sum(y.amount) AS amount
    FROM agreement w
    CROSS JOIN LATERAL (
        SELECT m.paid_on, greatest(m.amount - coalesce((
                   SELECT sum(r.amount) FROM payment r
                   WHERE r.kind = 'reversal' AND r.loan_id = m.loan_id AND r.reverses_reference = m.reference
                     AND r.paid_on <= :as_of
               ), 0), 0) AS amount
        FROM payment m
        WHERE m.loan_id = w.loan_id AND m.kind = 'payment' AND m.paid_on >= w.counts_from AND m.paid_on <= :as_of
          AND m.paid_on < coalesce(least(w.cancelled_on, w.next_from), 'infinity')
        OFFSET 0
    ) y
    GROUP BY 1, 2
), due AS MATERIALIZED (
    SELECT w.id AS agreement_id, i.number, i.due_on, i.amount,
           sum(i.amount) OVER (PARTITION BY w.id ORDER BY i.number) AS whole
    FROM agreement w
    CROSS JOIN LATERAL (
        SELECT n.number, n.due_on, n.amount FROM {rows} n WHERE n.{key} = w.id OFFSET 0
    ) i
), marks AS (
    -- both sums rise: an instalment is whole on the first day that had received as much as it needs
    SELECT agreement_id, NULL::smallint AS number, paid_on,
           sum(amount) OVER (PARTITION BY agreement_id ORDER BY paid_on) AS level
    FROM received
    UNION ALL
    SELECT agreement_id, number, NULL, whole FROM due
), reached AS (
    SELECT agreement_id, number,
           min(paid_on) OVER (PARTITION BY agreement_id ORDER BY level DESC, number NULLS FIRST
                              ROWS UNBOUNDED PRECEDING) AS whole_on
    FROM marks
), told AS MATERIALIZED (
    SELECT d.agreement_id, d.number, d.due_on, d.amount, d.whole, r.whole_on,
           CASE WHEN d.due_on + CAST(:break_days AS integer) < :as_of
                 AND coalesce(r.whole_on, 'infinity') > d.due_on + CAST(:break_days AS integer)
                THEN d.due_on + CAST(:break_days AS integer) + 1 END AS breaks_on
    FROM due d JOIN reached r USING (agreement_id, number)
), ends AS (
    SELECT agreement_id, max(whole) AS amount, min(breaks_on) AS breaks_on,
           CASE WHEN bool_and(whole_on IS NOT NULL) THEN max(whole_on) END AS whole_on,
           bool_or(whole_on IS NULL AND due_on + CAST(:grace_days AS integer) < :as_of) AS is_behind
    FROM told GROUP BY agreement_id
), fate AS (
    SELECT w.id, e.amount, e.is_behind, w.cancelled_on,
           CASE WHEN e.whole_on < coalesce(s.stopped_on, 'infinity') THEN e.whole_on END AS completed_on, s.stopped_on
    FROM agreement w
    JOIN ends e ON e.agreement_id = w.id
    CROSS JOIN LATERAL (
        SELECT least(e.breaks_on, CASE WHEN w.next_from <= :as_of THEN w.next_from END) AS stopped_on
    ) s
), verdict AS MATERIALIZED (
    SELECT f.id, f.amount,
           CASE WHEN f.cancelled_on IS NOT NULL THEN 'cancelled' WHEN f.completed_on IS NOT NULL THEN 'completed'
                WHEN f.stopped_on IS NOT NULL THEN 'broken' WHEN f.is_behind THEN 'behind' ELSE 'running' END AS status,
           coalesce(f.cancelled_on, f.completed_on, f.stopped_on) AS resolved_on,
           least(CAST(:as_of AS date), coalesce(f.cancelled_on - 1, f.completed_on, f.stopped_on - 1)) AS last_day
    FROM fate f
), taken AS MATERIALIZED (
    SELECT v.id, v.status, v.resolved_on, v.last_day, least(v.amount, coalesce(sum(r.amount), 0)) AS paid_amount
    FROM verdict v
    LEFT JOIN received r ON r.agreement_id = v.id AND r.paid_on <= v.last_day
    GROUP BY v.id, v.status, v.resolved_on, v.last_day, v.amount
), shares AS MATERIALIZED (
    SELECT t.agreement_id, t.number, t.due_on, t.amount, k.status, k.resolved_on, k.paid_amount AS all_paid,
           greatest(0, least(t.amount, k.paid_amount - (t.whole - t.amount))) AS paid_amount,
           CASE WHEN t.whole_on <= k.last_day THEN t.whole_on END AS settled_on,
           t.due_on <= k.last_day AS is_due
    FROM told t JOIN taken k ON k.id = t.agreement_id
), instalments AS (
    UPDATE {rows} i SET paid_amount = s.paid_amount, settled_on = s.settled_on
    FROM shares s
    WHERE i.{key} = s.agreement_id AND i.number = s.number
      AND (i.paid_amount, i.settled_on) IS DISTINCT FROM (s.paid_amount, s.settled_on)
), derived AS (
    SELECT s.agreement_id, s.status, s.resolved_on, s.all_paid AS paid_amount,
           coalesce(sum(s.amount) FILTER (WHERE s.is_due), 0) AS due_amount,
           CASE WHEN s.status IN ('running', 'behind')
                THEN min(s.due_on) FILTER (WHERE s.settled_on IS NULL) END AS next_due_on,
           CASE WHEN s.status IN ('running', 'behind')
                THEN (array_agg(s.amount - s.paid_amount ORDER BY s.number) FILTER (WHERE s.settled_on IS NULL))[1]
           END AS next_due_amount
    FROM shares s GROUP BY s.agreement_id, s.status, s.resolved_on, s.all_paid
)
UPDATE {table} p SET status = d.status, paid_amount = d.paid_amount, due_amount = d.due_amount,
    next_due_on = d.next_due_on, next_due_amount = d.next_due_amount, resolved_on = d.resolved_on
FROM derived d
WHERE d.agreement_id = p.id
  AND (p.status, p.paid_amount, p.due_amount, p.next_due_on, p.next_due_amount, p.resolved_on)
      IS DISTINCT FROM (d.status, d.paid_amount, d.due_amount, d.next_due_on, d.next_due_amount, d.resolved_on)
RETURNING p.borrower_id
"""


def settle(
    session: Session, kind: Agreement, scope: Scope, *, as_of: date, grace_days: int, break_days: int
) -> list[int]:
    """Derive where agreements stand from the payments known by `as_of`; ids of the borrowers whose one changed.

    Args:
        session: the caller's transaction.
        kind: plans or settlements.
        scope: which loans; all of the kind that began are derived together for each, since they share its payments.
        as_of: business date: payments and reversals of later days do not count yet.
        grace_days: so many days after its date a row may be unpaid without the agreement being behind.
        break_days: so many days after its date a row may be unpaid without the agreement being broken.

    An agreement takes the payments of its loan in order of their value dates, oldest row first, from its first day to
    the day before it is cancelled or the loan's next one of the kind begins. A reversal known by `as_of` takes its
    payment away. It is completed on the day the last row became whole; broken on the first day a row had been unpaid
    for more than `break_days`, or the next one began, whichever came first, unless it was completed before. What comes
    after that day does not mend it. Cancelled stays cancelled.
    """
    statement = text(_SETTLE.format(scope=scope.predicate, table=kind.table, rows=kind.rows, key=kind.key))
    values = {"as_of": as_of, "grace_days": grace_days, "break_days": break_days, **scope.values}
    return sorted(set(session.execute(statement, values).scalars()))
