"""Applying for relief, adding evidence, and taking an application back."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import hardship as queries
from db.queries import plans as plan_queries
from services import audit, cases, clock, documents, holds, lender
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.hardship import approving
from services.hardship.checking import check, until
from services.hardship.policy import load_policy
from services.hardship.reading import load
from services.hardship.values import CAUSES, STATUSES, Application, Evidence, Hardship


def apply(
    actor: Actor,
    borrower_id: int,
    wanted: Application,
    *,
    evidence: Sequence[Evidence] = (),
    request_key: str | None = None,
) -> Hardship:
    """Apply for relief on a borrower's behalf; another person decides.

    1. The case must not be open elsewhere; the borrower has no other application or relief.
    2. What is said is held against the limits and kept, with its evidence.
    3. A hold stops reminders and warns callers while it waits, for so many days as the policy says.
    4. A decision is asked for.

    The same `request_key` is one application.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: the borrower is not the actor's to see.
        Conflict: someone else has the case open, or the form was used for another borrower.
        InvalidInput: a field or file cannot be.
        Refused: there is relief or an application already, more is asked than is owed or left a month, or nobody may
            decide it.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    with transaction() as session:
        return apply_in(session, actor, borrower_id, wanted, evidence=evidence, request_key=request_key)


def apply_in(
    session: Session,
    actor: Actor,
    borrower_id: int,
    wanted: Application,
    *,
    evidence: Sequence[Evidence] = (),
    request_key: str | None = None,
) -> Hardship:
    """The same in the caller's transaction."""
    if earlier := _earlier(session, borrower_id, request_key):
        return earlier
    cases.workable(session, actor, borrower_id)
    today, policy = lender.load(session).today, load_policy(session)
    _refuse_second(session, borrower_id)
    loan = plan_queries.loan(session, wanted.relief.loan_id) if wanted.relief.loan_id is not None else None
    if loan is not None and loan.borrower_id != borrower_id:
        raise NotFound("That loan is not there.")
    check(wanted, policy, today, loan)
    terms = holds.Terms("hardship", f"Applied for relief: {CAUSES[wanted.cause].lower()}",
                        today + timedelta(days=policy.open_days))  # fmt: skip
    hold_id = holds.add(session, actor, borrower_id, terms, today=today)
    hardship_id = _insert(session, actor, borrower_id, wanted, hold_id=hold_id, request_key=request_key)
    for each in evidence:
        _keep(session, actor, borrower_id, hardship_id, each)
    made = load(session, hardship_id)
    approving.ask(session, actor, made)
    cases.refresh_for(session, today, [borrower_id])
    _record(session, actor, made, "applied", f"applied for a {made.words}", after=_after(made, len(evidence)))
    return made


def _earlier(session: Session, borrower_id: int, request_key: str | None) -> Hardship | None:
    row = queries.by_request_key(session, request_key) if request_key else None
    if row is None:
        return None
    if row.borrower_id != borrower_id:
        raise Conflict("This form was used for another borrower. Open it again.")
    return load(session, row.id)


def _refuse_second(session: Session, borrower_id: int) -> None:
    live = queries.live_of(session, borrower_id, today=lender.load(session).today)
    if live is not None:
        raise Refused(
            f"The borrower has an application or relief: it {_stands(live.status)}. Deal with that one first."
        )


def _stands(status: str) -> str:
    return STATUSES[status] if status == "waiting" else f"is {STATUSES[status]}"


def _insert(
    session: Session, actor: Actor, borrower_id: int, wanted: Application, *, hold_id: int, request_key: str | None
) -> int:
    relief = wanted.relief
    hardship_id = queries.insert_hardship(
        session,
        borrower_id=borrower_id,
        cause=wanted.cause,
        story=wanted.story.strip(),
        since_on=wanted.since_on,
        **asdict(wanted.means),
        relief=relief.kind,
        relief_from=relief.starts_on,
        relief_until=until(wanted),
        review_on=wanted.review_on,
        loan_id=relief.loan_id if relief.kind == "lower_instalment" else None,
        amount=relief.amount if relief.kind == "lower_instalment" else None,
        months=relief.months if relief.kind == "lower_instalment" else None,
        hold_id=hold_id,
        applied_on=lender.load(session).today,
        applied_at=clock.now(),
        applied_by=actor.id,
        request_key=request_key,
    )
    if hardship_id is None:
        raise Conflict("This form was used for another application. Open it again.")
    return hardship_id


def _keep(session: Session, actor: Actor, borrower_id: int, hardship_id: int, evidence: Evidence) -> None:
    documents.store(
        session,
        actor,
        kind="evidence",
        file_name=evidence.file_name,
        content=evidence.content,
        borrower_id=borrower_id,
        subject=("hardship", hardship_id),
    )


def add_evidence(actor: Actor, hardship_id: int, evidence: Evidence) -> None:
    """Keep one more file with an application that waits.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to work on.
        InvalidInput: the file cannot be taken.
        Refused: it is decided already.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    with transaction() as session:
        made = load(session, hardship_id)
        cases.require_access(session, actor, made.borrower_id)
        if made.status != "waiting":
            raise Refused(f"Nothing can be added: it is {STATUSES[made.status]}.")
        _keep(session, actor, made.borrower_id, hardship_id, evidence)
        _record(session, actor, made, "evidence_added", "added a file to the application for relief")


def withdraw(actor: Actor, hardship_id: int, *, reason: str) -> None:
    """Take back an application that waits; its hold ends.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: there is no such application, or its borrower is not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: no reason.
        Refused: it is decided already.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the application is taken back."})
    with transaction() as session:
        made = load(session, hardship_id)
        approving.withdraw(session, actor, made, reason.strip())
        cases.workable(session, actor, made.borrower_id)
        today = lender.load(session).today
        if not queries.withdraw(session, hardship_id, on=today, reason=reason.strip()):
            raise Refused(f"It cannot be taken back: it {_stands(load(session, hardship_id).status)}.")
        approving.end_hold(session, actor, made, "The application was taken back")
        cases.refresh_for(session, today, [made.borrower_id])
        _record(session, actor, made, "withdrawn", "took back the application for relief", reason=reason.strip())


def _after(made: Hardship, files: int) -> dict[str, Any]:
    return {
        "cause": made.cause,
        "relief": made.words,
        "disposable": str(made.means.disposable),
        "review_on": made.review_on.isoformat(),
        "files": files,
    }


def _record(session: Session, actor: Actor, made: Hardship, act: str, summary: str, **over: Any) -> None:
    audit.record(
        session,
        actor,
        f"hardship.{act}",
        subject=("hardship", made.id),
        summary=summary,
        borrower_id=made.borrower_id,
        loan_id=made.loan_id,
        **over,
    )
