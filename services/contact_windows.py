"""Hours in which a borrower asked not to be contacted (IN-01). The gate keeps them; see docs/policy.md."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, time
from typing import Final

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import contact_windows as queries
from services import audit, cases, lender
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound

WEEKDAYS: Final = {1: "Mon", 2: "Tue", 3: "Wed", 4: "Thu", 5: "Fri", 6: "Sat", 7: "Sun"}
CHANNELS: Final = {"call": "Call", "visit": "Visit", "sms": "SMS", "whatsapp": "WhatsApp"}
"""Channels that reach a person at once; an e-mail or letter waits until it is read."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the borrower asked for."""

    from_time: time
    to_time: time
    """First minute that is free again; not after `from_time`: of the next day."""
    weekdays: Collection[int] = field(default_factory=lambda: tuple(WEEKDAYS))
    """ISO numbers of the days on which the hours begin."""
    channels: Collection[str] = ()
    """Empty: all."""
    ends_on: date | None = None
    """First day on which it holds no more; None: until it is taken back."""
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A request that holds, or is yet to."""

    id: int
    borrower_id: int
    weekdays: list[int]
    from_time: time
    to_time: time
    channels: list[str]
    starts_on: date
    ends_on: date | None
    note: str | None
    recorded_by_name: str | None

    @property
    def words(self) -> str:
        """'Mon, Tue 09:00–17:00 · Call', without personal data."""
        days = "every day" if len(self.weekdays) == len(WEEKDAYS) else ", ".join(WEEKDAYS[day] for day in self.weekdays)
        ways = ", ".join(CHANNELS[channel] for channel in self.channels) or "any channel"
        return f"{days} {self.from_time:%H:%M}–{self.to_time:%H:%M} · {ways}"


def add(actor: Actor, borrower_id: int, terms: Terms, *, request_key: str | None = None) -> Window:
    """Record a borrower's request, from today. The same `request_key` is one request.

    Raises:
        NotAllowed: the actor may not record contacts.
        NotFound: the borrower is not the actor's to see.
        Conflict: someone else has the case open, or the form was used for another borrower.
        InvalidInput: a day, channel, time or date cannot be.
    """
    actor.require(Permission.RECORD_CONTACT)
    with transaction() as session:
        if request_key and (row := queries.by_request_key(session, request_key)):
            if row.borrower_id != borrower_id:
                raise Conflict("This form was used for another borrower. Open it again.")
            return _load(session, row.id)
        cases.workable(session, actor, borrower_id)
        today = lender.load(session).today
        _check(terms, today)
        window_id = queries.insert_window(
            session,
            borrower_id=borrower_id,
            weekdays=sorted(set(terms.weekdays)),
            from_time=terms.from_time,
            to_time=terms.to_time,
            channels=sorted(set(terms.channels)),
            starts_on=today,
            ends_on=terms.ends_on,
            note=(terms.note or "").strip() or None,
            recorded_by=actor.id,
            request_key=request_key,
        )
        if window_id is None:
            raise Conflict("This form was submitted already; the request is kept.")
        made = _load(session, window_id)
        audit.record(
            session,
            actor,
            "contact_window.added",
            subject=("contact_window", window_id),
            summary=f"recorded that contact is not wanted {made.words}",
            borrower_id=borrower_id,
            after={"words": made.words, "ends_on": terms.ends_on.isoformat() if terms.ends_on else None},
        )
        return made


def _check(terms: Terms, today: date) -> None:
    wrong = {}
    if not terms.weekdays or not set(terms.weekdays) <= set(WEEKDAYS):
        wrong["weekdays"] = "Choose at least one day."
    if not set(terms.channels) <= set(CHANNELS):
        wrong["channels"] = "Choose among the channels in the list."
    if any(at.second or at.microsecond for at in (terms.from_time, terms.to_time)):
        wrong["from_time"] = "Times are in minutes."
    if terms.ends_on is not None and terms.ends_on <= today:
        wrong["ends_on"] = "It ends on a later day than today, or holds until it is taken back."
    if wrong:
        raise InvalidInput(wrong)


def end(actor: Actor, window_id: int, *, reason: str) -> None:
    """End a request from today, with the reason.

    Raises:
        NotAllowed: the actor may not record contacts.
        NotFound: there is none that holds, or its borrower is not the actor's to see.
        Conflict: someone else has the case open, or ended it meanwhile.
        InvalidInput: no reason.
    """
    actor.require(Permission.RECORD_CONTACT)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why it ends, such as that the borrower said so."})
    with transaction() as session:
        made = _load(session, window_id)
        cases.workable(session, actor, made.borrower_id)
        if not queries.end(session, window_id, on=lender.load(session).today, by=actor.id, reason=reason.strip()):
            raise Conflict("It was ended already.")
        audit.record(
            session,
            actor,
            "contact_window.ended",
            subject=("contact_window", window_id),
            summary=f"ended the request not to be contacted {made.words}",
            borrower_id=made.borrower_id,
            before={"words": made.words},
            reason=reason.strip(),
        )


def _load(session: Session, window_id: int) -> Window:
    row = queries.by_id(session, window_id)
    if row is None:
        raise NotFound("That request does not hold any more.")
    return Window(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public name


def load_of_borrower(session: Session, borrower_id: int) -> list[Window]:
    """Requests of a borrower that hold or are yet to, for an actor already let in."""
    rows = queries.current(session, borrower_id, today=lender.load(session).today)
    return [Window(**row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's public name
