"""Plans that need another person's yes: what changes the loan (IN-16), and what is above an agent's amount."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from db.queries import approvals as request_queries
from db.queries import closing
from db.queries import plans as queries
from services import approvals, audit, lender
from services.actors import Actor
from services.approvals.kinds import Fact
from services.errors import Refused
from services.plans.following import counts_from, follow
from services.plans.reading import load
from services.plans.values import APPROVAL_REASONS, RESTRUCTURING, Agreed, Plan
from services.wording import counted

KIND = "repayment_plan"


def ask(session: Session, actor: Actor, plan_id: int, agreed: Agreed) -> None:
    """Ask for a yes to a proposed plan, in the transaction that proposes it.

    Raises:
        NotAllowed: the system asks; only people do.
        Refused: no level of authority may decide so much.
    """
    reason, summary = told(agreed)
    approvals.ask(
        session,
        actor,
        kind=KIND,
        subject=(KIND, plan_id),
        borrower_id=agreed.loan.borrower_id,
        amount=agreed.proposal.amount,
        reason=reason,
        summary=summary,
    )


def told(agreed: Agreed) -> tuple[str, str]:
    """Why the plan needs a yes, and what is asked in one line."""
    reasons = "; ".join(APPROVAL_REASONS[code] for code in agreed.assessment.approval_reasons)
    details = ", ".join(RESTRUCTURING[code] for code in agreed.assessment.restructuring)
    rows = agreed.proposal.rows
    summary = f"{counted(len(rows), 'instalment')} to {rows[-1].due_on:%-d %b %Y} on {agreed.loan.external_id}"
    return f"{reasons} ({details})" if details else reasons, summary


def withdraw(session: Session, actor: Actor, plan: Plan, reason: str) -> None:
    """Close the request that waits about a plan, when the plan is cancelled before it is decided."""
    if plan.status == "proposed":
        approvals.withdraw_for(session, actor, kind=KIND, subject=(KIND, plan.id), reason=reason)


def _approved(session: Session, actor: Actor, plan_id: int) -> None:
    """Put the plan into force from today: payments count from now on.

    Raises:
        Refused: its first date has passed meanwhile, or it is not proposed any more.
    """
    plan = load(session, plan_id)
    closing.lock_loans(session, [plan.loan_id])
    today = lender.load(session).today
    if plan.starts_on < today:
        raise Refused(
            f"The first instalment was due on {plan.starts_on:%-d %b %Y}. Refuse this plan, and have it made anew "
            "with later dates."
        )
    if not queries.begin(session, plan_id, counts_from=counts_from(session, plan.loan_id, today)):
        raise Refused("The plan does not wait for approval any more.")
    follow(session, plan.loan_id, plan.borrower_id, today)
    audit.record(
        session,
        actor,
        "plan.began",
        subject=(KIND, plan_id),
        summary=f"put the repayment plan of {plan.amount:,.2f} on {plan.loan_number} into force",
        borrower_id=plan.borrower_id,
        loan_id=plan.loan_id,
        before={"status": "proposed"},
        after={"status": "running", "restructuring": plan.restructuring},
    )


def _refused(session: Session, actor: Actor, plan_id: int) -> None:  # noqa: ARG001 - the shape of an outcome
    request = request_queries.of_subject(session, (KIND, plan_id), kind=KIND)
    queries.refuse(session, plan_id, reason=request.decision_reason if request is not None else "refused")


def _withdrawn(session: Session, actor: Actor, plan_id: int) -> None:
    request = request_queries.of_subject(session, (KIND, plan_id), kind=KIND)
    reason = request.decision_reason if request is not None else "taken back"
    queries.cancel(session, plan_id, on=lender.load(session).today, reason=reason, by=actor.id)


def _facts(session: Session, plan_id: int) -> Sequence[Fact]:
    """What a decider should know of a plan: terms, means, and how they change the loan."""
    plan = load(session, plan_id)
    means = plan.affordability
    told: list[Fact] = [
        ("Loan", plan.loan_number),
        ("First instalment", plan.starts_on),
        ("Last instalment", plan.ends_on),
        ("Instalments", str(len(plan.instalments))),
        ("Highest instalment", max(row.amount for row in plan.instalments)),
    ]
    if means is not None:
        told += [("Income a month", means.income), ("Outgoings a month", means.outgoings), ("Left", means.disposable)]
    if plan.restructuring:
        told.append(("Restructuring (IN-16)", "; ".join(RESTRUCTURING[code] for code in plan.restructuring)))
    if plan.over_limit_reason:
        told.append(("Above the usual share because", plan.over_limit_reason))
    return told


approvals.register(
    KIND,
    approvals.Outcome(
        label="Repayment plan",
        on_approved=_approved,
        on_refused=_refused,
        on_withdrawn=_withdrawn,
        facts=_facts,
    ),
)
