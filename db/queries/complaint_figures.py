"""Statements of the figures of complaints: what waits, how long answers take, and how many come."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.grievances import Complaint
from db.models.work import ContactAttempt
from db.queries.complaints import AWAITING


def figures(session: Session, *, today: date, month_start: date, answered_since: date) -> AnyRow:
    """What waits, what is late, how long answers took, and how many came this month."""
    waits = Complaint.status.in_(AWAITING)
    now = select(
        func.count().filter(waits).label("awaiting"),
        func.count().filter(waits, Complaint.due_on < today).label("overdue"),
        func.count().label("not_closed"),
    ).where(Complaint.status != "closed")
    took = select(func.avg(Complaint.answered_on - Complaint.clock_from)).where(Complaint.answered_on >= answered_since)
    came = select(func.count()).where(Complaint.received_on >= month_start)
    return session.execute(
        now.add_columns(
            took.scalar_subquery().label("days_to_answer"), came.scalar_subquery().label("received_this_month")
        )
    ).one()


def contacts_since(session: Session, user_ids: Sequence[int], since: datetime) -> int:
    """Contacts recorded by these people since a moment; read from an index alone."""
    statement = select(func.count()).where(
        ContactAttempt.recorded_by.in_(user_ids),
        ContactAttempt.at >= since,
    )
    return session.execute(statement).scalar_one()
