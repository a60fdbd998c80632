"""Collectors: team, agency, skills, capacity, papers; and who of them may be given cases."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import collectors as queries
from services import audit, lender
from services.actors import Actor, Permission
from services.allocation.papers import Papers, PapersSettings, Standing, load_settings, standing
from services.cases import ALL_STAGES
from services.errors import Conflict, InvalidInput, NotFound, Refused


@dataclass(frozen=True, slots=True)
class Skills:
    """What a collector can work; an empty field means any."""

    product_ids: tuple[int, ...] = ()
    languages: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collector:
    """Someone who works cases, with all that allocation knows of them."""

    id: int
    name: str
    username: str
    role: str
    team_id: int | None
    team: str | None
    agency_id: int | None
    agency: str | None
    """None: works in-house."""
    skills: Skills
    capacity: int | None
    """Open cases that rules give at most; None: no limit."""
    open_cases: int
    papers: Papers
    standing: Standing
    absent_reason: str | None
    """Set while absent today."""
    absent_until: date | None
    """First day back at work."""
    version: int

    @property
    def may_be_given_cases(self) -> bool:
        """Whether papers and agency allow it; absence and capacity hold back rules only."""
        return not self.standing.problems


@dataclass(frozen=True, slots=True)
class CollectorFacts:
    """What a leader writes about a collector."""

    team: str | None
    """Name; a new one makes a team."""
    agency_id: int | None
    skills: Skills
    capacity: int | None
    papers: Papers


class NotEligible(Refused):
    """Someone whose papers or agency forbid it would be given cases (IN-07)."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        why = " and ".join(problems)
        super().__init__(f"{name} cannot be given cases: {why}. Set it right under Allocation, or choose someone else.")
        self.name, self.problems = name, tuple(problems)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.problems)


def load(
    session: Session, today: date, *, user_ids: Sequence[int] | None = None, loads: bool = True
) -> list[Collector]:
    """Collectors whose account is on, in the caller's transaction; all, or those asked for."""
    wanted = load_settings(session)
    rows = queries.collectors(session, today=today, user_ids=user_ids, with_loads=loads)
    return [_collector(row, wanted, today) for row in rows]


def _collector(row: AnyRow, wanted: PapersSettings, today: date) -> Collector:
    papers = Papers(row.certificate_number, row.certificate_expires_on, row.police_checked_on, row.id_card_number)
    found = standing(papers, wanted, today)
    if row.agency_suspended_reason is not None:
        found = _barred(found, f"the agency {row.agency} is suspended ({row.agency_suspended_reason})")
    elif row.agency_agreement_until is not None and row.agency_agreement_until < today:
        found = _barred(found, f"the agreement with {row.agency} is over")
    return Collector(
        id=row.id,
        name=row.name,
        username=row.username,
        role=row.role,
        team_id=row.team_id,
        team=row.team,
        agency_id=row.agency_id,
        agency=row.agency,
        skills=Skills(tuple(row.product_ids), tuple(row.languages), tuple(row.regions), tuple(row.stages)),
        capacity=row.capacity,
        open_cases=row.open_cases,
        papers=papers,
        standing=found,
        absent_reason=row.absent_reason,
        absent_until=row.absent_until,
        version=row.version,
    )


def _barred(found: Standing, why: str) -> Standing:
    return Standing((*found.problems, why), found.warnings, found.police_valid_until)


def refuse_ineligible(session: Session, user_ids: Sequence[int]) -> None:
    """Refuse to give cases to those whose papers or agency forbid it (IN-07), in the caller's transaction.

    Raises:
        NotEligible: names who and why.
    """
    for collector in load(session, lender.load(session).today, user_ids=user_ids, loads=False):
        if collector.standing.problems:
            raise NotEligible(collector.name, collector.standing.problems)


def collectors(actor: Actor) -> list[Collector]:
    """Everybody who may work cases, by name.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return load(session, lender.load(session).today)


def save(actor: Actor, user_id: int, facts: CollectorFacts, *, version: int) -> None:
    """Write what is known of a collector.

    Args:
        actor: who writes.
        user_id: about whom.
        facts: all of it; what was there is replaced.
        version: the version that the form was drawn from, 0 when nothing was known.

    Raises:
        NotAllowed: the actor may not allocate.
        NotFound: there is no such user who works cases.
        InvalidInput: a capacity below 0, a stage that is none, or half a certificate.
        Conflict: someone else changed it meanwhile.
    """
    actor.require(Permission.ALLOCATE_CASES)
    _check(facts)
    with transaction() as session:
        today = lender.load(session).today
        found = load(session, today, user_ids=[user_id], loads=False)
        if not found:
            raise NotFound("There is no such collector: agents and leaders whose account is on are collectors.")
        before = found[0]
        team = (facts.team or "").strip() or None
        if team != before.team:
            queries.set_team(session, user_id, queries.team_id_of(session, team) if team else None)
        if not queries.save_collector(session, user_id, version=version, values=_columns(facts)):
            raise Conflict(f"Someone else has changed {before.name} meanwhile. Look at the list again.")
        audit.record(
            session,
            actor,
            "collector.changed",
            subject=("app_user", user_id),
            summary=f"changed what is known of the collector {before.name}",
            before=_written(before.team, before.agency_id, before.capacity, before.skills, before.papers),
            after=_written(team, facts.agency_id, facts.capacity, facts.skills, facts.papers),
        )


def _check(facts: CollectorFacts) -> None:
    wrong: dict[str, str] = {}
    if facts.capacity is not None and not 0 <= facts.capacity <= 100_000:
        wrong["capacity"] = "Capacity is 0 to 1,00,000 open cases; leave it empty for no limit."
    if set(facts.skills.stages) - set(ALL_STAGES):
        wrong["stages"] = "Choose stages from the list."
    if bool(facts.papers.certificate_number) != (facts.papers.certificate_expires_on is not None):
        wrong["certificate"] = "Give the certificate's number and the day until which it is valid, or neither."
    if wrong:
        raise InvalidInput(wrong)


def _columns(facts: CollectorFacts) -> dict[str, Any]:
    return {
        "agency_id": facts.agency_id,
        "capacity": facts.capacity,
        "product_ids": list(facts.skills.product_ids),
        "languages": list(facts.skills.languages),
        "regions": list(facts.skills.regions),
        "stages": list(facts.skills.stages),
        "certificate_number": facts.papers.certificate_number,
        "certificate_expires_on": facts.papers.certificate_expires_on,
        "police_checked_on": facts.papers.police_checked_on,
        "id_card_number": facts.papers.id_card_number,
    }


def _written(
    team: str | None, agency_id: int | None, capacity: int | None, skills: Skills, papers: Papers
) -> dict[str, Any]:
    """As the audit trail keeps it: JSON."""
    dated = {name: held.isoformat() if isinstance(held, date) else held for name, held in asdict(papers).items()}
    listed = {name: list(held) for name, held in asdict(skills).items()}
    return {"team": team, "agency_id": agency_id, "capacity": capacity, **listed, **dated}
