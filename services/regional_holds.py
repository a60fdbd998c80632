"""Stops on contact by region, for festivals and calamities (IN-04): in force for all borrowers there, then over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import regional_holds as queries
from services import audit, lender
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound
from services.wording import counted

KINDS: Final = {"festival": "Festival", "calamity": "Calamity", "other": "Other occasion"}
LEVELS: Final = {"everywhere": "Everywhere", "region": "Region", "state": "State", "city": "City"}
"""What an area may be, in the words of the borrowers' data."""
LONGEST_DAYS: Final = 180
_PAST_SHOWN: Final = 50


@dataclass(frozen=True, slots=True, order=True)
class Area:
    """An area in the words of the borrowers' data; everywhere has no value."""

    level: str
    value: str = ""

    @property
    def words(self) -> str:
        """As a screen says it."""
        return LEVELS[self.level] if self.level == "everywhere" else self.value


@dataclass(frozen=True, slots=True)
class Terms:
    """What is to be held: from `starts_on` up to, not including, `ends_on`."""

    name: str
    kind: str
    reason: str
    starts_on: date
    ends_on: date
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class RegionalHold:
    """A stop on contact with all borrowers of some areas."""

    id: int
    name: str
    kind: str
    reason: str
    starts_on: date
    ends_on: date
    created_at: datetime
    created_by_name: str | None
    ended_at: datetime | None
    ended_by_name: str | None
    end_reason: str | None
    areas: tuple[Area, ...]

    @property
    def label(self) -> str:
        """Kind and name: 'Festival: Diwali'."""
        return f"{KINDS[self.kind]}: {self.name}"

    @property
    def where(self) -> str:
        """The areas in words."""
        return ", ".join(area.words for area in self.areas)

    def is_on(self, day: date) -> bool:
        """Whether it is in force on a day."""
        return self.ended_at is None and self.starts_on <= day < self.ends_on


@dataclass(frozen=True, slots=True)
class Coverage:
    """Whom areas cover now."""

    borrowers: int
    cases: int
    """Open ones."""
    overdue_amount: Decimal


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the book, with how many borrowers are there."""

    region: str | None
    state: str | None
    city: str | None
    borrowers: int


@dataclass(frozen=True, slots=True)
class Listing:
    """Regional holds of the lender."""

    current: tuple[RegionalHold, ...]
    """In force or yet to start."""
    past: tuple[RegionalHold, ...]
    """Over or ended early, the newest first."""
    today: date


def place(actor: Actor, terms: Terms, *, request_key: str | None = None) -> int:
    """Stop all contact with the borrowers of the areas for some days; the hold's id.

    Nothing is written to borrowers or cases: the gate reads the hold, and it is over on its date by itself. The same
    `request_key` again returns the first hold and changes nothing.

    Raises:
        NotAllowed: the actor may not hold regions.
        InvalidInput: a field cannot be taken.
        Conflict: another submit of the same form was faster.
    """
    actor.require(Permission.HOLD_REGIONS)
    with transaction() as session:
        if request_key and (earlier := queries.by_request_key(session, request_key)):
            return earlier
        _check(terms, lender.load(session).today)
        areas = _pairs(terms.areas)
        hold_id = queries.insert_hold(
            session,
            areas,
            name=terms.name.strip(),
            kind=terms.kind,
            reason=terms.reason.strip(),
            starts_on=terms.starts_on,
            ends_on=terms.ends_on,
            created_by=actor.id,
            request_key=request_key,
        )
        if hold_id is None:
            raise Conflict("This form was submitted already; the hold is in place.")
        _record_placed(session, actor, hold_id, terms, queries.coverage(session, areas))
        return hold_id


def _pairs(areas: Sequence[Area]) -> list[tuple[str, str]]:
    return [(area.level, area.value) for area in sorted(set(areas))]


def _check(terms: Terms, today: date) -> None:
    wrong: dict[str, str] = {}
    if not terms.name.strip():
        wrong["name"] = "Name the occasion, such as Diwali."
    if terms.kind not in KINDS:
        wrong["kind"] = "Choose the kind of occasion."
    if not terms.reason.strip():
        wrong["reason"] = "Say why contact is to stop."
    if not terms.areas or any(area.level not in LEVELS for area in terms.areas):
        wrong["areas"] = "Choose at least one region, state or city, or everywhere."
    if terms.starts_on < today:
        wrong["starts_on"] = "A hold starts today or later."
    if terms.ends_on <= terms.starts_on:
        wrong["ends_on"] = "Contact is allowed again on a later day than the one on which it stops."
    elif terms.ends_on > terms.starts_on + timedelta(days=LONGEST_DAYS):
        wrong["ends_on"] = f"A hold lasts at most {LONGEST_DAYS} days. Place another when it ends."
    if wrong:
        raise InvalidInput(wrong)


def _record_placed(session: Session, actor: Actor, hold_id: int, terms: Terms, covered: AnyRow) -> None:
    where = ", ".join(area.words for area in sorted(set(terms.areas)))
    audit.record(
        session,
        actor,
        "regional_hold.placed",
        subject=("regional_hold", hold_id),
        summary=(
            f"stopped contact in {where} from {terms.starts_on:%-d %b %Y} until {terms.ends_on:%-d %b %Y}"
            f" ({terms.name.strip()}, {counted(covered.borrowers, 'borrower')})"
        ),
        after={
            "kind": terms.kind,
            "areas": [f"{level}:{value}" for level, value in _pairs(terms.areas)],
            "starts_on": terms.starts_on.isoformat(),
            "ends_on": terms.ends_on.isoformat(),
            "borrowers": covered.borrowers,
            "cases": covered.cases,
        },
        reason=terms.reason.strip(),
    )


def end(actor: Actor, hold_id: int, *, reason: str) -> None:
    """End a regional hold before its date: contact is allowed again at once.

    Raises:
        NotAllowed: the actor may not hold regions.
        InvalidInput: no reason.
        NotFound: there is no such hold.
        Conflict: it is over already.
    """
    actor.require(Permission.HOLD_REGIONS)
    if not reason.strip():
        raise InvalidInput({"reason": "Say why the hold ends before its date."})
    with transaction() as session:
        row = queries.lock(session, hold_id)
        if row is None:
            raise NotFound("There is no such hold.")
        if row.ended_at is not None or row.ends_on <= lender.load(session).today:
            raise Conflict("The hold is over already.")
        queries.end(session, hold_id, ended_by=actor.id, reason=reason.strip())
        audit.record(
            session,
            actor,
            "regional_hold.ended",
            subject=("regional_hold", hold_id),
            summary=f"ended the stop on contact “{row.name}” before its date",
            before={"ends_on": row.ends_on.isoformat()},
            reason=reason.strip(),
        )


def preview(actor: Actor, areas: Sequence[Area]) -> Coverage:
    """Whom the areas cover now, before a hold is placed.

    Raises:
        NotAllowed: the actor may not hold regions.
    """
    actor.require(Permission.HOLD_REGIONS)
    with reading() as session:
        return Coverage(**queries.coverage(session, _pairs(areas))._mapping)  # noqa: SLF001 - public by its docs


def places(actor: Actor) -> list[Place]:
    """Where the book's borrowers are.

    Raises:
        NotAllowed: the actor may not hold regions.
    """
    actor.require(Permission.HOLD_REGIONS)
    with reading() as session:
        return [Place(**row._mapping) for row in queries.places(session)]  # noqa: SLF001 - SQLAlchemy's public name


def listing(actor: Actor) -> Listing:
    """Regional holds in force, yet to start, and past.

    Raises:
        NotAllowed: the actor may not see holds.
    """
    actor.require(Permission.VIEW_COMPLAINTS)
    with reading() as session:
        today = lender.load(session).today
        current = tuple(_hold(row) for row in queries.current(session, today))
        past = tuple(_hold(row) for row in queries.past(session, today, limit=_PAST_SHOWN))
    return Listing(current, past, today)


def covering(session: Session, borrower_id: int, *, today: date) -> tuple[RegionalHold, ...]:
    """Regional holds in force for a borrower today, for an actor already let in."""
    return tuple(_hold(row) for row in queries.covering(session, borrower_id, today))


def _hold(row: AnyRow) -> RegionalHold:
    split = (area.partition(":") for area in row.areas)
    areas = tuple(Area(level, value) for level, _, value in split)
    return RegionalHold(**{**row._mapping, "areas": areas})  # noqa: SLF001 - SQLAlchemy's public name
