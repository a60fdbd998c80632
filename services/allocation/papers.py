"""Collectors' papers (IN-07): certificate and police check, what has expired and what expires soon."""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import collectors as queries
from services import audit
from services.actors import Actor, Permission
from services.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class PapersSettings:
    """What the lender asks of collectors' papers."""

    is_required: bool
    """Whether a collector without them is given no cases. An expired one is always refused."""
    police_months: int
    """How long a police verification holds."""
    warn_days: int
    """Days before an expiry from which it is marked."""


@dataclass(frozen=True, slots=True)
class Papers:
    """The papers of a collector."""

    certificate_number: str | None
    certificate_expires_on: date | None
    """Last day on which it is valid."""
    police_checked_on: date | None
    id_card_number: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a collector stands with the papers on a day."""

    problems: tuple[str, ...]
    """Why no case may be given; phrases."""
    warnings: tuple[str, ...]
    """What expires soon or is missing without being required; phrases."""
    police_valid_until: date | None

    @property
    def state(self) -> str:
        """'Barred', 'Attention' or 'In order'."""
        if self.problems:
            return "Barred"
        return "Attention" if self.warnings else "In order"


def months_later(day: date, months: int) -> date:
    """The same day so many months later; the month's last day where it has none such."""
    whole = day.year * 12 + day.month - 1 + months
    year, month = divmod(whole, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def standing(papers: Papers, wanted: PapersSettings, today: date) -> Standing:
    """What bars a collector from cases today, and what should be looked after (IN-07).

    Args:
        papers: the collector's.
        wanted: what the lender asks.
        today: business date.
    """
    problems: list[str] = []
    warnings: list[str] = []
    missing = problems if wanted.is_required else warnings
    police_until = papers.police_checked_on and months_later(papers.police_checked_on, wanted.police_months)
    if not papers.certificate_number or papers.certificate_expires_on is None:
        missing.append("no valid certificate is on file")
    for what, until in (("certificate", papers.certificate_expires_on), ("police check", police_until)):
        if until is None:
            continue
        if until < today:
            problems.append(f"the {what} expired on {_spoken(until)}")
        elif until <= today + timedelta(days=wanted.warn_days):
            warnings.append(f"the {what} expires on {_spoken(until)}")
    if papers.police_checked_on is None:
        missing.append("no police check is on file")
    return Standing(tuple(problems), tuple(warnings), police_until)


def _spoken(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def load_settings(session: Session) -> PapersSettings:
    """The lender's settings, in the caller's transaction."""
    return PapersSettings(*queries.papers_settings(session))


def papers_settings(actor: Actor) -> PapersSettings:
    """What the lender asks of collectors' papers.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return load_settings(session)


def set_papers_settings(actor: Actor, wanted: PapersSettings) -> None:
    """Change what is asked of collectors' papers. Nobody loses cases by it: only new ones are refused.

    Raises:
        NotAllowed: the actor may not allocate.
        InvalidInput: the months are not 1 to 60, or the days not 0 to 365.
    """
    actor.require(Permission.ALLOCATE_CASES)
    wrong = {}
    if not 1 <= wanted.police_months <= 60:
        wrong["police_months"] = "A police check holds 1 to 60 months."
    if not 0 <= wanted.warn_days <= 365:
        wrong["warn_days"] = "Warn 0 to 365 days before."
    if wrong:
        raise InvalidInput(wrong)
    with transaction() as session:
        before = load_settings(session)
        queries.set_papers_settings(
            session, is_required=wanted.is_required, police_months=wanted.police_months, warn_days=wanted.warn_days
        )
        audit.record(
            session,
            actor,
            "collector_papers.changed",
            subject=("lender", 1),
            summary="changed what is asked of collectors' papers",
            before=_plain(before),
            after=_plain(wanted),
        )


def _plain(wanted: PapersSettings) -> dict[str, int | bool]:
    return {
        "is_required": wanted.is_required,
        "police_months": wanted.police_months,
        "warn_days": wanted.warn_days,
    }
