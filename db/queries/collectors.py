"""Statements about collectors: what is known of them, their absences, their agencies and teams."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.access import AppUser, Team
from db.models.allocation import Agency, Collector, CollectorAbsence
from db.models.owes import Lender
from services.errors import Conflict

_COLLECTORS = """
    SELECT u.id, u.name, u.username, u.role, u.team_id, t.name AS team, k.agency_id, a.name AS agency,
           a.suspended_reason AS agency_suspended_reason, a.agreement_until AS agency_agreement_until,
           k.capacity, coalesce(k.product_ids, '{{}}') AS product_ids, coalesce(k.languages, '{{}}') AS languages,
           coalesce(k.regions, '{{}}') AS regions, coalesce(k.stages, '{{}}') AS stages,
           k.certificate_number, k.certificate_expires_on, k.police_checked_on, k.id_card_number,
           coalesce(k.version, 0) AS version, b.reason AS absent_reason, b.ends_on AS absent_until,
           coalesce(c.open_cases, 0) AS open_cases
    FROM app_user u
    LEFT JOIN team t ON t.id = u.team_id
    LEFT JOIN collector k ON k.user_id = u.id
    LEFT JOIN agency a ON a.id = k.agency_id
    LEFT JOIN LATERAL (
        SELECT reason, ends_on FROM collector_absence
        WHERE user_id = u.id AND withdrawn_at IS NULL AND starts_on <= :today AND ends_on > :today
        ORDER BY ends_on DESC LIMIT 1
    ) b ON true
    LEFT JOIN (
        SELECT owner_id, count(*) AS open_cases FROM collection_case
        WHERE closed_on IS NULL AND owner_id IS NOT NULL AND :with_loads GROUP BY owner_id
    ) c ON c.owner_id = u.id
    WHERE u.role IN ('agent', 'leader') AND u.disabled_at IS NULL AND {condition}
    ORDER BY u.role, u.name, u.id
"""


def collectors(
    session: Session, *, today: date, user_ids: Sequence[int] | None = None, with_loads: bool = True
) -> Sequence[AnyRow]:
    """Users who may work cases with all that is known of them; all of them, or those asked for.

    Args:
        session: the caller's transaction.
        today: business date on which absence is told.
        user_ids: whom; None: everybody.
        with_loads: whether open cases are counted, which reads every open case.
    """
    condition = "true" if user_ids is None else "u.id = ANY(CAST(:ids AS bigint[]))"
    values: dict[str, Any] = {"today": today, "with_loads": with_loads}
    if user_ids is not None:
        values["ids"] = list(user_ids)
    return session.execute(text(_COLLECTORS.format(condition=condition)), values).all()


def save_collector(session: Session, user_id: int, *, version: int, values: Mapping[str, Any]) -> bool:
    """Write what is known of a collector; False when someone else did so since `version`."""
    row = {"user_id": user_id, **values}
    statement = upsert(Collector).values(row)
    changes = {**values, "version": Collector.version + 1, "updated_at": func.now()}
    statement = statement.on_conflict_do_update(
        index_elements=[Collector.user_id], set_=changes, where=Collector.version == version
    )
    return session.execute(statement.returning(Collector.user_id)).first() is not None


def set_team(session: Session, user_id: int, team_id: int | None) -> None:
    """Put a user into a team, or out of it."""
    session.execute(update(AppUser).where(AppUser.id == user_id).values(team_id=team_id))


def team_id_of(session: Session, name: str) -> int:
    """The team of that name, made when it is not there yet."""
    session.execute(upsert(Team).values(name=name).on_conflict_do_nothing(index_elements=[Team.name]))
    return session.execute(select(Team.id).where(Team.name == name)).scalar_one()


def teams(session: Session) -> Sequence[AnyRow]:
    """Teams by name."""
    return session.execute(select(Team.id, Team.name).order_by(Team.name)).all()


def languages(session: Session) -> list[str]:
    """Languages that borrowers speak."""
    statement = (
        "SELECT DISTINCT language FROM borrower_place WHERE language IS NOT NULL AND borrowers > 0 ORDER BY language"
    )
    return list(session.execute(text(statement)).scalars())


# --- absences ----------------------------------------------------------------------------------------------------


def insert_absence(session: Session, **values: Any) -> int | None:
    """Add an absence; None when the same submission has added it already."""
    statement = upsert(CollectorAbsence).values(**values).on_conflict_do_nothing(index_elements=["request_key"])
    return session.execute(statement.returning(CollectorAbsence.id)).scalar_one_or_none()


def withdraw_absence(session: Session, absence_id: int, *, at: datetime, by: int | None) -> AnyRow | None:
    """Take an absence back; None when there is none, or it was taken back."""
    return session.execute(
        update(CollectorAbsence)
        .where(CollectorAbsence.id == absence_id, CollectorAbsence.withdrawn_at.is_(None))
        .values(withdrawn_at=at, withdrawn_by=by)
        .returning(CollectorAbsence.user_id, CollectorAbsence.starts_on, CollectorAbsence.ends_on)
    ).one_or_none()


def absences(session: Session, *, today: date, limit: int) -> Sequence[AnyRow]:
    """Absences that are on or to come, the earliest first."""
    return session.execute(
        select(
            CollectorAbsence.id,
            CollectorAbsence.user_id,
            AppUser.name,
            CollectorAbsence.starts_on,
            CollectorAbsence.ends_on,
            CollectorAbsence.reason,
        )
        .join(AppUser, AppUser.id == CollectorAbsence.user_id)
        .where(CollectorAbsence.withdrawn_at.is_(None), CollectorAbsence.ends_on > today)
        .order_by(CollectorAbsence.starts_on, AppUser.name)
        .limit(limit)
    ).all()


# --- agencies ----------------------------------------------------------------------------------------------------


def agencies(session: Session, month: date) -> Sequence[AnyRow]:
    """Agencies by name, with their people, the open cases these have, and the terms that hold in a month."""
    statement = text("""
        SELECT a.id, a.name, a.contact, a.agreement_until, a.suspended_at, a.suspended_reason, a.version,
               count(DISTINCT k.user_id) AS people, count(c.id) AS open_cases,
               coalesce(sum(c.overdue_amount), 0) AS overdue_amount, t.commission_percent, t.monthly_fee
        FROM agency a
        LEFT JOIN LATERAL (
            SELECT commission_percent, monthly_fee FROM agency_terms
            WHERE agency_id = a.id AND from_month <= :month ORDER BY from_month DESC, id DESC LIMIT 1
        ) t ON true
        LEFT JOIN collector k ON k.agency_id = a.id
        LEFT JOIN collection_case c ON c.owner_id = k.user_id AND c.closed_on IS NULL
        GROUP BY a.id, t.commission_percent, t.monthly_fee ORDER BY a.name
    """)
    return session.execute(statement, {"month": month}).all()


def agency(session: Session, agency_id: int) -> AnyRow | None:
    """An agency, locked: nobody else changes it before the transaction ends."""
    columns = (Agency.id, Agency.name, Agency.contact, Agency.agreement_until, Agency.suspended_at, Agency.version)
    return session.execute(select(*columns).where(Agency.id == agency_id).with_for_update()).one_or_none()


def insert_agency(session: Session, **values: Any) -> int:
    """Add an agency.

    Raises:
        Conflict: the name is taken.
    """
    try:
        with session.begin_nested():
            return int(session.execute(insert(Agency).values(**values).returning(Agency.id)).scalar_one())
    except IntegrityError:
        raise Conflict(f"There is an agency “{values['name']}” already.") from None


def change_agency(session: Session, agency_id: int, **values: Any) -> None:
    """Write columns of an agency."""
    session.execute(update(Agency).where(Agency.id == agency_id).values(version=Agency.version + 1, **values))


def open_cases_of_agency(session: Session, agency_id: int) -> list[int]:
    """Open cases that people of an agency have, locked in one order."""
    statement = text("""
        SELECT c.id FROM collection_case c JOIN collector k ON k.user_id = c.owner_id
        WHERE k.agency_id = :agency_id AND c.closed_on IS NULL ORDER BY c.id FOR UPDATE OF c
    """)
    return list(session.execute(statement, {"agency_id": agency_id}).scalars())


# --- what is asked of papers -------------------------------------------------------------------------------------


def papers_settings(session: Session) -> AnyRow:
    """The lender's settings about collectors' papers."""
    columns = (Lender.agent_papers_required, Lender.police_check_months, Lender.papers_warn_days)
    return session.execute(select(*columns)).one()


def set_papers_settings(session: Session, *, is_required: bool, police_months: int, warn_days: int) -> None:
    """Write the lender's settings about collectors' papers."""
    session.execute(
        update(Lender).values(
            agent_papers_required=is_required, police_check_months=police_months, papers_warn_days=warn_days
        )
    )
