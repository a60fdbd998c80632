"""Statements of the audit trail: appending, searching, sealing, verifying."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, or_, select, text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.models.audit import AuditEvent, AuditSeal, AuditVerification
from db.models.owes import Borrower, Loan, Product
from db.models.stands import LoanState
from db.models.work import GateDecision


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a search of the trail asks for; an empty field asks nothing. Period half-open [since, until)."""

    actor: str | None = None
    borrower_id: int | None = None
    loan_id: int | None = None
    action: str | None = None
    """The whole action, or its subject followed by a dot ('promise.')."""
    since: datetime | None = None
    until: datetime | None = None


_INSERT_EVENT = insert(AuditEvent.__table__)  # type: ignore[arg-type]
"""Into the table rather than the model, and made once: every act does it."""


def insert_event(session: Session, **values: Any) -> None:
    """Append one event; the database fills time, id and digest."""
    session.execute(_INSERT_EVENT, values)


def _matching(statement: Select[*tuple[Any, ...]], wanted: EventFilter) -> Select[*tuple[Any, ...]]:
    if wanted.actor:
        statement = statement.where(func.lower(AuditEvent.actor_name).startswith(wanted.actor.lower(), autoescape=True))
    if wanted.borrower_id is not None:
        statement = statement.where(AuditEvent.borrower_id == wanted.borrower_id)
    if wanted.loan_id is not None:
        statement = statement.where(AuditEvent.loan_id == wanted.loan_id)
    if wanted.action and wanted.action.endswith("."):
        # the range [subject., subject/) so that the index on action serves
        statement = statement.where(AuditEvent.action >= wanted.action, AuditEvent.action < wanted.action[:-1] + "/")
    elif wanted.action:
        statement = statement.where(AuditEvent.action == wanted.action)
    if wanted.since is not None:
        statement = statement.where(AuditEvent.at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(AuditEvent.at < wanted.until)
    return statement


EVENT_COLUMNS = (
    AuditEvent.id,
    AuditEvent.at,
    AuditEvent.actor_name,
    AuditEvent.actor_role,
    AuditEvent.action,
    AuditEvent.subject_type,
    AuditEvent.subject_id,
    AuditEvent.borrower_id,
    AuditEvent.loan_id,
    AuditEvent.summary,
    AuditEvent.reason,
)


def events(session: Session, wanted: EventFilter, *, before_id: int | None, limit: int) -> Sequence[AnyRow]:
    """A page of events, newest first, older than `before_id`, with the borrower's and loan's own numbers."""
    statement = _matching(select(*EVENT_COLUMNS), wanted)
    if before_id is not None:
        statement = statement.where(AuditEvent.id < before_id)
    page = statement.order_by(AuditEvent.id.desc()).limit(limit).subquery()
    return session.execute(
        select(page, Borrower.external_id.label("borrower_number"), Loan.external_id.label("loan_number"))
        .outerjoin(Borrower, Borrower.id == page.c.borrower_id)
        .outerjoin(Loan, Loan.id == page.c.loan_id)
        .order_by(page.c.id.desc())
    ).all()


def count_events(session: Session, wanted: EventFilter, *, at_most: int) -> int:
    """How many events match, counted no further than `at_most`."""
    some = _matching(select(AuditEvent.id), wanted).limit(at_most).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def event(session: Session, event_id: int) -> AnyRow | None:
    """One event with what it replaced and left."""
    columns = (*EVENT_COLUMNS, AuditEvent.before, AuditEvent.after, AuditEvent.digest)
    return session.execute(select(*columns).where(AuditEvent.id == event_id)).one_or_none()


def actions(session: Session) -> list[str]:
    """The distinct actions in the trail, by skipping through the index rather than reading every event."""
    statement = text("""
        WITH RECURSIVE distinct_action AS (
            (SELECT action FROM audit_event ORDER BY action LIMIT 1)
            UNION ALL
            SELECT (SELECT e.action FROM audit_event e WHERE e.action > d.action ORDER BY e.action LIMIT 1)
            FROM distinct_action d WHERE d.action IS NOT NULL
        )
        SELECT action FROM distinct_action WHERE action IS NOT NULL ORDER BY action
    """)
    return list(session.execute(statement).scalars())


def borrower_with_number(session: Session, number: str) -> int | None:
    """Id of the borrower with the lender's own customer number, or whose loan has this loan number."""
    by_customer = select(Borrower.id).where(Borrower.external_id == number)
    by_loan = select(Loan.borrower_id).where(Loan.external_id == number)
    return session.execute(by_customer.union_all(by_loan).limit(1)).scalar_one_or_none()


def seal_next(session: Session) -> int:
    """Seal the events since the last seal, 10,000 at most; how many. 0: nothing to seal.

    The function locks the trail against writers for that moment, so that no event with a lower id can commit later.
    """
    return int(session.execute(text("SELECT audit_seal_next()")).scalar_one())


def seal_count(session: Session) -> int:
    """Number of seals in the chain."""
    return session.execute(select(func.count()).select_from(AuditSeal)).scalar_one()


def broken_link(session: Session, first_seal: int, last_seal: int) -> AnyRow | None:
    """The first seal of a range of ids that does not hold, with what is wrong; None when all hold."""
    statement = text("""
        WITH chain AS (
            SELECT s.*, s AS seal, lag(s.hash) OVER w AS expected_previous,
                   lag(s.last_event_id) OVER w AS previous_last, lag(s.rule) OVER w AS previous_rule
            FROM audit_seal s
            WHERE s.id BETWEEN :first - 1 AND :last OR s.id = (SELECT max(id) FROM audit_seal WHERE id < :first)
            WINDOW w AS (ORDER BY s.id)
        ), content AS (
            SELECT c.id, count(e.id) AS found,
                   min(e.id) FILTER (WHERE e.digest IS DISTINCT FROM audit_event_digest(e)) AS altered_event_id,
                   coalesce(string_agg(e.digest, ''::bytea ORDER BY e.id), ''::bytea) AS digests
            FROM chain c
            LEFT JOIN audit_event e
                -- numbers begin with 1: what stands before belongs to no seal, and was slipped in behind the first
                ON e.id BETWEEN CASE c.first_event_id WHEN 1 THEN -9223372036854775808 ELSE c.first_event_id END
                        AND c.last_event_id
            WHERE c.id BETWEEN :first AND :last
            GROUP BY c.id
        ), checked AS (
            SELECT c.*, t.found, t.altered_event_id,
                   c.previous_hash IS DISTINCT FROM coalesce(c.expected_previous, decode(repeat('00', 32), 'hex'))
                       OR c.first_event_id <> coalesce(c.previous_last, 0) + 1
                       OR c.rule < c.previous_rule AS is_detached,
                   c.hash IS DISTINCT FROM audit_seal_hash(c.seal, t.digests) AS is_changed
            FROM chain c JOIN content t USING (id)
        )
        SELECT id AS seal_id, to_char(sealed_at AT TIME ZONE 'UTC', 'DD Mon YYYY HH24:MI') AS sealed_at,
               first_event_id, last_event_id, events, found, altered_event_id, is_detached
        FROM checked
        WHERE altered_event_id IS NOT NULL OR found <> events OR is_detached OR is_changed
        ORDER BY id LIMIT 1
    """)
    return session.execute(statement, {"first": first_seal, "last": last_seal}).one_or_none()


def seal_ids(session: Session) -> list[int]:
    """Ids of all seals, in the order of the chain."""
    return list(session.execute(select(AuditSeal.id).order_by(AuditSeal.id)).scalars())


def chain_state(session: Session) -> AnyRow:
    """Seals, sealed events, the moment of the newest sealed event, and what is not sealed yet."""
    statement = text("""
        SELECT count(*) AS seals, coalesce(sum(s.events), 0) AS events, max(s.last_event_id) AS last_event_id,
               (SELECT at FROM audit_event WHERE id <= (SELECT max(last_event_id) FROM audit_seal)
                ORDER BY id DESC LIMIT 1) AS sealed_through,
               (SELECT count(*) FROM audit_event
                WHERE id > coalesce((SELECT max(last_event_id) FROM audit_seal), 0)) AS unsealed,
               (SELECT hash FROM audit_seal ORDER BY id DESC LIMIT 1) AS head
        FROM audit_seal s
    """)
    return session.execute(statement).one()


def most_sealed_before(session: Session) -> AnyRow:
    """The most seals and events that any earlier verification saw: the chain cannot have become shorter."""
    return session.execute(
        select(
            func.coalesce(func.max(AuditVerification.seals), 0).label("seals"),
            func.coalesce(func.max(AuditVerification.events), 0).label("events"),
        )
    ).one()


def insert_verification(session: Session, **values: Any) -> datetime:
    """Keep the result of a check; the moment of it."""
    statement = insert(AuditVerification).values(**values).returning(AuditVerification.verified_at)
    return session.execute(statement).scalar_one()


def last_verification(session: Session) -> AnyRow | None:
    """The newest check and its result."""
    columns = (
        AuditVerification.verified_at,
        AuditVerification.is_intact,
        AuditVerification.seals,
        AuditVerification.events,
        AuditVerification.sealed_through,
        AuditVerification.finding,
    )
    return session.execute(select(*columns).order_by(AuditVerification.id.desc()).limit(1)).one_or_none()


def borrower_head(session: Session, borrower_id: int) -> AnyRow:
    """Number and name of a borrower."""
    return session.execute(select(Borrower.external_id, Borrower.name).where(Borrower.id == borrower_id)).one()


def loans_of(session: Session, borrower_id: int) -> Sequence[AnyRow]:
    """The borrower's loans and where they stand."""
    return session.execute(
        select(
            Loan.external_id,
            Product.name.label("product"),
            Loan.disbursed_on,
            LoanState.status,
            LoanState.overdue_amount,
            LoanState.outstanding,
            LoanState.dpd,
            LoanState.as_of,
        )
        .join(Product, Product.id == Loan.product_id)
        .outerjoin(LoanState, LoanState.loan_id == Loan.id)
        .where(Loan.borrower_id == borrower_id)
        .order_by(Loan.id)
    ).all()


def record_of(session: Session, borrower_id: int) -> Sequence[AnyRow]:
    """Every event about a borrower, oldest first, with what it replaced and left."""
    columns = (*EVENT_COLUMNS, AuditEvent.before, AuditEvent.after, AuditEvent.digest)
    return session.execute(select(*columns).where(AuditEvent.borrower_id == borrower_id).order_by(AuditEvent.id)).all()


def gate_decisions_of(session: Session, borrower_id: int, *, limit: int) -> Sequence[AnyRow]:
    """What the gate answered about contacts with a borrower, oldest first."""
    columns = (
        GateDecision.at,
        GateDecision.channel,
        GateDecision.purpose,
        GateDecision.is_allowed,
        GateDecision.rule,
        GateDecision.reason,
        GateDecision.next_allowed_at,
        GateDecision.policy_version,
    )
    return session.execute(
        select(*columns)
        .where(GateDecision.borrower_id == borrower_id)
        .order_by(GateDecision.at, GateDecision.id)
        .limit(limit)
    ).all()


def exported_record(session: Session, *, sha256: str, signatures: Sequence[str]) -> AnyRow | None:
    """The event of a record that was taken out, by the file's SHA-256, else by that of a signature in it."""
    is_same = AuditEvent.after["sha256"].astext == sha256
    sealed_to = select(func.coalesce(func.max(AuditSeal.last_event_id), 0)).scalar_subquery()
    statement = (
        select(
            *EVENT_COLUMNS,
            AuditEvent.after,
            Borrower.external_id.label("borrower_number"),
            (AuditEvent.id <= sealed_to).label("is_sealed"),
        )
        .outerjoin(Borrower, Borrower.id == AuditEvent.borrower_id)
        .where(
            AuditEvent.action == "record.exported",
            or_(is_same, AuditEvent.after["signature_sha256"].astext.in_(signatures)),
        )
        .order_by(is_same.desc(), AuditEvent.id)
        .limit(1)
    )
    return session.execute(statement).one_or_none()
