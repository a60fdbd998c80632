"""A leader's view of follow-ups: what each agent worked today, what lies untouched, which dates were kept."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from db.engine import reading
from db.queries import adherence as queries
from db.queries.adherence import Part
from services import lender
from services.actors import Actor, Permission

__all__ = ["DAYS", "MEANINGS", "PAGE", "PARTS", "Adherence", "CaseLine", "CasePage", "Part", "by_owner", "cases_of"]

DAYS: Final = 30
"""Period over which follow-ups that came due are judged; it ends with yesterday."""
PAGE: Final = 50
PARTS: Final = {
    Part.UNWORKED: "Not worked today",
    Part.WORKED: "Worked today",
    Part.NEVER: "Never contacted",
    Part.UNTOUCHED_4: "Untouched 4–7 days",
    Part.UNTOUCHED_8: "Untouched 8–14 days",
    Part.UNTOUCHED_15: "Untouched 15–30 days",
    Part.UNTOUCHED_31: "Untouched over 30 days",
    Part.DUE: "Follow-up due today",
    Part.OVERDUE: "Follow-up overdue",
}
"""What can be drilled down to, as screens say it."""
MEANINGS: Final = {
    Part.UNWORKED: "Open cases whose next action is due today or earlier, with no outbound contact by a person today",
    Part.WORKED: "Open cases with an outbound contact by a person today",
    Part.NEVER: "Open cases without any contact since they opened",
    Part.UNTOUCHED_4: "Days since the last contact; since the case opened, where there was none after it",
    Part.DUE: "Open follow-ups whose date is today",
    Part.OVERDUE: "Open follow-ups whose date is past",
}


@dataclass(frozen=True, slots=True)
class Adherence:
    """The follow-ups and open cases of one owner."""

    owner_id: int
    """0: cases that nobody has."""
    name: str
    cases: int
    unworked: int
    worked: int
    never: int
    untouched_4: int
    untouched_8: int
    untouched_15: int
    untouched_31: int
    due: int
    overdue: int
    came_due: int
    """Follow-ups whose date lies in the period, without those moved before it."""
    on_time: int
    """Of these, worked on the date or before."""
    late: int
    missed: int
    """Of these, still open."""
    overrides: int
    """Contacts against the gate in the period."""

    @property
    def kept_share(self) -> Decimal | None:
        """Follow-ups kept on time ÷ those that came due; None: none did."""
        return Decimal(self.on_time) / self.came_due if self.came_due else None


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case behind a figure."""

    case_id: int
    borrower_id: int
    name: str
    number: str
    priority: int
    max_dpd: int
    overdue_amount: Decimal
    last_contact_at: datetime | None
    follow_up_at: datetime | None
    untouched_days: int
    owner_name: str | None


@dataclass(frozen=True, slots=True)
class CasePage:
    """Cases, the most urgent first."""

    rows: tuple[CaseLine, ...]
    next_after: tuple[int, int] | None
    """Pass as `after` for the next page; None when this is the last."""


def by_owner(actor: Actor) -> tuple[Adherence, ...]:
    """A row an owner, cases that nobody has last.

    Raises:
        NotAllowed: the actor may not see performance.
    """
    actor.require(Permission.VIEW_PERFORMANCE)
    with reading() as session:
        today, zone, midnight = _day(session)
        since = midnight - timedelta(days=DAYS)
        rows = queries.figures(session, today, zone=zone, midnight=midnight, since=since)
        return tuple(Adherence(**row._mapping) for row in rows)  # noqa: SLF001 - SQLAlchemy's public name


def cases_of(
    actor: Actor, part: Part, owner_id: int | None = None, *, after: tuple[int, int] | None = None, limit: int = PAGE
) -> CasePage:
    """A page of the cases behind a figure, of one owner (0: of nobody) or of all.

    Raises:
        NotAllowed: the actor may not see performance, or not the cases of others.
    """
    actor.require(Permission.VIEW_PERFORMANCE)
    actor.require(Permission.VIEW_ALL_CASES)
    with reading() as session:
        today, zone, midnight = _day(session)
        rows = queries.cases_of(
            session, part, owner_id, today, zone=zone, midnight=midnight, after=after, limit=limit + 1
        )
    lines = tuple(CaseLine(**row._mapping) for row in rows[:limit])  # noqa: SLF001 - SQLAlchemy's public name
    last = lines[-1] if len(rows) > limit else None
    return CasePage(lines, (last.priority, last.case_id) if last else None)


def _day(session: Session) -> tuple[date, str, datetime]:
    settings = lender.load(session)
    return settings.today, settings.time_zone, datetime.combine(settings.today, time(0), ZoneInfo(settings.time_zone))
