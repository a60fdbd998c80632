"""A settlement from the offer to the borrower's yes, and its withdrawal. Where it stands then follows payments."""

from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import plans as plan_queries
from db.queries import settlements as queries
from services import audit, cases, clock, contacts, lender
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.settlements import approving
from services.settlements.checking import assess
from services.settlements.following import follow
from services.settlements.policy import load_expectations, load_policy
from services.settlements.reading import load
from services.settlements.values import STATUSES, Assessment, Settlement, Terms


def preview(actor: Actor, terms: Terms) -> Assessment:
    """Hold terms against the policy without offering them. Nothing is kept.

    Raises:
        NotAllowed, NotFound, InvalidInput, Refused: see `propose`.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    with reading() as session:
        loan = _loan(session, terms.loan_id)
        cases.require_access(session, actor, loan.borrower_id)
        return _assess(session, terms, loan)


def propose(actor: Actor, terms: Terms, *, request_key: str | None = None) -> Settlement:
    """Propose a settlement. Always another person, above the maker and never the sanctioner, approves it (IN-19).

    1. Facts of the borrower follow one another; the case must not be open elsewhere.
    2. Terms are held against the policy, and what is owed today is kept with them.
    3. Approval is asked for. Until then nothing changes for the borrower.

    The same `request_key` is one settlement.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: the loan is not there, or not the actor's to see.
        Conflict: someone else has the case open, or the form was used for another offer.
        InvalidInput: an amount or date cannot be, or the reason is missing.
        Refused: nothing is owed, the loan has a settlement, or nobody may approve so much.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    with transaction() as session:
        return propose_in(session, actor, terms, request_key=request_key)


def propose_in(session: Session, actor: Actor, terms: Terms, *, request_key: str | None = None) -> Settlement:
    """The same in the caller's transaction."""
    if earlier := _earlier(session, terms, request_key):
        return earlier
    loan = _loan(session, terms.loan_id)
    cases.workable(session, actor, loan.borrower_id, loan_id=terms.loan_id)
    if earlier := _earlier(session, terms, request_key):
        return earlier
    loan = _loan(session, terms.loan_id)  # as it stands now that nobody else changes it
    told = _assess(session, terms, loan)
    _refuse_second(session, terms.loan_id, loan)
    settlement_id = _insert(session, actor, (terms, told), loan.borrower_id, request_key)
    made = load(session, settlement_id)
    approving.ask(session, actor, made)
    summary = f"proposed a settlement of {made.amount:,.2f}"
    _record(session, actor, made, "proposed", summary, after=_after(made), reason=made.reason)
    return made


def _loan(session: Session, loan_id: int) -> AnyRow:
    loan = queries.loan(session, loan_id)
    if loan is None:
        raise NotFound("That loan is not there.")
    return loan


def _assess(session: Session, terms: Terms, loan: AnyRow) -> Assessment:
    today = lender.load(session).today
    return assess(terms, loan, load_policy(session), load_expectations(session), today)


def _earlier(session: Session, terms: Terms, request_key: str | None) -> Settlement | None:
    row = queries.by_request_key(session, request_key) if request_key else None
    if row is None:
        return None
    if row.loan_id != terms.loan_id:
        raise Conflict("This form was used for another loan. Open it again.")
    return load(session, row.id)


def _refuse_second(session: Session, loan_id: int, loan: AnyRow) -> None:
    live = queries.live(session, loan_id)
    if live is not None:
        raise Refused(
            f"Loan {loan.external_id} has a settlement ({STATUSES[live.status]}). Withdraw that one first, with the "
            "reason."
        )


def _insert(
    session: Session, actor: Actor, agreed: tuple[Terms, Assessment], borrower_id: int, request_key: str | None
) -> int:
    terms, told = agreed
    worth = told.worth
    settlement_id = queries.insert_settlement(
        session,
        borrower_id=borrower_id,
        loan_id=terms.loan_id,
        **_apart("owed", told),
        **_apart("waived", told),
        amount=terms.amount,
        starts_on=terms.parts[0][0],
        ends_on=terms.parts[-1][0],
        valid_until=terms.valid_until,
        reason=terms.reason.strip(),
        discount_percent=worth.discount_percent,
        present_value=worth.present_value,
        expected_percent=worth.expected_percent,
        expected_months=worth.expected_months,
        expected_value=worth.expected_value,
        is_restructuring=told.is_restructuring,
        sanctioned_by=told.sanctioned_by,
        offered_on=lender.load(session).today,
        offered_at=clock.now(),
        offered_by=actor.id,
        request_key=request_key,
        status="proposed",
    )
    if settlement_id is None:  # locked above: the key belongs to another borrower's settlement
        raise Conflict("This form was used for another settlement. Open it again.")
    rows = [(number, due_on, amount) for number, (due_on, amount) in enumerate(terms.parts, start=1)]
    queries.insert_parts(session, settlement_id, rows)
    return settlement_id


def _apart(what: str, told: Assessment) -> dict[str, Any]:
    components = getattr(told, what)
    return {f"{what}_{name}": getattr(components, name) for name in ("principal", "interest", "charges")}


def accept(actor: Actor, settlement_id: int, *, channel: str) -> Settlement:
    """Record that the borrower accepts an approved offer today: payments count from today.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: there is no such settlement, or its borrower is not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: the channel is unknown.
        Refused: it is not offered (any more), its time is over, or the loan has a repayment plan.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    if channel not in contacts.CHANNELS:
        raise InvalidInput({"channel": "Choose how the borrower accepted."})
    with transaction() as session:
        offered = load(session, settlement_id)
        cases.workable(session, actor, offered.borrower_id, loan_id=offered.loan_id)
        today = lender.load(session).today
        if offered.status == "offered" and offered.valid_until < today:
            raise Refused(f"The offer stood until {offered.valid_until:%-d %b %Y}. Propose it anew.")
        if plan_queries.live_plan(session, offered.loan_id) is not None:
            raise Refused(f"Loan {offered.loan_number} has a repayment plan. Cancel the plan first, with the reason.")
        if not queries.accept(session, settlement_id, on=today, channel=channel, by=actor.id):
            now = load(session, settlement_id)
            raise Refused(f"This settlement cannot be accepted: it is {STATUSES[now.status]}.")
        follow(session, offered.loan_id, offered.borrower_id, today, why="A settlement is in force.")
        made = load(session, settlement_id)
        summary = f"recorded that the settlement of {made.amount:,.2f} was accepted"
        _record(session, actor, made, "accepted", summary, before={"status": "offered"}, after={"channel": channel})
        return made


def withdraw(actor: Actor, settlement_id: int, *, reason: str) -> None:
    """End a settlement that waits, is offered, or runs, with the reason. What was paid stays paid on the loan.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: there is no such settlement, or its borrower is not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: no reason.
        Refused: it ended already.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the settlement is withdrawn."})
    with transaction() as session:
        made = load(session, settlement_id)
        # the order of locks is that of a decision: the request before the case
        approving.withdraw(session, actor, made, reason.strip())
        cases.workable(session, actor, made.borrower_id, loan_id=made.loan_id)
        today = lender.load(session).today
        if not queries.cancel(session, settlement_id, on=today, reason=reason.strip(), by=actor.id):
            raise Refused(f"It ended already: it is {STATUSES[load(session, settlement_id).status]}.")
        follow(session, made.loan_id, made.borrower_id, today, why="The settlement was withdrawn.")
        summary = f"withdrew the settlement of {made.amount:,.2f}"
        before = {"status": made.status, "paid_amount": str(made.paid_amount)}
        _record(session, actor, made, "withdrawn", summary, before=before, reason=reason.strip())


def _after(made: Settlement) -> dict[str, Any]:
    return {
        "amount": str(made.amount),
        "owed": str(made.owed.whole),
        "waived": {name: str(getattr(made.waived, name)) for name in ("principal", "interest", "charges")},
        "percent": str(made.percent),
        "parts": [[part.due_on.isoformat(), str(part.amount)] for part in made.parts],
        "valid_until": made.valid_until.isoformat(),
        "present_value": str(made.worth.present_value),
        "expected_value": str(made.worth.expected_value),
        "restructuring": made.is_restructuring,
        "sanctioned_by": made.sanctioned_by,
    }


def _record(session: Session, actor: Actor, made: Settlement, act: str, summary: str, **over: Any) -> None:
    audit.record(
        session,
        actor,
        f"settlement.{act}",
        subject=("settlement", made.id),
        summary=f"{summary} on {made.loan_number}",
        borrower_id=made.borrower_id,
        loan_id=made.loan_id,
        **over,
    )
