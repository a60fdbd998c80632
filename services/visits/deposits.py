"""Deposits: an agent hands in what was taken, receipt by receipt, and somebody else says whether it arrived."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import receipts as queries
from services import audit, clock, documents, facts, lender, money
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.visits.policy import load_policy
from services.visits.values import Deposit, InHand, Receipt, Slip
from services.wording import counted

MOST_LISTED = 500


def held(actor: Actor) -> list[Receipt]:
    """What the actor holds, oldest first.

    Raises:
        NotAllowed: the actor may not take money.
    """
    actor.require(Permission.MAKE_VISITS)
    with reading() as session:
        return [Receipt(**row._mapping) for row in queries.in_hand(session, actor.id or 0)]  # noqa: SLF001 - public name


def held_by_agents(actor: Actor) -> list[InHand]:
    """What each agent holds, the oldest money first.

    Raises:
        NotAllowed: the actor may not see the money of others.
    """
    actor.require(Permission.VIEW_VISITS)
    actor.require(Permission.VIEW_ALL_CASES)
    with reading() as session:
        latest = lender.load(session).today - timedelta(days=load_policy(session).deposit_days)
        return [
            InHand(**row._mapping, is_overdue=row.oldest_on < latest)  # noqa: SLF001 - SQLAlchemy's public name
            for row in queries.held_by_agents(session)
        ]


def deposit(actor: Actor, receipt_ids: Sequence[int], slip: Slip, *, request_key: str | None = None) -> Deposit:
    """Hand in money: receipts of the actor's that are in hand, and what was deposited for them.

    Args:
        actor: whose money it is.
        receipt_ids: which receipts.
        slip: what was deposited.
        request_key: of the form; the same again returns the first deposit.

    Raises:
        NotAllowed: the actor may not take money.
        InvalidInput: a field cannot be, or the amount differs without a reason.
        Conflict: a receipt is not in the actor's hand any more.
    """
    actor.require(Permission.MAKE_VISITS)
    with transaction() as session:
        if request_key and (earlier := queries.deposit_by_request_key(session, request_key)):
            return load(session, earlier)
        return deposit_in(session, actor, receipt_ids, slip, request_key=request_key)


def deposit_in(
    session: Session, actor: Actor, receipt_ids: Sequence[int], slip: Slip, *, request_key: str | None = None
) -> Deposit:
    """`deposit` in the caller's transaction."""
    assert actor.id is not None, "money is handed in by people"
    queries.lock_agent(session, actor.id)
    chosen = [row for row in queries.in_hand(session, actor.id) if row.id in set(receipt_ids)]
    if len(chosen) != len(set(receipt_ids)):
        raise Conflict("One of these receipts is not in your hand any more. Look again.")
    expected = sum((row.amount for row in chosen), Decimal(0))
    _check(slip, expected, are_chosen=bool(chosen))
    deposit_id = queries.insert_deposit(
        session,
        agent_id=actor.id,
        deposited_on=lender.load(session).today,
        amount=slip.amount,
        expected_amount=expected,
        difference_reason=(slip.difference_reason or "").strip() if slip.amount != expected else None,
        account=slip.account.strip(),
        reference=slip.reference.strip(),
        recorded_at=clock.now(),
        request_key=request_key,
    )
    queries.change(session, [row.id for row in chosen], deposit_id=deposit_id)
    if slip.file is not None:
        name, content = slip.file
        documents.store(
            session, actor, kind="deposit_slip", file_name=name, content=content,
            borrower_id=None, subject=("deposit", deposit_id),
        )  # fmt: skip
    made = load(session, deposit_id)
    numbers = [row.number for row in chosen]
    summary = f"deposited {slip.amount:,.2f} for {counted(len(chosen), 'receipt')}"
    _record(session, actor, made, "recorded", summary, numbers=numbers, reason=made.difference_reason)
    return made


def _check(slip: Slip, expected: Decimal, *, are_chosen: bool) -> None:
    wrong = {}
    if not are_chosen:
        wrong["receipts"] = "Choose the receipts whose money is deposited."
    if slip.amount < 0 or slip.amount != money.quantize(slip.amount):
        wrong["amount"] = "Enter the amount on the slip, with at most two decimals."
    if not slip.account.strip():
        wrong["account"] = "Write the bank account or branch."
    if not slip.reference.strip():
        wrong["reference"] = "Write the number of the deposit slip."
    if slip.amount != expected and not (slip.difference_reason or "").strip():
        wrong["difference_reason"] = f"The receipts make {expected:,.2f}. Say why the deposit differs."
    if wrong:
        raise InvalidInput(wrong)


def decide(actor: Actor, deposit_id: int, *, has_arrived: bool, reason: str | None = None) -> Deposit:
    """Say whether a deposit arrived. If so its cheques are credited; if not its receipts are in hand again.

    Raises:
        NotAllowed: the actor may not confirm deposits.
        NotFound: there is no such deposit.
        InvalidInput: it did not arrive, and no reason is given.
        Refused: it is the actor's own.
        Conflict: it is decided already.
    """
    actor.require(Permission.CONFIRM_DEPOSITS)
    why = (reason or "").strip() or None
    if not has_arrived and why is None:
        raise InvalidInput({"reason": "Say why, such as that the bank has no such deposit."})
    with transaction() as session:
        return decide_in(session, actor, deposit_id, has_arrived=has_arrived, why=why)


def decide_in(session: Session, actor: Actor, deposit_id: int, *, has_arrived: bool, why: str | None) -> Deposit:
    """`decide` in the caller's transaction."""
    made = load(session, deposit_id)
    if made.agent_id == actor.id:
        raise Refused("You handed in this money yourself: somebody else says whether it arrived.")
    if not queries.decide(session, deposit_id, has_arrived=has_arrived, at=clock.now(), by=actor.id, reason=why):
        raise Conflict("It is said already whether this deposit arrived.")
    receipts = queries.of_deposit(session, deposit_id)
    if has_arrived:
        _credit_cheques(session, [Receipt(**row._mapping) for row in receipts])  # noqa: SLF001 - a public name
    else:
        queries.change(session, [row.id for row in receipts if row.bounced_on is None], deposit_id=None)
    did = "confirmed" if has_arrived else "refused"
    summary = f"{did} the deposit {made.number} of {made.amount:,.2f}"
    _record(session, actor, made, did, summary, numbers=[row.number for row in receipts], reason=why)
    return load(session, deposit_id)


def _credit_cheques(session: Session, receipts: Sequence[Receipt]) -> None:
    """Payments of the cheques that the bank has paid, of the day on which that is known."""
    today = lender.load(session).today
    for each in receipts:
        if each.mode == "cheque" and each.bounced_on is None and each.credited_on is None:
            facts.post(session, each.loan_id, reference=each.number, on=today, amount=each.amount, mode="cheque")
            queries.change(session, [each.id], credited_on=today)


def load(session: Session, deposit_id: int) -> Deposit:
    """One deposit, in the caller's transaction.

    Raises:
        NotFound: there is no such deposit.
    """
    row = queries.deposit(session, deposit_id)
    if row is None:
        raise NotFound("That deposit is not there.")
    return Deposit(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def listing(actor: Actor, *, agent_id: int | None = None, is_open: bool = False) -> list[Deposit]:
    """Deposits of one agent or all, newest first; only those to be confirmed where asked.

    Raises:
        NotAllowed: the actor may not see those of others.
    """
    actor.require(Permission.VIEW_VISITS)
    if agent_id != actor.id or actor.id is None:
        actor.require(Permission.VIEW_ALL_CASES)
    with reading() as session:
        rows = queries.deposits(session, agent_id=agent_id, is_open=is_open, limit=MOST_LISTED)
        return [Deposit(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


def receipts_of(actor: Actor, deposit_id: int) -> list[Receipt]:
    """The receipts that a deposit holds.

    Raises:
        NotAllowed: the actor may not see deposits of others.
        NotFound: there is no such deposit.
    """
    actor.require(Permission.VIEW_VISITS)
    with reading() as session:
        if load(session, deposit_id).agent_id != actor.id:
            actor.require(Permission.VIEW_ALL_CASES)
        return [Receipt(**row._mapping) for row in queries.of_deposit(session, deposit_id)]  # noqa: SLF001 - public name


def _record(
    session: Session,
    actor: Actor,
    made: Deposit,
    verb: str,
    summary: str,
    *,
    numbers: Sequence[str],
    reason: str | None,
) -> None:
    audit.record(
        session,
        actor,
        f"deposit.{verb}",
        subject=("deposit", made.id),
        summary=summary,
        after={"amount": str(made.amount), "expected": str(made.expected_amount), "receipts": list(numbers)},
        reason=reason,
    )
