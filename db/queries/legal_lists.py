"""Reading legal actions: the list by what runs out next, one with its events, hearings, figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text, tuple_
from sqlalchemy.orm import Session, aliased

from db.base import AnyRow
from db.models.access import AppUser
from db.models.case_people import CasePerson
from db.models.legal import LegalAction, LegalActionLoan, LegalEvent, LegalReturnReason
from db.models.owes import Borrower, Loan
from db.models.work import CollectionCase

_opener = aliased(AppUser)
_loans = (
    select(func.string_agg(Loan.external_id, text("', ' ORDER BY loan.id")))
    .join(LegalActionLoan, LegalActionLoan.loan_id == Loan.id)
    .where(LegalActionLoan.action_id == LegalAction.id)
    .correlate(LegalAction)
    .scalar_subquery()
)
_officer = (
    select(AppUser.name)
    .join(CasePerson, CasePerson.user_id == AppUser.id)
    .join(CollectionCase, CollectionCase.id == CasePerson.case_id)
    .where(
        CollectionCase.borrower_id == LegalAction.borrower_id,
        CollectionCase.closed_on.is_(None),
        CasePerson.role == "legal",
        CasePerson.removed_at.is_(None),
    )
    .order_by(CasePerson.id)
    .limit(1)
    .correlate(LegalAction)
    .scalar_subquery()
)
COLUMNS = (
    LegalAction.id,
    LegalAction.borrower_id,
    Borrower.external_id.label("borrower_number"),
    Borrower.name.label("borrower_name"),
    _loans.label("loan_numbers"),
    LegalAction.kind,
    LegalAction.opened_on,
    _opener.name.label("opened_by_name"),
    _officer.label("officer_name"),
    LegalAction.amount,
    LegalAction.reason,
    LegalAction.instrument_number,
    LegalAction.instrument_on,
    LegalReturnReason.label.label("return_label"),
    LegalAction.memo_on,
    LegalAction.hold_id,
    LegalAction.status,
    LegalAction.notice_by,
    LegalAction.notice_on,
    LegalAction.served_on,
    LegalAction.pay_by,
    LegalAction.file_from,
    LegalAction.file_by,
    LegalAction.filed_on,
    LegalAction.paid_amount,
    LegalAction.paid_on,
    LegalAction.hearing_on,
    LegalAction.next_step,
    LegalAction.next_by,
    LegalAction.expenses,
    LegalAction.recoverable,
    LegalAction.closed_on,
    LegalAction.close_reason,
)


def _actions() -> Select[*tuple[Any, ...]]:
    return (
        select(*COLUMNS)
        .join(Borrower, Borrower.id == LegalAction.borrower_id)
        .outerjoin(_opener, _opener.id == LegalAction.opened_by)
        .outerjoin(LegalReturnReason, LegalReturnReason.code == LegalAction.return_reason)
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """Which actions are listed. Empty fields ask nothing."""

    is_closed: bool = False
    kinds: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    next_from: date | None = None
    """Only clocks that end on this day or later."""
    next_before: date | None = None
    """Only clocks that end before this day."""
    officer_id: int | None = None
    """Only borrowers whose open case this user leads through law."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last action of a page: where the next one starts."""

    next_by: date | None
    id: int


def _led_by(user_id: int) -> ColumnElement[bool]:
    led = (
        select(CollectionCase.borrower_id)
        .join(CasePerson, CasePerson.case_id == CollectionCase.id)
        .where(
            CasePerson.user_id == user_id,
            CasePerson.role == "legal",
            CasePerson.removed_at.is_(None),
            CollectionCase.closed_on.is_(None),
        )
    )
    return LegalAction.borrower_id.in_(led)


def _conditions(wanted: Filter) -> list[ColumnElement[bool]]:
    found = [LegalAction.status == "closed" if wanted.is_closed else LegalAction.status != "closed"]
    if wanted.kinds:
        found.append(LegalAction.kind.in_(wanted.kinds))
    if wanted.statuses:
        found.append(LegalAction.status.in_(wanted.statuses))
    if wanted.next_from is not None:
        found.append(LegalAction.next_by >= wanted.next_from)
    if wanted.next_before is not None:
        found.append(LegalAction.next_by < wanted.next_before)
    if wanted.officer_id is not None:
        found.append(_led_by(wanted.officer_id))
    return found


def page(session: Session, wanted: Filter, *, after: Cursor | None, limit: int) -> Sequence[AnyRow]:
    """A page of actions: what runs out next first, then those without a clock; closed ones newest first."""
    statement = _actions().where(*_conditions(wanted)).limit(limit)
    if wanted.is_closed:
        statement = statement.order_by(LegalAction.id.desc())
        return session.execute(statement.where(LegalAction.id < after.id) if after else statement).all()
    statement = statement.order_by(LegalAction.next_by, LegalAction.id)
    if after is not None and after.next_by is None:
        statement = statement.where(and_(LegalAction.next_by.is_(None), LegalAction.id > after.id))
    elif after is not None:
        later = tuple_(LegalAction.next_by, LegalAction.id) > (after.next_by, after.id)
        statement = statement.where(or_(later, LegalAction.next_by.is_(None)))
    return session.execute(statement).all()


def by_id(session: Session, action_id: int) -> AnyRow | None:
    """One action."""
    return session.execute(_actions().where(LegalAction.id == action_id)).one_or_none()


def of_borrower(session: Session, borrower_id: int, *, limit: int) -> Sequence[AnyRow]:
    """A borrower's actions, newest first."""
    statement = _actions().where(LegalAction.borrower_id == borrower_id)
    return session.execute(statement.order_by(LegalAction.id.desc()).limit(limit)).all()


def events(session: Session, action_id: int) -> Sequence[AnyRow]:
    """The acts on an action, in their order."""
    voiding = aliased(LegalEvent)
    is_void = (
        select(voiding.id)
        .where(voiding.action_id == action_id, voiding.kind == "voided", voiding.refers_to == LegalEvent.id)
        .correlate(LegalEvent)
        .exists()
    )
    statement = (
        select(
            LegalEvent.id,
            LegalEvent.kind,
            LegalEvent.at,
            LegalEvent.on_date,
            AppUser.name.label("who"),
            LegalEvent.text_.label("text"),
            LegalEvent.refers_to,
            LegalEvent.how,
            LegalEvent.document_id,
            LegalEvent.tracking_number,
            LegalEvent.forum,
            LegalEvent.case_number,
            LegalEvent.amount,
            LegalEvent.is_recoverable,
            is_void.label("is_void"),
        )
        .outerjoin(AppUser, AppUser.id == LegalEvent.done_by)
        .where(LegalEvent.action_id == action_id)
    )
    return session.execute(statement.order_by(LegalEvent.id)).all()


def hearings(session: Session, first: date, before: date, *, officer_id: int | None, limit: int) -> Sequence[AnyRow]:
    """Hearings of a span of days, with their result when there is one, by day."""
    held = aliased(LegalEvent)
    voiding = aliased(LegalEvent)
    statement = (
        select(
            LegalEvent.id,
            LegalEvent.action_id,
            LegalEvent.on_date,
            LegalEvent.how.label("purpose"),
            func.coalesce(
                LegalEvent.forum,
                select(func.max(voiding.forum))
                .where(voiding.action_id == LegalEvent.action_id, voiding.kind == "filed")
                .correlate(LegalEvent)
                .scalar_subquery(),
            ).label("forum"),
            held.text_.label("result"),
            LegalAction.kind,
            Borrower.name.label("borrower_name"),
            Borrower.external_id.label("borrower_number"),
        )
        .join(LegalAction, LegalAction.id == LegalEvent.action_id)
        .join(Borrower, Borrower.id == LegalAction.borrower_id)
        .outerjoin(held, and_(held.refers_to == LegalEvent.id, held.kind == "hearing_held"))
        .where(LegalEvent.kind == "hearing", LegalEvent.on_date >= first, LegalEvent.on_date < before)
        .where(
            ~select(voiding.id)
            .where(
                voiding.action_id == LegalEvent.action_id, voiding.refers_to == LegalEvent.id, voiding.kind == "voided"
            )
            .correlate(LegalEvent)
            .exists()
        )
    )
    if officer_id is not None:
        statement = statement.where(_led_by(officer_id))
    return session.execute(statement.order_by(LegalEvent.on_date, LegalEvent.id).limit(limit)).all()


def figures(session: Session, *, today: date, soon: date, officer_id: int | None) -> AnyRow:
    """Actions that are not closed, by what matters."""
    is_clocked = LegalAction.next_by.is_not(None)
    statement = select(
        func.count().label("open"),
        func.count()
        .filter(is_clocked, LegalAction.next_by < today, LegalAction.next_step != "hearing")
        .label("lapsed"),
        func.count()
        .filter(LegalAction.next_by >= today, LegalAction.next_by <= soon, LegalAction.next_step != "hearing")
        .label("soon"),
        func.count().filter(LegalAction.status == "paid").label("paid"),
        func.count().filter(LegalAction.hearing_on.between(today, soon)).label("hearings"),
        func.coalesce(func.sum(LegalAction.amount), 0).label("amount"),
        func.coalesce(func.sum(LegalAction.expenses), 0).label("expenses"),
    ).where(LegalAction.status != "closed")
    if officer_id is not None:
        statement = statement.where(_led_by(officer_id))
    return session.execute(statement).one()
