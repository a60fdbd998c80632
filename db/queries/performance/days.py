"""The one statement that sums what came of cases in a month to date, by who had them. Read docs/performance.md first.

Every fact is credited to who had the borrower's case on the fact's own date: a payment by its value date, a contact by
its day, a promise by the day it was made. A reversal takes the credit back from whoever had got it, in the month in
which it became known.

- `involved`, `life`: borrowers with something to count, and the days of their cases, which do not overlap.
- `stretch`: who had a case from which day up to which day; the last allocation of a day counts for the day.
- `opening`, `now_`: the borrower at the day-end before the month and at the day-end itself.
- `unit`: cases of the month; `held`: by whom, and for which part of their open days.
- `contacts`, `made`, `judged`, `money`, `cures`: facts by case and owner; `work`: all of them together.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.models.performance import PerformanceCase, PerformanceDay

_CASES = """
taken_back AS MATERIALIZED (
    SELECT r.loan_id, r.reverses_reference AS reference,
           coalesce(sum(r.amount) FILTER (WHERE r.paid_on < :month_start), 0) AS before, sum(r.amount) AS in_all
    FROM payment r
    WHERE r.kind = 'reversal' AND r.paid_on <= :as_of
    GROUP BY r.loan_id, r.reverses_reference
    HAVING max(r.paid_on) >= :month_start
), lost AS MATERIALIZED (
    SELECT l.borrower_id, y.paid_on AS day, least(t.before, y.amount) - least(t.in_all, y.amount) AS amount
    FROM taken_back t
    JOIN payment y ON y.loan_id = t.loan_id AND y.reference = t.reference AND y.kind = 'payment'
    JOIN loan l ON l.id = t.loan_id
    WHERE y.paid_on <= :as_of
), involved AS MATERIALIZED (
    SELECT borrower_id FROM collection_case
    -- what never was overdue is no case of collections
    WHERE stage <> 'pre_due' AND opened_on <= :as_of AND (closed_on IS NULL OR closed_on >= :month_start)
    UNION
    SELECT borrower_id FROM lost
    UNION
    SELECT borrower_id FROM promise
    WHERE cancelled_at IS NULL
      AND due_on BETWEEN :month_start - :grace - 1 AND CAST(:as_of AS date) - :grace - 1
), life AS MATERIALIZED (
    SELECT c.id, c.borrower_id, coalesce(c.segment_id, 0) AS segment_id, c.opened_on, c.closed_on,
           greatest(c.opened_on, lag(c.closed_on) OVER by_time + 1) AS first_on,
           least(c.closed_on, :as_of) AS last_on,
           lead(c.id) OVER by_time IS NULL AS is_last
    FROM collection_case c JOIN involved i ON i.borrower_id = c.borrower_id
    WHERE c.opened_on <= :as_of AND c.stage <> 'pre_due'
    WINDOW by_time AS (PARTITION BY c.borrower_id ORDER BY c.opened_on, c.id)
), stretch AS MATERIALIZED (
    SELECT case_id, owner_id, from_on,
           coalesce(lead(from_on) OVER (PARTITION BY case_id ORDER BY from_on, at, id), 'infinity') AS to_on
    FROM (
        SELECT id AS case_id, 0::bigint AS owner_id, '-infinity'::date AS from_on, '-infinity'::timestamptz AS at,
               0::bigint AS id
        FROM life
        UNION ALL
        SELECT a.case_id, coalesce(a.owner_id, 0),
               -- a case that a day-end opened can be given no sooner than the next day: it was never left lying
               CASE WHEN a.day <= l.opened_on + 1 THEN '-infinity' ELSE a.day END, a.allocated_at, a.id
        FROM (SELECT *, (allocated_at AT TIME ZONE :zone)::date AS day FROM allocation) a
        JOIN life l ON l.id = a.case_id
    ) given
)"""

_UNITS = """
loans AS MATERIALIZED (
    SELECT l.id AS loan_id, l.borrower_id, l.written_off_on BETWEEN :month_start AND :as_of AS is_lost
    FROM loan l JOIN involved i ON i.borrower_id = l.borrower_id
), opening AS MATERIALIZED (
    SELECT l.borrower_id, max(s.bucket) AS bucket, sum(s.overdue_amount) AS overdue,
           bool_or(s.dpd > 0 OR s.overdue_amount > 0) AS is_past_due
    FROM loans l JOIN loan_snapshot s ON s.loan_id = l.loan_id AND s.as_of = :opening
    WHERE s.status = 'active'
    GROUP BY l.borrower_id
), now_ AS MATERIALIZED (
    SELECT l.borrower_id, max(s.bucket) FILTER (WHERE s.status = 'active') AS bucket, sum(s.demand_mtd) AS demand,
           coalesce(bool_or(s.status = 'active' AND (s.dpd > 0 OR s.overdue_amount > 0)), false) AS is_past_due,
           coalesce(bool_or(l.is_lost), false) AS is_lost
    FROM loans l LEFT JOIN loan_snapshot s ON s.loan_id = l.loan_id AND s.as_of = :as_of
    GROUP BY l.borrower_id
), standing AS MATERIALIZED (
    SELECT n.borrower_id, n.demand, n.is_past_due, n.is_lost, o.overdue,
           coalesce(o.is_past_due, CAST(:opening AS date) IS NULL) AS was_past_due,
           coalesce(CASE WHEN CAST(:opening AS date) IS NULL THEN n.bucket ELSE o.bucket END, 0) AS bucket
    FROM now_ n LEFT JOIN opening o ON o.borrower_id = n.borrower_id
), unit AS MATERIALIZED (
    SELECT f.id, f.borrower_id, greatest(f.first_on, :month_start) AS first_on, coalesce(f.last_on, :as_of) AS last_on,
           f.is_last AND NOT n.is_past_due AND NOT n.is_lost AS is_cured,
           CASE WHEN f.is_last THEN coalesce(n.overdue, 0) + coalesce(n.demand, 0) ELSE 0 END AS to_collect
    FROM life f JOIN standing n ON n.borrower_id = f.borrower_id
    WHERE coalesce(f.closed_on, :as_of) >= :month_start
      AND coalesce(f.last_on, :as_of) >= greatest(f.first_on, :month_start)
      AND (f.opened_on >= :month_start OR n.was_past_due)
), held AS MATERIALIZED (
    SELECT u.id AS case_id, s.owner_id,
           sum(least(s.to_on, u.last_on + 1) - greatest(s.from_on, u.first_on))::numeric
               / max(u.last_on + 1 - u.first_on) AS part,
           max(u.to_collect) AS to_collect
    FROM unit u JOIN stretch s ON s.case_id = u.id
    WHERE least(s.to_on, u.last_on + 1) > greatest(s.from_on, u.first_on)
    GROUP BY u.id, s.owner_id
)"""

_WORK = """
contacts AS (
    SELECT a.borrower_id, (a.at AT TIME ZONE :zone)::date AS day, a.channel, d.is_connected, d.is_right_party,
           p.contact_attempt_id IS NOT NULL AS is_promised
    FROM contact_attempt a
    JOIN disposition d ON d.code = a.outcome
    LEFT JOIN (SELECT DISTINCT contact_attempt_id FROM promise
               WHERE promised_on BETWEEN :month_start AND :as_of) p ON p.contact_attempt_id = a.id
    WHERE a.at >= :starts_at AND a.at < :ends_at AND a.direction = 'outbound' AND a.recorded_by IS NOT NULL
), received AS (
    SELECT l.borrower_id, y.paid_on AS day, y.amount
    FROM payment y JOIN loans l ON l.loan_id = y.loan_id
    WHERE y.kind = 'payment' AND y.paid_on BETWEEN :month_start AND :as_of
    UNION ALL
    SELECT borrower_id, day, amount FROM lost WHERE amount <> 0
), cures AS (
    -- credited to who had the case when its last money came; without money, when it closed
    SELECT u.borrower_id, coalesce(max(y.day), max(u.last_on)) AS day
    FROM unit u
    LEFT JOIN received y ON y.borrower_id = u.borrower_id AND y.amount > 0 AND y.day BETWEEN u.first_on AND u.last_on
    WHERE u.is_cured
    GROUP BY u.id, u.borrower_id
), fact AS (
    SELECT borrower_id, day, 'contact' AS kind, channel, is_connected, is_right_party, is_promised,
           NULL AS status, 0::numeric AS amount, 0::numeric AS paid
    FROM contacts
    UNION ALL
    -- a promise of several dates is made once; each of its dates falls due for itself
    SELECT borrower_id, promised_on, CASE part WHEN 1 THEN 'promise' ELSE 'further_date' END, NULL, NULL, NULL, NULL,
           NULL, amount, 0
    FROM promise WHERE promised_on BETWEEN :month_start AND :as_of
    UNION ALL
    SELECT borrower_id, promised_on, 'judged', NULL, NULL, NULL, NULL, status, amount, least(paid_amount, amount)
    FROM promise
    WHERE cancelled_at IS NULL AND due_on BETWEEN :month_start - :grace - 1 AND CAST(:as_of AS date) - :grace - 1
    UNION ALL
    SELECT borrower_id, day, 'money', NULL, NULL, NULL, NULL, NULL, amount, 0 FROM received
    UNION ALL
    SELECT borrower_id, day, 'cure', NULL, NULL, NULL, NULL, NULL, 0, 0 FROM cures
), credited AS (
    SELECT f.*, l.id AS case_id, s.owner_id
    FROM fact f
    JOIN life l ON l.borrower_id = f.borrower_id AND f.day BETWEEN l.first_on AND coalesce(l.last_on, :as_of)
    JOIN stretch s ON s.case_id = l.id AND f.day >= s.from_on AND f.day < s.to_on
), done AS (
    SELECT case_id AS of_case, owner_id AS of_owner,
           count(*) FILTER (WHERE kind = 'contact' AND channel = 'call') AS calls,
           count(*) FILTER (WHERE kind = 'contact' AND channel = 'visit') AS visits,
           count(*) FILTER (WHERE kind = 'contact' AND channel = 'letter') AS letters,
           count(*) FILTER (WHERE kind = 'contact' AND channel IN ('sms', 'whatsapp', 'email')) AS messages,
           count(*) FILTER (WHERE is_connected) AS connects,
           count(*) FILTER (WHERE is_right_party) AS right_party,
           count(*) FILTER (WHERE is_right_party AND is_promised) AS right_party_promised,
           count(*) FILTER (WHERE kind = 'promise') AS promises,
           coalesce(sum(amount) FILTER (WHERE kind IN ('promise', 'further_date')), 0) AS promised,
           count(*) FILTER (WHERE kind = 'judged') AS fallen_due,
           coalesce(sum(amount) FILTER (WHERE kind = 'judged'), 0) AS fallen_due_amount,
           count(*) FILTER (WHERE status = 'kept') AS kept,
           count(*) FILTER (WHERE status = 'partly_kept') AS partly_kept,
           count(*) FILTER (WHERE status = 'broken') AS broken,
           coalesce(sum(paid) FILTER (WHERE kind = 'judged'), 0) AS kept_amount,
           coalesce(sum(amount) FILTER (WHERE kind = 'money'), 0) AS collected,
           count(*) FILTER (WHERE kind = 'cure') AS cured,
           count(*) FILTER (WHERE kind = 'contact') AS attempts
    FROM credited GROUP BY case_id, owner_id
), work AS (
    SELECT coalesce(h.case_id, d.of_case) AS case_id, coalesce(h.owner_id, d.of_owner) AS owner_id,
           h.part, h.to_collect, d.*
    FROM held h FULL JOIN done d ON d.of_case = h.case_id AND d.of_owner = h.owner_id
)"""

_SUMS = {
    "cases": "count(w.part)",
    "case_share": "coalesce(sum(w.part), 0)",
    "to_collect": "coalesce(sum(w.part * w.to_collect), 0)",
    "worked": "count(*) FILTER (WHERE w.attempts > 0)",
    "contacted": "count(*) FILTER (WHERE w.connects > 0)",
    "reached": "count(*) FILTER (WHERE w.right_party > 0)",
    "collected_squares": "coalesce(sum(w.collected * w.collected), 0)",
    "paying": "count(*) FILTER (WHERE w.collected > 0)",
}
KEYS = ("as_of", "owner_id", "bucket", "segment_id")
FIGURES = tuple(column.name for column in PerformanceDay.__table__.columns if column.name not in KEYS)
"""Columns that are summed."""


_OF_CASE = {"part": "w.part", "to_collect": "coalesce(w.part * w.to_collect, 0)"}
_CASE_KEYS = ("as_of", "owner_id", "case_id", "borrower_id", "bucket", "segment_id")
_CASE_FIGURES = tuple(c.name for c in PerformanceCase.__table__.columns if c.name not in _CASE_KEYS)


def _kept_cases() -> str:
    figures = ", ".join(_OF_CASE.get(name, f"coalesce(w.{name}, 0)") for name in _CASE_FIGURES)
    return f"""
        kept_cases AS (
            INSERT INTO performance_case ({", ".join((*_CASE_KEYS, *_CASE_FIGURES))})
            SELECT CAST(:as_of AS date), w.owner_id, w.case_id, l.borrower_id, coalesce(n.bucket, 0), l.segment_id,
                   {figures}
            FROM work w
            JOIN life l ON l.id = w.case_id
            LEFT JOIN standing n ON n.borrower_id = l.borrower_id
            WHERE :keeps_cases
        )
    """


def _insert() -> str:
    sums = ", ".join(_SUMS.get(name, f"coalesce(sum(w.{name}), 0)") for name in FIGURES)
    return f"""
        WITH {_CASES}, {_UNITS}, {_WORK}, {_kept_cases()}
        INSERT INTO performance_day ({", ".join((*KEYS, *FIGURES))})
        SELECT CAST(:as_of AS date), w.owner_id, coalesce(n.bucket, 0), l.segment_id, {sums}
        FROM work w
        JOIN life l ON l.id = w.case_id
        LEFT JOIN standing n ON n.borrower_id = l.borrower_id
        GROUP BY w.owner_id, coalesce(n.bucket, 0), l.segment_id
    """


_LATER_DAY = text("SELECT EXISTS (SELECT FROM performance_day WHERE as_of > :as_of AND as_of < :month_over)")
_FORGET_CASES = text("DELETE FROM performance_case WHERE as_of >= :month_start AND as_of < :month_over")


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def replace_day(
    session: Session, as_of: date, *, opening: date | None, zone: str, grace: int, span: tuple[datetime, datetime]
) -> None:
    """Sum the month to date of a closed day, in place of an earlier sum; of a month's newest day keep its cases, too.

    Args:
        session: the transaction of the close.
        as_of: the closed day.
        opening: last closed day of the month before; None: it was not closed.
        zone: the lender's IANA time zone, in which moments become dates.
        grace: days after its date on which a payment still keeps a promise.
        span: the moments between which the month to date lies, the second not included.
    """
    session.execute(text("DELETE FROM performance_day WHERE as_of = :as_of"), {"as_of": as_of})
    month = {"as_of": as_of, "month_start": as_of.replace(day=1), "month_over": _next_month(as_of)}
    keeps_cases = not session.execute(_LATER_DAY, month).scalar_one()
    if keeps_cases:
        session.execute(_FORGET_CASES, month)
    values = {
        **month,
        "keeps_cases": keeps_cases,
        "opening": opening,
        "zone": zone,
        "grace": grace,
        "starts_at": span[0],
        "ends_at": span[1],
    }
    session.execute(text(_insert()), values)


def delete_days(session: Session, days: Sequence[date]) -> None:
    """Delete the sums of these days."""
    session.execute(text("DELETE FROM performance_day WHERE as_of = ANY(CAST(:days AS date[]))"), {"days": list(days)})
