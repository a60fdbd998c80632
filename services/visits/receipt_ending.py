"""How receipts end otherwise than in the bank: cancelled, or a cheque that bounced. Never by who took the money."""

from datetime import date

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import transaction
from db.queries import receipts as queries
from services import clock, facts, lender
from services.actors import Actor, Permission
from services.errors import InvalidInput, NotFound, Refused
from services.visits.receipts import load, record
from services.visits.values import Receipt


def cancel(actor: Actor, receipt_id: int, *, reason: str) -> Receipt:
    """Cancel a wrong receipt: its number stays, its money leaves the loan. Never by who took the money.

    Raises:
        NotAllowed: the actor may not cancel receipts, or took the money.
        NotFound: there is no such receipt.
        InvalidInput: no reason.
        Refused: it is cancelled or bounced already, or went in with a deposit.
    """
    actor.require(Permission.CONFIRM_DEPOSITS)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the receipt is cancelled."})
    with transaction() as session:
        row = _locked(session, actor, receipt_id)
        if row.cancelled_at is not None or row.bounced_on is not None:
            raise Refused(f"Receipt {row.number} is cancelled or bounced already.")
        if row.deposit_id is not None:
            raise Refused(f"Receipt {row.number} went in with a deposit. Say first that the deposit did not arrive.")
        if row.credited_on is not None:
            _take_back(session, row)
        queries.change(session, [receipt_id], cancelled_at=clock.now(), cancelled_by=actor.id,
                       cancel_reason=reason.strip(), credited_on=None)  # fmt: skip
        made = load(session, receipt_id)
        record(session, actor, made, "cancelled", f"cancelled receipt {made.number}", reason=reason.strip())
        return made


def bounce(actor: Actor, receipt_id: int, *, on: date, reason: str) -> Receipt:
    """A cheque came back unpaid: what it credited is taken back, and the bounce counts on the loan.

    Raises:
        NotAllowed: the actor may not.
        NotFound: there is no such receipt.
        InvalidInput: no reason, or the day cannot be.
        Refused: it is no cheque, was not deposited, or is bounced or cancelled already.
    """
    actor.require(Permission.CONFIRM_DEPOSITS)
    wrong = {} if reason.strip() else {"reason": "Write the bank's reason, as on the return memo."}
    with transaction() as session:
        row = _locked(session, actor, receipt_id)
        settings = lender.load(session)
        if not load(session, receipt_id).received_on <= on <= settings.today:
            wrong["on"] = "Choose a day from the receipt's to today."
        if wrong:
            raise InvalidInput(wrong)
        if row.mode != "cheque" or row.cancelled_at is not None or row.bounced_on is not None or row.deposit_id is None:
            raise Refused(f"Receipt {row.number} is no cheque that was deposited and may still bounce.")
        if row.credited_on is not None:
            _take_back(session, row, on=on)
        facts.post_bounce(session, row.loan_id, reference=row.number, on=on, amount=row.amount, reason=reason.strip())
        queries.change(session, [receipt_id], bounced_on=on, credited_on=None)
        made = load(session, receipt_id)
        record(session, actor, made, "bounced", f"recorded that the cheque of receipt {made.number} bounced",
                reason=reason.strip())  # fmt: skip
        return made


def _locked(session: Session, actor: Actor, receipt_id: int) -> AnyRow:
    row = queries.lock(session, receipt_id)
    if row is None:
        raise NotFound("That receipt is not there.")
    if row.received_by == actor.id:
        raise Refused("You took this money yourself: somebody else decides about its receipt.")
    return row


def _take_back(session: Session, row: AnyRow, *, on: date | None = None) -> None:
    known_on = on or lender.load(session).today
    facts.post(session, row.loan_id, reference=f"{row.number}-R", on=known_on, amount=row.amount, reverses=row.number)
