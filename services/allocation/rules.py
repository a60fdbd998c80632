"""Allocation rules as data: an ordered set from a day on. An edit writes a new version; the old ones stay."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import allocation_rules as queries
from db.queries import collectors as collector_queries
from db.queries import queue as queue_queries
from services import audit, lender
from services.actors import Actor, Permission
from services.allocation.values import Way
from services.cases import ALL_STAGES
from services.errors import Conflict, InvalidInput, NotFound
from services.scoring import BANDS


@dataclass(frozen=True, slots=True)
class Rule:
    """Which cases go to whom, and how they are divided. An empty condition asks nothing; bounds are inclusive."""

    name: str
    way: Way
    stages: tuple[str, ...] = ()
    product_ids: tuple[int, ...] = ()
    regions: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    risk_bands: tuple[int, ...] = ()
    min_dpd: int | None = None
    max_dpd: int | None = None
    min_overdue: Decimal | None = None
    max_overdue: Decimal | None = None
    min_outstanding: Decimal | None = None
    """Ticket size: principal not yet repaid, over all loans of the case."""
    max_outstanding: Decimal | None = None
    team_id: int | None = None
    agency_id: int | None = None
    user_ids: tuple[int, ...] = ()
    """Exactly one of team, agency and users is set."""
    is_enabled: bool = True
    id: int | None = None
    """None: not written yet."""


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """A set of rules from a day on."""

    id: int
    effective_from: date
    reason: str
    created_at: datetime
    created_by: str | None
    rules: int


@dataclass(frozen=True, slots=True)
class RuleBook:
    """The newest rules, and whether they hold already."""

    newest: RuleVersion | None
    rules: tuple[Rule, ...]
    in_force: int | None
    """Version of today; None: none yet."""
    today: date

    @property
    def version(self) -> int:
        """Id of the newest version, 0 for none: what an edit is based on."""
        return self.newest.id if self.newest else 0


@dataclass(frozen=True, slots=True)
class RuleChoices:
    """What a rule may name."""

    products: dict[int, str]
    regions: tuple[str, ...]
    languages: tuple[str, ...]
    stages: dict[str, str]
    risk_bands: dict[int, str]
    teams: dict[int, str]


def rule_book(actor: Actor) -> RuleBook:
    """The rules written last.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        today = lender.load(session).today
        found = queries.versions(session, 1)
        newest = RuleVersion(**found[0]._mapping) if found else None  # noqa: SLF001 - SQLAlchemy's public name
        rules = load(session, newest.id) if newest else ()
        return RuleBook(newest, rules, queries.version_in_force(session, today), today)


def load(session: Session, version_id: int) -> tuple[Rule, ...]:
    """The rules of a version, in order, in the caller's transaction."""
    return tuple(_rule(row) for row in queries.rules(session, version_id))


def _rule(row: AnyRow) -> Rule:
    values: dict[str, Any] = {
        name: tuple(held) if isinstance(held, list) else held
        for name, held in row._mapping.items()  # noqa: SLF001 - SQLAlchemy's public name
    }
    return Rule(**{**values, "way": Way(row.way)})


def rule_versions(actor: Actor) -> list[RuleVersion]:
    """The last hundred versions, the newest first.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return [RuleVersion(**row._mapping) for row in queries.versions(session, 100)]  # noqa: SLF001 - public by docs


def rules_of_version(actor: Actor, version_id: int) -> tuple[Rule, ...]:
    """The rules as they were in a version.

    Raises:
        NotAllowed: the actor may not allocate.
        NotFound: there is no such version.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        if not queries.versions(session, 1, version_id):
            raise NotFound("There is no such version of the rules.")
        return load(session, version_id)


def save_rules(actor: Actor, rules: Sequence[Rule], *, based_on: int, effective_from: date, reason: str) -> int:
    """Write a new version of the whole set; its id. What held before stays in the history.

    Args:
        actor: who writes.
        rules: all of them, in order.
        based_on: `RuleBook.version` that was on the screen: two leaders do not overwrite each other.
        effective_from: first business date on which they hold, today at the earliest.
        reason: why, for the history.

    Raises:
        NotAllowed: the actor may not allocate.
        InvalidInput: no reason, a day that has passed, or a rule that says nothing; the fields are named.
        Conflict: someone else wrote a version meanwhile.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with transaction() as session:
        queries.lock(session)
        today = lender.load(session).today
        wrong = {} if reason.strip() else {"reason": "Say why, in a few words."}
        if effective_from < today:
            wrong["effective_from"] = "Rules hold from today or later: what was allocated by the old ones stays so."
        for rule in rules:
            wrong |= _wrong_in(rule)
        if wrong:
            raise InvalidInput(wrong)
        if (queries.newest_version(session) or 0) != based_on:
            raise Conflict("Someone else has changed the rules meanwhile. Look at them again, then decide anew.")
        before = [_written(rule) for rule in load(session, based_on)] if based_on else []
        rows = [_columns(rule) for rule in rules]
        values = {"effective_from": effective_from, "reason": reason.strip(), "created_by": actor.id}
        version_id = queries.insert_version(session, rows, **values)
        audit.record(
            session,
            actor,
            "allocation_rules.changed",
            subject=("allocation_rule_version", version_id),
            summary=f"wrote version {version_id} of the allocation rules, from {effective_from.isoformat()}",
            before={"rules": before},
            after={"rules": [_written(rule) for rule in rules]},
            reason=reason.strip(),
        )
        return version_id


def _wrong_in(rule: Rule) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if not 1 <= len(rule.name.strip()) <= 100:
        wrong["name"] = "Give the rule a name, at most 100 characters."
    if sum((rule.team_id is not None, rule.agency_id is not None, bool(rule.user_ids))) != 1:
        wrong["target"] = "Choose one team, one agency, or people."
    for what, low, high in (
        ("dpd", rule.min_dpd, rule.max_dpd),
        ("overdue", rule.min_overdue, rule.max_overdue),
        ("outstanding", rule.min_outstanding, rule.max_outstanding),
    ):
        if low is not None and high is not None and low > high:
            wrong[what] = "The lower bound is above the upper one."
    return wrong


def _columns(rule: Rule) -> dict[str, Any]:
    values = {name: list(held) if isinstance(held, tuple) else held for name, held in asdict(rule).items()}
    del values["id"]
    return values | {"name": rule.name.strip(), "way": rule.way.value}


def _written(rule: Rule) -> dict[str, Any]:
    """As the audit trail keeps it: what is set, JSON."""
    values = {name: str(held) if isinstance(held, Decimal) else held for name, held in _columns(rule).items()}
    return {name: held for name, held in values.items() if held not in (None, [])}


def moved(rules: Sequence[Rule], place: int, by: int) -> tuple[Rule, ...]:
    """The rules with one of them moved up (-1) or down (+1); at the end of the list nothing changes."""
    order, to = list(rules), place + by
    if 0 <= to < len(order):
        order[place], order[to] = order[to], order[place]
    return tuple(order)


def switched(rules: Sequence[Rule], place: int) -> tuple[Rule, ...]:
    """The rules with one of them switched on or off."""
    return tuple(replace(r, is_enabled=not r.is_enabled) if at == place else r for at, r in enumerate(rules))


def rule_choices(actor: Actor) -> RuleChoices:
    """What rules and skills may name. Reads every borrower's language: keep the answer for a while.

    Raises:
        NotAllowed: the actor may not allocate.
    """
    actor.require(Permission.ALLOCATE_CASES)
    with reading() as session:
        return RuleChoices(
            products=queries.products(session),
            regions=tuple(queue_queries.segment_values(session)["region"]),
            languages=tuple(collector_queries.languages(session)),
            stages=dict(ALL_STAGES),
            risk_bands=dict(BANDS),
            teams={row.id: row.name for row in collector_queries.teams(session)},
        )
