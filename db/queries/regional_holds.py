"""Statements of stops on contact by region: whom they cover, which are in force, and their history."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Select, cast, func, or_, select, text, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.orm import Session, aliased

from db.base import AnyRow
from db.models.access import AppUser
from db.models.grievances import RegionalHold, RegionalHoldArea
from db.models.owes import BorrowerPlace

Areas = Sequence[tuple[str, str]]
"""Level ('everywhere', 'region', 'state', 'city') and value of each area."""


def insert_hold(session: Session, areas: Areas, **values: Any) -> int | None:
    """Insert a hold with its areas; its id, or None when one with the same request key is there."""
    hold_id = session.execute(
        insert(RegionalHold)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["request_key"])
        .returning(RegionalHold.id)
    ).scalar_one_or_none()
    if hold_id is not None:
        rows = [{"regional_hold_id": hold_id, "level": level, "value": value} for level, value in areas]
        session.execute(plain_insert(RegionalHoldArea), rows)
    return hold_id


def by_request_key(session: Session, request_key: str) -> int | None:
    """The hold that an earlier submit of the same form made."""
    return session.execute(select(RegionalHold.id).where(RegionalHold.request_key == request_key)).scalar_one_or_none()


def lock(session: Session, hold_id: int) -> AnyRow | None:
    """A hold for the decision to end it."""
    return session.execute(
        select(RegionalHold.id, RegionalHold.name, RegionalHold.ends_on, RegionalHold.ended_at)
        .where(RegionalHold.id == hold_id)
        .with_for_update()
    ).one_or_none()


def end(session: Session, hold_id: int, *, ended_by: int | None, reason: str) -> None:
    """End a locked hold before its date."""
    session.execute(
        update(RegionalHold)
        .where(RegionalHold.id == hold_id)
        .values(ended_at=func.now(), ended_by=ended_by, end_reason=reason)
    )


_COVERAGE = text("""
    SELECT count(*) AS borrowers, count(c.id) AS cases, coalesce(sum(c.overdue_amount), 0) AS overdue_amount
    FROM borrower b LEFT JOIN collection_case c ON c.borrower_id = b.id AND c.closed_on IS NULL
    WHERE :everywhere OR b.region = ANY(CAST(:regions AS text[])) OR b.state = ANY(CAST(:states AS text[]))
       OR b.city = ANY(CAST(:cities AS text[]))
""")


def coverage(session: Session, areas: Areas) -> AnyRow:
    """How many borrowers the areas cover, with their open cases and what is overdue on them."""

    def of(level: str) -> list[str]:
        return [value for each, value in areas if each == level]

    values = {"regions": of("region"), "states": of("state"), "cities": of("city")}
    is_everywhere = any(level == "everywhere" for level, _ in areas)
    return session.execute(_COVERAGE, {"everywhere": is_everywhere, **values}).one()


def places(session: Session) -> Sequence[AnyRow]:
    """Where borrowers are: region, state and city with how many, as the book says it."""
    borrowers = cast(func.sum(BorrowerPlace.borrowers), BigInteger)
    return session.execute(
        select(BorrowerPlace.region, BorrowerPlace.state, BorrowerPlace.city, borrowers.label("borrowers"))
        .group_by(BorrowerPlace.region, BorrowerPlace.state, BorrowerPlace.city)
        .having(borrowers > 0)
        .order_by(BorrowerPlace.region, BorrowerPlace.state, BorrowerPlace.city)
    ).all()


_creator = aliased(AppUser)
_ender = aliased(AppUser)


def _listed() -> Select[*tuple[Any, ...]]:
    named = func.array_agg(
        aggregate_order_by(
            RegionalHoldArea.level + ":" + RegionalHoldArea.value, RegionalHoldArea.level, RegionalHoldArea.value
        )
    )
    areas = select(named).where(RegionalHoldArea.regional_hold_id == RegionalHold.id).scalar_subquery()
    return (
        select(
            RegionalHold.id,
            RegionalHold.name,
            RegionalHold.kind,
            RegionalHold.reason,
            RegionalHold.starts_on,
            RegionalHold.ends_on,
            RegionalHold.created_at,
            _creator.name.label("created_by_name"),
            RegionalHold.ended_at,
            _ender.name.label("ended_by_name"),
            RegionalHold.end_reason,
            areas.label("areas"),
        )
        .outerjoin(_creator, _creator.id == RegionalHold.created_by)
        .outerjoin(_ender, _ender.id == RegionalHold.ended_by)
    )


def current(session: Session, today: date) -> Sequence[AnyRow]:
    """Holds in force or yet to start, the first to start first."""
    statement = _listed().where(RegionalHold.ended_at.is_(None), RegionalHold.ends_on > today)
    return session.execute(statement.order_by(RegionalHold.starts_on, RegionalHold.id)).all()


def past(session: Session, today: date, *, limit: int) -> Sequence[AnyRow]:
    """Holds that are over or were ended, the newest first."""
    is_over = or_(RegionalHold.ended_at.is_not(None), RegionalHold.ends_on <= today)
    return session.execute(_listed().where(is_over).order_by(RegionalHold.id.desc()).limit(limit)).all()


def covering(session: Session, borrower_id: int, today: date) -> Sequence[AnyRow]:
    """Holds that cover a borrower and are in force today."""
    covers = text("""
        EXISTS (
            SELECT FROM regional_hold_area a JOIN borrower b ON b.id = :borrower_id
            WHERE a.regional_hold_id = regional_hold.id
              AND (a.level = 'everywhere' OR a.level = 'region' AND a.value = b.region
                   OR a.level = 'state' AND a.value = b.state OR a.level = 'city' AND a.value = b.city)
        )
    """).bindparams(borrower_id=borrower_id)
    statement = _listed().where(
        RegionalHold.ended_at.is_(None), RegionalHold.starts_on <= today, RegionalHold.ends_on > today, covers
    )
    return session.execute(statement.order_by(RegionalHold.ends_on)).all()
