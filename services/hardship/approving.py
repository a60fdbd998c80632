"""The decision on an application, by somebody else than who applied, and what follows from it."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.queries import approvals as request_queries
from db.queries import closing
from db.queries import hardship as queries
from db.queries import settlements as lender_queries
from services import approvals, audit, cases, documents, follow_ups, holds, lender, plans
from services.actors import Actor
from services.approvals.kinds import Fact
from services.errors import Refused
from services.hardship.checking import rows_of
from services.hardship.letters import letter
from services.hardship.reading import load
from services.hardship.values import CAUSES, Hardship

KIND = "hardship"
_REVIEW_AT = time(10)


def ask(session: Session, actor: Actor, made: Hardship) -> None:
    """Ask for a decision, in the transaction that applies.

    Raises:
        NotAllowed: the system asks; only people do.
        Refused: nobody may decide it.
    """
    approvals.ask(
        session,
        actor,
        kind=KIND,
        subject=(KIND, made.id),
        borrower_id=made.borrower_id,
        amount=None,
        reason=made.story,
        summary=made.words[0].upper() + made.words[1:],
    )


def withdraw(session: Session, actor: Actor, made: Hardship, reason: str) -> None:
    """Close the request that waits, when the application is taken back."""
    if made.status == "waiting":
        approvals.withdraw_for(session, actor, kind=KIND, subject=(KIND, made.id), reason=reason)


def end_hold(session: Session, actor: Actor, made: Hardship, reason: str) -> None:
    """End the hold of an application or holiday, if it still lasts."""
    if made.hold_id is not None:
        holds.end(session, actor, made.borrower_id, made.hold_id, kind="hardship", reason=reason)


def _granted(session: Session, actor: Actor, hardship_id: int) -> None:
    """Put relief into force: a hold to the end of the holiday, or a plan of the lower instalments; and its review.

    Raises:
        Refused: its first day has passed by, or the loan has a plan meanwhile.
    """
    made = load(session, hardship_id)
    settings = lender.load(session)
    if made.relief_until <= settings.today:
        raise Refused(
            f"The relief would have ended on {made.relief_until:%-d %b %Y}. Refuse it, and have it made anew."
        )
    end_hold(session, actor, made, "Relief was granted")
    hold_id, plan_id = made.hold_id, None
    if made.relief == "holiday":
        terms = holds.Terms("hardship", f"Payment holiday ({made.number})", made.relief_until)
        hold_id = holds.add(session, actor, made.borrower_id, terms, today=settings.today)
    else:
        plan_id = _plan(session, actor, made, settings.today)
    is_done = queries.decide(
        session,
        hardship_id,
        decided_on=settings.today,
        decided_by=actor.id,
        is_granted=True,
        decision_reason=_reason(session, hardship_id),
        hold_id=hold_id,
        plan_id=plan_id,
    )
    if not is_done:
        raise Refused("The application does not wait for a decision any more.")
    _review(session, actor, made, settings.time_zone, settings.today)
    _finish(session, actor, made, "granted")


def _plan(session: Session, actor: Actor, made: Hardship, today: date) -> int:
    """The lower instalments as a repayment plan: its approval is this decision."""
    assert made.loan_id is not None
    assert made.amount is not None
    assert made.months is not None
    if made.relief_from < today:
        raise Refused(
            f"The first instalment was due on {made.relief_from:%-d %b %Y}. Refuse this, and have it made anew."
        )
    closing.lock_loans(session, [made.loan_id])
    proposal = plans.Proposal(
        loan_id=made.loan_id,
        rows=rows_of(made.relief_from, made.amount, made.months),
        affordability=made.means,
        over_limit_reason=f"Hardship relief {made.number}",
    )
    return plans.make_approved(session, actor, proposal, restructuring="hardship")


def _review(session: Session, actor: Actor, made: Hardship, zone: str, today: date) -> None:
    on = max(made.review_on, today + timedelta(days=1))
    due_at = datetime.combine(on, _REVIEW_AT, ZoneInfo(zone))
    follow_ups.add(
        session, actor, made.borrower_id, due_at=due_at, action="review", note=f"Review the relief {made.number}"
    )


def _refused(session: Session, actor: Actor, hardship_id: int) -> None:
    made = load(session, hardship_id)
    queries.decide(
        session,
        hardship_id,
        decided_on=lender.load(session).today,
        decided_by=actor.id,
        is_granted=False,
        decision_reason=_reason(session, hardship_id),
    )
    end_hold(session, actor, made, "The application was refused")
    _finish(session, actor, made, "refused")


def _withdrawn(session: Session, actor: Actor, hardship_id: int) -> None:
    made = load(session, hardship_id)
    queries.withdraw(session, hardship_id, on=lender.load(session).today, reason=_reason(session, hardship_id))
    end_hold(session, actor, made, "The application was taken back")
    cases.refresh_for(session, lender.load(session).today, [made.borrower_id])


def _reason(session: Session, hardship_id: int) -> str:
    request = request_queries.of_subject(session, (KIND, hardship_id), kind=KIND)
    return (request.decision_reason if request is not None else None) or "decided"


def _finish(session: Session, actor: Actor, made: Hardship, act: str) -> None:
    """The letter with the decision, the case, and the audit event."""
    decided = load(session, made.id)
    settings = lender.load(session)
    kept = documents.store(
        session,
        actor,
        kind="hardship_letter",
        file_name=f"{made.number}.pdf",
        content=letter(
            decided, settings, is_granted=act == "granted", contact=lender_queries.grievance_contact(session)
        ),
        borrower_id=made.borrower_id,
        subject=(KIND, made.id),
    )
    cases.refresh_for(session, settings.today, [made.borrower_id])
    audit.record(
        session,
        actor,
        f"hardship.{act}",
        subject=(KIND, made.id),
        summary=f"{act} a {made.words}",
        borrower_id=made.borrower_id,
        loan_id=made.loan_id,
        before={"status": "waiting"},
        after={"status": decided.status, "plan": decided.plan_id, "letter_sha256": kept.sha256},
        reason=decided.decision_reason,
    )


def _facts(session: Session, hardship_id: int) -> Sequence[Fact]:
    """What a decider should know: what happened, the means, the relief, the files."""
    made = load(session, hardship_id)
    files = len(documents.of_subject(session, (KIND, hardship_id)))
    return [
        ("Cause", CAUSES[made.cause]),
        ("Since", made.since_on),
        ("Income a month", made.means.income),
        ("Outgoings a month", made.means.outgoings),
        ("Left a month", made.means.disposable),
        ("Relief", made.words),
        ("Review", made.review_on),
        ("Files as evidence", str(files)),
        ("Restructuring (IN-16)", "relief for financial difficulty: the loan may have to be downgraded"),
    ]


approvals.register(
    KIND,
    approvals.Outcome(
        label="Hardship relief",
        on_approved=_granted,
        on_refused=_refused,
        on_withdrawn=_withdrawn,
        facts=_facts,
    ),
)
