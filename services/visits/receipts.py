"""Money taken in the field: a receipt with a gapless number for each, credited to the loan at once (IN-12)."""

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import closing
from db.queries import complaints as grievance_queries
from db.queries import plans as loan_queries
from db.queries import receipts as queries
from services import audit, cases, clock, documents, facts, lender, money
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.visits import reading as visits
from services.visits import receipt_paper
from services.visits.policy import load_policy
from services.visits.values import MODES, Receipt, Taken

CHEQUE_DAYS: Final = 90
"""A cheque is paid within three months of its date (RBI, 4 Nov 2011, in force since 1 Apr 2012)."""
MOST_LISTED = 2_000
_CHEQUE_NUMBER = re.compile(r"\d{6}")


def financial_year(on: date) -> str:
    """India's, April to March: '2026-27'."""
    first = on.year if on.month >= 4 else on.year - 1
    return f"{first}-{(first + 1) % 100:02}"


def issue(
    actor: Actor, borrower_id: int, taken: Taken, *, visit_id: int | None = None, request_key: str | None = None
) -> Receipt:
    """Give a receipt for money taken now: number, PDF, and, for cash, the payment on the loan.

    A cheque is credited when its deposit has arrived. The same `request_key` again returns the first receipt.

    Raises:
        NotAllowed: the actor may not take money.
        NotFound: the borrower, loan or visit is not the actor's.
        InvalidInput: a field cannot be.
        Refused: more than is owed, or than the limits of cash allow.
        Conflict: the paper receipt is recorded already.
    """
    actor.require(Permission.MAKE_VISITS)
    with transaction() as session:
        if request_key and (earlier := queries.by_request_key(session, request_key)):
            return load(session, earlier)
        return issue_in(session, actor, borrower_id, taken, at=clock.now(), visit_id=visit_id, request_key=request_key)


def issue_in(
    session: Session,
    actor: Actor,
    borrower_id: int,
    taken: Taken,
    *,
    at: datetime,
    visit_id: int | None,
    request_key: str | None,
) -> Receipt:
    """The same in the caller's transaction, for money taken at a moment."""
    assert actor.id is not None, "money is taken by people"
    cases.require_work(session, actor, borrower_id)
    if visit_id is not None and visits.own(session, actor, visit_id).borrower_id != borrower_id:
        raise NotFound("That visit is to another borrower.")
    settings = lender.load(session)
    on = clock.local(at, settings.time_zone).date()
    loan = _loan(session, borrower_id, taken.loan_id)
    _check(session, taken, loan, on)
    closing.lock_loans(session, [taken.loan_id])
    queries.lock_agent(session, actor.id)
    if taken.mode == "cash":
        _check_cash(session, actor.id, borrower_id, taken.amount, on)
    if taken.paper_number and queries.by_paper_number(session, actor.id, taken.paper_number):
        raise Conflict(f"Your paper receipt {taken.paper_number} is recorded already.")
    year = financial_year(on)
    number = f"{year}/{queries.next_number(session, year):06}"
    receipt_id = _insert(session, actor, borrower_id, taken, number=number, at=at, on=on, visit_id=visit_id,
                         request_key=request_key)  # fmt: skip
    if taken.mode == "cash":
        facts.post(session, taken.loan_id, reference=number, on=on, amount=taken.amount, mode="cash")
    made = load(session, receipt_id)
    _keep_paper(session, actor, made)
    record(session, actor, made, "issued", f"took {MODES[made.mode].lower()} {made.amount:,.2f} on {made.loan_number}, receipt {number}")  # fmt: skip # noqa: E501
    return made


def _loan(session: Session, borrower_id: int, loan_id: int) -> AnyRow:
    loan = loan_queries.loan(session, loan_id)
    if loan is None or loan.borrower_id != borrower_id:
        raise NotFound("That loan is not the borrower's.")
    return loan


def _check(session: Session, taken: Taken, loan: AnyRow, on: date) -> None:
    wrong = {}
    if taken.amount <= 0 or taken.amount != money.quantize(taken.amount):
        wrong["amount"] = "Enter an amount above zero, with at most two decimals."
    if taken.mode not in MODES:
        wrong["mode"] = "Money in the field is cash or a cheque."
    if not taken.paid_by.strip():
        wrong["paid_by"] = "Write who handed it over."
    if on > lender.load(session).today:
        wrong["received_on"] = "The day has not come yet."
    if taken.mode == "cheque":
        wrong |= _wrong_cheque(taken, on)
    if wrong:
        raise InvalidInput(wrong)
    if taken.amount > loan.owed:
        raise Refused(f"On loan {loan.external_id}, {loan.owed:,.2f} is owed in all: no more can be taken.")


def _wrong_cheque(taken: Taken, on: date) -> dict[str, str]:
    wrong = {}
    if not _CHEQUE_NUMBER.fullmatch(taken.cheque_number or ""):
        wrong["cheque_number"] = "A cheque has a number of six digits."
    if not (taken.cheque_bank or "").strip():
        wrong["cheque_bank"] = "Write the bank that the cheque is drawn on."
    if taken.cheque_on is None:
        wrong["cheque_on"] = "Enter the date on the cheque."
    elif taken.cheque_on < on - timedelta(days=CHEQUE_DAYS):
        wrong["cheque_on"] = "The cheque is older than three months: no bank pays it."
    elif taken.cheque_on > on + timedelta(days=CHEQUE_DAYS):
        wrong["cheque_on"] = "The cheque is dated more than three months ahead."
    return wrong


def _check_cash(session: Session, agent_id: int, borrower_id: int, amount: Decimal, on: date) -> None:
    limits = load_policy(session)
    today = queries.cash_of_day(session, borrower_id, on)
    if today + amount > limits.cash_per_day:
        raise Refused(
            f"At most {limits.cash_per_day:,.2f} in cash may be taken from one borrower a day; {today:,.2f} was taken "
            "already. Ask for a transfer instead."
        )
    held = queries.cash_in_hand(session, agent_id)
    if held + amount > limits.cash_in_hand:
        raise Refused(
            f"You hold {held:,.2f} in cash, and may hold {limits.cash_in_hand:,.2f}. Deposit it before you take more."
        )


def _insert(
    session: Session,
    actor: Actor,
    borrower_id: int,
    taken: Taken,
    *,
    number: str,
    at: datetime,
    on: date,
    visit_id: int | None,
    request_key: str | None,
) -> int:
    is_cheque = taken.mode == "cheque"
    return queries.insert_receipt(
        session,
        number=number,
        borrower_id=borrower_id,
        loan_id=taken.loan_id,
        visit_id=visit_id,
        amount=taken.amount,
        mode=taken.mode,
        cheque_number=taken.cheque_number if is_cheque else None,
        cheque_bank=(taken.cheque_bank or "").strip() if is_cheque else None,
        cheque_on=taken.cheque_on if is_cheque else None,
        paid_by=taken.paid_by.strip(),
        paper_number=(taken.paper_number or "").strip() or None,
        received_at=at,
        received_on=on,
        received_by=actor.id,
        recorded_at=clock.now(),
        credited_on=None if is_cheque else on,
        request_key=request_key,
    )


def _keep_paper(session: Session, actor: Actor, made: Receipt) -> None:
    contact = grievance_queries.settings(session).grievance_contact
    documents.store(
        session,
        actor,
        kind="receipt",
        file_name=f"Receipt {made.number.replace('/', '-')}.pdf",
        content=receipt_paper.paper(made, lender.load(session), grievance_contact=contact),
        borrower_id=made.borrower_id,
        subject=("receipt", made.id),
    )


def paper_of(actor: Actor, receipt_id: int) -> documents.Opened:
    """The PDF of a receipt as it was given; the download stands in the audit trail.

    Raises:
        NotAllowed, NotFound: it is not the actor's to see.
    """
    return documents.newest_of(actor, ("receipt", receipt_id), kind="receipt")


def load(session: Session, receipt_id: int) -> Receipt:
    """One receipt, in the caller's transaction.

    Raises:
        NotFound: there is no such receipt.
    """
    row = queries.receipt(session, receipt_id)
    if row is None:
        raise NotFound("That receipt is not there.")
    return Receipt(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def of_borrower(actor: Actor, borrower_id: int, *, limit: int = 50) -> list[Receipt]:
    """A borrower's receipts, newest first.

    Raises:
        NotAllowed, NotFound: the borrower is not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return [Receipt(**row._mapping) for row in queries.of_borrower(session, borrower_id, limit=limit)]  # noqa: SLF001


def listing(actor: Actor, *, first: date, last: date, agent_id: int | None = None) -> list[Receipt]:
    """Receipts of some days (both included), of one agent or all, newest first.

    Raises:
        NotAllowed: the actor may not see those of others.
    """
    actor.require(Permission.VIEW_VISITS)
    if agent_id != actor.id or actor.id is None:
        actor.require(Permission.VIEW_ALL_CASES)
    with reading() as session:
        rows = queries.listed(session, first=first, last=last, agent_id=agent_id, limit=MOST_LISTED)
        return [Receipt(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def record(
    session: Session, actor: Actor, made: Receipt, verb: str, summary: str, *, reason: str | None = None
) -> None:
    """The one event of an act on a receipt."""
    audit.record(
        session,
        actor,
        f"receipt.{verb}",
        subject=("receipt", made.number),
        summary=summary,
        borrower_id=made.borrower_id,
        loan_id=made.loan_id,
        after={"amount": str(made.amount), "mode": made.mode, "visit": made.visit_id},
        reason=reason,
    )
