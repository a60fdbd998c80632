"""Opening a legal action: on loans, and for a bounce on the instrument that came back."""

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import case_people as people_queries
from db.queries import legal as queries
from services import audit, cases, holds, lender, money
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotAllowed, Refused
from services.legal.configuring import code_of, load
from services.legal.settling import derive, lengths_of
from services.legal.values import BOUNCES, KINDS, Bounce, Dishonour, Entry, number_of

if TYPE_CHECKING:
    from db.base import AnyRow

_BOUNCES_DAYS: Final = 120
"""How far back bounces of the book are offered."""
_LONGEST: Final = 500


def require_officer(session: Session, actor: Actor, borrower_id: int) -> None:
    """Refuse who may not lead the borrower through law: that takes a leader, or the legal officer of the case.

    Raises:
        NotAllowed: the actor may not handle legal actions, or is not the case's legal officer.
        NotFound: the borrower is not theirs to see.
    """
    actor.require(Permission.HANDLE_LEGAL)
    cases.require_access(session, actor, borrower_id)
    if actor.may(Permission.VIEW_ALL_CASES):
        return
    if actor.id is None or "legal" not in people_queries.roles(session, borrower_id, actor.id):
        raise NotAllowed("Legal steps are for the legal officer of the case. Ask your leader for the role.")


def may_handle(session: Session, actor: Actor, borrower_id: int) -> bool:
    """Whether `require_officer` lets the actor through."""
    if not actor.may(Permission.HANDLE_LEGAL):
        return False
    if actor.may(Permission.VIEW_ALL_CASES):
        return True
    return actor.id is not None and "legal" in people_queries.roles(session, borrower_id, actor.id)


def bounces(actor: Actor, borrower_id: int) -> list[Bounce]:
    """Bounced presentations of the borrower's loans in the last 120 days, newest first.

    Raises:
        NotAllowed, NotFound: not the actor's to see.
    """
    actor.require(Permission.VIEW_LEGAL)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        reasons = queries.return_reasons(session)
        since = lender.load(session).today - timedelta(days=_BOUNCES_DAYS)
        return [
            Bounce(**row._mapping, code=code_of(reasons, row.reason))  # noqa: SLF001 - SQLAlchemy's public name
            for row in queries.bounces(session, borrower_id, since)
        ]


def loans(actor: Actor, borrower_id: int) -> dict[int, str]:
    """Loans that an action may be about: numbers by id.

    Raises:
        NotAllowed, NotFound: not the actor's to see.
    """
    actor.require(Permission.VIEW_LEGAL)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return queries.loans_of(session, borrower_id)


def open_action(actor: Actor, borrower_id: int, entry: Entry, *, request_key: str | None = None) -> int:
    """Open an action; its id. The same `request_key` again returns the first and changes nothing.

    1. For a bounce: the reason of return must give cause for the kind (S.25: want of funds only), and the notice must
       still be possible.
    2. A hold stops contact where the settings say so for the kind.

    Raises:
        NotAllowed: the actor may not lead the borrower through law.
        NotFound: the borrower is not theirs to see.
        InvalidInput: a field cannot be taken.
        Refused: the reason gives no cause, or the time for the notice is over.
        Conflict: an action on the instrument is open, or someone has the case open.
    """
    actor.require(Permission.HANDLE_LEGAL)
    with transaction() as session:
        if request_key and (earlier := queries.by_request_key(session, request_key)):
            return earlier
        require_officer(session, actor, borrower_id)
        queries.lock_borrower(session, borrower_id)
        today = lender.load(session).today
        _check(session, borrower_id, entry, today)
        return _open(session, actor, borrower_id, entry, today=today, request_key=request_key)


def _open(
    session: Session, actor: Actor, borrower_id: int, entry: Entry, *, today: date, request_key: str | None
) -> int:
    bounce = entry.dishonour
    hold_id = _hold(session, actor, borrower_id, entry.kind, today)
    action_id = queries.insert_action(
        session,
        entry.loan_ids,
        borrower_id=borrower_id,
        kind=entry.kind,
        opened_on=today,
        opened_by=actor.id,
        amount=money.quantize(entry.amount),
        reason=entry.reason.strip(),
        presentation_id=bounce.presentation_id if bounce else None,
        instrument_number=bounce.instrument_number.strip() if bounce else None,
        instrument_on=bounce.instrument_on if bounce else None,
        return_reason=bounce.return_reason if bounce else None,
        memo_on=bounce.memo_on if bounce else None,
        hold_id=hold_id,
        request_key=request_key,
    )
    if action_id is None:
        raise Conflict("This form was submitted already; the action is open.")
    derive(session, [action_id])
    if hold_id is not None:
        cases.refresh_for(session, today, [borrower_id])
    audit.record(
        session,
        actor,
        "legal.opened",
        subject=("legal_action", action_id),
        summary=f"opened {number_of(action_id)}: {KINDS[entry.kind]}, {entry.amount:,.2f}",
        borrower_id=borrower_id,
        after={"kind": entry.kind, "amount": str(entry.amount), "hold_id": hold_id, "loans": list(entry.loan_ids)},
        reason=entry.reason.strip(),
    )
    return action_id


def _hold(session: Session, actor: Actor, borrower_id: int, kind: str, today: date) -> int | None:
    if kind not in load(session).hold_kinds:
        return None
    terms = holds.Terms("legal", f"Legal action: {KINDS[kind]}", None)
    return holds.add(session, actor, borrower_id, terms, today=today)


def _check(session: Session, borrower_id: int, entry: Entry, today: date) -> None:
    wrong: dict[str, str] = {}
    known = queries.loans_of(session, borrower_id)
    if entry.kind not in KINDS:
        wrong["kind"] = "Choose one of the kinds in the list."
    if not entry.loan_ids or any(loan_id not in known for loan_id in entry.loan_ids):
        wrong["loans"] = "Choose at least one loan of this borrower that is not closed."
    if not Decimal(0) < entry.amount < Decimal(10) ** 13:
        wrong["amount"] = "Enter the amount that is demanded."
    if not entry.reason.strip() or len(entry.reason) > _LONGEST:
        wrong["reason"] = f"Say why, in at most {_LONGEST} characters."
    if (entry.dishonour is None) == (entry.kind in BOUNCES):
        wrong["kind"] = "A bounce action stands on an instrument that came back; other kinds do not."
    if entry.dishonour is not None:
        wrong |= _wrong_of(entry.dishonour, today)
    if wrong:
        raise InvalidInput(wrong)
    if entry.dishonour is not None:
        _check_cause(session, borrower_id, entry, entry.dishonour, today)


def _wrong_of(bounce: Dishonour, today: date) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not bounce.instrument_number.strip() or len(bounce.instrument_number) > 100:
        wrong["instrument_number"] = "Enter the number of the cheque, or the reference of the debit."
    if bounce.memo_on > today:
        wrong["memo_on"] = "The return memo cannot have been received after today."
    elif bounce.instrument_on is not None and bounce.instrument_on > bounce.memo_on:
        wrong["instrument_on"] = "The instrument is not younger than its return memo."
    return wrong


def _check_cause(session: Session, borrower_id: int, entry: Entry, bounce: Dishonour, today: date) -> None:
    """The reason code must give cause, and the notice must still be in time.

    Raises:
        Refused: it gives none, or the notice would be late.
        Conflict: an action on the instrument is open.
    """
    reasons: dict[str, AnyRow] = {row.code: row for row in queries.return_reasons(session)}
    reason = reasons.get(bounce.return_reason)
    if reason is None:
        raise InvalidInput({"return_reason": "Choose one of the reasons in the list."})
    if entry.kind not in reason.allows:
        raise Refused(f"“{reason.label}” gives no cause for this kind of action: {reason.source}.")
    if bounce.presentation_id is not None:
        _check_presentation(session, borrower_id, entry, bounce)
    days = lengths_of(queries.rules(session), entry.kind, bounce.memo_on).notice_days
    if days is not None and today > (last := bounce.memo_on + timedelta(days=days)):
        raise Refused(
            f"Too late: the notice had to be sent by {last.day} {last:%b %Y}, {days} days after the return memo. "
            "Present the instrument again while it is valid."
        )


def _check_presentation(session: Session, borrower_id: int, entry: Entry, bounce: Dishonour) -> None:
    found = {row.id: row for row in queries.bounces(session, borrower_id, date.min)}
    row = found.get(bounce.presentation_id or 0)
    if row is None or row.loan_id not in entry.loan_ids:
        raise InvalidInput({"presentation": "Choose a bounce of one of the chosen loans."})
    if row.is_taken:
        raise Conflict("An action on this instrument is open already.")
    if bounce.memo_on < row.presented_on:
        raise InvalidInput({"memo_on": "The return memo is not older than the presentation."})
    if entry.amount > row.amount:
        raise InvalidInput({"amount": f"The instrument was for {row.amount:,.2f}: demand no more."})
