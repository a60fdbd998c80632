"""Making a repayment plan, and cancelling one. Where it stands after that is derived from payments."""

from dataclasses import asdict, replace

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import plans as queries
from db.queries import settlements as settlement_queries
from services import audit, cases, lender, reminders
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.plans import approving
from services.plans.checking import assess, check_share
from services.plans.following import counts_from, follow
from services.plans.limits import load_limits
from services.plans.reading import load
from services.plans.settling import settle_for
from services.plans.values import STATUSES, Agreed, Assessment, Plan, Proposal
from services.wording import counted


def preview(actor: Actor, proposal: Proposal) -> Assessment:
    """Hold a proposal against the limits without making it. Nothing is kept.

    Raises:
        NotAllowed, NotFound, InvalidInput, Refused: see `make`; the reason of a leader is not asked for yet.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    with reading() as session:
        loan = _loan(session, proposal.loan_id)
        cases.require_access(session, actor, loan.borrower_id)
        limits = load_limits(session)
        assessment = assess(proposal, loan, limits, actor, lender.load(session).today)
        if not actor.may(Permission.EXCEED_PLAN_LIMITS):
            check_share(proposal, assessment, limits, actor)
        return assessment


def make(actor: Actor, proposal: Proposal, *, request_key: str | None = None) -> Plan:
    """Make a plan. It is in force at once, or once approved if it needs that. The same `request_key` is one plan.

    1. Facts of the borrower follow one another; the case must not be open elsewhere.
    2. Terms are held against the limits and the borrower's means.
    3. Terms, instalments and means are kept; approval is asked for, or payments of today begin to count.
    4. Reminders of the loan's dues that wait are cancelled; the case follows.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: the loan is not there, or not the actor's to see.
        Conflict: someone else has the case open, or the form was used for another plan.
        InvalidInput: a row, date or figure cannot be, or the reason to exceed the usual share is missing.
        Refused: the loan is closed or has a plan, more is planned than is owed, or than the borrower can pay (UK-01).
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    with transaction() as session:
        if earlier := _earlier(session, proposal, request_key):
            return earlier
        loan = _loan(session, proposal.loan_id)
        cases.workable(session, actor, loan.borrower_id, loan_id=proposal.loan_id)
        today = lender.load(session).today
        loan = _loan(session, proposal.loan_id)  # as it stands now that nobody else changes it
        limits = load_limits(session)
        if earlier := _earlier(session, proposal, request_key):
            return earlier
        assessment = assess(proposal, loan, limits, actor, today)
        check_share(proposal, assessment, limits, actor)
        _refuse_second(session, proposal.loan_id, loan)
        agreed = Agreed(proposal, assessment, loan, today)
        plan_id = _insert(session, actor, agreed, request_key)
        _record_event(session, actor, plan_id, agreed)
        if agreed.needs_approval:
            approving.ask(session, actor, plan_id, agreed)
        else:
            follow(session, proposal.loan_id, loan.borrower_id, today)
        return load(session, plan_id)


def make_approved(session: Session, actor: Actor, proposal: Proposal, *, restructuring: str) -> int:
    """Put a plan into force that a larger decision approved, such as on hardship; its id.

    In the caller's transaction, which holds the loan's lock and records the decision. `restructuring` is the code of
    why it changes the loan (IN-16), beside those that follow from its terms.

    Raises:
        InvalidInput, Refused: see `make`; nothing is asked for approval.
    """
    loan = _loan(session, proposal.loan_id)
    today = lender.load(session).today
    found = assess(proposal, loan, load_limits(session), actor, today)
    assessment = replace(found, approval_reasons=(), restructuring=(restructuring, *found.restructuring))
    _refuse_second(session, proposal.loan_id, loan)
    agreed = Agreed(proposal, assessment, loan, today)
    plan_id = _insert(session, actor, agreed, None)
    _record_event(session, actor, plan_id, agreed)
    follow(session, proposal.loan_id, loan.borrower_id, today)
    return plan_id


def _loan(session: Session, loan_id: int) -> AnyRow:
    loan = queries.loan(session, loan_id)
    if loan is None:
        raise NotFound("That loan is not there.")
    return loan


def _earlier(session: Session, proposal: Proposal, request_key: str | None) -> Plan | None:
    row = queries.by_request_key(session, request_key) if request_key else None
    if row is None:
        return None
    if row.loan_id != proposal.loan_id:
        raise Conflict("This form was used for another loan. Open it again.")
    return load(session, row.id)


def _refuse_second(session: Session, loan_id: int, loan: AnyRow) -> None:
    settlement = settlement_queries.live(session, loan_id)
    if settlement is not None and settlement.status in settlement_queries.IN_FORCE:
        raise Refused(f"Loan {loan.external_id} has a settlement in force. Withdraw that one first, with the reason.")
    live = queries.live_plan(session, loan_id)
    if live is not None:
        raise Refused(
            f"Loan {loan.external_id} has a plan that {_said(live.status)}. Cancel that one first, with the reason."
        )


def _said(status: str) -> str:
    return {"proposed": "waits for approval", "behind": "is behind"}.get(status, f"is {STATUSES[status]}")


def _insert(session: Session, actor: Actor, agreed: Agreed, request_key: str | None) -> int:
    proposal, assessment = agreed.proposal, agreed.assessment
    plan_id = queries.insert_plan(
        session,
        borrower_id=agreed.loan.borrower_id,
        loan_id=proposal.loan_id,
        amount=proposal.amount,
        method=proposal.method,
        rhythm=proposal.rhythm,
        starts_on=proposal.rows[0].due_on,
        ends_on=proposal.rows[-1].due_on,
        made_on=agreed.today,
        made_by=actor.id,
        counts_from=None if agreed.needs_approval else counts_from(session, proposal.loan_id, agreed.today),
        approval_reasons=list(assessment.approval_reasons),
        restructuring=list(assessment.restructuring),
        over_limit_reason=(proposal.over_limit_reason or "").strip() or None if assessment.needs_reason else None,
        request_key=request_key,
        status="proposed" if agreed.needs_approval else "running",
    )
    if plan_id is None:  # locked above: the key belongs to another borrower's plan
        raise Conflict("This form was used for another plan. Open it again.")
    queries.insert_instalments(session, plan_id, [(row.number, row.due_on, row.amount) for row in proposal.rows])
    queries.insert_affordability(session, plan_id, **asdict(proposal.affordability))
    return plan_id


def _record_event(session: Session, actor: Actor, plan_id: int, agreed: Agreed) -> None:
    proposal, assessment = agreed.proposal, agreed.assessment
    verb = "proposed" if agreed.needs_approval else "made"
    last = proposal.rows[-1].due_on
    audit.record(
        session,
        actor,
        f"plan.{verb}",
        subject=("repayment_plan", plan_id),
        summary=(
            f"{verb} a repayment plan of {proposal.amount:,.2f} in {counted(len(proposal.rows), 'instalment')} "
            f"to {last:%-d %b %Y} on {agreed.loan.external_id}"
        ),
        borrower_id=agreed.loan.borrower_id,
        loan_id=proposal.loan_id,
        after={
            "amount": str(proposal.amount),
            "instalments": [[row.due_on.isoformat(), str(row.amount)] for row in proposal.rows],
            "burden": str(assessment.burden),
            "disposable": str(assessment.disposable),
            "restructuring": list(assessment.restructuring),
            "approval_reasons": list(assessment.approval_reasons),
        },
        reason=proposal.over_limit_reason if assessment.needs_reason else None,
    )


def cancel(actor: Actor, plan_id: int, *, reason: str) -> None:
    """End a plan that is in force, or one that waits for approval, with the reason. What was paid stays counted.

    From today the usual treatment holds again; payments of today do not count for it any more.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: there is no such plan, or its borrower is not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: no reason.
        Refused: it ended already.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the plan ends."})
    with transaction() as session:
        cancel_in(session, actor, plan_id, reason=reason)


def cancel_in(session: Session, actor: Actor, plan_id: int, *, reason: str) -> None:
    """The same in the caller's transaction."""
    plan = load(session, plan_id)
    # the order of locks is that of a decision: the request before the case
    approving.withdraw(session, actor, plan, reason.strip())
    cases.workable(session, actor, plan.borrower_id, loan_id=plan.loan_id)
    today = lender.load(session).today
    plan = load(session, plan_id)
    if not queries.cancel(session, plan_id, on=today, reason=reason.strip(), by=actor.id):
        raise Refused(f"The plan ended already: it is {STATUSES[plan.status]}.")
    settle_for(session, today, [plan.loan_id])
    reminders.cancel_for_loans(session, [plan.loan_id], "The repayment plan was cancelled.")
    cases.refresh_for(session, today, [plan.borrower_id])
    audit.record(
        session,
        actor,
        "plan.cancelled",
        subject=("repayment_plan", plan_id),
        summary=f"cancelled the repayment plan of {plan.amount:,.2f} on {plan.loan_number}",
        borrower_id=plan.borrower_id,
        loan_id=plan.loan_id,
        before={"status": plan.status, "paid_amount": str(plan.paid_amount)},
        after={"status": "cancelled"},
        reason=reason.strip(),
    )
