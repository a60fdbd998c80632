"""Single facts through the app: a payment, its reversal, a bounce. State follows in the same transaction.

Facts are only added. Imports add them in bulk; see services/imports.
"""

from datetime import date
from decimal import Decimal
from uuid import uuid4

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import transaction
from db.queries import loan_facts as queries
from db.queries.lender import bump_data_version
from services import audit, lender, money, restating
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused


def record_payment(
    actor: Actor,
    loan_id: int,
    *,
    amount: Decimal,
    paid_on: date,
    mode: str | None = None,
    reference: str | None = None,
) -> str:
    """Record money received; its reference. What the payment ends (arrears, reminders, a promise) ends with it.

    Args:
        actor: who records it.
        loan_id: the loan it is for.
        amount: above zero, two decimals.
        paid_on: value date; may lie before a closed day, which is then restated.
        mode: 'upi', 'cash', 'transfer'...
        reference: the receipt number; one is made when there is none.

    Raises:
        NotAllowed: the actor may not record payments.
        NotFound: there is no such loan.
        InvalidInput: the amount or date cannot be.
        Conflict: the loan has a payment with that reference.
    """
    actor.require(Permission.RECORD_PAYMENT)
    with transaction() as session:
        loan = _loan(session, loan_id)
        _check(session, amount, paid_on, "paid_on")
        receipt = reference or _made_up(paid_on)
        if not queries.insert_payment(
            session, loan_id=loan_id, reference=receipt, paid_on=paid_on, amount=amount, mode=mode
        ):
            raise Conflict(f"Payment {receipt} of loan {loan.external_id} is recorded already.")
        summary = f"recorded a payment of {amount:,.2f} on {loan.external_id}"
        _follow(session, actor, loan_id, loan, (paid_on, "payment.recorded", receipt, summary))
    return receipt


def reverse_payment(
    actor: Actor, loan_id: int, reference: str, *, known_on: date, reason: str, amount: Decimal | None = None
) -> str:
    """Take back a payment, wholly or in part: from `known_on` it counts as if it never came. The reversal's reference.

    Raises:
        NotAllowed: the actor may not record payments.
        NotFound: the loan has no such payment.
        InvalidInput: no reason, or the amount or date cannot be.
        Refused: more would be taken back than came.
    """
    actor.require(Permission.RECORD_PAYMENT)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the payment is taken back."})
    with transaction() as session:
        loan = _loan(session, loan_id)
        payment = queries.payment(session, loan_id, reference)
        if payment is None:
            raise NotFound(f"Loan {loan.external_id} has no payment {reference}.")
        left = payment.amount - queries.reversed_amount(session, loan_id, reference)
        taken = left if amount is None else amount
        if taken > left or left == 0:
            raise Refused(f"Of payment {reference}, {left:,.2f} is left to take back.")
        _check(session, taken, known_on, "known_on")
        made = _made_up(known_on)
        queries.insert_payment(
            session, loan_id=loan_id, reference=made, paid_on=known_on, amount=taken, reverses_reference=reference
        )
        summary = f"took back {taken:,.2f} of payment {reference} on {loan.external_id}"
        _follow(session, actor, loan_id, loan, (known_on, "payment.reversed", made, summary), reason=reason.strip())
    return made


def record_bounce(
    actor: Actor,
    loan_id: int,
    *,
    presented_on: date,
    amount: Decimal,
    reason: str | None = None,
    reference: str | None = None,
) -> str:
    """Record a presentation of a mandate or cheque that bounced; its reference.

    A payment with that reference that was taken for paid by then is taken back from the date of the bounce on.

    Raises:
        NotAllowed: the actor may not record payments.
        NotFound: there is no such loan.
        InvalidInput: the amount or date cannot be.
        Conflict: the loan has a presentation with that reference.
    """
    actor.require(Permission.RECORD_PAYMENT)
    with transaction() as session:
        loan = _loan(session, loan_id)
        _check(session, amount, presented_on, "presented_on")
        made = reference or _made_up(presented_on)
        if not queries.insert_bounce(
            session, loan_id=loan_id, reference=made, presented_on=presented_on, amount=amount, reason=reason
        ):
            raise Conflict(f"Presentation {made} of loan {loan.external_id} is recorded already.")
        taken = _take_back_bounced(session, loan_id, made, on=presented_on, amount=amount)
        summary = f"recorded a bounce of {amount:,.2f} on {loan.external_id}"
        summary += f", which takes back {taken:,.2f} of payment {made}" if taken else ""
        _follow(session, actor, loan_id, loan, (presented_on, "bounce.recorded", made, summary))
    return made


def post(
    session: Session,
    loan_id: int,
    *,
    reference: str,
    on: date,
    amount: Decimal,
    mode: str | None = None,
    reverses: str | None = None,
) -> None:
    """Add a payment, or the reversal of one, in the transaction of the act that it belongs to, such as a receipt's.

    The caller has asked for permission, checked the amount, and records the act in the audit trail.

    Args:
        session: the transaction of the act.
        loan_id: the loan it is for.
        reference: unique within the loan.
        on: value date; of a reversal, when it became known.
        amount: above zero, two decimals.
        mode: how it was paid.
        reverses: reference of the payment that it takes back.

    Raises:
        Conflict: the loan has a payment with that reference.
    """
    if not queries.insert_payment(
        session, loan_id=loan_id, reference=reference, paid_on=on, amount=amount, mode=mode, reverses_reference=reverses
    ):
        raise Conflict(f"Payment {reference} is recorded already.")
    restating.facts_changed(
        session, [loan_id], from_date=on, cause=f"payment {'reversed' if reverses else 'recorded'} late"
    )
    bump_data_version(session)


def post_bounce(session: Session, loan_id: int, *, reference: str, on: date, amount: Decimal, reason: str) -> None:
    """Add a bounce in the transaction of the act that it belongs to; as `post`.

    Raises:
        Conflict: the loan has a presentation with that reference.
    """
    if not queries.insert_bounce(
        session, loan_id=loan_id, reference=reference, presented_on=on, amount=amount, reason=reason
    ):
        raise Conflict(f"Presentation {reference} is recorded already.")
    restating.facts_changed(session, [loan_id], from_date=on, cause="bounce recorded late")
    bump_data_version(session)


def _take_back_bounced(session: Session, loan_id: int, reference: str, *, on: date, amount: Decimal) -> Decimal:
    """Reverse the payment that this reference was taken for, as files with bounces do; how much of it."""
    payment = queries.payment(session, loan_id, reference)
    if payment is None or payment.paid_on > on:
        return Decimal(0)
    taken: Decimal = min(amount, payment.amount - queries.reversed_amount(session, loan_id, reference))
    if taken > 0:
        queries.insert_payment(
            session, loan_id=loan_id, reference=f"{reference}/B", paid_on=on, amount=taken, reverses_reference=reference
        )
    return max(taken, Decimal(0))


def _loan(session: Session, loan_id: int) -> AnyRow:
    row = queries.loan(session, loan_id)
    if row is None:
        raise NotFound("That loan is not there.")
    return row


def _check(session: Session, amount: Decimal, on: date, field: str) -> None:
    wrong = {}
    if amount <= 0 or amount != money.quantize(amount):
        wrong["amount"] = "Enter an amount above zero, with at most two decimals."
    if on > lender.load(session).today:
        wrong[field] = "The date has not come yet."
    if wrong:
        raise InvalidInput(wrong)


def _made_up(on: date) -> str:
    return f"app-{on:%Y%m%d}-{uuid4().hex[:10]}"


def _follow(
    session: Session, actor: Actor, loan_id: int, loan: AnyRow, fact: tuple[date, str, str, str], *, reason: str = ""
) -> None:
    on, action, reference, summary = fact
    restating.facts_changed(session, [loan_id], from_date=on, cause=action.replace(".", " ") + " late")
    audit.record(
        session,
        actor,
        action,
        subject=("payment", reference),
        summary=summary,
        borrower_id=loan.borrower_id,
        loan_id=loan_id,
        reason=reason or None,
    )
    bump_data_version(session)
