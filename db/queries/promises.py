"""Statements of promises to pay: what was promised is inserted once, its status is derived from payments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from db.models.access import AppUser
from db.models.owes import Lender, Loan, Party
from db.models.stands import LoanState
from db.models.work import Promise


@dataclass(frozen=True, slots=True)
class Scope:
    """Which loans a statement runs over: predicates of ours and their bound values."""

    loans: str
    """On the `loan_id` of any table: without it, each range of a close would read the facts of the whole book."""
    predicate: str
    """On `promise p`: loans whose promises may change."""
    values: Mapping[str, Any]


def loan_range(first_loan_id: int, last_loan_id: int) -> Scope:
    """Loans from first to last id, both included, that have a promise which may still change.

    A promise that was settled half a year ago stays as it is unless a fact about its loan arrives.
    """
    loans = "{0}.loan_id BETWEEN :first_id AND :last_id"
    return Scope(
        loans,
        loans.format("p") + " AND (p.status = 'pending' OR p.due_on > CAST(:as_of AS date) - 180)",
        {"first_id": first_loan_id, "last_id": last_loan_id},
    )


def these_loans(loan_ids: Sequence[int]) -> Scope:
    """The loans with these ids."""
    loans = "{0}.loan_id = ANY(CAST(:ids AS bigint[]))"
    return Scope(loans, loans.format("p"), {"ids": list(loan_ids)})


_SETTLE = """
WITH RECURSIVE loans AS MATERIALIZED (
    SELECT DISTINCT p.loan_id FROM promise p WHERE {scope}
), promised AS MATERIALIZED (
    SELECT p.id, p.loan_id, p.amount, p.promised_on, p.due_on,
           p.due_on + CAST(:grace AS integer) AS last_day,
           row_number() OVER (PARTITION BY p.loan_id ORDER BY p.due_on, p.id) AS place
    FROM promise p JOIN loans USING (loan_id)
    WHERE {loans_p} AND p.cancelled_at IS NULL AND p.promised_on <= :as_of
), since AS (
    SELECT loan_id, min(promised_on) AS first_day FROM promised GROUP BY loan_id
), taken_back AS (
    SELECT r.loan_id, r.reverses_reference AS reference, sum(r.amount) AS amount
    FROM payment r JOIN since USING (loan_id)
    WHERE {loans_r} AND r.kind = 'reversal' AND r.paid_on <= :as_of
    GROUP BY 1, 2
), received AS (
    SELECT y.loan_id, array_agg(y.paid_on ORDER BY y.paid_on, y.id) AS days,
           array_agg(greatest(y.amount - coalesce(t.amount, 0), 0) ORDER BY y.paid_on, y.id) AS remaining
    FROM payment y JOIN since s USING (loan_id)
    LEFT JOIN taken_back t ON t.loan_id = y.loan_id AND t.reference = y.reference
    WHERE {loans_y} AND y.kind = 'payment' AND y.paid_on BETWEEN s.first_day AND :as_of
    GROUP BY y.loan_id
), taking AS (
    SELECT s.loan_id, 0::bigint AS place, NULL::bigint AS id, coalesce(r.days, '{{}}') AS days,
           coalesce(r.remaining, '{{}}') AS remaining, 0::numeric AS taken, NULL::date AS taken_on
    FROM since s LEFT JOIN received r USING (loan_id)
    UNION ALL
    SELECT g.loan_id, p.place, p.id, g.days, n.remaining, n.taken, n.taken_on
    FROM taking g
    JOIN promised p ON p.loan_id = g.loan_id AND p.place = g.place + 1
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(q.rest - q.used ORDER BY q.i), '{{}}') AS remaining,
               coalesce(sum(q.used), 0) AS taken, max(q.day) FILTER (WHERE q.used > 0) AS taken_on
        FROM (
            SELECT w.i, w.day, w.rest,
                   CASE WHEN w.counts THEN least(w.rest, greatest(p.amount - (w.so_far - w.rest), 0)) ELSE 0
                   END AS used
            FROM (
                SELECT u.i, u.day, u.rest, u.day BETWEEN p.promised_on AND p.last_day AS counts,
                       sum(u.rest) FILTER (WHERE u.day BETWEEN p.promised_on AND p.last_day)
                           OVER (ORDER BY u.i) AS so_far
                FROM unnest(g.days, g.remaining) WITH ORDINALITY AS u (day, rest, i)
            ) w
        ) q
    ) n
), derived AS (
    SELECT p.id, g.taken AS paid_amount,
           CASE WHEN g.taken >= p.amount THEN 'kept'
                WHEN p.last_day >= :as_of THEN 'pending'
                WHEN g.taken > 0 THEN 'partly_kept' ELSE 'broken' END AS status,
           CASE WHEN g.taken >= p.amount THEN g.taken_on
                WHEN p.last_day < :as_of THEN p.last_day + 1 END AS resolved_on
    FROM taking g JOIN promised p ON p.id = g.id
)
UPDATE promise p SET status = d.status, paid_amount = d.paid_amount, resolved_on = d.resolved_on
FROM derived d
WHERE d.id = p.id AND {loans_p}
  AND (p.status, p.paid_amount, p.resolved_on) IS DISTINCT FROM (d.status, d.paid_amount, d.resolved_on)
RETURNING p.borrower_id
"""


def settle(session: Session, scope: Scope, *, as_of: date, grace_days: int) -> list[int]:
    """Derive the status of promises from the payments known by `as_of`; ids of the borrowers whose promises changed.

    A loan's promises take its payments in order of their dates: a payment counts for a promise when it came between
    the day of the promise and its date plus grace, and what one promise took is not there for the next. A reversal
    known by `as_of` takes its payment away.
    """
    loans = {f"loans_{table}": scope.loans.format(table) for table in "pry"}
    statement = text(_SETTLE.format(scope=scope.predicate, **loans))
    rows = session.execute(statement, {"as_of": as_of, "grace": grace_days, **scope.values})
    return sorted(set(rows.scalars()))


def limits(session: Session) -> Row[int, int]:
    """The lender's grace days and longest term of a promise, in days."""
    return session.execute(select(Lender.promise_grace_days, Lender.promise_limit_days)).one()


def lock_loan(session: Session, loan_id: int) -> Row[*tuple[Any, ...]] | None:
    """What the loan's borrower may promise against, locked so that two promises follow one another."""
    owed = LoanState.outstanding + LoanState.overdue_interest + LoanState.overdue_charges
    return session.execute(
        select(
            Loan.external_id,
            Loan.borrower_id,
            LoanState.status,
            func.greatest(owed, LoanState.overdue_amount).label("owed"),
        )
        .join(LoanState, LoanState.loan_id == Loan.id)
        .where(Loan.id == loan_id)
        .with_for_update(of=LoanState)
    ).one_or_none()


def pending_amount(session: Session, loan_id: int) -> Decimal:
    """What is promised on the loan and not yet paid, over its pending promises."""
    return session.execute(
        select(func.coalesce(func.sum(Promise.amount - Promise.paid_amount), Decimal(0))).where(
            Promise.loan_id == loan_id, Promise.status == "pending"
        )
    ).scalar_one()


def insert_promise(session: Session, **values: Any) -> int | None:
    """Insert a promise; its id, or None when one with the same request key is there."""
    return session.execute(
        insert(Promise).values(**values).on_conflict_do_nothing(index_elements=["request_key"]).returning(Promise.id)
    ).scalar_one_or_none()


def insert_further(session: Session, dates: Sequence[dict[str, Any]]) -> None:
    """Insert the dates after the first of a promise."""
    if dates:
        session.execute(insert(Promise), list(dates))


def dates_of(session: Session, whole_id: int) -> Sequence[Row[date, Decimal]]:
    """Date and amount of each part of a promise, in order."""
    statement = select(Promise.due_on, Promise.amount).where((Promise.id == whole_id) | (Promise.whole_id == whole_id))
    return session.execute(statement.order_by(Promise.part)).all()


def party_role(session: Session, borrower_id: int, party_id: int) -> str | None:
    """Role of a party of the borrower; None: it is not theirs."""
    statement = select(Party.role).where(Party.id == party_id, Party.borrower_id == borrower_id)
    return session.execute(statement).scalar_one_or_none()


COLUMNS = (
    Promise.id,
    Promise.borrower_id,
    Promise.loan_id,
    Loan.external_id.label("loan_number"),
    Promise.amount,
    Promise.due_on,
    Promise.promised_on,
    Promise.channel,
    Promise.person,
    Promise.status,
    Promise.paid_amount,
    Promise.resolved_on,
    Promise.cancel_reason,
    AppUser.name.label("recorded_by_name"),
    func.coalesce(Promise.whole_id, Promise.id).label("whole_id"),
    Promise.part,
    select(Party.name).where(Party.id == Promise.party_id).scalar_subquery().label("party_name"),
)


def by_request_key(session: Session, request_key: str) -> Row[*tuple[Any, ...]] | None:
    """The promise that an earlier submit of the same form made."""
    return session.execute(_promises().where(Promise.request_key == request_key)).one_or_none()


def by_id(session: Session, promise_id: int) -> Row[*tuple[Any, ...]] | None:
    """One promise."""
    return session.execute(_promises().where(Promise.id == promise_id)).one_or_none()


def of_borrower(session: Session, borrower_id: int, *, limit: int) -> Sequence[Row[*tuple[Any, ...]]]:
    """The borrower's promises, latest date first."""
    statement = _promises().where(Promise.borrower_id == borrower_id)
    return session.execute(statement.order_by(Promise.due_on.desc(), Promise.id.desc()).limit(limit)).all()


def _promises() -> Select[*tuple[Any, ...]]:
    return select(*COLUMNS).join(Loan, Loan.id == Promise.loan_id).outerjoin(AppUser, AppUser.id == Promise.recorded_by)


def cancel(session: Session, promise_id: int, *, reason: str) -> bool:
    """Take a pending promise back; False when it is not pending any more."""
    changed = session.execute(
        update(Promise)
        .where(Promise.id == promise_id, Promise.status == "pending")
        .values(status="cancelled", cancelled_at=func.now(), cancel_reason=reason)
        .returning(Promise.id)
    ).first()
    return changed is not None
