"""Putting open cases into the stages that the rules in force give them, in the background."""

from typing import Any

from db.engine import reading, transaction
from db.queries import close_runs, closing
from db.queries import lender as lender_queries
from db.queries import stage_rules as queries
from services import audit, cases, lender
from services.actors import Actor, Permission
from services.jobs import Progress
from services.wording import counted

_RANGE = 50_000
"""Borrowers of a transaction."""


def apply(actor: Actor, *, progress: Progress | None = None) -> dict[str, Any]:
    """Recompute all open cases by the rules of today, by ranges with a transaction each. Safe to run twice.

    Killed half-way, it goes over the rest when it is tried again: a case that stands right is not written.

    Raises:
        NotAllowed: the actor may not manage jobs.
    """
    actor.require(Permission.MANAGE_JOBS)
    with reading() as session:
        settings = lender.load(session)
        as_of = max(settings.today, settings.closed_through or settings.today)
        version = queries.in_force(session, as_of).version
        todo = close_runs.borrower_ranges(session, size=_RANGE)
        before = queries.moves_of(session, version)
    for done, (first, last) in enumerate(todo, start=1):
        with transaction(statement_timeout_ms=0) as session, closing.for_sets(session):
            cases.reprioritise(session, as_of, first, last)
        if progress is not None:
            progress(done, len(todo), "putting cases into their stages")
    with transaction() as session:
        moved = queries.moves_of(session, version) - before
        summary = f"applied version {version} of the stage rules: {counted(moved, 'case')} moved"
        audit.record(session, actor, "stage_rules.applied", subject=("stage_rules", version), summary=summary)
        lender_queries.bump_data_version(session)
    return {"version": version, "moved": moved}
