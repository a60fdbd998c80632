"""Outreach of the demo: promises in several parts, some by guarantors, and the few contacts against the gate."""

from datetime import date
from typing import Final

from sqlalchemy.orm import Session

from db.queries import demo_outreach as queries
from services import lender
from services.demo import users

PROMISES: Final = 0.006
"""Promises of several dates per loan of the book."""
OVERRIDES: Final = 9
"""Few: each is an exception that a leader answers for."""


def add(session: Session, *, loans: int, seed: int, as_of: date) -> None:
    """Write the facts, before the close of `as_of` derives what follows from them. Does nothing a second time."""
    if queries.has_any(session):
        return
    queries.write(
        session,
        as_of,
        zone=lender.load(session).time_zone,
        seed=seed,
        leader_id=users.known(session)["leela"],
        promises=max(round(loans * PROMISES), 3),
        overrides=OVERRIDES,
    )
