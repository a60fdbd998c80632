"""`manage.py user`: who may sign in."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.users import User

app = typer.Typer(help="Users: add, list, reset a password, disable, enable, unlock.", no_args_is_help=True)
Username = Annotated[str, typer.Argument(help="User name.")]


@app.command("list")
def list_users() -> None:
    """List every user with role and state."""
    from ops.commands.showing import table
    from ops.servers import available
    from services import users
    from services.actors import SYSTEM

    with available(queue=False):
        found = users.all_users(SYSTEM)
    table(
        ("User name", "Name", "Role", "State", "Last sign-in (UTC)"),
        (
            (user.username, user.name, user.role, user.state, user.last_sign_in_at and f"{user.last_sign_in_at:%F %R}")
            for user in found
        ),
    )


@app.command()
def add(
    username: Username,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[str, typer.Option(help="admin, leader, analyst, agent or auditor.")],
    email: Annotated[str | None, typer.Option(help="E-mail address.")] = None,
) -> None:
    """Add a user; prints the one-time password, which must be changed at the first sign-in."""
    from ops.servers import available
    from services import users
    from services.actors import SYSTEM, Role
    from services.errors import InvalidInput

    people = [each for each in Role if each is not Role.SYSTEM]
    if role not in people:
        raise InvalidInput({"role": f"The role is one of {', '.join(people)}."})
    with available(queue=False):
        made = users.create(SYSTEM, username=username, name=name, role=Role(role), email=email)
    typer.echo(f"{made.username} may sign in with the one-time password {made.one_time_password}")


@app.command()
def reset(username: Username) -> None:
    """Give a user a new one-time password, lift a lock, and sign them out everywhere."""
    from ops.servers import available
    from services import users
    from services.actors import SYSTEM

    with available(queue=False):
        user = _named(username)
        password = users.reset_password(SYSTEM, user.id)
    typer.echo(f"{user.username} may sign in with the one-time password {password}{_once_enabled(user)}")


@app.command()
def disable(username: Username, reason: Annotated[str, typer.Option(help="Why; kept in the audit trail.")]) -> None:
    """Keep a user from signing in and end their sessions."""
    from ops.servers import available
    from services import users
    from services.actors import SYSTEM

    with available(queue=False):
        user = _named(username)
        users.disable(SYSTEM, user.id, reason=reason)
    typer.echo(f"{user.username} may not sign in any more.")


@app.command()
def enable(username: Username) -> None:
    """Let a disabled user sign in again."""
    from ops.servers import available
    from services import users
    from services.actors import SYSTEM

    with available(queue=False):
        user = _named(username)
        users.enable(SYSTEM, user.id)
    typer.echo(f"{user.username} may sign in again.")


@app.command()
def unlock(username: Username) -> None:
    """Lift the lock that wrong passwords left."""
    from ops.servers import available
    from services import users
    from services.actors import SYSTEM

    with available(queue=False):
        user = _named(username)
        users.unlock(SYSTEM, user.id)
    typer.echo(f"{user.username} may try again{_once_enabled(user)}.")


def _once_enabled(user: "User") -> str:
    return f" once `manage.py user enable {user.username}` lifts that they are disabled" if user.disabled_at else ""


def _named(username: str) -> "User":
    from services import users
    from services.actors import SYSTEM
    from services.errors import NotFound

    for user in users.all_users(SYSTEM):
        if user.username == username.strip().lower():
            return user
    raise NotFound(f"There is no user '{username}'. `manage.py user list` shows who there is.")
