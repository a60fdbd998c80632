"""What was done today, and what the filters of the queue offer."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from db.engine import reading
from db.queries import allocation as allocation_queries
from db.queries import queue as queries
from services import lender
from services.actors import Actor, Permission


@dataclass(frozen=True, slots=True)
class DayStrip:
    """What was done today: by an agent, or by the whole team for a leader."""

    contacts: int
    right_party: int
    borrowers: int
    promises: int
    promised: Decimal
    collected: Decimal | None
    """On the agent's own cases; None for a team."""


@dataclass(frozen=True, slots=True)
class Choices:
    """What filters offer."""

    products: tuple[tuple[int, str], ...]
    regions: tuple[str, ...]
    branches: tuple[str, ...]
    attributes: tuple[str, ...]
    attribute_name: str | None
    """What the lender calls its own segment attribute; None: there is none."""
    buckets: tuple[str, ...]


def day_strip(actor: Actor) -> DayStrip:
    """What the actor did today; for a leader, what all who work the queue did.

    Raises:
        NotAllowed: the actor may not work the queue.
    """
    actor.require(Permission.WORK_QUEUE)
    with reading() as session:
        settings = lender.load(session)
        midnight = datetime.combine(settings.today, datetime.min.time(), ZoneInfo(settings.time_zone))
        is_team = actor.may(Permission.ALLOCATE_CASES)
        users = allocation_queries.worker_ids(session) if is_team else [actor.id or 0]
        row = queries.work_of_day(session, users, since=midnight, today=settings.today)
        collected = None if is_team else queries.collected(session, actor.id or 0, today=settings.today)
    return DayStrip(row.contacts, row.right_party, row.borrowers, row.promises, row.promised, collected)


def choices(actor: Actor) -> Choices:
    """What the filters of the queue offer.

    Raises:
        NotAllowed: the actor may not work the queue.
    """
    actor.require(Permission.WORK_QUEUE)
    with reading() as session:
        products = tuple((row.id, row.name) for row in queries.products(session))
        known, settings = queries.segment_values(session), lender.load(session)
        return Choices(
            products=products,
            regions=tuple(known["region"]),
            branches=tuple(known["branch"]),
            attributes=tuple(known["attribute"]) if settings.segment_attribute else (),
            attribute_name=settings.segment_attribute,
            buckets=settings.bucket_labels,
        )
