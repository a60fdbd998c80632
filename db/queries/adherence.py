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


_WORKED = """
    SELECT a.borrower_id FROM contact_attempt a
    WHERE a.at >= :midnight AND a.recorded_by IS NOT NULL AND a.direction = 'outbound'
"""
# reminders of complaints have their own clock
_WAITING = "f.done_at IS NULL AND f.complaint_id IS NULL"
_TOUCHED_ON = "(c.last_contact_at AT TIME ZONE :zone)::date"
_UNTOUCHED_DAYS = f"(CAST(:today AS date) - greatest(c.opened_on, {_TOUCHED_ON}))"
_IS_WANTED = "coalesce(c.next_action_on <= :today, c.next_action IS DISTINCT FROM 'review_hold')"
_AGES = {
    Part.NEVER: f"coalesce({_TOUCHED_ON} < c.opened_on, true)",
    Part.UNTOUCHED_4: f"{_UNTOUCHED_DAYS} BETWEEN 4 AND 7",
    Part.UNTOUCHED_8: f"{_UNTOUCHED_DAYS} BETWEEN 8 AND 14",
    Part.UNTOUCHED_15: f"{_UNTOUCHED_DAYS} BETWEEN 15 AND 30",
    Part.UNTOUCHED_31: f"{_UNTOUCHED_DAYS} > 30",
}
# counting reads all open cases `c` once, joined with the sets of those worked (`w`) and those that wait (`f`)
_COUNTING = {
    Part.UNWORKED: f"{_IS_WANTED} AND w.borrower_id IS NULL",
    Part.WORKED: "w.borrower_id IS NOT NULL",
    Part.DUE: "f.due_on = :today",
    Part.OVERDUE: "f.due_on < :today",
    **_AGES,
}
# a page walks the cases by urgency and asks of each, or starts from the few that a part is about
_LISTING = {
    Part.UNWORKED: f"{_IS_WANTED} AND NOT EXISTS ({_WORKED} AND a.borrower_id = c.borrower_id)",
    Part.WORKED: f"c.borrower_id IN ({_WORKED})",
    Part.DUE: f"""c.borrower_id IN (SELECT f.borrower_id FROM follow_up f WHERE {_WAITING} AND f.due_at >= :midnight
                                     AND (f.due_at AT TIME ZONE :zone)::date = :today)
                  AND f.due_at >= :midnight""",
    Part.OVERDUE: f"c.borrower_id IN (SELECT f.borrower_id FROM follow_up f WHERE {_WAITING} AND f.due_at < :midnight)",
    **_AGES,
}

_COUNTED = ", ".join(f"count(*) FILTER (WHERE {condition}) AS {part.value}" for part, condition in _COUNTING.items())
_FIGURES = text(f"""
    WITH standing AS (
        SELECT coalesce(c.owner_id, 0) AS owner_id, count(*) AS cases, {_COUNTED}
        FROM collection_case c
        LEFT JOIN (SELECT DISTINCT borrower_id FROM ({_WORKED}) a) w ON w.borrower_id = c.borrower_id
        LEFT JOIN (
            SELECT f.borrower_id, min((f.due_at AT TIME ZONE :zone)::date) AS due_on
            FROM follow_up f WHERE {_WAITING} GROUP BY f.borrower_id
        ) f ON f.borrower_id = c.borrower_id
        WHERE c.closed_on IS NULL AND c.stage <> 'pre_due'
        GROUP BY 1
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


def figures(session: Session, today: date, *, zone: str, midnight: datetime, since: datetime) -> Sequence[AnyRow]:
    """A row an owner of open cases or of follow-ups; owner 0: cases that nobody has.

    Args:
        session: a transaction.
        today: the business date.
        zone: the lender's IANA time zone, in which moments become dates.
        midnight: when today began there.
        since: when the period began over which follow-ups that came due are judged.
    """
    values = {"today": today, "zone": zone, "midnight": midnight, "since": since}
    return session.execute(_FIGURES, values).all()


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
    whose = {None: "", 0: "AND c.owner_id IS NULL"}.get(owner_id, "AND c.owner_id = :owner")
    later = "AND c.priority <= :priority AND (c.priority < :priority OR c.id > :case_id)" if after else ""
    statement = text(f"""
        SELECT c.id AS case_id, c.borrower_id, b.name, b.external_id AS number, c.priority, c.max_dpd,
               c.overdue_amount, c.last_contact_at, f.due_at AS follow_up_at, {_UNTOUCHED_DAYS} AS untouched_days,
               u.name AS owner_name
        FROM collection_case c
        JOIN borrower b ON b.id = c.borrower_id
        LEFT JOIN LATERAL (
            SELECT min(f.due_at) AS due_at FROM follow_up f WHERE f.borrower_id = c.borrower_id AND {_WAITING}
        ) f ON true
        LEFT JOIN app_user u ON u.id = c.owner_id
        WHERE c.closed_on IS NULL AND c.stage <> 'pre_due' AND {_LISTING[part]} {whose} {later}
        ORDER BY c.priority DESC, c.id LIMIT :limit
    """)
    values: dict[str, Any] = {"today": today, "zone": zone, "midnight": midnight, "owner": owner_id, "limit": limit}
    if after:
        values |= {"priority": after[0], "case_id": after[1]}
    named = {name: value for name, value in values.items() if f":{name}" in statement.text}
    return session.execute(statement, named).all()
