"""Statements of authority: levels, what each may decide, who holds which, who stands in for whom."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, case, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from db.base import AnyRow
from db.models.access import AppUser
from db.models.approvals import Authority, AuthorityLevel, AuthorityLimit, Delegation

ANY_KIND = "*"


def held_level(roles: Collection[str]) -> Any:
    """The level that a user holds, as a column: 0 without a role that decides, 1 where none was given."""
    return case((AppUser.role.in_(roles), func.coalesce(Authority.level, 1)), else_=0).label("level")


def level_of(session: Session, user_id: int, roles: Collection[str]) -> int:
    """The user's own level; 0 when they may not decide, or may not sign in any more."""
    statement = (
        select(held_level(roles))
        .outerjoin(Authority, Authority.user_id == AppUser.id)
        .where(AppUser.id == user_id, AppUser.disabled_at.is_(None))
    )
    return session.execute(statement).scalar_one_or_none() or 0


def holders(session: Session, roles: Collection[str]) -> Sequence[AnyRow]:
    """Everyone who may decide, with the level held, highest first."""
    level = held_level(roles)
    statement = (
        select(AppUser.id, AppUser.name, AppUser.role, level)
        .outerjoin(Authority, Authority.user_id == AppUser.id)
        .where(AppUser.role.in_(roles), AppUser.disabled_at.is_(None))
        .order_by(level.desc(), AppUser.name, AppUser.id)
    )
    return session.execute(statement).all()


def delegators(session: Session, user_id: int, roles: Collection[str], *, today: date) -> Sequence[AnyRow]:
    """Whom the user stands in for today, with the level that each of them holds themselves."""
    statement = (
        select(AppUser.id, AppUser.name, held_level(roles))
        .join(Delegation, Delegation.from_user_id == AppUser.id)
        .outerjoin(Authority, Authority.user_id == AppUser.id)
        .where(Delegation.to_user_id == user_id, _holds(today), AppUser.disabled_at.is_(None))
        .distinct()
        .order_by(AppUser.id)
    )
    return session.execute(statement).all()


def _holds(today: date) -> Any:
    return and_(Delegation.starts_on <= today, Delegation.ends_on > today, Delegation.revoked_at.is_(None))


def levels(session: Session) -> Sequence[AnyRow]:
    """All levels, lowest first."""
    return session.execute(select(AuthorityLevel.level, AuthorityLevel.title).order_by(AuthorityLevel.level)).all()


def limits(session: Session, kind: str | None = None) -> Sequence[AnyRow]:
    """The limits of a kind, lowest level first: its own lines, else those of every kind; None: all lines."""
    statement = _limits()
    if kind is None:
        return session.execute(statement).all()
    own = session.execute(statement.where(AuthorityLimit.kind == kind)).all()
    return own or session.execute(statement.where(AuthorityLimit.kind == ANY_KIND)).all()


def _limits() -> Select[*tuple[Any, ...]]:
    return (
        select(
            AuthorityLimit.kind,
            AuthorityLimit.level,
            AuthorityLevel.title,
            AuthorityLimit.max_amount,
            AuthorityLimit.max_percent,
            AuthorityLimit.hours,
            AuthorityLimit.version,
        )
        .join(AuthorityLevel, AuthorityLevel.level == AuthorityLimit.level)
        .order_by(AuthorityLimit.kind, AuthorityLimit.level)
    )


def lock_limits(session: Session) -> None:
    """Two changes of limits follow one another, since each is checked against its neighbours."""
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("authority_limit"))))


def save_limit(
    session: Session, kind: str, level: int, *, max_amount: Decimal | None, max_percent: Decimal | None, hours: int
) -> None:
    """Set one line of the limits."""
    values = {"max_amount": max_amount, "max_percent": max_percent, "hours": hours}
    statement = insert(AuthorityLimit).values(kind=kind, level=level, **values)
    changed = {**values, "version": AuthorityLimit.version + 1}
    session.execute(statement.on_conflict_do_update(index_elements=["kind", "level"], set_=changed))


def delete_limit(session: Session, kind: str, level: int) -> bool:
    """Remove one line; False when it is not there."""
    statement = delete(AuthorityLimit).where(AuthorityLimit.kind == kind, AuthorityLimit.level == level)
    return session.execute(statement.returning(AuthorityLimit.level)).first() is not None


def save_level(session: Session, user_id: int, level: int, *, set_by: int | None) -> None:
    """Give a user a level."""
    values = {"level": level, "set_by": set_by, "set_at": func.now()}
    statement = insert(Authority).values(user_id=user_id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["user_id"], set_=values))


def insert_delegation(session: Session, **values: Any) -> int | None:
    """Insert a delegation; its id, or None when one with the same request key is there."""
    statement = insert(Delegation).values(**values).on_conflict_do_nothing(index_elements=["request_key"])
    return session.execute(statement.returning(Delegation.id)).scalar_one_or_none()


def delegation(session: Session, delegation_id: int) -> AnyRow | None:
    """One delegation, locked."""
    return session.execute(
        select(Delegation.from_user_id, Delegation.to_user_id, Delegation.ends_on, Delegation.revoked_at)
        .where(Delegation.id == delegation_id)
        .with_for_update()
    ).one_or_none()


def revoke(session: Session, delegation_id: int, *, revoked_by: int | None) -> bool:
    """End a delegation early; False when it was ended already."""
    statement = (
        update(Delegation)
        .where(Delegation.id == delegation_id, Delegation.revoked_at.is_(None))
        .values(revoked_at=func.now(), revoked_by=revoked_by)
        .returning(Delegation.id)
    )
    return session.execute(statement).first() is not None


def delegations(session: Session, *, user_id: int | None, since: date, limit: int) -> Sequence[AnyRow]:
    """Delegations that hold or begin after `since`, earliest first; those from or to one user, or all."""
    giver, taker = aliased(AppUser), aliased(AppUser)
    statement = (
        select(
            Delegation.id,
            Delegation.from_user_id,
            giver.name.label("from_name"),
            Delegation.to_user_id,
            taker.name.label("to_name"),
            Delegation.starts_on,
            Delegation.ends_on,
            Delegation.reason,
        )
        .join(giver, giver.id == Delegation.from_user_id)
        .join(taker, taker.id == Delegation.to_user_id)
        .where(Delegation.ends_on > since, Delegation.revoked_at.is_(None))
        .order_by(Delegation.starts_on, Delegation.id)
        .limit(limit)
    )
    if user_id is not None:
        statement = statement.where(or_(Delegation.from_user_id == user_id, Delegation.to_user_id == user_id))
    return session.execute(statement).all()
