"""The yes that every settlement needs: above its maker and the loan's sanctioner, and from neither (IN-19)."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from db.queries import approvals as request_queries
from db.queries import closing
from db.queries import settlements as queries
from services import approvals, audit, documents, lender
from services.actors import Actor
from services.approvals.kinds import Fact
from services.approvals.reach import level_of
from services.errors import Refused
from services.settlements.letters import letter
from services.settlements.reading import load
from services.settlements.values import Settlement

KIND = "settlement"


def ask(session: Session, actor: Actor, made: Settlement) -> None:
    """Ask for approval of a proposed settlement, in the transaction that proposes it.

    Its level covers both the amount waived and its percentage, and is above that of whoever made the offer and of
    whoever sanctioned the loan (IN-19: at least one level above).

    Raises:
        NotAllowed: the system asks; only people do.
        Refused: no level of authority may decide so much.
    """
    sanctioners = queries.users_called(session, made.sanctioned_by) if made.sanctioned_by else []
    approvals.ask(
        session,
        actor,
        kind=KIND,
        subject=(KIND, made.id),
        borrower_id=made.borrower_id,
        amount=made.waived.whole,
        percent=made.percent,
        excluded_user_ids=sanctioners,
        above_level=max(level_of(session, user_id) for user_id in (actor.id, *sanctioners)),
        reason=made.reason,
        summary=(
            f"{made.amount:,.2f} to {made.ends_on:%-d %b %Y} for {made.owed.whole:,.2f} owed on {made.loan_number}, "
            f"{made.percent:f} % waived"
        ),
    )


def withdraw(session: Session, actor: Actor, made: Settlement, reason: str) -> None:
    """Close the request that waits about a settlement, when that is withdrawn before it is decided."""
    if made.status == "proposed":
        approvals.withdraw_for(session, actor, kind=KIND, subject=(KIND, made.id), reason=reason)


def _approved(session: Session, actor: Actor, settlement_id: int) -> None:
    """Let the settlement be offered, with its letter.

    Raises:
        Refused: its time is over meanwhile, or it is not proposed any more.
    """
    made = load(session, settlement_id)
    closing.lock_loans(session, [made.loan_id])
    settings = lender.load(session)
    if made.valid_until < settings.today:
        raise Refused(
            f"The offer would have stood until {made.valid_until:%-d %b %Y}. Refuse it, and have it made anew."
        )
    if not queries.offer(session, settlement_id, on=settings.today, by=actor.id):
        raise Refused("The settlement does not wait for approval any more.")
    offered = load(session, settlement_id)
    kept = documents.store(
        session,
        actor,
        kind="settlement_letter",
        file_name=f"{made.number}.pdf",
        content=letter(offered, settings, grievance_contact=queries.grievance_contact(session)),
        borrower_id=made.borrower_id,
        subject=(KIND, settlement_id),
    )
    audit.record(
        session,
        actor,
        "settlement.offered",
        subject=(KIND, settlement_id),
        summary=f"let the settlement of {made.amount:,.2f} on {made.loan_number} be offered, with its letter",
        borrower_id=made.borrower_id,
        loan_id=made.loan_id,
        before={"status": "proposed"},
        after={"status": "offered", "letter_sha256": kept.sha256},
    )


def _refused(session: Session, actor: Actor, settlement_id: int) -> None:  # noqa: ARG001 - the shape of an outcome
    request = request_queries.of_subject(session, (KIND, settlement_id), kind=KIND)
    reason = request.decision_reason if request is not None else "refused"
    queries.refuse(session, settlement_id, on=lender.load(session).today, reason=reason)


def _withdrawn(session: Session, actor: Actor, settlement_id: int) -> None:
    request = request_queries.of_subject(session, (KIND, settlement_id), kind=KIND)
    reason = request.decision_reason if request is not None else "taken back"
    queries.cancel(session, settlement_id, on=lender.load(session).today, reason=reason, by=actor.id)


def _facts(session: Session, settlement_id: int) -> Sequence[Fact]:
    """What a decider should know: what is owed and waived, how it is paid, and what it is worth against waiting."""
    made = load(session, settlement_id)
    worth = made.worth
    told: list[Fact] = [
        ("Loan", made.loan_number),
        ("Owed", made.owed.whole),
        ("Waived of principal", made.waived.principal),
        ("Waived of interest", made.waived.interest),
        ("Waived of charges", made.waived.charges),
        ("To be paid", made.amount),
        ("Parts", str(len(made.parts))),
        ("First part", made.starts_on),
        ("Last part", made.ends_on),
        ("Offer stands until", made.valid_until),
        (f"Worth today at {worth.discount_percent.normalize():f} % a year", worth.present_value),
        (
            f"Without it, today: {worth.expected_percent.normalize():f} % after {worth.expected_months} months",
            worth.expected_value,
        ),
        ("Gained (above zero) or lost by settling", worth.gain),
        ("Sanctioned by", made.sanctioned_by or "not in the book"),
    ]
    if made.is_restructuring:
        told.append(("Restructuring (IN-19)", "its last part is later than the policy's months"))
    return told


approvals.register(
    KIND,
    approvals.Outcome(
        label="Settlement",
        on_approved=_approved,
        on_refused=_refused,
        on_withdrawn=_withdrawn,
        facts=_facts,
    ),
)
