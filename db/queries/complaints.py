"""Statements of complaints: the facts, what is derived from the events, the lists and the figures of the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, text, tuple_, update
from sqlalchemy import insert as plain_insert
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from db.base import AnyRow
from db.models.access import AppUser
from db.models.allocation import Agency
from db.models.grievances import Complaint, ComplaintEvent
from db.models.owes import Borrower, Lender
from db.models.work import FollowUp

AWAITING = ("open", "acknowledged", "reopened")
"""Statuses in which the borrower waits for an answer."""


def settings(session: Session) -> AnyRow:
    """How the lender handles complaints."""
    return session.execute(
        select(
            Lender.complaint_answer_days,
            Lender.complaint_alert_days,
            Lender.complaint_escalation,
            Lender.grievance_contact,
            Lender.name,
            Lender.time_zone,
        )
    ).one()


def set_settings(session: Session, **values: Any) -> None:
    """Change how complaints are handled."""
    session.execute(update(Lender).values(**values))


# --- facts ----------------------------------------------------------------------------------------------------------


def insert_complaint(session: Session, *, words: str, **values: Any) -> int | None:
    """Insert a complaint; its id, or None when one with the same request key is there."""
    statement = insert(Complaint).values(text_=words, **values)
    return session.execute(
        statement.on_conflict_do_nothing(index_elements=["request_key"]).returning(Complaint.id)
    ).scalar_one_or_none()


def insert_event(session: Session, *, words: str | None = None, **values: Any) -> bool:
    """Append an act; False when one with the same request key is there."""
    statement = insert(ComplaintEvent).values(text_=words, **values)
    found = session.execute(
        statement.on_conflict_do_nothing(index_elements=["request_key"]).returning(ComplaintEvent.id)
    )
    return found.first() is not None


def insert_alerts(session: Session, alerts: Sequence[dict[str, Any]]) -> None:
    """Remind of answers to complaints: follow-ups that only the answer, or the end of the complaint, marks done."""
    if alerts:
        session.execute(plain_insert(FollowUp), list(alerts))


def finish_alerts(session: Session, complaint_id: int) -> None:
    """The answer is given: nothing is to be reminded of."""
    session.execute(
        update(FollowUp)
        .where(FollowUp.complaint_id == complaint_id, FollowUp.done_at.is_(None))
        .values(done_at=func.now())
    )


_DERIVE = text("""
    WITH e AS (
        SELECT * FROM complaint_event WHERE complaint_id = ANY(CAST(:ids AS bigint[]))
    ), begun AS (
        SELECT DISTINCT ON (complaint_id) complaint_id, id, on_date, hold_id
        FROM e WHERE kind IN ('opened', 'reopened') ORDER BY complaint_id, id DESC
    ), newest AS (
        SELECT DISTINCT ON (complaint_id) complaint_id, kind, on_date, outcome
        FROM e WHERE kind NOT IN ('compensated', 'noted') ORDER BY complaint_id, id DESC
    ), summed AS (
        SELECT b.complaint_id,
               (array_agg(e.done_by ORDER BY e.id DESC) FILTER (WHERE e.kind = 'acknowledged'))[1] AS officer_id,
               min(e.on_date) FILTER (WHERE e.kind = 'answered' AND e.id > b.id) AS answered_on,
               coalesce(sum(e.amount), 0) AS compensation
        FROM e JOIN begun b USING (complaint_id) GROUP BY b.complaint_id
    )
    UPDATE complaint c
    SET status = CASE n.kind WHEN 'opened' THEN 'open' ELSE n.kind END,
        clock_from = b.on_date, due_on = b.on_date + c.answer_days, hold_id = b.hold_id,
        officer_id = s.officer_id, answered_on = s.answered_on, compensation = s.compensation,
        closed_on = CASE n.kind WHEN 'closed' THEN n.on_date END, outcome = n.outcome
    FROM begun b JOIN newest n USING (complaint_id) JOIN summed s USING (complaint_id)
    WHERE c.id = b.complaint_id
""")


def derive(session: Session, complaint_ids: Sequence[int]) -> None:
    """Write what follows from the events of these complaints; `services.complaints.clock.replay` says the same."""
    session.execute(_DERIVE, {"ids": list(complaint_ids)})


# --- reading --------------------------------------------------------------------------------------------------------

_against = aliased(AppUser)
_officer = aliased(AppUser)
_recorder = aliased(AppUser)

COLUMNS = (
    Complaint.id,
    Complaint.borrower_id,
    Borrower.external_id.label("borrower_number"),
    Borrower.name.label("borrower_name"),
    Complaint.about,
    Complaint.against_user_id,
    _against.name.label("against_name"),
    Agency.name.label("agency_name"),
    Complaint.channel,
    Complaint.received_at,
    Complaint.received_on,
    Complaint.text_.label("text"),
    Complaint.answer_days,
    _recorder.name.label("recorded_by_name"),
    Complaint.status,
    Complaint.clock_from,
    Complaint.due_on,
    Complaint.officer_id,
    _officer.name.label("officer_name"),
    Complaint.answered_on,
    Complaint.closed_on,
    Complaint.outcome,
    Complaint.hold_id,
    Complaint.compensation,
)


def _complaints() -> Select[*tuple[Any, ...]]:
    return (
        select(*COLUMNS)
        .join(Borrower, Borrower.id == Complaint.borrower_id)
        .outerjoin(_against, _against.id == Complaint.against_user_id)
        .outerjoin(Agency, Agency.id == Complaint.against_agency_id)
        .outerjoin(_officer, _officer.id == Complaint.officer_id)
        .outerjoin(_recorder, _recorder.id == Complaint.recorded_by)
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """Which complaints are listed. Empty fields ask nothing."""

    statuses: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    against_user_id: int | None = None
    officer_id: int | None = None
    due_before: date | None = None
    """Only those whose last day for an answer is earlier: the overdue ones."""
    due_from: date | None = None
    due_to: date | None = None
    """With `due_from`: last days in [from, to)."""
    is_newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last complaint of a page: where the next one starts."""

    due_on: date
    id: int


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.statuses:
        found.append(Complaint.status.in_(wanted.statuses))
        if "closed" not in wanted.statuses:
            found.append(Complaint.status != "closed")  # says to the planner that the partial index will do
    if wanted.about:
        found.append(Complaint.about.in_(wanted.about))
    if wanted.against_user_id is not None:
        found.append(Complaint.against_user_id == wanted.against_user_id)
    if wanted.officer_id is not None:
        found.append(Complaint.officer_id == wanted.officer_id)
    if wanted.due_before is not None:
        found.append(Complaint.due_on < wanted.due_before)
    if wanted.due_from is not None:
        found.append(Complaint.due_on >= wanted.due_from)
    if wanted.due_to is not None:
        found.append(Complaint.due_on < wanted.due_to)
    return found


def page(session: Session, wanted: Filter, *, after: Cursor | None, limit: int) -> Sequence[AnyRow]:
    """A page of complaints by their last day for an answer: the most urgent first, or the newest."""
    statement = _complaints().where(*_conditions(wanted)).limit(limit)
    key = tuple_(Complaint.due_on, Complaint.id)
    if wanted.is_newest_first:
        statement = statement.order_by(Complaint.due_on.desc(), Complaint.id.desc())
        return session.execute(statement.where(key < (after.due_on, after.id)) if after else statement).all()
    statement = statement.order_by(Complaint.due_on, Complaint.id)
    return session.execute(statement.where(key > (after.due_on, after.id)) if after else statement).all()


def by_id(session: Session, complaint_id: int) -> AnyRow | None:
    """One complaint."""
    return session.execute(_complaints().where(Complaint.id == complaint_id)).one_or_none()


def lock(session: Session, complaint_id: int) -> AnyRow | None:
    """A complaint for an act on it: the next act waits until this transaction ends."""
    return session.execute(
        select(
            Complaint.id,
            Complaint.borrower_id,
            Complaint.status,
            Complaint.against_user_id,
            Complaint.answer_days,
            Complaint.hold_id,
        )
        .where(Complaint.id == complaint_id)
        .with_for_update()
    ).one_or_none()


def by_request_key(session: Session, request_key: str) -> int | None:
    """The complaint that an earlier submit of the same form made."""
    return session.execute(select(Complaint.id).where(Complaint.request_key == request_key)).scalar_one_or_none()


def has_event(session: Session, request_key: str) -> bool:
    """Whether an earlier submit of the same form made an act."""
    return (
        session.execute(select(ComplaintEvent.id).where(ComplaintEvent.request_key == request_key)).first() is not None
    )


def any_at_all(session: Session) -> bool:
    """Whether any complaint was ever received."""
    return session.execute(select(Complaint.id).limit(1)).first() is not None


def not_closed_of(session: Session, borrower_id: int) -> Sequence[AnyRow]:
    """The borrower's complaints that are not closed, the most urgent first."""
    statement = _complaints().where(Complaint.borrower_id == borrower_id, Complaint.status != "closed")
    return session.execute(statement.order_by(Complaint.due_on, Complaint.id)).all()


def events(session: Session, complaint_id: int) -> Sequence[AnyRow]:
    """The acts on a complaint, in their order."""
    return session.execute(
        select(
            ComplaintEvent.id,
            ComplaintEvent.kind,
            ComplaintEvent.at,
            ComplaintEvent.on_date,
            AppUser.name.label("who"),
            ComplaintEvent.text_.label("text"),
            ComplaintEvent.sent_by,
            ComplaintEvent.outcome,
            ComplaintEvent.amount,
            ComplaintEvent.paid_on,
        )
        .outerjoin(AppUser, AppUser.id == ComplaintEvent.done_by)
        .where(ComplaintEvent.complaint_id == complaint_id)
        .order_by(ComplaintEvent.id)
    ).all()


def people(session: Session, roles: Sequence[str]) -> Sequence[AnyRow]:
    """Users of these roles, also those whose account is off: a complaint may come after they left."""
    statement = select(AppUser.id, AppUser.name, AppUser.role).where(AppUser.role.in_(roles))
    return session.execute(statement.order_by(AppUser.name)).all()


def agencies(session: Session) -> Sequence[AnyRow]:
    """Outside agencies, also those that are suspended."""
    return session.execute(select(Agency.id, Agency.name).order_by(Agency.name)).all()


def case_of(session: Session, borrower_id: int) -> AnyRow | None:
    """The borrower's open case and whose it is."""
    statement = text("""
        SELECT c.id, c.owner_id, u.name AS owner_name
        FROM collection_case c LEFT JOIN app_user u ON u.id = c.owner_id
        WHERE c.borrower_id = :borrower_id AND c.closed_on IS NULL
    """)
    return session.execute(statement, {"borrower_id": borrower_id}).one_or_none()
