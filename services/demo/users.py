"""Users of the demo: agents, leaders, an analyst and an auditor. Nobody can sign in until a password is given."""

from typing import Final

from sqlalchemy.orm import Session

from db.engine import transaction
from db.queries import demo as queries
from services import audit, passwords
from services.actors import Actor, Permission, Role

AGENTS: Final = {
    "anita": "Anita Rao",
    "farhan": "Farhan Khan",
    "gopal": "Gopal Naidu",
    "harpreet": "Harpreet Gill",
    "ishita": "Ishita Sen",
    "kiran": "Kiran Patil",
}
OTHERS: Final = {
    "leela": ("Leela Menon", Role.LEADER),
    "vikram": ("Vikram Desai", Role.LEADER),
    "nikhil": ("Nikhil Joshi", Role.ANALYST),
    "ruth": ("Ruth D'Souza", Role.AUDITOR),
}


def ensure(session: Session) -> dict[str, int]:
    """Ids of the demo's users by user name, added where they are missing."""
    cast = {**{name: (full, Role.AGENT) for name, full in AGENTS.items()}, **OTHERS}
    rows = [
        {"username": name, "name": full, "role": role.value, "email": f"{name}@example.com"}
        for name, (full, role) in cast.items()
    ]
    return queries.ensure_users(session, rows)


def known(session: Session) -> dict[str, int]:
    """Ids of those of the demo's users that are there, by user name."""
    return queries.user_ids(session, [*AGENTS, *OTHERS])


def demo_users(actor: Actor, password: str) -> tuple[str, ...]:
    """Let the demo's users sign in, all with this password; their user names.

    Raises:
        NotAllowed: the actor may not manage users.
        InvalidInput: the password is too weak.
    """
    actor.require(Permission.MANAGE_USERS)
    passwords.require_good(password, username="")
    with transaction() as session:
        names = tuple(ensure(session))
        queries.set_password(session, names, passwords.hashed(password))
        audit.record(
            session,
            actor,
            "demo.users_opened",
            subject=("app_user", "demo"),
            summary=f"gave the {len(names)} demo users a password",
        )
    return names
