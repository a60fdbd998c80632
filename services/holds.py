"""Holds: dated stops on contact with their reason. They end by themselves, or are released with a reason."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import holds as queries
from services import audit, cases, lender
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.exports import Field

KINDS: Final = {
    "dispute": "Dispute",
    "hardship": "Hardship",
    "bereavement": "Bereavement",
    "calamity": "Calamity",
    "complaint": "Complaint",
    "legal": "Legal",
    "deceased": "Deceased",
    "fraud": "Fraud claim",
    "do_not_contact": "Do not contact",
}
"""Kinds of hold, as screens say them."""

FOR_A_LEADER: Final = frozenset({"complaint", "legal", "deceased", "fraud", "do_not_contact"})
"""Kinds that an agent may place but not release (IN-09, IN-11): that takes who may allocate cases."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is to be held: kind, reason, and the first day on which it holds no more (None: until released)."""

    kind: str
    reason: str
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold that is in force or yet to start."""

    id: int
    borrower_id: int
    kind: str
    reason: str
    starts_on: date
    ends_on: date | None
    created_by_name: str | None

    @property
    def label(self) -> str:
        """The kind as a screen says it."""
        return KINDS.get(self.kind, self.kind)


def place(
    actor: Actor,
    borrower_id: int,
    *,
    kind: str,
    reason: str,
    ends_on: date | None = None,
    request_key: str | None = None,
) -> int:
    """Stop contact with a borrower from today, by anyone and anything; the hold's id.

    The same `request_key` again returns the first hold and changes nothing.

    Raises:
        NotAllowed: the actor may not change statuses.
        NotFound: the borrower is not the actor's to see.
        Conflict: someone else has the case open.
        InvalidInput: the kind is unknown, the reason is missing, or it would end before it starts.
    """
    actor.require(Permission.CHANGE_STATUS)
    with transaction() as session:
        if request_key and (row := queries.by_request_key(session, request_key)):
            return int(row.id)
        cases.workable(session, actor, borrower_id)
        today = lender.load(session).today
        terms = Terms(kind=kind, reason=reason, ends_on=ends_on)
        hold_id = add(session, actor, borrower_id, terms, today=today, request_key=request_key)
        cases.refresh_for(session, today, [borrower_id])
        record_event(session, actor, borrower_id, hold_id, terms)
        return hold_id


def add(
    session: Session,
    actor: Actor,
    borrower_id: int,
    terms: Terms,
    *,
    today: date,
    request_key: str | None = None,
) -> int:
    """Check and insert a hold from today in the caller's transaction, with the change of status it means.

    Raises:
        InvalidInput: see `place`.
        Conflict: another submit of the same form was faster.
    """
    _check(terms, today)
    hold_id = queries.insert_hold(
        session,
        borrower_id=borrower_id,
        kind=terms.kind,
        reason=terms.reason.strip(),
        starts_on=today,
        ends_on=terms.ends_on,
        created_by=actor.id,
        request_key=request_key,
    )
    if hold_id is None:
        raise Conflict("This form was submitted already; the hold is in place.")
    queries.insert_status_change(
        session, borrower_id, status=terms.kind, reason=terms.reason.strip(), changed_by=actor.id
    )
    return hold_id


def _check(terms: Terms, today: date) -> None:
    wrong: dict[str, str] = {}
    if terms.kind not in KINDS:
        wrong["kind"] = "Choose one of the kinds of hold in the list."
    if not terms.reason.strip():
        wrong["reason"] = "Say why contact is to stop."
    if terms.ends_on is not None and terms.ends_on <= today:
        wrong["ends_on"] = "A hold ends on a later day than today, or stays until it is released."
    if wrong:
        raise InvalidInput(wrong)


def record_event(
    session: Session, actor: Actor, borrower_id: int, hold_id: int, terms: Terms, *, how: str = ""
) -> None:
    """The audit event of a new hold, in the caller's transaction; `how` continues its sentence."""
    until = f"until {terms.ends_on:%-d %b %Y}" if terms.ends_on else "until released"
    audit.record(
        session,
        actor,
        "hold.placed",
        subject=("hold", hold_id),
        summary=f"placed a hold ({KINDS[terms.kind].lower()}) {until}{how}",
        borrower_id=borrower_id,
        after={"kind": terms.kind, "ends_on": terms.ends_on.isoformat() if terms.ends_on else None},
        reason=terms.reason.strip(),
    )


def release(actor: Actor, hold_id: int, *, reason: str) -> None:
    """End a hold now, with the reason.

    Raises:
        NotAllowed: the actor may not change statuses.
        NotFound: there is no such hold in force, or the borrower is not the actor's to see.
        Conflict: someone else has the case open, or released it meanwhile.
        InvalidInput: no reason.
        Refused: this kind is for a leader to release.
    """
    actor.require(Permission.CHANGE_STATUS)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the hold ends."})
    with transaction() as session:
        hold = _load(session, hold_id)
        cases.workable(session, actor, hold.borrower_id)
        if hold.kind in FOR_A_LEADER and not actor.may(Permission.ALLOCATE_CASES):
            raise Refused(f"A hold of this kind ({hold.label.lower()}) is for a leader to release. Ask yours.")
        if queries.complaint_of(session, hold_id) is not None:
            raise Refused("This hold ends when the complaint that opened it is closed. Close the complaint instead.")
        if not queries.release(session, hold_id, reason=reason.strip(), released_by=actor.id):
            raise Conflict("The hold was released already.")
        _record_release(session, actor, hold, reason.strip())


def _record_release(session: Session, actor: Actor, hold: Hold, reason: str) -> None:
    queries.insert_status_change(
        session, hold.borrower_id, status=f"{hold.kind}_released", reason=reason, changed_by=actor.id
    )
    cases.refresh_for(session, lender.load(session).today, [hold.borrower_id])
    audit.record(
        session,
        actor,
        "hold.released",
        subject=("hold", hold.id),
        summary=f"released the hold ({hold.label.lower()})",
        borrower_id=hold.borrower_id,
        before={"kind": hold.kind, "ends_on": hold.ends_on.isoformat() if hold.ends_on else None},
        reason=reason,
    )


def end(session: Session, actor: Actor, borrower_id: int, hold_id: int, *, kind: str, reason: str) -> None:
    """End a hold in the caller's transaction, as part of a larger act that is itself recorded and refreshes the case.

    A hold that was released already stays as it is.
    """
    if queries.release(session, hold_id, reason=reason, released_by=actor.id):
        queries.insert_status_change(
            session, borrower_id, status=f"{kind}_released", reason=reason, changed_by=actor.id
        )


def _load(session: Session, hold_id: int) -> Hold:
    row = queries.by_id(session, hold_id)
    if row is None:
        raise NotFound("That hold is not in force any more.")
    return Hold(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def active(session: Session, borrower_id: int, *, as_of: date) -> list[Hold]:
    """Holds of a borrower that are in force or yet to start, for an actor already let in."""
    rows = queries.active(session, borrower_id, as_of=as_of)
    return [Hold(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name


PAGE: Final = 50
Cursor = tuple[date | None, int]
"""End and id of the last hold of a page."""


@dataclass(frozen=True, slots=True)
class Held(Hold):
    """A hold in the list of all, with whose it is."""

    borrower_number: str
    borrower_name: str
    complaint_id: int | None
    """The complaint with which it ends; None: it is released by itself, or by a person."""


@dataclass(frozen=True, slots=True)
class HeldPage:
    """A page of the holds in force."""

    holds: tuple[Held, ...]
    next_after: Cursor | None


def in_force(actor: Actor, *, kind: str | None = None, after: Cursor | None = None, limit: int = PAGE) -> HeldPage:
    """Holds of all borrowers that are in force or yet to start, those that end first first.

    Raises:
        NotAllowed: the actor may not see holds.
    """
    actor.require(Permission.VIEW_COMPLAINTS)
    with reading() as session:
        today = lender.load(session).today
        rows = queries.in_force(session, as_of=today, kind=kind, after=after, limit=limit + 1)
    held = tuple(Held(**row._mapping) for row in rows[:limit])  # noqa: SLF001 - SQLAlchemy's public name
    return HeldPage(held, (held[-1].ends_on, held[-1].id) if len(rows) > limit else None)


EXPORTED_AT_MOST: Final = 100_000
EXPORT_FIELDS: Final = (
    Field("label", "Hold"),
    Field("borrower_number", "Customer no."),
    Field("reason", "Reason"),
    Field("starts_on", "From"),
    Field("ends_on", "Until"),
    Field("created_by_name", "Placed by"),
)


def export(actor: Actor, *, kind: str | None = None) -> tuple[Held, ...]:
    """All holds of a list for a file, at most `EXPORTED_AT_MOST`.

    Raises:
        NotAllowed: the actor may not see holds.
    """
    return in_force(actor, kind=kind, limit=EXPORTED_AT_MOST).holds


def counts(actor: Actor) -> dict[str, int]:
    """Holds in force or yet to start, by kind.

    Raises:
        NotAllowed: the actor may not see holds.
    """
    actor.require(Permission.VIEW_COMPLAINTS)
    with reading() as session:
        return queries.counts(session, as_of=lender.load(session).today)
