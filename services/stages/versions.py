"""Versions of the stage rules: what holds and held, saving the next one, withdrawing one that does not hold yet."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import jobs as job_queries
from db.queries import stage_rules as queries
from services import audit, jobs, lender, products
from services.actors import Actor, Permission
from services.errors import Conflict, InvalidInput, NotFound, Refused
from services.stages.checking import check
from services.stages.rules import Rule, RuleSet, read

FURTHEST_DAYS = 365
"""How far ahead a version may begin."""
JOB = "stages.apply"


class State(StrEnum):
    """Where a version stands on a date."""

    IN_FORCE = "In force"
    FUTURE = "Not yet"
    REPLACED = "Replaced"
    WITHDRAWN = "Withdrawn"


@dataclass(frozen=True, slots=True)
class StageVersion:
    """A version of the rules, with who made it and why."""

    version: int
    rule_set: RuleSet
    effective_from: date
    holds_until: date | None
    """First date on which another holds instead; None: none is known, or it never held."""
    state: State
    reason: str
    created_at: datetime
    created_by_name: str | None
    """None: Recoup itself."""
    withdrawn_at: datetime | None
    withdrawn_by_name: str | None
    withdraw_reason: str | None


@dataclass(frozen=True, slots=True)
class _Terms:
    version: int
    effective_from: date
    reason: str
    request_key: str | None


@dataclass(frozen=True, slots=True)
class StageCount:
    """Open cases of a stage."""

    stage: str
    cases: int
    overdue_amount: Decimal


@dataclass(frozen=True, slots=True)
class Strategy:
    """What the page of stages shows."""

    versions: tuple[StageVersion, ...]
    """Newest first."""
    products: tuple[tuple[int, str], ...]
    today: date
    applying_run_id: int | None
    """The job that puts cases into their stages, while it waits or runs."""

    @property
    def in_force(self) -> StageVersion:
        """The version that holds today."""
        return next(version for version in self.versions if version.state is State.IN_FORCE)

    @property
    def newest(self) -> int:
        """Number of the newest version: what a save must have seen."""
        return self.versions[0].version


def view(actor: Actor) -> Strategy:
    """All versions of the rules, and what choosing new ones needs.

    Raises:
        NotAllowed: the actor may not see strategy.
    """
    actor.require(Permission.VIEW_STRATEGY)
    with reading() as session:
        today = lender.load(session).today
        return Strategy(
            versions=_versions(session, today),
            products=products.names(session),
            today=today,
            applying_run_id=job_queries.open_run_of(session, JOB),
        )


def counts(actor: Actor) -> tuple[StageCount, ...]:
    """How many open cases each stage holds now; stages without any are left out.

    Raises:
        NotAllowed: the actor may not see strategy.
    """
    actor.require(Permission.VIEW_STRATEGY)
    with reading() as session:
        rows = queries.cases_by_stage(session)
    return tuple(StageCount(row.stage, row.cases, row.overdue_amount) for row in rows)


def _versions(session: Session, today: date) -> tuple[StageVersion, ...]:
    rules: dict[int, list[Rule]] = defaultdict(list)
    for row in queries.rules(session):
        rules[row.version].append(read(row))
    rows = queries.versions(session)
    until = _ends([(row.effective_from, row.version) for row in rows if row.withdrawn_at is None])
    found = []
    for row in rows:
        values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name
        rule_set = RuleSet(tuple(rules[row.version]), values.pop("default_stage"))
        ends = until.get(row.version)
        state = _state(row.effective_from, ends, today, is_withdrawn=row.withdrawn_at is not None)
        found.append(StageVersion(**values, rule_set=rule_set, holds_until=ends, state=state))
    return tuple(found)


def _ends(begins: list[tuple[date, int]]) -> dict[int, date]:
    """When each version ends to hold: of those begun by a date the latest begun holds, then the newest."""
    ordered = sorted(begins)
    return {ordered[i][1]: ordered[i + 1][0] for i in range(len(ordered) - 1)}


def _state(begins: date, ends: date | None, today: date, *, is_withdrawn: bool) -> State:
    if is_withdrawn:
        return State.WITHDRAWN
    if ends is not None and ends <= max(today, begins):
        return State.REPLACED  # also one that another of the same date took the place of before it held
    return State.FUTURE if begins > today else State.IN_FORCE


def save(
    actor: Actor,
    wanted: RuleSet,
    *,
    seen_version: int,
    effective_from: date,
    reason: str,
    request_key: str | None = None,
) -> int:
    """Append a version that holds from a date; its number. From today: cases are put into their stages by a job.

    The same `request_key` again returns the first version and changes nothing.

    Args:
        actor: who decides.
        wanted: the rules.
        seen_version: the newest version when the rules were drawn up.
        effective_from: first date on which it holds; a later date takes effect by the close of the night before.
        reason: why.
        request_key: made when the form is drawn.

    Raises:
        NotAllowed: the actor may not change strategy.
        InvalidInput: rules that cannot hold or are no change, a date that is past or too far, no reason.
        Conflict: someone else saved a version meanwhile.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    with transaction() as session:
        if request_key and (saved := queries.by_request_key(session, request_key)):
            return saved
        today = lender.load(session).today
        _check_terms(effective_from, reason, today)
        check(wanted, product_ids=products.ids(session))
        if queries.newest_version(session) != seen_version:
            raise _overtaken()
        before = _holding(session, effective_from, today)
        if wanted == before.rule_set:
            raise InvalidInput({"rules": f"Nothing is changed: version {before.version} has these rules already."})
        terms = _Terms(seen_version + 1, effective_from, reason.strip(), request_key)
        _append(session, actor, wanted, terms)
        if effective_from <= today:
            jobs.request_once(session, JOB, {})
        _record_saved(session, actor, wanted, before, terms)
        return terms.version


def _overtaken() -> Conflict:
    return Conflict(
        "Someone saved another version of the stage rules while you were editing. "
        "Look at the history below, then start again from the rules that hold now."
    )


def _check_terms(effective_from: date, reason: str, today: date) -> None:
    wrong: dict[str, str] = {}
    if effective_from < today:
        wrong["effective_from"] = "Rules cannot begin in the past: choose today or a later date."
    elif effective_from > today + timedelta(days=FURTHEST_DAYS):
        wrong["effective_from"] = f"Choose a date within {FURTHEST_DAYS} days."
    if not reason.strip():
        wrong["reason"] = "Say why the rules change; the history shows it."
    if wrong:
        raise InvalidInput(wrong)


def _holding(session: Session, on: date, today: date) -> StageVersion:
    """The version that would hold on a date without the one being saved."""
    number = queries.in_force(session, on).version
    return next(version for version in _versions(session, today) if version.version == number)


def _append(session: Session, actor: Actor, wanted: RuleSet, terms: _Terms) -> None:
    is_added = queries.insert_version(
        session,
        wanted.stored(terms.version),
        effective_from=terms.effective_from,
        reason=terms.reason,
        created_by=actor.id,
        request_key=terms.request_key,
    )
    if not is_added:
        raise _overtaken()


def _record_saved(session: Session, actor: Actor, wanted: RuleSet, before: StageVersion, terms: _Terms) -> None:
    begins = terms.effective_from
    audit.record(
        session,
        actor,
        "stage_rules.saved",
        subject=("stage_rules", terms.version),
        summary=f"saved version {terms.version} of the stage rules, to hold from {begins:%-d %b %Y}",
        before={"version": before.version, **before.rule_set.as_json()},
        after={"version": terms.version, "effective_from": begins.isoformat(), **wanted.as_json()},
        reason=terms.reason,
    )


def withdraw(actor: Actor, version: int, *, reason: str) -> None:
    """Take back a version that does not hold yet; it stays in the history.

    Raises:
        NotAllowed: the actor may not change strategy.
        NotFound: there is no such version.
        Refused: it holds or held: cases stand where it put them. Save another version instead.
        Conflict: it is withdrawn already.
        InvalidInput: no reason.
    """
    actor.require(Permission.CHANGE_STRATEGY)
    if not reason.strip():
        raise InvalidInput({"withdraw_reason": "Say why it is withdrawn."})
    with transaction() as session:
        today = lender.load(session).today
        found = next((one for one in _versions(session, today) if one.version == version), None)
        if found is None:
            raise NotFound("There is no such version of the stage rules.")
        if found.effective_from <= today:
            raise Refused(f"Version {version} holds already. Save a version with the rules that you want instead.")
        if not queries.insert_withdrawal(session, version, reason=reason.strip(), withdrawn_by=actor.id):
            raise Conflict(f"Version {version} is withdrawn already.")
        audit.record(
            session,
            actor,
            "stage_rules.withdrawn",
            subject=("stage_rules", version),
            summary=f"withdrew version {version} of the stage rules before {found.effective_from:%-d %b %Y}",
            reason=reason.strip(),
        )
