"""Promises to pay: recording, taking back, and settling them from payments. A promise's status is never typed in."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import closing
from db.queries import promises as queries
from services import audit, cases, lender, money
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.promise_parts import MOST_DATES, PROMISERS, Part, Promise, Terms, Whole, wholes
from services.wording import counted

__all__ = [
    "MOST_DATES",
    "Part",
    "Promise",
    "Terms",
    "Whole",
    "add",
    "cancel",
    "load_of_borrower",
    "of_borrower",
    "record",
    "record_event",
    "settle",
    "settle_for",
    "wholes",
]


def settle(session: Session, as_of: date, first_loan_id: int, last_loan_id: int) -> int:
    """Derive the status of the promises of a range of loans (both ids included); how many borrowers it touched."""
    scope = queries.loan_range(first_loan_id, last_loan_id)
    return len(queries.settle(session, scope, as_of=as_of, grace_days=queries.limits(session)[0]))


def settle_for(session: Session, as_of: date, loan_ids: Sequence[int]) -> int:
    """The same for a few loans, the moment a payment or its reversal arrives; how many borrowers it touched."""
    scope = queries.these_loans(loan_ids)
    return len(queries.settle(session, scope, as_of=as_of, grace_days=queries.limits(session)[0]))


def record(
    actor: Actor,
    loan_id: int,
    *,
    amount: Decimal,
    due_on: date,
    further: Sequence[Part] = (),
    channel: str = "call",
    person: str = "borrower",
    party_id: int | None = None,
    request_key: str | None = None,
) -> Promise:
    """Record a promise to pay, by one date or several. The first date is returned.

    The same `request_key` again returns the first promise and changes nothing. Who promised is the borrower, or the
    co-borrower or guarantor that `party_id` names.

    Raises:
        NotAllowed: the actor may not record promises.
        NotFound: the loan is not there, or not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: an amount is not positive, a date is past, too far or named twice, or the party is not theirs.
        Refused: the loan is closed, or more is promised than is owed.
    """
    actor.require(Permission.RECORD_CONTACT)
    with transaction() as session:
        terms = Terms(loan_id=loan_id, amount=amount, due_on=due_on, further=tuple(further))
        if earlier := _earlier(session, terms, request_key):
            return earlier
        today = lender.load(session).today
        promise, is_new = add(
            session,
            actor,
            terms,
            today=today,
            channel=channel,
            person=person,
            request_key=request_key,
            party_id=party_id,
        )
        if is_new:
            cases.refresh_for(session, today, [promise.borrower_id])
            record_event(session, actor, promise)
        return promise


def add(
    session: Session,
    actor: Actor,
    terms: Terms,
    *,
    today: date,
    channel: str,
    person: str,
    request_key: str | None,
    contact_attempt_id: int | None = None,
    party_id: int | None = None,
) -> tuple[Promise, bool]:
    """Check and insert a promise in the caller's transaction; the promise, and whether it is new.

    Raises:
        NotFound, Conflict, InvalidInput, Refused: see `record`.
    """
    # the order of locks is that of payments: the borrower's facts, then the case
    closing.lock_loans(session, [terms.loan_id])
    loan = queries.lock_loan(session, terms.loan_id)
    if loan is None:
        raise NotFound("That loan is not there.")
    cases.workable(session, actor, loan.borrower_id)
    _check(session, terms, loan, today)
    if person not in PROMISERS:
        raise InvalidInput({"person": "Only the borrower, a co-borrower or a guarantor can promise."})
    if party_id is not None and queries.party_role(session, loan.borrower_id, party_id) != person:
        raise InvalidInput({"person": "That person is not on this borrower's record. Choose who promised again."})
    common = {
        "borrower_id": loan.borrower_id,
        "loan_id": terms.loan_id,
        "promised_on": today,
        "channel": channel,
        "person": person,
        "party_id": party_id,
        "contact_attempt_id": contact_attempt_id,
        "recorded_by": actor.id,
    }
    dates = [{"amount": part.amount, "due_on": part.due_on} for part in sorted(terms.parts, key=lambda p: p.due_on)]
    promise_id = queries.insert_promise(session, **common, **dates[0], request_key=request_key)
    if promise_id is None:  # another submit of the same form was faster
        earlier = _earlier(session, terms, request_key)
        if earlier is None:
            raise Conflict("This form was used for another promise. Open it again.")
        return earlier, False
    queries.insert_further(
        session, [{**common, **each, "whole_id": promise_id, "part": n} for n, each in enumerate(dates[1:], start=2)]
    )
    settle_for(session, today, [terms.loan_id])
    return _load(session, promise_id), True


def _check(session: Session, terms: Terms, loan: Row[*tuple[Any, ...]], today: date) -> None:
    _check_fields(terms, today, limit_days=queries.limits(session)[1])
    if loan.status == "closed":
        raise Refused(f"Loan {loan.external_id} is closed; nothing is owed on it any more.")
    if loan.owed <= 0:  # a book of snapshots may not say what is owed
        return
    promised = terms.whole_amount
    if promised > loan.owed:
        raise Refused(f"The promise of {promised:,.2f} is more than the {loan.owed:,.2f} owed. Lower the amount.")
    pending = queries.pending_amount(session, terms.loan_id)
    if promised + pending > loan.owed:
        raise Refused(
            f"{pending:,.2f} of the {loan.owed:,.2f} owed is promised already. Lower the amount, or take back the "
            "earlier promise."
        )


def _check_fields(terms: Terms, today: date, *, limit_days: int) -> None:
    wrong: dict[str, str] = {}
    last, days = today + timedelta(days=limit_days), [part.due_on for part in terms.parts]
    if any(part.amount <= 0 or part.amount != money.quantize(part.amount) for part in terms.parts):
        wrong["amount"] = "Enter an amount above zero, with at most two decimals."
    if min(days) < today:
        wrong["due_on"] = "The date is past; a promise is for today or later."
    elif max(days) > last:
        wrong["due_on"] = f"The date is too far: a promise may run {limit_days} days, to {last:%-d %b %Y}."
    elif len(set(days)) < len(days):
        wrong["due_on"] = "A date is named twice; put both amounts on one date."
    elif len(days) > MOST_DATES:
        wrong["due_on"] = f"A promise has at most {MOST_DATES} dates; agree on a repayment plan for more."
    if wrong:
        raise InvalidInput(wrong)


def _earlier(session: Session, terms: Terms, request_key: str | None) -> Promise | None:
    row = queries.by_request_key(session, request_key) if request_key else None
    if row is None:
        return None
    if row.loan_id != terms.loan_id:
        raise Conflict("This form was used for another loan. Open it again.")
    return Promise(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def _load(session: Session, promise_id: int) -> Promise:
    row = queries.by_id(session, promise_id)
    if row is None:
        raise NotFound("That promise is not there.")
    return Promise(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def record_event(session: Session, actor: Actor, promise: Promise, *, how: str = "") -> None:
    """The audit event of a new promise, in the caller's transaction; `how` continues its sentence."""
    dates = queries.dates_of(session, promise.whole_id)
    further = f" and on {counted(len(dates) - 1, 'later date')}" if len(dates) > 1 else ""
    amount = sum((row.amount for row in dates), Decimal(0))
    audit.record(
        session,
        actor,
        "promise.recorded",
        subject=("promise", promise.id),
        summary=(
            f"recorded a promise of {amount:,.2f} for {promise.due_on:%-d %b %Y}{further} on {promise.loan_number}{how}"
        ),
        borrower_id=promise.borrower_id,
        loan_id=promise.loan_id,
        after={
            "amount": str(amount),
            "due_on": promise.due_on.isoformat(),
            "channel": promise.channel,
            "person": promise.person,
            **({"dates": {row.due_on.isoformat(): str(row.amount) for row in dates}} if further else {}),
        },
    )


def cancel(actor: Actor, promise_id: int, *, reason: str) -> None:
    """Take a pending promise back, with the reason. Of several dates: that date; the others stay as they are.

    Raises:
        NotAllowed, NotFound, Conflict: as for `record`.
        InvalidInput: no reason.
        Refused: the promise is not pending any more.
    """
    actor.require(Permission.RECORD_CONTACT)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the promise is taken back."})
    with transaction() as session:
        promise = _load(session, promise_id)
        cases.workable(session, actor, promise.borrower_id, loan_id=promise.loan_id)
        if not queries.cancel(session, promise_id, reason=reason.strip()):
            raise Refused("Only a promise that is still running can be taken back.")
        today = lender.load(session).today
        settle_for(session, today, [promise.loan_id])
        cases.refresh_for(session, today, [promise.borrower_id])
        audit.record(
            session,
            actor,
            "promise.cancelled",
            subject=("promise", promise_id),
            summary=f"took back the promise of {promise.amount:,.2f} for {promise.due_on:%-d %b %Y}",
            borrower_id=promise.borrower_id,
            loan_id=promise.loan_id,
            before={"status": promise.status},
            after={"status": "cancelled"},
            reason=reason.strip(),
        )


def of_borrower(actor: Actor, borrower_id: int, *, limit: int = 100) -> list[Promise]:
    """The borrower's promises, latest date first.

    Raises:
        NotAllowed, NotFound: not the actor's to see.
    """
    actor.require(Permission.VIEW_BORROWER)
    with reading() as session:
        cases.require_access(session, actor, borrower_id)
        return load_of_borrower(session, borrower_id, limit=limit)


def load_of_borrower(session: Session, borrower_id: int, *, limit: int = 100) -> list[Promise]:
    """The same in the caller's transaction, for an actor already let in."""
    rows = queries.of_borrower(session, borrower_id, limit=limit)
    return [Promise(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name
