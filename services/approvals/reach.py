"""How far authority reaches: which level a request needs, and whose authority suffices to decide it."""

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Session

from db.base import AnyRow
from db.queries import authority as queries
from services.actors import Actor, Permission, roles_with
from services.errors import Refused

DECIDING = roles_with(Permission.DECIDE_REQUESTS)


def level_of(session: Session, user_id: int | None) -> int:
    """The level that a user holds; 0 for whoever may not decide, and for the system."""
    return 0 if user_id is None else queries.level_of(session, user_id, DECIDING)


def covers(limit: AnyRow, amount: Decimal | None, percent: Decimal | None) -> bool:
    """Whether one line of the limits allows so much."""
    is_enough = amount is None or limit.max_amount is None or amount <= limit.max_amount
    return is_enough and (percent is None or limit.max_percent is None or percent <= limit.max_percent)


def place(
    session: Session,
    kind: str,
    *,
    amount: Decimal | None,
    percent: Decimal | None,
    above: int,
    kept_out: Collection[int],
    is_held: bool = False,
) -> AnyRow | None:
    """The line of the limits at which a request is to wait; None when no level above `above` covers it.

    The lowest that covers it and that someone holds who is not kept out; if nobody holds any, the lowest that covers,
    or with `is_held` None: a request is not taken from those who may decide it to where nobody is.
    """
    lines = [line for line in queries.limits(session, kind) if line.level > above and covers(line, amount, percent)]
    held = {holder.level for holder in queries.holders(session, DECIDING) if holder.id not in kept_out}
    unheld = lines[0] if lines and not is_held else None
    return next((line for line in lines if line.level in held), unheld)


def authorities(session: Session, actor: Actor, today: date) -> dict[int, int]:
    """Level by user: the actor's own, and of those they stand in for today (held by those, never lent to them)."""
    if actor.id is None:
        return {}
    found = {actor.id: level_of(session, actor.id)}
    for absent in queries.delegators(session, actor.id, DECIDING, today=today):
        found[absent.id] = absent.level
    return {user_id: level for user_id, level in found.items() if level > 0}


def authority_for(session: Session, actor: Actor, request: AnyRow, holding: Mapping[int, int]) -> int:
    """Whose authority the actor decides a request by: their own if it suffices, else of one they stand in for.

    Raises:
        Refused: the actor asked for it, is excluded from it, or no authority suffices.
    """
    if request.asked_by == actor.id:
        raise Refused("You asked for this yourself. Someone else must decide it.")
    if actor.id in request.excluded_user_ids:
        raise Refused(
            "You may not decide this one, since you had part in what it is about, such as the loan's sanction."
        )
    lines = queries.limits(session, request.kind)
    for user_id, level in holding.items():  # own authority first
        is_free = user_id != request.asked_by and user_id not in request.excluded_user_ids
        reaches = any(line.level <= level and covers(line, request.amount, request.percent) for line in lines)
        if is_free and level >= request.level and reaches:
            return user_id
    own = holding.get(actor.id or 0, 0)
    raise Refused(f"This needs authority of level {request.level} ({request.level_title}). Yours is level {own}.")
