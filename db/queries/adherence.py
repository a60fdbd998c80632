"""Statements of a leader's view of follow-ups: what is worked and untouched, what came due and was kept, by owner."""

from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow


class Part(StrEnum):
    """The cases behind a figure."""

    UNWORKED = "unworked"
    WORKED = "worked"
    NEVER = "never"
    UNTOUCHED_4 = "untouched_4"
    UNTOUCHED_8 = "untouched_8"
    UNTOUCHED_15 = "untouched_15"
    UNTOUCHED_31 = "untouched_31"
    DUE = "due"
    OVERDUE = "overdue"


# of an open case `c`: to be worked by today, touched or not since it opened, days since
_OPEN = """
    open_case AS (
        SELECT c.id, c.borrower_id, coalesce(c.owner_id, 0) AS owner_id, w.borrower_id IS NOT NULL AS is_worked,
               coalesce(c.next_action_on <= :today, c.next_action IS DISTINCT FROM 'review_hold') AS is_wanted,
               coalesce((c.last_contact_at AT TIME ZONE :zone)::date < c.opened_on, true) AS is_never,
               CAST(:today AS date)
                   - greatest(c.opened_on, (c.last_contact_at AT TIME ZONE :zone)::date) AS untouched_days
        FROM collection_case c
        LEFT JOIN (
            SELECT DISTINCT borrower_id FROM contact_attempt
            WHERE at >= :midnight AND recorded_by IS NOT NULL AND direction = 'outbound'
        ) w ON w.borrower_id = c.borrower_id
        WHERE c.closed_on IS NULL
    ), waiting AS (
        -- reminders of complaints have their own clock
        SELECT f.borrower_id, min(f.due_at) AS due_at,
               min((f.due_at AT TIME ZONE :zone)::date) < :today AS is_overdue,
               min((f.due_at AT TIME ZONE :zone)::date) = :today AS is_due
        FROM follow_up f WHERE f.done_at IS NULL AND f.complaint_id IS NULL
        GROUP BY f.borrower_id
    )
"""
_OF_PART = {
    Part.UNWORKED: "o.is_wanted AND NOT o.is_worked",
    Part.WORKED: "o.is_worked",
    Part.NEVER: "o.is_never",
    Part.UNTOUCHED_4: "o.untouched_days BETWEEN 4 AND 7",
    Part.UNTOUCHED_8: "o.untouched_days BETWEEN 8 AND 14",
    Part.UNTOUCHED_15: "o.untouched_days BETWEEN 15 AND 30",
    Part.UNTOUCHED_31: "o.untouched_days > 30",
    Part.DUE: "coalesce(w.is_due, false)",
    Part.OVERDUE: "coalesce(w.is_overdue, false)",
}

_COUNTED = ", ".join(f"count(*) FILTER (WHERE {condition}) AS {part.value}" for part, condition in _OF_PART.items())
_FIGURES = text(f"""
    WITH {_OPEN}, standing AS (
        SELECT o.owner_id, count(*) AS cases, {_COUNTED}
        FROM open_case o LEFT JOIN waiting w USING (borrower_id)
        GROUP BY o.owner_id
    ), came_due AS (
        SELECT f.borrower_id, f.created_by, (f.due_at AT TIME ZONE :zone)::date AS due_on,
               (f.done_at AT TIME ZONE :zone)::date AS done_on, f.ended_by
        FROM follow_up f
        WHERE f.done_at IS NOT NULL AND f.complaint_id IS NULL AND f.due_at >= :since AND f.due_at < :midnight
        UNION ALL
        SELECT f.borrower_id, f.created_by, (f.due_at AT TIME ZONE :zone)::date, NULL, NULL
        FROM follow_up f
        WHERE f.done_at IS NULL AND f.complaint_id IS NULL AND f.due_at >= :since AND f.due_at < :midnight
    ), judged AS (
        -- of who has the case; where it is closed or nobody's, of who set the date
        SELECT coalesce(c.owner_id, f.created_by, 0) AS owner_id, count(*) AS came_due,
               count(*) FILTER (WHERE f.done_on <= f.due_on) AS on_time,
               count(*) FILTER (WHERE f.done_on > f.due_on) AS late,
               count(*) FILTER (WHERE f.done_on IS NULL) AS missed
        FROM came_due f
        LEFT JOIN collection_case c ON c.borrower_id = f.borrower_id AND c.closed_on IS NULL
        -- a date that was moved before it came asked for nothing on that day
        WHERE NOT (f.ended_by = 'moved' AND f.done_on <= f.due_on) OR f.ended_by IS NULL
        GROUP BY 1
    ), against AS (
        SELECT a.recorded_by AS owner_id, count(*) AS overrides
        FROM contact_attempt a WHERE a.override_reason IS NOT NULL AND a.at >= :since GROUP BY 1
    )
    SELECT owner_id, coalesce(u.name, 'Nobody') AS name, coalesce(s.cases, 0) AS cases,
           {", ".join(f"coalesce(s.{part.value}, 0) AS {part.value}" for part in Part)},
           coalesce(j.came_due, 0) AS came_due, coalesce(j.on_time, 0) AS on_time, coalesce(j.late, 0) AS late,
           coalesce(j.missed, 0) AS missed, coalesce(a.overrides, 0) AS overrides
    FROM standing s FULL JOIN judged j USING (owner_id) FULL JOIN against a USING (owner_id)
    LEFT JOIN app_user u ON u.id = owner_id
    ORDER BY owner_id = 0, coalesce(u.name, ''), owner_id
""")


def _values(today: date, zone: str, midnight: datetime) -> dict[str, Any]:
    return {"today": today, "zone": zone, "midnight": midnight}


def figures(session: Session, today: date, *, zone: str, midnight: datetime, since: datetime) -> Sequence[AnyRow]:
    """A row an owner of open cases or of follow-ups; owner 0: cases that nobody has.

    Args:
        session: a transaction.
        today: the business date.
        zone: the lender's IANA time zone, in which moments become dates.
        midnight: when today began there.
        since: when the period began over which follow-ups that came due are judged.
    """
    return session.execute(_FIGURES, {**_values(today, zone, midnight), "since": since}).all()


def cases_of(
    session: Session,
    part: Part,
    owner_id: int | None,
    today: date,
    *,
    zone: str,
    midnight: datetime,
    after: tuple[int, int] | None,
    limit: int,
) -> Sequence[AnyRow]:
    """A page of the cases behind a figure, the most urgent first, after (priority, case).

    Args:
        session: a transaction.
        part: which figure.
        owner_id: whose; 0: of nobody; None: everybody's.
        today: the business date.
        zone: the lender's IANA time zone.
        midnight: when today began there.
        after: priority and id of the last case of the page before.
        limit: how many at most.
    """
    statement = text(f"""
        WITH {_OPEN}
        SELECT c.id AS case_id, c.borrower_id, b.name, b.external_id AS number, c.priority, c.max_dpd,
               c.overdue_amount, c.last_contact_at, w.due_at AS follow_up_at, o.untouched_days, u.name AS owner_name
        FROM open_case o
        JOIN collection_case c ON c.id = o.id
        JOIN borrower b ON b.id = c.borrower_id
        LEFT JOIN waiting w ON w.borrower_id = c.borrower_id
        LEFT JOIN app_user u ON u.id = c.owner_id
        WHERE {_OF_PART[part]} AND (CAST(:owner AS bigint) IS NULL OR o.owner_id = :owner)
          AND (CAST(:priority AS integer) IS NULL OR (c.priority, -c.id) < (:priority, -CAST(:case_id AS bigint)))
        ORDER BY c.priority DESC, c.id LIMIT :limit
    """)
    priority, case_id = after or (None, None)
    values = {**_values(today, zone, midnight), "owner": owner_id, "priority": priority, "case_id": case_id}
    return session.execute(statement, {**values, "limit": limit}).all()
