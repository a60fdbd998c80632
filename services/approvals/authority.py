"""Setting authority: what each level may decide, and who holds which level."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from db.base import AnyRow
from db.engine import reading, transaction
from db.queries import authority as queries
from db.queries import users
from services import audit
from services.actors import Actor, Permission
from services.approvals.kinds import label_of
from services.approvals.reach import DECIDING, level_of
from services.errors import InvalidInput, NotFound, Refused

ANY_KIND = queries.ANY_KIND


@dataclass(frozen=True, slots=True)
class Level:
    """A level of authority."""

    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Limit:
    """What a level may decide of a kind."""

    kind: str
    level: int
    title: str
    max_amount: Decimal | None
    """None: any amount."""
    max_percent: Decimal | None
    """None: any percentage."""
    hours: int
    """How long a request may wait there before it goes to the next level."""
    version: int

    @property
    def label(self) -> str:
        """The kind as screens say it."""
        return "Every other kind" if self.kind == ANY_KIND else label_of(self.kind)


@dataclass(frozen=True, slots=True)
class Holder:
    """Someone who may decide."""

    id: int
    name: str
    role: str
    level: int


def levels(actor: Actor) -> list[Level]:
    """All levels, lowest first.

    Raises:
        NotAllowed: the actor may not see requests.
    """
    actor.require(Permission.VIEW_REQUESTS)
    with reading() as session:
        return [Level(row.level, row.title) for row in queries.levels(session)]


def limits(actor: Actor) -> list[Limit]:
    """All limits, by kind and level.

    Raises:
        NotAllowed: the actor may not see requests.
    """
    actor.require(Permission.VIEW_REQUESTS)
    with reading() as session:
        return [Limit(**row._mapping) for row in queries.limits(session)]  # noqa: SLF001 - SQLAlchemy's public name


def holders(actor: Actor) -> list[Holder]:
    """Everyone who may decide, highest level first.

    Raises:
        NotAllowed: the actor may neither decide requests nor change settings.
    """
    require_part(actor)
    with reading() as session:
        return [Holder(**row._mapping) for row in queries.holders(session, DECIDING)]  # noqa: SLF001


def my_level(actor: Actor) -> int:
    """The actor's own level; 0 for who may not decide."""
    with reading() as session:
        return level_of(session, actor.id)


def set_limit(
    actor: Actor, kind: str, level: int, *, max_amount: Decimal | None, max_percent: Decimal | None, hours: int
) -> None:
    """Set what a level may decide of a kind, from now on; what waits already keeps its level.

    A kind's first own line takes the kind out of the lines for every other kind.

    Raises:
        NotAllowed: the actor may not change settings.
        InvalidInput: an amount, percentage or time cannot be.
        NotFound: there is no such level.
        Refused: a higher level would then be allowed less than a lower one.
    """
    actor.require(Permission.CONFIGURE)
    _check_limit(max_amount, max_percent, hours)
    with transaction() as session:
        queries.lock_limits(session)
        if level not in {row.level for row in queries.levels(session)}:
            raise NotFound("There is no such level of authority.")
        lines = {row.level: row for row in queries.limits(session) if row.kind == kind}
        _check_order(lines, level, max_amount, max_percent)
        before = lines.get(level)
        queries.save_limit(session, kind, level, max_amount=max_amount, max_percent=max_percent, hours=hours)
        audit.record(
            session,
            actor,
            "authority_limit.set",
            subject=("authority_limit", f"{kind}/{level}"),
            summary=f"set the limit of level {level} for {_named(kind)}",
            before=_limit_values(before.max_amount, before.max_percent, before.hours) if before is not None else None,
            after=_limit_values(max_amount, max_percent, hours),
        )


def remove_limit(actor: Actor, kind: str, level: int) -> None:
    """Take the authority over a kind from a level. A kind left without lines falls back to those of every kind.

    Raises:
        NotAllowed: the actor may not change settings.
        NotFound: there is no such line.
        Refused: it is the last line for every other kind.
    """
    actor.require(Permission.CONFIGURE)
    with transaction() as session:
        queries.lock_limits(session)
        lines = [row for row in queries.limits(session) if row.kind == kind]
        if kind == ANY_KIND and len(lines) == 1:
            raise Refused("At least one level must be left that may decide. Set another first.")
        if not queries.delete_limit(session, kind, level):
            raise NotFound("There is no such limit.")
        audit.record(
            session,
            actor,
            "authority_limit.removed",
            subject=("authority_limit", f"{kind}/{level}"),
            summary=f"removed the limit of level {level} for {_named(kind)}",
        )


def _named(kind: str) -> str:
    return "every other kind" if kind == ANY_KIND else label_of(kind).lower()


def _limit_values(max_amount: Decimal | None, max_percent: Decimal | None, hours: int) -> dict[str, Any]:
    shown = {"max_amount": max_amount, "max_percent": max_percent}
    return {name: None if value is None else str(value) for name, value in shown.items()} | {"hours": hours}


def _check_limit(max_amount: Decimal | None, max_percent: Decimal | None, hours: int) -> None:
    wrong: dict[str, str] = {}
    if max_amount is not None and max_amount <= 0:
        wrong["max_amount"] = "Enter an amount above zero, or leave it empty for any amount."
    if max_percent is not None and not 0 < max_percent <= 100:
        wrong["max_percent"] = "Enter a percentage above 0 and up to 100, or leave it empty for any."
    if not 1 <= hours <= 24 * 90:
        wrong["hours"] = "Enter between 1 hour and 90 days."
    if wrong:
        raise InvalidInput(wrong)


def _check_order(
    lines: Mapping[int, AnyRow], level: int, max_amount: Decimal | None, max_percent: Decimal | None
) -> None:
    endless = Decimal("Infinity")
    new = (endless if max_amount is None else max_amount, endless if max_percent is None else max_percent)
    for other, line in lines.items():
        old = (
            endless if line.max_amount is None else line.max_amount,
            endless if line.max_percent is None else line.max_percent,
        )
        low, high = (old, new) if other < level else (new, old)
        if other != level and (low[0] > high[0] or low[1] > high[1]):
            raise Refused(f"A higher level may not be allowed less than a lower one. Change level {other} first.")


def set_level(actor: Actor, user_id: int, level: int) -> None:
    """Give a user a level of authority, in force at once.

    Raises:
        NotAllowed: the actor may not change settings.
        NotFound: there is no such user or level.
        Refused: the user's role may not decide requests.
    """
    actor.require(Permission.CONFIGURE)
    with transaction() as session:
        user = users.with_id(session, user_id, is_locked=True)
        if user is None or level not in {row.level for row in queries.levels(session)}:
            raise NotFound("There is no such user or level.")
        if user.role not in DECIDING:
            raise Refused(f"The role of {user.name} ({user.role}) may not decide requests. Change the role first.")
        before = level_of(session, user_id)
        if before == level:
            return
        queries.save_level(session, user_id, level, set_by=actor.id)
        audit.record(
            session,
            actor,
            "authority.set",
            subject=("app_user", user_id),
            summary=f"gave {user.username} authority of level {level}",
            before={"level": before},
            after={"level": level},
        )


def require_part(actor: Actor) -> None:
    """Admit who decides requests, and who changes settings.

    Raises:
        NotAllowed: the actor does neither.
    """
    if not actor.may(Permission.CONFIGURE):
        actor.require(Permission.DECIDE_REQUESTS)
