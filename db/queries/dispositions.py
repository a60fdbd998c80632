"""Statements of outcome codes as a maintained table: read whole, added, changed, ordered and retired; never deleted."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.work import ContactAttempt, Disposition

COLUMNS = (
    Disposition.code,
    Disposition.label,
    Disposition.is_right_party,
    Disposition.is_connected,
    Disposition.requires,
    Disposition.next_action,
    Disposition.channels,
    Disposition.direction,
    Disposition.hold_kind,
    Disposition.is_quick,
    Disposition.is_system,
    Disposition.position,
    Disposition.active_from,
    Disposition.active_to,
)


def all_codes(session: Session) -> Sequence[AnyRow]:
    """Every code, in order."""
    return session.execute(select(*COLUMNS).order_by(Disposition.position, Disposition.code)).all()


def uses(session: Session, since: datetime) -> dict[str, int]:
    """How many contacts have each code since a moment. Reads the part of the facts that is that young."""
    statement = (
        select(ContactAttempt.outcome, func.count()).where(ContactAttempt.at >= since).group_by(ContactAttempt.outcome)
    )
    return {code: uses for code, uses in session.execute(statement)}  # noqa: C416 - mypy reads it


def lock(session: Session) -> None:
    """Until the transaction ends nobody else changes codes: order and the number of quick ones span rows."""
    session.execute(text("SELECT pg_advisory_xact_lock(72002020)"))


def code(session: Session, wanted: str) -> AnyRow | None:
    """One code."""
    return session.execute(select(*COLUMNS).where(Disposition.code == wanted)).one_or_none()


def insert_code(session: Session, **values: Any) -> None:
    """Add a code, at the end of the order."""
    last = session.execute(select(func.coalesce(func.max(Disposition.position), 0))).scalar_one()
    session.execute(insert(Disposition).values(**values, position=last + 1))


def change(session: Session, wanted: str, **values: Any) -> None:
    """Change fields of a code."""
    session.execute(update(Disposition).where(Disposition.code == wanted).values(**values))


def quick_count(session: Session, day: date, *, but: str | None) -> int:
    """How many codes in use are quick, one left out."""
    statement = select(func.count()).where(
        Disposition.is_quick,
        func.coalesce(Disposition.active_to, date.max) > day,
        Disposition.code.is_distinct_from(but),
    )
    return session.execute(statement).scalar_one()


def reorder(session: Session, codes: Sequence[str]) -> None:
    """Give codes the order in which they are named."""
    session.execute(
        text("""
            UPDATE disposition d SET position = w.place
            FROM unnest(CAST(:codes AS text[])) WITH ORDINALITY AS w (code, place)
            WHERE d.code = w.code AND d.position <> w.place
        """),
        {"codes": list(codes)},
    )
