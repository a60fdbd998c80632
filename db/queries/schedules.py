"""Statements of the timetable of recurring work."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from db.models.jobs import Schedule

COLUMNS = (
    Schedule.kind,
    Schedule.every_minutes,
    Schedule.daily_at,
    Schedule.is_enabled,
    Schedule.last_planned_at,
)


def lock_enabled(session: Session) -> Sequence[Row[*tuple[object, ...]]]:
    """The timetable's enabled lines, held until the transaction ends; lines that another planner holds are left out."""
    return session.execute(
        select(*COLUMNS).where(Schedule.is_enabled).order_by(Schedule.kind).with_for_update(skip_locked=True)
    ).all()


def all_lines(session: Session) -> Sequence[Row[*tuple[object, ...]]]:
    """The whole timetable, daily work first, by time."""
    return session.execute(select(*COLUMNS).order_by(Schedule.daily_at.asc().nulls_last(), Schedule.kind)).all()


def set_planned(session: Session, kind: str, moment: datetime) -> None:
    """Remember the latest period that was planned."""
    session.execute(update(Schedule).where(Schedule.kind == kind).values(last_planned_at=moment))


def set_enabled(session: Session, kind: str, *, is_enabled: bool) -> bool:
    """Switch a line on or off; False when there is no such line."""
    statement = update(Schedule).where(Schedule.kind == kind).values(is_enabled=is_enabled).returning(Schedule.kind)
    return session.execute(statement).one_or_none() is not None
