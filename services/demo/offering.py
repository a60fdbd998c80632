"""The demo as it is offered: facts, then the closes, scores and allocation that make them a portfolio at work."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import closing as closing_queries
from db.queries import demo as queries
from db.queries import lender as lender_queries
from services import audit, closing, lender, performance, scoring
from services.actors import Actor, Permission
from services.demo import (
    arrangements,
    crew,
    field,
    grievances,
    litigation,
    outreach,
    relief,
    requests,
    settled,
    told,
    users,
)
from services.demo.loading import SEED, Loaded, Progress, generate
from services.demo.people import PLACES
from services.errors import Refused
from services.wording import counted

LOANS = 5_000
MONTHS = 14
"""Month-ends that are closed, so that trends of a year have something before them."""
_FRESH_DAYS = 3
"""Cases opened later are left for a leader to allocate."""
_PRE_DUE_DAYS, _PRE_DUE_BANDS = 3, (4, 5)
"""Before the due date only the riskiest are called, and late: a handful of cases."""
_GENERATED, _LOADED = "demo.generated", "demo.loaded"


def load(
    actor: Actor,
    *,
    loans: int = LOANS,
    seed: int = SEED,
    as_of: date | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> Loaded:
    """Fill an empty database with the demo; interrupted, it goes on where it was.

    1. Facts, in one transaction.
    2. The last month-ends and the business date itself, each closed and then scored; before the last of them, what
       collectors agreed lately.
    3. After each close, open cases are given to the demo's agents, but for the freshest.
    4. Some borrowers complained; the cases of open complaints are recalled.
    5. Collectors get teams, agencies and papers, and the rules run once over what nobody has.
    6. Repayment plans, settlements and relief follow, some of which wait for approval; then visits and their money.

    Args:
        actor: who loads it.
        loans: size of the book.
        seed: the same seed, size and date give the same book.
        as_of: business date of the book; default: yesterday, the last day that is over.
        progress: told (done, total, note).
        workers: connections that a close may use at a time.

    Raises:
        NotAllowed: the actor may not import files or start background jobs.
        Refused: the database holds loans of its own, or the demo already, or the date has not begun.
    """
    actor.require(Permission.IMPORT)
    actor.require(Permission.MANAGE_JOBS)
    written, day = _facts(actor, loans=loans, seed=seed, as_of=as_of, progress=progress)
    days = [*_month_ends(day), day]
    for number, each in enumerate(days, start=1):
        if each == day:
            with transaction() as session:
                outreach.add(session, loans=loans, seed=seed, as_of=day)
                lender_queries.set_pre_due(session, days=_PRE_DUE_DAYS, bands=_PRE_DUE_BANDS)
        closing.close(actor, each, workers=workers)
        if each >= scoring.present_day():  # begun again, it finds the earlier days' scores made
            scoring.score(actor, each)
        _allocate(actor, each)
        if progress is not None:
            progress(number, len(days), f"closing {each:%-d %b %Y}")
    with transaction(statement_timeout_ms=0) as session:
        grievances.add(session, loans=loans, seed=seed, as_of=day)
        crew.add(session, loans=loans, as_of=day)
        free = arrangements.add(session, loans=loans, as_of=day)
        requests.add(session, free, loans=loans)
        settled.add(session, free, loans=loans)
        relief.add(session, free, loans=loans)
        litigation.add(session, loans=loans, seed=seed, as_of=day)
        field.add(session, seed=seed)
        told.add(session)
        _record(session, actor, _LOADED, "loaded the demo data", {"as_of": day.isoformat(), "loans": loans})
    return written


def _facts(
    actor: Actor, *, loans: int, seed: int, as_of: date | None, progress: Progress | None
) -> tuple[Loaded, date]:
    """Write the facts, or find those of an interrupted load; what is there and its business date."""
    with transaction(statement_timeout_ms=0) as session:
        earlier = _interrupted(session)
        if earlier is not None:
            return Loaded(earlier["rows"]), date.fromisoformat(earlier["as_of"])
        today = lender.load(session).today
        day = as_of or today - timedelta(days=1)
        if day > today:  # its closes would be refused, after its facts were written
            raise Refused(f"{day:%-d %b %Y} has not begun yet. The book's date is today or an earlier day.")
        written = generate(session, loans=loans, seed=seed, as_of=day, progress=progress)
        lender_queries.bump_data_version(session)
        details = {"as_of": day.isoformat(), "seed": seed, "rows": written.rows}
        _record(session, actor, _GENERATED, f"wrote demo data of {loans:,} loans", details)
        return written, day


def _interrupted(session: Session) -> dict[str, Any] | None:
    """What an interrupted load left; None for an empty database.

    Raises:
        Refused: there are loans that the demo must not be mixed with.
    """
    if not queries.has_loans(session):
        return None
    if queries.event_details(session, _LOADED) is not None:
        raise Refused("The demo data is loaded already. For a fresh one start with an empty database.")
    generated = queries.event_details(session, _GENERATED)
    if generated is None:
        raise Refused(
            "This database holds loans. Demo data is only loaded into an empty one: set RECOUP_DATA_DIR or "
            "DATABASE_URL to another place and run it there."
        )
    return generated


def _month_ends(day: date) -> Iterable[date]:
    """The month-ends before a day, oldest first."""
    ends: list[date] = []
    first = day.replace(day=1)
    while len(ends) < MONTHS:
        ends.append(first - timedelta(days=1))
        first = ends[-1].replace(day=1)
    return reversed(ends)


def _allocate(actor: Actor, day: date) -> None:
    """Each branch has its agent, as in the facts, from the morning after a case opened; the sums of the day follow."""
    names = list(users.AGENTS)
    with transaction(statement_timeout_ms=0) as session:
        ids = users.known(session)
        owners = {place.city: ids[names[number % len(names)]] for number, place in enumerate(PLACES)}
        queries.date_cases(session, day)
        opened_by = day - timedelta(days=_FRESH_DAYS)
        given = queries.allocate_cases(session, owners, opened_by=opened_by, reason="serves the branch")
        audit.record(
            session,
            actor,
            "case.allocated",
            subject=("cases", given),
            summary=f"allocated {counted(given, 'case')} to those who serve the branch",
            after={"cases": given},
            reason="serves the branch",
        )
        with closing_queries.for_sets(session):
            performance.summarise(session, day)


def _record(session: Session, actor: Actor, action: str, summary: str, after: dict[str, Any]) -> None:
    audit.record(session, actor, action, subject=("lender", 1), summary=summary, after=after)
