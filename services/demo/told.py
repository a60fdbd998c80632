"""Notices of agents in the demo: most borrowers were told, by e-mail or letter, the newest not yet."""

from datetime import timedelta
from typing import Final

from sqlalchemy.orm import Session

from db.queries import agent_notices as queries
from db.queries import demo_told
from services import agent_notices, clock
from services.actors import Actor, Role
from services.demo import users

NEWEST: Final = 6
"""Cases given to agencies so lately that nobody was told."""
LETTERS_LEFT: Final = 3


def add(session: Session) -> None:
    """Write the notices, after the cases were given."""
    known = users.known(session)
    leader = Actor(known["vikram"], users.OTHERS["vikram"][0], Role.LEADER)
    demo_told.tell_by_email(session, at=clock.now() - timedelta(hours=20), but=NEWEST)
    waiting = len(queries.letters_to_write(session, limit=agent_notices.LETTERS_A_FILE))
    if waiting > LETTERS_LEFT:
        document = agent_notices.write_in(session, leader, limit=waiting - LETTERS_LEFT)
        queries.dispatch(session, document.id, at=clock.now(), by=leader.id)
