"""The day-end close: derive the book as of a business date, keep its snapshot, and sum it for the portfolio.

A close runs in ranges of loans, each in one transaction that also marks it as done. Killed at any point it goes on
where it was; run again for the same date it changes nothing unless facts changed.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import close_runs, closing, flows
from db.queries import lender as lender_queries
from db.queries.loan_scope import loan_range
from db.queries.portfolio.days import month_closes
from services import audit, cases, legal, lender, performance, plans, promises, reminders, settlements
from services.actors import Actor, Permission
from services.delinquency import day_of
from services.errors import Conflict, Refused
from services.jobs import Progress
from services.portfolio import promise_days
from services.wording import counted

RANGE_SIZE = 50_000
"""Loans of a range: large enough for set-based plans, small enough that a kill loses seconds."""
KEEP_DAYS = 62
"""Day-ends of single loans are kept so long; month-ends are kept for good."""


@dataclass(frozen=True, slots=True)
class CloseSummary:
    """What a close did."""

    business_date: date
    loans: int
    """Rows of the day's snapshot."""
    changed: int
    """Loan states that this run wrote."""
    restated: int
    """Snapshot rows of an earlier close of the date that say something else now."""
    seconds: float


@dataclass(slots=True)
class _Counts:
    changed: int = 0
    restated: int = 0


def close(
    actor: Actor,
    business_date: date,
    *,
    progress: Progress | None = None,
    workers: int = 1,
    range_size: int = RANGE_SIZE,
) -> CloseSummary:
    """Close a business date: states, snapshot, promises, cases, sums.

    A date before the newest closed one gets its snapshot and sums written again; states stay those of the newest.

    1. A run with its ranges is found (it was interrupted) or begun.
    2. Each range: derive, write states and snapshot, settle promises, mark as done.
    3. Cases of all borrowers are recomputed.
    4. Sums, `closed_through` and the audit event, in one transaction.

    Args:
        actor: who closes.
        business_date: the date, in the lender's zone.
        progress: told of ranges done.
        workers: connections to use at a time; as many as the server has processors.
        range_size: loans of a range.

    Raises:
        NotAllowed: the actor may not manage jobs.
        Refused: the date has not begun by the lender's clock, or is before the first loan.
        Conflict: another close of the date is running.
    """
    actor.require(Permission.MANAGE_JOBS)
    with reading() as session:
        settings = lender.load(session)
        _require_within(session, business_date, settings)
    is_current = settings.closed_through is None or business_date >= settings.closed_through
    return _close(
        actor, business_date, is_current=is_current, progress=progress, workers=workers, range_size=range_size
    )


def backfill(
    actor: Actor, first: date, last: date, *, progress: Progress | None = None, workers: int = 1
) -> list[CloseSummary]:
    """Write the snapshots and sums of all month-ends from `first` to `last`, from facts: roll rates at once.

    Those before the first loan have nothing to say and are left out.

    States, promises and cases are not touched: close the current date for those.

    Raises:
        NotAllowed, Refused, Conflict: see `close`.
    """
    actor.require(Permission.MANAGE_JOBS)
    with reading() as session:
        _require_within(session, last, lender.load(session))
        began = closing.book_began(session) or first
    return close_days(actor, month_ends(max(first, began), last), progress=progress, workers=workers)


def _require_within(session: Session, day: date, settings: lender.LenderSettings) -> None:
    """From the day of the first loan to today: another year by mistake would stand in all trends."""
    if day > settings.today:
        raise Refused(lender.not_begun(settings, day))
    if day < settings.today - timedelta(days=KEEP_DAYS) and (began := closing.book_began(session)) and day < began:
        raise Refused(f"The book begins on {began:%-d %b %Y}: there is nothing to close on {day:%-d %b %Y}.")


def close_days(
    actor: Actor, days: Sequence[date], *, progress: Progress | None = None, workers: int = 1
) -> list[CloseSummary]:
    """As `backfill`, for given days."""
    actor.require(Permission.MANAGE_JOBS)
    done = []
    for number, day in enumerate(days):
        if progress is not None:
            progress(number, len(days), f"closing {day:%b %Y}")
        done.append(_close(actor, day, is_current=False, progress=None, workers=workers))
    return done


def month_ends(first: date, last: date) -> list[date]:
    """The last days of months from `first` to `last`, both included."""
    found, day = [], first
    while (end := _next_month(day) - timedelta(days=1)) <= last:
        found.append(end)
        day = end + timedelta(days=1)
    return found


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _close(
    actor: Actor,
    day: date,
    *,
    is_current: bool,
    progress: Progress | None,
    workers: int,
    range_size: int = RANGE_SIZE,
) -> CloseSummary:
    began = time.monotonic()
    with transaction() as holding:  # an idle connection that holds the lock until the close ends or dies
        if not closing.lock_close(holding, day):
            raise Conflict(f"A close of {day:%-d %b %Y} is running already: its progress is on the Jobs page.")
        run_id = _run_of(day, range_size)
        counts = _do_ranges(run_id, day, is_current=is_current, progress=progress, workers=workers)
        if is_current:
            _refresh_cases(day, progress=progress, workers=workers)
        if progress is not None:
            progress(99, 100, "summing up")
        loans = _sum_up(actor, run_id, day, is_current=is_current, workers=workers)
    return CloseSummary(day, loans, counts.changed, counts.restated, time.monotonic() - began)


def _run_of(day: date, range_size: int) -> int:
    with transaction(statement_timeout_ms=0) as session:
        closing.ensure_partition(session, day)
        return close_runs.open_run(session, day) or close_runs.begin_run(session, day, range_size=range_size)


def _do_ranges(run_id: int, day: date, *, is_current: bool, progress: Progress | None, workers: int) -> _Counts:
    counts = _Counts()
    with reading() as session:
        left, total = close_runs.ranges_left(session, run_id)

    def step() -> bool:
        done = _do_range(run_id, day, is_current=is_current)
        if done is None:
            return False
        counts.changed += done.changed
        counts.restated += done.restated
        return True

    def report(number: int) -> None:
        if progress is not None:
            progress(95 * (total - left + number) // max(total, 1), 100, "deriving loans")

    _repeat(step, workers, report)
    return counts


def _do_range(run_id: int, day: date, *, is_current: bool) -> closing.RangeCounts | None:
    """One range, in one transaction; None when no range is left."""
    with transaction(statement_timeout_ms=0) as session:
        claimed = close_runs.claim_range(session, run_id)
        if claimed is None:
            return None
        first, last = claimed.first_loan_id, claimed.last_loan_id
        closing.lock_range(session, first, last)
        if is_current:
            with closing.for_sets(session):
                settlements.settle(session, day, first, last)  # before loans: one that is completed closes its loan
        counts = record_range(session, day, first, last, is_current=is_current)
        if is_current:
            with closing.for_sets(session):
                promises.settle(session, day, first, last)
                plans.settle(session, day, first, last)
                legal.settle(session, first, last)
            reminders.cancel_settled(session, first, last)
        close_runs.finish_range(session, run_id, claimed, loans=counts.loans)
        return counts


def record_range(
    session: Session, day: date, first: int, last: int, *, is_current: bool, cause: str = "closed again"
) -> closing.RangeCounts:
    """Derive a range of loans and write its snapshot, in the caller's transaction. See `closing.record_day_end`."""
    scope = loan_range(first, last, closing.relatives(session, first, last))
    with closing.for_sets(session):
        return closing.record_day_end(session, day_of(session, day), scope, is_current=is_current, cause=cause)


def _refresh_cases(day: date, *, progress: Progress | None, workers: int) -> None:
    if progress is not None:
        progress(95, 100, "recomputing cases")
    with reading() as session:
        left = deque(close_runs.borrower_ranges(session, size=RANGE_SIZE))

    def step() -> bool:
        try:
            first, last = left.popleft()
        except IndexError:
            return False
        with transaction(statement_timeout_ms=0) as session, closing.for_sets(session):
            cases.refresh(session, day, first, last)
        return True

    _repeat(step, workers, lambda _: None)


def _repeat(step: Callable[[], bool], workers: int, report: Callable[[int], None]) -> None:
    """Do steps, several at a time, until one finds nothing left to do. `report` is told how many are done."""
    number = 0
    if workers == 1:
        while step():
            number += 1
            report(number)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="close") as pool:
        running = {pool.submit(step) for _ in range(workers)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for one in done:
                if one.result():
                    number += 1
                    running.add(pool.submit(step))
            report(number)


def _sum_up(actor: Actor, run_id: int, day: date, *, is_current: bool, workers: int) -> int:
    with ThreadPoolExecutor(1, thread_name_prefix="close") as pool, transaction(statement_timeout_ms=0) as session:
        # takes as long as the other sums together; written for a day that then is not closed, it is written again
        beside = pool.submit(_sum_performance, day) if workers > 1 else None
        _sum_portfolio(session, day)
        if beside is None:
            _summarise_performance(session, day)
        else:
            beside.result()
        loans = close_runs.finish_run(session, run_id)
        if is_current:
            lender_queries.set_closed_through(session, day)
        summary = f"closed {day:%-d %b %Y} with {counted(loans, 'loan')}"
        audit.record(session, actor, "day.closed", subject=("close_run", run_id), summary=summary)
        lender_queries.bump_data_version(session)
    return loans


def _summarise_performance(session: Session, day: date) -> None:
    with closing.for_sets(session):
        performance.summarise(session, day)


def _sum_performance(day: date) -> None:
    with transaction(statement_timeout_ms=0) as session:
        _summarise_performance(session, day)


def sum_day(session: Session, day: date) -> None:
    """Write all sums that a day's snapshot enters, in place of earlier ones, in the caller's transaction.

    Only the last closed day of a month has moves and vintages: for the current month those run to date.
    """
    _sum_portfolio(session, day)
    _summarise_performance(session, day)


def _sum_portfolio(session: Session, day: date) -> None:
    flows.replace_day(session, day)
    promise_days.summarise(session, day, time_zone=lender.load(session).time_zone)
    closes = month_closes(session)
    if day not in closes:
        return
    flows.delete_month(session, day.replace(day=1), _next_month(day))
    flows.insert_vintages(session, day)
    for opening, closing_on in pairwise(closes):
        if day in {opening, closing_on} and _next_month(opening) == closing_on.replace(day=1):
            flows.insert_flow(session, opening, closing_on)


def forget_dailies(actor: Actor, today: date, *, keep_days: int = KEEP_DAYS) -> int:
    """Delete old day-ends of single loans; how many rows. Month-ends and all sums are kept for good.

    Raises:
        NotAllowed: the actor may not manage jobs.
    """
    actor.require(Permission.MANAGE_JOBS)
    with transaction(statement_timeout_ms=0) as session:
        rows = close_runs.forget_days(session, today - timedelta(days=keep_days))
        if rows:
            summary = f"removed {counted(rows, 'day-end row')} older than {counted(keep_days, 'day')}"
            audit.record(session, actor, "snapshots.forgotten", subject=("lender", 1), summary=summary)
    return rows
