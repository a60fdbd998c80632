"""Filing a complaint or suit takes another person's yes: asked for by the officer, decided in the approvals inbox."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import legal as queries
from services import approvals, audit, lender
from services.actors import Actor
from services.approvals.kinds import Fact
from services.errors import InvalidInput
from services.legal import permitted
from services.legal.acting import REQUEST, begin
from services.legal.settling import derive, standings
from services.legal.values import KINDS, STATUSES, number_of


def ask_to_file(actor: Actor, action_id: int, *, reason: str, request_key: str | None = None) -> None:
    """Ask another person to approve the filing.

    Raises:
        NotAllowed, NotFound: the action is not the actor's to handle.
        Refused: it cannot be filed any more or not yet asked for, or no level of authority may decide so much.
        InvalidInput: no reason.
    """
    with transaction() as session:
        act = begin(session, actor, action_id, request_key)
        if act is None:
            return
        if not reason.strip():
            raise InvalidInput({"reason": "Say why; whoever decides reads it."})
        act.require("filing_asked", act.today)
        opened = act.standing.opened
        approvals.ask(
            session,
            actor,
            kind=REQUEST,
            subject=("legal_action", action_id),
            borrower_id=act.action.borrower_id,
            amount=opened.amount,
            reason=reason,
            summary=f"{number_of(action_id)}, {KINDS[opened.kind]}",
        )
        act.append("filing_asked", act.today, words=reason.strip())


def _decided(kind: str, session: Session, actor: Actor, action_id: int) -> None:
    """Append the decision; an approval that would come too late is refused by the clock's rule."""
    queries.lock(session, [action_id])
    standing = standings(session, [action_id])[action_id]
    today = lender.load(session).today
    if kind == "filing_approved" and standing.state.file_by is not None and today > standing.state.file_by:
        permitted.require(standing.opened.kind, standing.state, standing.events, "filed", today)
    queries.insert_event(session, action_id=action_id, kind=kind, on_date=today, done_by=actor.id)
    derive(session, [action_id])
    said = "approved" if kind == "filing_approved" else "did not approve"
    audit.record(
        session,
        actor,
        f"legal.{kind}",
        subject=("legal_action", action_id),
        summary=f"{said} the filing of {number_of(action_id)}",
        borrower_id=standing.borrower_id,
    )


def _approved(session: Session, actor: Actor, action_id: int) -> None:
    _decided("filing_approved", session, actor, action_id)


def _refused(session: Session, actor: Actor, action_id: int) -> None:
    _decided("filing_refused", session, actor, action_id)


def _facts(session: Session, action_id: int) -> Sequence[Fact]:
    standing = standings(session, [action_id]).get(action_id)
    if standing is None:
        return ()
    state = standing.state
    return (
        ("Kind", KINDS[standing.opened.kind]),
        ("Status", STATUSES[state.status]),
        ("Return memo", standing.opened.memo_on),
        ("Notice sent", state.notice_on),
        ("Notice received", state.served_on),
        ("May be filed from", state.file_from),
        ("Last day to file", state.file_by),
        ("Received since", state.paid_amount),
    )


approvals.register(
    REQUEST,
    approvals.Outcome("Legal filing", on_approved=_approved, on_refused=_refused, on_withdrawn=_refused, facts=_facts),
)
