"""State follows facts: at once for the loans a fact is about, and in the background for days closed before it came."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import close_runs, closing, restatements
from db.queries.lender import bump_data_version
from db.queries.loan_scope import these_loans
from services import audit, cases, jobs, legal, lender, plans, promises, reminders, settlements
from services.actors import Actor, Permission
from services.closing import close, close_days, month_ends, sum_day
from services.delinquency import Derived, day_of, derive_changes
from services.jobs import Progress
from services.lender import LenderSettings
from services.wording import counted

PAGE = 20_000
"""Loans restated in one transaction."""


def facts_changed(session: Session, loan_ids: Sequence[int], *, from_date: date, cause: str) -> Derived:
    """Let all that is derived follow a change of facts, in the transaction that made it.

    State, promises, case and reminders follow at once. If a day on or after `from_date` is closed, those days are
    restated by a job; their earlier rows stay visible.

    Args:
        session: the transaction of the facts.
        loan_ids: a few loans; for an import see `batch_changed`.
        from_date: earliest date of the facts.
        cause: why, as history shows it: 'payment posted late'.
    """
    as_of = _now(lender.load(session))
    changes = _follow(session, as_of, loan_ids)
    newest = close_runs.newest_close(session)
    if newest is not None and from_date <= newest:
        restatements.insert(session, loan_ids, [from_date] * len(loan_ids), cause)
        _request(session)
    return changes


def _now(settings: LenderSettings) -> date:
    return max(settings.today, settings.closed_through or settings.today)


def _follow(session: Session, as_of: date, loan_ids: Sequence[int]) -> Derived:
    closing.lock_loans(session, loan_ids)  # before anything is derived: an agreement that is being made is to be seen
    settlements.settle_for(session, as_of, loan_ids)  # before loans: one that is completed closes its loan
    changes = derive_changes(session, as_of, loan_ids)
    reminders.cancel_for_loans(session, changes.cleared_loan_ids, f"Nothing overdue since {as_of:%-d %b %Y}.")
    promises.settle_for(session, as_of, loan_ids)
    plans.settle_for(session, as_of, loan_ids)
    legal.settle_for(session, loan_ids)
    borrower_ids = sorted({*changes.borrower_ids, *restatements.borrowers_of(session, loan_ids)})
    cases.refresh_for(session, as_of, borrower_ids)
    return changes


def _request(session: Session) -> None:
    if not restatements.job_waits(session):
        jobs.request(session, "restate", {})


def many_changed(session: Session, loan_ids: Sequence[int], *, from_date: date, cause: str) -> None:
    """As `facts_changed` for any number of loans: all of it by a job, such as when an import is taken back."""
    if loan_ids:
        restatements.insert(session, loan_ids, [from_date] * len(loan_ids), cause)
        _request(session)


def derive_batch(actor: Actor, batch_id: int, *, progress: Progress | None = None, workers: int = 1) -> dict[str, Any]:
    """Derive all loans that an import brought facts of, restate closed days, and close months that had no close.

    A first import so has its roll rates at once. Safe to run again.

    Raises:
        NotAllowed: the actor may not manage jobs.
    """
    actor.require(Permission.MANAGE_JOBS)
    loans, after = 0, 0
    while True:
        last, count = _derive_page(batch_id, after)
        if last is None:
            break
        loans, after = loans + count, last
        if progress is not None:
            progress(loans, None, "deriving loans")
    days = _close_history(actor, batch_id, progress=progress, workers=workers)
    return {"loans": loans, "days_closed": days}


def _derive_page(batch_id: int, after: int) -> tuple[int | None, int]:
    with transaction(statement_timeout_ms=0) as session:
        rows = restatements.batch_loans(session, batch_id, after=after, limit=PAGE)
        if not rows:
            return None, 0
        with closing.for_sets(session):
            _follow(session, _now(lender.load(session)), [row.loan_id for row in rows])
        newest = close_runs.newest_close(session)
        late = [row for row in rows if newest is not None and row.from_date <= newest]
        if late:
            cause = f"import batch {batch_id}"
            restatements.insert(session, [row.loan_id for row in late], [row.from_date for row in late], cause)
            _request(session)
        bump_data_version(session)
        return rows[-1].loan_id, len(rows)


def _close_history(actor: Actor, batch_id: int, *, progress: Progress | None, workers: int) -> int:
    """Close month-ends that have facts and no close, and on a first import the last day; how many."""
    with reading(statement_timeout_ms=0) as session:
        if not restatements.brings_history(session, batch_id):
            return 0
        settings = lender.load(session)
        first, last_report = close_runs.first_fact(session)
        closed = set(close_runs.closed_days(session, date(1900, 1, 1)))
    yesterday = settings.today - timedelta(days=1)
    through = min(last_report or yesterday, settings.closed_through or yesterday, yesterday)
    if first is None or first > through:
        return 0
    missing = [day for day in month_ends(first, through) if day not in closed and day != through]
    close_days(actor, missing, progress=progress, workers=workers)
    if settings.closed_through is not None:
        return len(missing)
    close(actor, through, progress=progress, workers=workers)
    return len(missing) + 1


def restate(actor: Actor, *, progress: Progress | None = None) -> dict[str, Any]:
    """Derive closed days again for the loans that wait, keep what they said before, and sum those days anew.

    Days whose single loans are forgotten (`closing.forget_dailies`) keep the sums they have: these loans alone would
    replace the whole book.

    1. Waiting loans, by cause and page: their state, then each closed day from their earliest date, compared.
    2. Days touched are summed.
    3. What waited is marked as done. Killed before that, it is done again, which changes nothing twice.

    Raises:
        NotAllowed: the actor may not manage jobs.
    """
    actor.require(Permission.MANAGE_JOBS)
    with reading() as session:
        up_to = restatements.newest(session)
        causes = restatements.causes(session, up_to) if up_to is not None else []
    if up_to is None:
        return {"loans": 0, "days": 0}
    touched: set[date] = set()
    loans = 0
    for cause in causes:
        after = 0
        while page := _waiting(up_to, cause, after):
            touched |= _restate_page(page, cause)
            after, loans = page[-1][0], loans + len(page)
            if progress is not None:
                progress(loans, None, "deriving closed days again")
    for number, day in enumerate(sorted(touched)):
        if progress is not None:
            progress(number, len(touched), f"summing {day:%-d %b %Y}")
        with transaction(statement_timeout_ms=0) as session:
            sum_day(session, day)
    _finish(actor, up_to, loans, len(touched))
    return {"loans": loans, "days": len(touched)}


def _waiting(up_to: int, cause: str, after: int) -> list[tuple[int, date]]:
    with reading(statement_timeout_ms=0) as session:
        return restatements.loans(session, up_to, cause, after=after, limit=PAGE)


def _restate_page(page: list[tuple[int, date]], cause: str) -> set[date]:
    """Derive the closed days of some loans again; days of the page. One transaction a day."""
    with transaction(statement_timeout_ms=0) as session:
        with closing.for_sets(session):
            _follow(session, _now(lender.load(session)), [loan_id for loan_id, _ in page])
        days = close_runs.kept_days(session, min(from_date for _, from_date in page))
    for day in days:
        with transaction(statement_timeout_ms=0) as session:
            everyone = closing.lock_loans(session, [loan_id for loan_id, _ in page])
            with closing.for_sets(session):
                closing.record_day_end(
                    session, day_of(session, day), these_loans(everyone), is_current=False, cause=cause
                )
    return set(days)


def _finish(actor: Actor, up_to: int, loans: int, days: int) -> None:
    with transaction(statement_timeout_ms=0) as session:
        restatements.finish(session, up_to)
        summary = f"restated {counted(days, 'closed day')} for {counted(loans, 'loan')}"
        audit.record(session, actor, "days.restated", subject=("restatement", up_to), summary=summary)
        bump_data_version(session)
