"""Waiving charges outside of a settlement: asked for by one, decided by another, taken into what is owed (IN-18).

A granted waiver lowers charges that fell due and are not paid, from the oldest unpaid due date on: overdue amount, days
past due and class follow at once, from the day of the decision on. Taken back, the charges are owed again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import closing
from db.queries import settlements as settlement_queries
from db.queries import waivers as queries
from db.queries.lender import bump_data_version
from services import approvals, audit, cases, clock, lender, money, restating
from services.actors import Actor, Permission
from services.approvals.kinds import Fact
from services.errors import Conflict, InvalidInput, NotFound, Refused

KIND: Final = "charge_waiver"
STATUSES: Final = {
    "waiting": "waits for approval",
    "granted": "waived",
    "refused": "refused",
    "withdrawn": "taken back before a decision",
    "taken_back": "owed again",
}


@dataclass(frozen=True, slots=True)
class Waiver:
    """A waiver of charges as it stands."""

    id: int
    borrower_id: int
    loan_id: int
    loan_number: str
    amount: Decimal
    reason: str
    asked_on: date
    asked_by: int | None
    asked_by_name: str | None
    decided_on: date | None
    decided_by_name: str | None
    taken_back_on: date | None
    take_back_reason: str | None
    status: str
    """A key of `STATUSES`."""

    @property
    def words(self) -> str:
        """For sentences of the audit trail."""
        return f"waiver of {self.amount:,.2f} charges on {self.loan_number}"


def ask(actor: Actor, loan_id: int, *, amount: Decimal, reason: str, request_key: str | None = None) -> Waiver:
    """Ask to waive charges that fell due and are not paid; another person decides.

    The same `request_key` again returns the first request.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: the loan is not of a borrower whom the actor may work.
        Conflict: a waiver of the loan waits already, or someone else has the case open.
        InvalidInput: the amount cannot be, or no reason is given.
        Refused: no charges are owed, less is, a settlement is under way, or nobody may decide.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    with transaction() as session:
        if request_key and (row := queries.by_request_key(session, request_key)):
            return _waiver(row)
        loan = queries.loan(session, loan_id)
        if loan is None:
            raise NotFound("That loan is not there.")
        cases.workable(session, actor, loan.borrower_id)
        _check(session, loan_id, loan, amount, reason)
        waiver_id = queries.insert_waiver(
            session,
            borrower_id=loan.borrower_id,
            loan_id=loan_id,
            amount=amount,
            reason=reason.strip(),
            asked_on=lender.load(session).today,
            asked_at=clock.now(),
            asked_by=actor.id,
            request_key=request_key,
        )
        if waiver_id is None:
            raise Conflict("A waiver of charges of this loan waits for a decision already.")
        made = load(session, waiver_id)
        approvals.ask(
            session,
            actor,
            kind=KIND,
            subject=(KIND, waiver_id),
            borrower_id=made.borrower_id,
            amount=amount,
            reason=made.reason,
            summary=f"Waive {amount:,.2f} of charges on {made.loan_number}",
        )
        _record(session, actor, made, "asked", f"asked for a {made.words}", reason=made.reason)
        return made


def _check(session: Session, loan_id: int, loan: AnyRow, amount: Decimal, reason: str) -> None:
    wrong = {}
    if amount <= 0 or amount != money.quantize(amount):
        wrong["amount"] = "Enter an amount above zero, with at most two decimals."
    if not reason.strip():
        wrong["reason"] = "Say why the charges are waived."
    if wrong:
        raise InvalidInput(wrong)
    if settlement_queries.live(session, loan_id) is not None:
        raise Refused("A settlement of this loan is under way, and says what is waived. Withdraw it first.")
    _require_owed(loan, amount)


def _require_owed(loan: AnyRow, amount: Decimal) -> None:
    if loan.source != "schedule" or loan.status != "active" or not loan.overdue_charges:
        raise Refused(f"On loan {loan.external_id} no charges fell due that are not paid: there is nothing to waive.")
    if amount > loan.overdue_charges:
        raise Refused(
            f"On loan {loan.external_id}, {loan.overdue_charges:,.2f} of charges is owed: no more can be waived."
        )


def withdraw(actor: Actor, waiver_id: int, *, reason: str) -> Waiver:
    """Take a request back before it is decided.

    Raises:
        NotAllowed: the actor may not make arrangements.
        NotFound: there is no such waiver, or the borrower is not the actor's to work.
        InvalidInput: no reason.
        Conflict: it is decided already.
    """
    actor.require(Permission.MAKE_ARRANGEMENTS)
    _require_reason(reason)
    with transaction() as session:
        made = load(session, waiver_id)
        cases.require_work(session, actor, made.borrower_id)
        if not queries.decide(session, waiver_id, withdrawn_on=lender.load(session).today):
            raise Conflict("It is decided already.")
        approvals.withdraw_for(session, actor, kind=KIND, subject=(KIND, waiver_id), reason=reason.strip())
        _record(session, actor, made, "withdrawn", f"took back the request for a {made.words}", reason=reason.strip())
        return load(session, waiver_id)


def take_back(actor: Actor, waiver_id: int, *, reason: str) -> Waiver:
    """End a granted waiver: the charges are owed again from today.

    Raises:
        NotAllowed: the actor may not decide requests.
        NotFound: there is no such waiver.
        InvalidInput: no reason.
        Conflict: it is not in force.
        Refused: the actor asked for it.
    """
    actor.require(Permission.DECIDE_REQUESTS)
    _require_reason(reason)
    with transaction() as session:
        made = load(session, waiver_id)
        if made.asked_by == actor.id:
            raise Refused("You asked for this waiver yourself: somebody else ends it.")
        closing.lock_loans(session, [made.loan_id])
        today = lender.load(session).today
        if not queries.take_back(session, waiver_id, on=today, by=actor.id, reason=reason.strip()):
            raise Conflict("This waiver is not in force.")
        _follow(session, made, today)
        _record(session, actor, made, "taken_back", f"ended a {made.words}", reason=reason.strip())
        return load(session, waiver_id)


def of_borrower(actor: Actor, borrower_id: int, *, limit: int = 50) -> list[Waiver]:
    """A borrower's waivers, newest first.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return [_waiver(row) for row in queries.of_borrower(session, borrower_id, limit=limit)]


def load(session: Session, waiver_id: int) -> Waiver:
    """One waiver, in the caller's transaction.

    Raises:
        NotFound: there is no such waiver.
    """
    row = queries.by_id(session, waiver_id)
    if row is None:
        raise NotFound("That waiver is not there.")
    return _waiver(row)


def _waiver(row: AnyRow) -> Waiver:
    return Waiver(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput({"reason": "Say why, in a few words."})


def _granted(session: Session, actor: Actor, waiver_id: int) -> None:
    """Waive: the oldest unpaid due date first, and let all that is derived follow.

    Raises:
        Refused: less is owed by now.
    """
    made = load(session, waiver_id)
    closing.lock_loans(session, [made.loan_id])
    loan = queries.loan(session, made.loan_id)
    assert loan is not None, "referred to"
    _require_owed(loan, made.amount)
    today = lender.load(session).today
    parts, left = [], made.amount
    for row in queries.charges(session, made.loan_id, first=loan.oldest_due_on, last=today):
        part = min(left, row.charges)
        parts.append({"waiver_id": waiver_id, "loan_id": made.loan_id, "number": row.number, "amount": part,
                      "waived_on": today})  # fmt: skip
        left -= part
        if not left:
            break
    queries.insert_parts(session, parts)
    _decide(session, actor, made, today, is_granted=True)
    _follow(session, made, today)


def _refused(session: Session, actor: Actor, waiver_id: int) -> None:
    _decide(session, actor, load(session, waiver_id), lender.load(session).today, is_granted=False)


def _decide(session: Session, actor: Actor, made: Waiver, today: date, *, is_granted: bool) -> None:
    if not queries.decide(session, made.id, decided_on=today, decided_by=actor.id, is_granted=is_granted):
        raise Conflict("It is decided already.")
    did = "granted" if is_granted else "refused"
    _record(session, actor, made, did, f"{did} a {made.words}", reason=made.reason)


def _withdrawn(session: Session, _actor: Actor, waiver_id: int) -> None:
    queries.decide(session, waiver_id, withdrawn_on=lender.load(session).today)


def _follow(session: Session, made: Waiver, today: date) -> None:
    restating.facts_changed(session, [made.loan_id], from_date=today, cause="charges waived")
    bump_data_version(session)


def _facts(session: Session, waiver_id: int) -> Sequence[Fact]:
    """What a decider should know: the charges that are owed, and what was waived before."""
    made = load(session, waiver_id)
    loan = queries.loan(session, made.loan_id)
    before = [each for each in queries.of_borrower(session, made.borrower_id, limit=200) if each.status == "granted"]
    return [
        ("Loan", made.loan_number),
        ("Charges owed", loan.overdue_charges if loan else None),
        ("Oldest unpaid due date", loan.oldest_due_on if loan else None),
        ("Waived of this borrower before", sum((each.amount for each in before), Decimal(0))),
    ]


def _record(session: Session, actor: Actor, made: Waiver, verb: str, summary: str, *, reason: str) -> None:
    audit.record(
        session,
        actor,
        f"charge_waiver.{verb}",
        subject=(KIND, made.id),
        summary=summary,
        borrower_id=made.borrower_id,
        loan_id=made.loan_id,
        after={"amount": str(made.amount)},
        reason=reason,
    )


approvals.register(
    KIND,
    approvals.Outcome(
        label="Waiver of charges",
        on_approved=_granted,
        on_refused=_refused,
        on_withdrawn=_withdrawn,
        facts=_facts,
    ),
)
