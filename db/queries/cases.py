"""Statements of collection cases: opening and closing them, over the whole book or a few, and the one of a borrower."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session, aliased

from db.models.access import AppUser
from db.models.work import CollectionCase


@dataclass(frozen=True, slots=True)
class Scope:
    """Which borrowers a statement runs over: a predicate of ours on `borrower_id`, and its bound values."""

    predicate: str
    values: Mapping[str, Any]


def borrower_range(first_borrower_id: int, last_borrower_id: int) -> Scope:
    """Borrowers from first to last id, both included."""
    return Scope(
        "{0}.borrower_id BETWEEN :first_id AND :last_id", {"first_id": first_borrower_id, "last_id": last_borrower_id}
    )


def these_borrowers(borrower_ids: Sequence[int]) -> Scope:
    """The borrowers with these ids."""
    return Scope("{0}.borrower_id = ANY(CAST(:ids AS bigint[]))", {"ids": list(borrower_ids)})


@dataclass(frozen=True, slots=True)
class PreDue:
    """Which borrowers are called before an instalment falls due."""

    days: int
    """0: nobody."""
    bands: tuple[int, ...]
    """Risk bands of the loan; empty: all."""

    @property
    def values(self) -> dict[str, Any]:
        """Bound values of `_PRE_DUE`."""
        return {"pre_due_days": self.days, "pre_due_bands": list(self.bands)}


_OVERDUE = "s.status = 'active' AND (s.dpd >= 1 OR s.overdue_amount > 0)"
_PRE_DUE = """s.status = 'active' AND s.next_due_amount > 0
          AND s.next_due_on > CAST(:as_of AS date)
          AND s.next_due_on <= CAST(:as_of AS date) + CAST(:pre_due_days AS int)
          AND (CAST(:pre_due_bands AS smallint[]) = '{}' OR s.risk_band = ANY(CAST(:pre_due_bands AS smallint[])))"""
"""A loan whose instalment is near, of those that are called before."""


def close_settled(session: Session, scope: Scope, *, as_of: date, pre_due: PreDue) -> int:
    """Close open cases whose borrower owes nothing overdue, and no instalment is near that opened it; how many."""
    statement = text(f"""
        UPDATE collection_case c
        SET closed_on = greatest(CAST(:as_of AS date), c.opened_on), held_by = NULL, held_until = NULL,
            version = c.version + 1
        WHERE c.closed_on IS NULL AND {scope.predicate.format("c")}
          AND NOT EXISTS (SELECT FROM loan_state s WHERE s.borrower_id = c.borrower_id AND {scope.predicate.format("s")}
                          AND {_OVERDUE})
          -- who was overdue is cured, whatever falls due next: that opens a case of its own
          AND NOT (c.stage = 'pre_due' AND EXISTS (
              SELECT FROM loan_state s WHERE s.borrower_id = c.borrower_id AND {scope.predicate.format("s")}
                AND {_PRE_DUE}))
        RETURNING c.id
    """)
    return len(session.execute(statement, {"as_of": as_of, **pre_due.values, **scope.values}).all())


def open_new(session: Session, scope: Scope, *, as_of: date) -> int:
    """Open a case for borrowers who fell due and have none; how many."""
    statement = text(f"""
        INSERT INTO collection_case (borrower_id, opened_on)
        SELECT DISTINCT s.borrower_id, CAST(:as_of AS date)
        FROM loan_state s
        WHERE {scope.predicate.format("s")} AND s.status = 'active' AND s.dpd >= 1
          AND NOT EXISTS (SELECT FROM collection_case c WHERE c.borrower_id = s.borrower_id AND c.closed_on IS NULL
                          AND {scope.predicate.format("c")})
        ON CONFLICT (borrower_id) WHERE closed_on IS NULL DO NOTHING
        RETURNING id
    """)
    return len(session.execute(statement, {"as_of": as_of, **scope.values}).all())


def open_pre_due(session: Session, scope: Scope, *, as_of: date, pre_due: PreDue) -> int:
    """Open a case for borrowers who owe nothing overdue and whose instalment is near; how many."""
    statement = text(f"""
        INSERT INTO collection_case (borrower_id, opened_on, stage)
        SELECT DISTINCT s.borrower_id, CAST(:as_of AS date), 'pre_due'
        FROM loan_state s
        WHERE {scope.predicate.format("s")} AND {_PRE_DUE}
          AND NOT EXISTS (SELECT FROM collection_case c WHERE c.borrower_id = s.borrower_id AND c.closed_on IS NULL
                          AND {scope.predicate.format("c")})
        ON CONFLICT (borrower_id) WHERE closed_on IS NULL DO NOTHING
        RETURNING id
    """)
    return len(session.execute(statement, {"as_of": as_of, **pre_due.values, **scope.values}).all())


def pre_due_borrowers(session: Session, *, as_of: date, pre_due: PreDue) -> Row[*tuple[Any, ...]]:
    """How many borrowers would be called before an instalment, and what falls due from them."""
    statement = text(f"""
        SELECT count(DISTINCT s.borrower_id) AS borrowers, coalesce(sum(s.next_due_amount), 0) AS amount
        FROM loan_state s
        WHERE {_PRE_DUE} AND NOT EXISTS (SELECT FROM collection_case c
                                         WHERE c.borrower_id = s.borrower_id AND c.closed_on IS NULL
                                           AND c.stage <> 'pre_due')
    """)
    return session.execute(statement, {"as_of": as_of, **pre_due.values}).one()


CASE_COLUMNS = (
    CollectionCase.id,
    CollectionCase.borrower_id,
    CollectionCase.opened_on,
    CollectionCase.stage,
    CollectionCase.owner_id,
    CollectionCase.held_by,
    CollectionCase.held_until,
    CollectionCase.priority,
    CollectionCase.priority_reasons,
    CollectionCase.loans,
    CollectionCase.max_dpd,
    CollectionCase.bucket,
    CollectionCase.risk_band,
    CollectionCase.overdue_amount,
    CollectionCase.outstanding,
    CollectionCase.next_action,
    CollectionCase.next_action_on,
    CollectionCase.last_contact_at,
    CollectionCase.last_outcome,
    CollectionCase.promise_due_on,
    CollectionCase.promise_amount,
    CollectionCase.has_broken_promise,
)

_owner = aliased(AppUser)
_holder = aliased(AppUser)


def open_case(session: Session, borrower_id: int) -> Row[*tuple[Any, ...]] | None:
    """The borrower's open case with the names of its owner and of who holds it; None when nothing is overdue."""
    return session.execute(
        select(*CASE_COLUMNS, _owner.name.label("owner_name"), _holder.name.label("holder_name"))
        .outerjoin(_owner, _owner.id == CollectionCase.owner_id)
        .outerjoin(_holder, _holder.id == CollectionCase.held_by)
        .where(CollectionCase.borrower_id == borrower_id, CollectionCase.closed_on.is_(None))
    ).one_or_none()


def lock_open_case(session: Session, borrower_id: int) -> None:
    """Hold the borrower's open case for this transaction, so that two acts on it follow one another."""
    session.execute(
        select(CollectionCase.id)
        .where(CollectionCase.borrower_id == borrower_id, CollectionCase.closed_on.is_(None))
        .with_for_update()
    )


def newest_owner(session: Session, borrower_id: int) -> int | None:
    """Owner of the borrower's open case, or of the last one closed; None when nobody has or had it."""
    return session.execute(
        select(CollectionCase.owner_id)
        .where(CollectionCase.borrower_id == borrower_id)
        .order_by(CollectionCase.closed_on.desc().nulls_first(), CollectionCase.id.desc())
        .limit(1)
    ).scalar_one_or_none()
