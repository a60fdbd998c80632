"""Looking at granted relief again: it goes on, or ends now."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from db.engine import transaction
from db.queries import hardship as queries
from db.queries import plans as plan_queries
from services import audit, cases, clock, follow_ups, lender, plans
from services.actors import Actor, Permission
from services.errors import InvalidInput, Refused
from services.hardship.approving import end_hold
from services.hardship.reading import load
from services.hardship.values import STATUSES


def review(
    actor: Actor, hardship_id: int, *, is_continued: bool, note: str, next_review_on: date | None = None
) -> None:
    """Record a review of relief that lasts. Ended, the hold is released and the plan cancelled.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: there is no such relief, or its borrower is not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: no note, or the next review is not between tomorrow and the end of the relief.
        Refused: it is not in force.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    with transaction() as session:
        made = load(session, hardship_id)
        cases.workable(session, actor, made.borrower_id, loan_id=made.loan_id)  # the loan's plan may end
        settings = lender.load(session)
        today = settings.today
        if made.status not in {"in_relief", "review_due"}:
            raise Refused(f"There is nothing to review: it is {STATUSES[made.status]}.")
        wrong = {} if note.strip() else {"note": "Say what was found."}
        latest = min(made.relief_until, today + timedelta(days=follow_ups.FURTHEST_DAYS - 1))
        if is_continued and next_review_on is not None and not today < next_review_on <= latest:
            wrong["next_review_on"] = f"Between tomorrow and {latest:%-d %b %Y}, or empty."
        if wrong:
            raise InvalidInput(wrong)
        queries.insert_review(
            session,
            hardship_id=hardship_id,
            on_date=today,
            at=clock.now(),
            outcome="continue" if is_continued else "end",
            note=note.strip(),
            next_review_on=next_review_on if is_continued else None,
            reviewed_by=actor.id,
        )
        if not is_continued:
            end_hold(session, actor, made, "The relief ended with its review")
            if made.plan_id is not None and _runs(session, made.plan_id):
                plans.cancel_in(session, actor, made.plan_id, reason=f"Relief {made.number} ended: {note.strip()}")
        elif next_review_on is not None:
            due_at = datetime.combine(next_review_on, time(10), ZoneInfo(settings.time_zone))
            follow_ups.add(session, actor, made.borrower_id, due_at=due_at, action="review",
                           note=f"Review the relief {made.number}")  # fmt: skip
        cases.refresh_for(session, today, [made.borrower_id])
        audit.record(
            session,
            actor,
            "hardship.reviewed",
            subject=("hardship", hardship_id),
            summary=f"reviewed the relief {made.number}: it {'goes on' if is_continued else 'ends'}",
            borrower_id=made.borrower_id,
            before={"status": made.status},
            after={"status": load(session, hardship_id).status},
            reason=note.strip(),
        )


def _runs(session: object, plan_id: int) -> bool:
    row = plan_queries.by_id(session, plan_id)  # type: ignore[arg-type]
    return row is not None and row.status in plan_queries.IN_FORCE
