"""Statements that write what `delinquency` derives: loan states, day-end snapshots, and the run of a close."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries.delinquency import COLUMNS, derivation, has_waivers
from db.queries.loan_scope import BLOCK, Scope

# A row whose state is of a later day (a payment was posted after the day that is being closed) is left alone.
_COMPARED = ", ".join(COLUMNS)
_STATE = f"""
, changed AS (
    SELECT d.*, d.overdue_amount = 0 AND (s.overdue_amount > 0 OR d.paid_to_date > s.paid_to_date) IS TRUE AS is_cleared
    FROM derived d LEFT JOIN loan_state s ON s.loan_id = d.loan_id AND {{state}}
    WHERE s.loan_id IS NULL
       OR (s.as_of <= :as_of
           AND ({", ".join("s." + name for name in COLUMNS)}) IS DISTINCT FROM
               ({", ".join("d." + name for name in COLUMNS)}))
), written AS (
    INSERT INTO loan_state (loan_id, as_of, {_COMPARED})
    SELECT loan_id, :as_of, {_COMPARED} FROM changed ORDER BY loan_id
    ON CONFLICT (loan_id) DO UPDATE
    SET (as_of, {_COMPARED}) = (excluded.as_of, {", ".join("excluded." + name for name in COLUMNS)})
    RETURNING 1
)"""

_SHOWN = ("status", "dpd", "bucket", "asset_class", "overdue_amount", "outstanding")
_KEPT = ("segment_id", *_SHOWN, "demand_mtd", "collected_mtd", "collected_of_demand")
# What was shown for the day before stays visible. Rows are compared before they are written: a repeat writes nothing.
_SNAPSHOT = f"""
, earlier AS MATERIALIZED (
    SELECT * FROM loan_snapshot WHERE as_of = :as_of AND {{fact}}
), day_end AS MATERIALIZED (
    SELECT d.loan_id, {", ".join("d." + name for name in _KEPT)},
           CASE WHEN :is_current THEN coalesce(s.risk_band, 0) ELSE coalesce(e.risk_band, 0) END AS risk_band,
           e.loan_id IS NULL AS is_new,
           ({", ".join("d." + name for name in _SHOWN)}) IS DISTINCT FROM
               ({", ".join("e." + name for name in _SHOWN)}) AS is_restated,
           ({", ".join("d." + name for name in _KEPT)}) IS DISTINCT FROM
               ({", ".join("e." + name for name in _KEPT)}) AS is_changed
    FROM derived d
    LEFT JOIN earlier e ON e.loan_id = d.loan_id
    LEFT JOIN loan_state s ON s.loan_id = d.loan_id AND {{state}}
    WHERE d.is_on_book
), restated AS (
    INSERT INTO loan_snapshot_restated (cause, as_of, loan_id, {", ".join(_SHOWN)})
    SELECT :cause, e.as_of, e.loan_id, {", ".join("e." + name for name in _SHOWN)}
    FROM earlier e LEFT JOIN day_end d ON d.loan_id = e.loan_id
    WHERE d.loan_id IS NULL OR d.is_restated
    RETURNING 1
), gone AS (
    DELETE FROM loan_snapshot s
    USING (SELECT e.loan_id FROM earlier e LEFT JOIN day_end d ON d.loan_id = e.loan_id WHERE d.loan_id IS NULL) g
    WHERE s.as_of = :as_of AND s.loan_id = g.loan_id AND {{state}}
    RETURNING 1
), put AS (
    INSERT INTO loan_snapshot (as_of, loan_id, risk_band, {", ".join(_KEPT)})
    SELECT CAST(:as_of AS date), loan_id, risk_band, {", ".join(_KEPT)} FROM day_end
    WHERE is_new OR is_changed ORDER BY loan_id
    ON CONFLICT (as_of, loan_id) DO UPDATE
    SET (risk_band, {", ".join(_KEPT)}) = (excluded.risk_band, {", ".join("excluded." + name for name in _KEPT)})
    RETURNING 1
)"""


@dataclass(frozen=True, slots=True)
class Day:
    """A business date and the lender's settings that derivation depends on."""

    as_of: date
    npa_by_borrower: bool
    bucket_edges: tuple[int, ...]

    @property
    def values(self) -> dict[str, Any]:
        """Bound values of the derivation."""
        return {
            "as_of": self.as_of,
            "month_start": self.as_of.replace(day=1),
            "npa_by_borrower": self.npa_by_borrower,
            "bucket_edges": list(self.bucket_edges),
        }


@dataclass(frozen=True, slots=True)
class RangeCounts:
    """What recording a day-end did to a set of loans."""

    loans: int
    changed: int
    """Loan states written."""
    restated: int
    """Snapshot rows that were there and now say something else."""


@contextmanager
def for_sets(session: Session) -> Iterator[None]:
    """Within, statements have room to sort and do not join large sets by nested loops.

    Sums of tens of thousands of loans joined by nested loops, as the planner may choose before statistics are
    gathered, would take hours.
    """
    session.execute(text("SELECT set_config('enable_nestloop', 'off', true), set_config('work_mem', '128MB', true)"))
    yield
    session.execute(text("SET LOCAL enable_nestloop = on"))
    session.execute(text("RESET work_mem"))


@contextmanager
def for_few(session: Session) -> Iterator[None]:
    """Within, a prepared statement keeps its plan: planning the derivation anew takes longer than doing it."""
    session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
    yield
    session.execute(text("SET LOCAL plan_cache_mode = auto"))


def _derivation(session: Session, scope: Scope) -> str:
    waives = session.execute(text(has_waivers(scope)), scope.bound).scalar_one()
    return derivation(scope, waives=waives)


def update_states(session: Session, day: Day, scope: Scope) -> list[AnyRow]:
    """Derive the loans of the scope and write states that changed: loan_id, borrower_id, is_cleared of each.

    `is_cleared`: nothing is overdue any more, after a payment or a correction.
    """
    state = _STATE.format(state=scope.on("s.loan_id"))
    statement = _derivation(session, scope) + state + " SELECT loan_id, borrower_id, is_cleared FROM changed"
    return list(session.execute(text(statement), {**day.values, **scope.bound}))


def record_day_end(session: Session, day: Day, scope: Scope, *, is_current: bool, cause: str) -> RangeCounts:
    """Derive the loans of the scope as of the day and write its snapshot, and their states too if the day is current.

    Args:
        session: the transaction.
        day: the business date.
        scope: which loans.
        is_current: no later day is closed. Else only the snapshot is written, with the risk bands it had.
        cause: why rows that are replaced were replaced.
    """
    mine = {"fact": scope.on("loan_id"), "state": scope.on("s.loan_id")}
    changed = "(SELECT count(*) FROM written)" if is_current else "0"
    statement = (
        _derivation(session, scope)
        + (_STATE.format(**mine) if is_current else "")
        + _SNAPSHOT.format(**mine)
        + f" SELECT (SELECT count(*) FROM day_end), {changed}, (SELECT count(*) FROM restated)"
    )
    values = {**day.values, **scope.bound, "is_current": is_current, "cause": cause}
    return RangeCounts(*session.execute(text(statement), values).one())


def book_began(session: Session) -> date | None:
    """The first day of the book: the first disbursal or the first report of the lender's; None for an empty book.

    Where a loan does not say when it was disbursed, the first day that a date in a file may be of.
    """
    statement = text("""
        SELECT least(CASE WHEN bool_or(disbursed_on IS NULL) THEN DATE '1950-01-01' ELSE min(disbursed_on) END,
                     (SELECT min(as_of) FROM reported_snapshot))
        FROM loan
    """)
    began: date | None = session.execute(statement).scalar_one()
    return began


def ensure_partition(session: Session, day: date) -> None:
    """Make the month's partition of snapshots, if it is not there yet."""
    session.execute(text("SELECT ensure_snapshot_partition(:day)"), {"day": day})


# --- locks: a state derived from facts that are no longer all must not overwrite a newer one -------------------------

_BORROWER_SLOTS = 4096


def lock_close(session: Session, business_date: date) -> bool:
    """Hold, until the transaction ends, the right to close that date; False when someone else has it."""
    statement = text("SELECT pg_try_advisory_xact_lock(7301, CAST(:day AS date) - date '2000-01-01')")
    return bool(session.execute(statement, {"day": business_date}).scalar_one())


def lock_range(session: Session, first_loan_id: int, last_loan_id: int) -> None:
    """Hold off facts that would change states in the range; waits for those under way."""
    for block in range(first_loan_id // BLOCK, last_loan_id // BLOCK + 1):
        session.execute(text("SELECT pg_advisory_xact_lock(7302, :block)"), {"block": block})


def relatives(session: Session, first_loan_id: int, last_loan_id: int) -> list[int]:
    """Loans outside the range whose borrower has a loan in it."""
    statement = text("""
        SELECT DISTINCT l.id
        FROM (SELECT DISTINCT borrower_id FROM loan WHERE id BETWEEN :first_id AND :last_id) b
        CROSS JOIN LATERAL (
            SELECT id FROM loan WHERE borrower_id = b.borrower_id AND id NOT BETWEEN :first_id AND :last_id OFFSET 0
        ) l
    """)
    return list(session.scalars(statement, {"first_id": first_loan_id, "last_id": last_loan_id}))


def lock_loans(session: Session, loan_ids: Sequence[int]) -> list[int]:
    """Lock loans to derive them, together with all loans of their borrowers; their ids.

    Facts of one borrower follow one another; facts of different borrowers do not wait. Locks are taken in order of
    their numbers, so that no two wait for each other.
    """
    rows = session.execute(
        text("""
            SELECT id, borrower_id FROM loan
            WHERE borrower_id IN (SELECT borrower_id FROM loan WHERE id = ANY(CAST(:ids AS bigint[])))
            ORDER BY id
        """),
        {"ids": list(loan_ids)},
    ).all()
    session.execute(
        text("SELECT pg_advisory_xact_lock_shared(7302, n) FROM unnest(CAST(:blocks AS integer[])) AS b (n)"),
        {"blocks": sorted({row.id // BLOCK for row in rows})},
    )
    session.execute(
        text("SELECT pg_advisory_xact_lock(7303, n) FROM unnest(CAST(:slots AS integer[])) AS b (n)"),
        {"slots": sorted({row.borrower_id % _BORROWER_SLOTS for row in rows})},
    )
    return [row.id for row in rows]
