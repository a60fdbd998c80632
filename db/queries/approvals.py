"""Statements of requests for approval: what waits, its history, the decision taken once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from db.base import AnyRow
from db.models.access import AppUser
from db.models.approvals import ApprovalEvent, ApprovalRequest, AuthorityLevel
from db.models.owes import Borrower
from services.errors import Conflict

_maker, _decider, _absent = aliased(AppUser), aliased(AppUser), aliased(AppUser)

COLUMNS = (
    ApprovalRequest.id,
    ApprovalRequest.kind,
    ApprovalRequest.subject_kind,
    ApprovalRequest.subject_id,
    ApprovalRequest.borrower_id,
    Borrower.external_id.label("borrower_number"),
    ApprovalRequest.amount,
    ApprovalRequest.percent,
    ApprovalRequest.summary,
    ApprovalRequest.reason,
    ApprovalRequest.first_level,
    ApprovalRequest.level,
    AuthorityLevel.title.label("level_title"),
    ApprovalRequest.status,
    ApprovalRequest.excluded_user_ids,
    ApprovalRequest.asked_at,
    ApprovalRequest.asked_by,
    _maker.name.label("asked_by_name"),
    ApprovalRequest.due_at,
    ApprovalRequest.decided_at,
    ApprovalRequest.decided_by,
    _decider.name.label("decided_by_name"),
    _absent.name.label("decided_for_name"),
    ApprovalRequest.decision_reason,
)

# what waits for the holder of these authorities: their own level, and those of whom they stand in for
_FOR_HOLDER = """
    approval_request.asked_by <> :me AND :me <> ALL (approval_request.excluded_user_ids) AND EXISTS (
        SELECT FROM unnest(CAST(:holders AS bigint[]), CAST(:levels AS smallint[])) AS h (user_id, level)
        WHERE h.user_id <> approval_request.asked_by AND h.user_id <> ALL (approval_request.excluded_user_ids)
          AND {reach})
"""


def insert_request(session: Session, **values: Any) -> int:
    """Insert a waiting request; its id.

    Raises:
        Conflict: the subject has one waiting already.
    """
    try:
        with session.begin_nested():
            statement = insert(ApprovalRequest).values(**values).returning(ApprovalRequest.id)
            return session.execute(statement).scalar_one()
    except IntegrityError as error:
        diagnosis = getattr(error.orig, "diag", None)
        if diagnosis is not None and diagnosis.constraint_name == "uq_approval_request_waiting":
            raise Conflict("This waits for a decision already. See the Approvals page.") from error
        raise


def insert_event(session: Session, request_id: int, event: str, **values: Any) -> None:
    """Append to a request's history."""
    session.execute(insert(ApprovalEvent).values(request_id=request_id, event=event, **values))


def by_id(session: Session, request_id: int) -> AnyRow | None:
    """One request."""
    return session.execute(_requests().where(ApprovalRequest.id == request_id)).one_or_none()


def lock(session: Session, request_id: int) -> AnyRow | None:
    """One request, locked: of two who decide at once, the second reads what the first decided."""
    statement = select(ApprovalRequest.id).where(ApprovalRequest.id == request_id).with_for_update()
    return None if session.execute(statement).first() is None else by_id(session, request_id)


def of_subject(session: Session, subject: tuple[str, int], *, kind: str) -> AnyRow | None:
    """The newest request of a kind about a subject."""
    statement = _requests().where(
        ApprovalRequest.subject_kind == subject[0],
        ApprovalRequest.subject_id == subject[1],
        ApprovalRequest.kind == kind,
    )
    return session.execute(statement.order_by(ApprovalRequest.id.desc()).limit(1)).one_or_none()


def history(session: Session, request_id: int) -> Sequence[AnyRow]:
    """What happened to a request, oldest first."""
    statement = (
        select(
            ApprovalEvent.at,
            ApprovalEvent.event,
            ApprovalEvent.level,
            AuthorityLevel.title.label("level_title"),
            AppUser.name.label("actor_name"),
            ApprovalEvent.reason,
        )
        .join(AuthorityLevel, AuthorityLevel.level == ApprovalEvent.level)
        .outerjoin(AppUser, AppUser.id == ApprovalEvent.actor_id)
        .where(ApprovalEvent.request_id == request_id)
        .order_by(ApprovalEvent.id)
    )
    return session.execute(statement).all()


def close(session: Session, request_id: int, **values: Any) -> None:
    """Write a decision or withdrawal; the caller holds the lock and has seen that it waits."""
    session.execute(update(ApprovalRequest).where(ApprovalRequest.id == request_id).values(**values))


def overdue(session: Session, *, now: datetime, limit: int) -> Sequence[AnyRow]:
    """Requests whose time at their level is over, locked; those that someone decides just now are left out."""
    statement = (
        select(
            ApprovalRequest.id,
            ApprovalRequest.kind,
            ApprovalRequest.level,
            ApprovalRequest.amount,
            ApprovalRequest.percent,
            ApprovalRequest.asked_by,
            ApprovalRequest.excluded_user_ids,
            ApprovalRequest.borrower_id,
            ApprovalRequest.summary,
        )
        .where(ApprovalRequest.status == "waiting", ApprovalRequest.due_at <= now)
        .order_by(ApprovalRequest.due_at, ApprovalRequest.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return session.execute(statement).all()


def has_overdue(session: Session, *, now: datetime) -> bool:
    """Whether the time of any request is over."""
    statement = select(ApprovalRequest.id).where(ApprovalRequest.status == "waiting", ApprovalRequest.due_at <= now)
    return session.execute(statement.limit(1)).first() is not None


def raise_level(session: Session, request_id: int, *, level: int, due_at: datetime | None) -> None:
    """Move a request to a level; without `due_at` it stays there until it is decided."""
    session.execute(update(ApprovalRequest).where(ApprovalRequest.id == request_id).values(level=level, due_at=due_at))


def waiting_for(
    session: Session, user_id: int, authorities: Mapping[int, int], *, is_exact: bool, limit: int
) -> Sequence[AnyRow]:
    """What waits for a user, the most pressing first, each row with the count of all.

    Args:
        session: the caller's transaction.
        user_id: who looks; their own requests are left out, and those they are excluded from.
        authorities: level by user: their own, and of those they stand in for.
        is_exact: only what waits at one of these levels; otherwise also what waits below.
        limit: how many at most.
    """
    reach = "h.level = approval_request.level" if is_exact else "h.level >= approval_request.level"
    mine = text(_FOR_HOLDER.format(reach=reach)).bindparams(
        me=user_id, holders=list(authorities), levels=list(authorities.values())
    )
    statement = _requests().add_columns(func.count().over().label("total"))
    statement = statement.where(ApprovalRequest.status == "waiting", mine)
    return session.execute(
        statement.order_by(ApprovalRequest.due_at.asc().nulls_first(), ApprovalRequest.id).limit(limit)
    ).all()


def waiting_all(session: Session, *, is_escalated: bool, after: int | None, limit: int) -> Sequence[AnyRow]:
    """Everything that waits, the oldest request first, each row with the count of all; or only what was escalated.

    Args:
        session: the caller's transaction.
        is_escalated: only what waits above the level it was asked of.
        after: id of the last request seen; None begins at the oldest.
        limit: how many at most.
    """
    waits = [ApprovalRequest.status == "waiting"]
    if is_escalated:
        waits.append(ApprovalRequest.level > ApprovalRequest.first_level)
    total = select(func.count()).select_from(ApprovalRequest).where(*waits).scalar_subquery()
    statement = _requests().add_columns(total.label("total")).where(*waits)
    if after is not None:
        statement = statement.where(ApprovalRequest.id > after)
    return session.execute(statement.order_by(ApprovalRequest.id).limit(limit)).all()


def asked_by(session: Session, user_id: int, *, before: int | None, limit: int) -> Sequence[AnyRow]:
    """What a user asked for, newest first."""
    statement = _requests().where(ApprovalRequest.asked_by == user_id)
    return _newest(session, statement, before, limit)


def decided(session: Session, *, decided_by: int | None, before: int | None, limit: int) -> Sequence[AnyRow]:
    """What is decided or withdrawn, newest request first; by one user, or by anyone."""
    statement = _requests().where(ApprovalRequest.status != "waiting")
    if decided_by is not None:
        statement = statement.where(ApprovalRequest.decided_by == decided_by)
    return _newest(session, statement, before, limit)


def _newest(session: Session, statement: Select[*tuple[Any, ...]], before: int | None, limit: int) -> Sequence[AnyRow]:
    if before is not None:
        statement = statement.where(ApprovalRequest.id < before)
    return session.execute(statement.order_by(ApprovalRequest.id.desc()).limit(limit)).all()


def _requests() -> Select[*tuple[Any, ...]]:
    return (
        select(*COLUMNS)
        .join(_maker, _maker.id == ApprovalRequest.asked_by)
        .join(AuthorityLevel, AuthorityLevel.level == ApprovalRequest.level)
        .outerjoin(_decider, _decider.id == ApprovalRequest.decided_by)
        .outerjoin(_absent, _absent.id == ApprovalRequest.decided_for)
        .outerjoin(Borrower, Borrower.id == ApprovalRequest.borrower_id)
    )
