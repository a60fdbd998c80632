"""The long steps of a batch: check, commit, undo. Each is one transaction at its heart and may be done again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import lender as lender_queries
from db.queries.imports import batches as queries
from db.queries.imports import contacts, following, loan_book, payments, reported, schedule, staging, typing, undoing
from db.queries.imports.plan import Plan
from services import audit, clock, jobs, lender, restating
from services.actors import Actor, Permission
from services.closing import sum_day
from services.errors import CollectionsError, Conflict, Refused
from services.imports import batches, files
from services.imports.batches import BatchSummary, loaded, plan_of, summary_of
from services.imports.checking import check as check_rows
from services.imports.checking import is_stale
from services.imports.errors import FileUnreadable
from services.imports.fields import Kind
from services.imports.mapping import checked
from services.imports.staging import stage
from services.wording import counted

Progress = Callable[[int, int | None, str | None], None]


def _silent(_done: int, _total: int | None, _note: str | None) -> None:
    """Nobody is told."""


class UndoRefused(Refused):
    """Something later depends on the batch."""


def check(actor: Actor, batch_id: int, *, progress: Progress = _silent) -> BatchSummary:
    """Read the file into its staging table and judge its rows.

    1. uploaded, checked or failed -> staging (or staging still, after a kill).
    2. In one transaction: stage, type, judge, compare; -> checked.

    Raises:
        NotAllowed, NotFound, Conflict: not now.
        Refused: the file cannot be read; the batch is then 'failed' with the sentence.
    """
    actor.require(Permission.IMPORT)
    with transaction() as session:
        row = loaded(session, batch_id, is_locked=True)
        if not queries.move(
            session, batch_id, from_=("uploaded", "checked", "failed", "staging"), to="staging", error=None
        ):
            raise Conflict("This import has moved on in the meantime: look at it again.")
    try:
        with transaction(statement_timeout_ms=0) as session:
            loaded(session, batch_id, is_locked=True)
            _check(session, row, progress)
            return summary_of(loaded(session, batch_id))
    except CollectionsError as error:
        with transaction() as session:
            queries.move(session, batch_id, from_=("staging",), to="failed", error=error.message)
        raise


def _check(session: Session, row: Any, progress: Progress) -> None:
    path, plan = _file_of(row), plan_of(row)
    summary = summary_of(row)
    checked(summary.kind, summary.headers, summary.mapping, summary.options)
    _stage(session, plan, path, progress)
    progress(1, 3, "checking rows")
    plan, counts, report = check_rows(session, plan)
    progress(3, 3, "checked")
    options = {**plan.options, "_headers": list(summary.headers)}
    queries.move(session, row.id, from_=("staging",), to="checked", counts=counts, report=report, options=options)


def _file_of(row: Any) -> Path:
    if row.file_path is None or not Path(row.file_path).exists():
        raise FileUnreadable("The file is gone: upload it again.")
    return Path(row.file_path)


def _stage(session: Session, plan: Plan, path: Path, progress: Progress) -> None:
    size = path.stat().st_size
    stage(session, plan, path, files.look(path), read=lambda done: progress(min(done, size), None, "reading the file"))


def commit(actor: Actor, batch_id: int, *, progress: Progress = _silent) -> BatchSummary:
    """Write the accepted rows of a checked batch: all of them or none.

    1. checked -> committing (or committing still, after a kill).
    2. In one transaction, imports in turn: check anew if the book has changed since, write facts, keep what changed,
       remove the staged rows, record the act; -> committed. A kill before the end leaves nothing of it.

    Raises:
        NotAllowed, NotFound, Conflict: not now.
    """
    actor.require(Permission.IMPORT)
    with transaction() as session:
        loaded(session, batch_id, is_locked=True)
        if not queries.move(session, batch_id, from_=("checked", "committing"), to="committing", error=None):
            raise Conflict("This import has moved on in the meantime: look at it again.")
    try:
        with transaction(statement_timeout_ms=0) as session:
            queries.commits_in_turn(session)
            row = loaded(session, batch_id, is_locked=True)
            if row.status != "committing":
                return summary_of(row)
            _commit(session, actor, row, progress)
            return summary_of(loaded(session, batch_id))
    except CollectionsError as error:
        with transaction() as session:
            queries.move(session, batch_id, from_=("committing",), to="checked", error=error.message)
        raise


def _commit(session: Session, actor: Actor, row: Any, progress: Progress) -> None:
    plan, counts, report = plan_of(row), row.counts, row.report
    typing.prepare(session)
    is_lost = staging.is_lost(session, plan)
    if is_lost:
        _stage(session, plan, _file_of(row), progress)
    if is_lost or is_stale(session, report):
        progress(0, 3, "checking again: the book has changed since")
        plan, counts, report = check_rows(session, plan)
    progress(1, 3, "writing")
    counts = {**counts, **_write(session, plan, counts)}
    progress(2, 3, "finishing")
    queries.move(
        session, row.id, from_=("committing",), to="committed", counts=counts, report=report, committed_at=clock.now()
    )
    batches.forget(session, row, keep_rejected=True)
    audit.record(
        session,
        actor,
        "import.committed",
        subject=("import", row.id),
        summary=f"committed import {row.id}: {counted(counts['accepted'], 'row')} taken, {counts['rejected']} rejected",
        after={name: counts[name] for name in counts},
    )
    jobs.request(session, "derive.batch", {"batch_id": row.id}, key=f"derive.batch:{row.id}", actor=None)
    lender_queries.bump_data_version(session)


def _write(session: Session, plan: Plan, counts: dict[str, int]) -> dict[str, int]:
    """The facts of one kind of file."""
    # borrowers may change whose loans do not: all that the file has of them are new
    may_change = counts["changed"] > 0 or (plan.kind == Kind.LOAN_BOOK and counts["borrowers"] > 0)
    is_new = not may_change and counts["unchanged"] == 0
    if plan.kind == Kind.LOAN_BOOK:
        written = loan_book.commit(
            session,
            plan,
            currency=lender.load(session).currency,
            may_change=may_change,
            may_add=counts["new"] > 0,
            are_all_new=is_new,
        )
        if plan.has(*contacts.KINDS):
            written["points_new"] = contacts.commit_from_loan_book(session, plan)
        return written
    if plan.kind == Kind.SCHEDULE:
        written = schedule.commit(session, plan, may_change=may_change, is_new=is_new)
        if plan.options.get("derive"):
            written["loans_turned"] = following.follow_schedule(session, plan)
        return written
    if plan.kind == Kind.PAYMENTS:
        return payments.commit(session, plan, is_new=is_new)
    if plan.kind == Kind.CONTACTS:
        return contacts.commit(session, plan, may_change=may_change, is_new=is_new)
    new, changed = reported.write(session, plan)
    return {"reported_new": new, "reported_changed": changed}


def undo(actor: Actor, batch_id: int, *, progress: Progress = _silent) -> BatchSummary:
    """Take a committed batch back while nothing later depends on it.

    1. committed -> undoing (or undoing still, after a kill).
    2. In one transaction: look for obstacles, restore what was changed, delete what was added; -> undone.

    Raises:
        NotAllowed, NotFound, Conflict: not now.
        UndoRefused: something depends on it; the batch stays committed.
    """
    actor.require(Permission.IMPORT)
    with transaction() as session:
        loaded(session, batch_id, is_locked=True)
        if not queries.move(session, batch_id, from_=("committed", "undoing"), to="undoing", error=None):
            raise Conflict("This import has moved on in the meantime: look at it again.")
    try:
        with transaction(statement_timeout_ms=0) as session:
            queries.commits_in_turn(session)
            row = loaded(session, batch_id, is_locked=True)
            if row.status == "undoing":
                _undo(session, actor, row, progress)
            return summary_of(loaded(session, batch_id))
    except CollectionsError as error:
        with transaction() as session:
            queries.move(session, batch_id, from_=("undoing",), to="committed", error=error.message)
        raise


def _undo(session: Session, actor: Actor, row: Any, progress: Progress) -> None:
    typing.prepare(session)
    progress(0, 2, "looking for what depends on it")
    if reason := undoing.obstacle(session, row.id):
        way = " Undo those imports first, the newest first." if "import" in reason else ""
        raise UndoRefused(f"This import cannot be undone, because {reason}.{way}")
    touched, since = undoing.touched_loans(session, row.id)
    days = undoing.closed_days_of_loans(session, row.id)
    progress(1, 2, "taking back")
    done = undoing.take_back(session, row.id)
    queries.move(session, row.id, from_=("undoing",), to="undone", undone_at=clock.now())
    queries.forget_rejected(session, row.id)
    audit.record(
        session, actor, "import.undone", subject=("import", row.id), summary=f"took back import {row.id}", after=done
    )
    for day in days:
        sum_day(session, day)
    if since is not None:
        restating.many_changed(session, touched, from_date=since, cause=f"import {row.id} taken back")
    lender_queries.bump_data_version(session)


__all__ = ["UndoRefused", "check", "commit", "undo"]
