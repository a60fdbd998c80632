"""`make run`: from whatever state the machine is in to a running product, and back to nothing running."""

import socket
import sys
import threading
import time

from rich.console import Console

from db import embedded
from ops import preflight, processes
from ops.servers import available
from ops.supervisor import Supervisor, only_one
from settings import settings

_SHOWN = Console(highlight=False, soft_wrap=True)
_OTHER_KEYS = (
    "[yellow]The personal data in the database was written with other keys than those here. Stop, and put back "
    "secrets/pii_key from its data folder, or set RECOUP_PII_KEYS: "
    "what is written meanwhile cannot be read with them.[/]"
)


def run(*, demo: bool = False) -> None:
    """Check, start the servers, migrate, prepare the first sign-in, and keep everything running until told to stop.

    Args:
        demo: load demo data into an empty store without asking.

    Raises:
        NotReady: something is wrong that the operator must mend.
        EmbeddedServerError: an embedded server cannot start.
    """
    home = settings().home
    preflight.data_folder(home)
    if _uses_embedded():
        preflight.own_folder(home)  # before we put anything of ours there
    preflight.signing_key()
    if warning := preflight.disk(home):
        _SHOWN.print(f"[yellow]{warning}[/]")
    with only_one(home) as leftovers:
        # what a killed supervisor left may hold the port a moment longer than it lives
        preflight.port(settings().host, settings().port, patience=5.0 if leftovers else 0.0)
        _SHOWN.print("Starting the servers ..." if _uses_embedded() else "Checking the servers ...")
        with available(migrate=True):
            notes = _prepare(demo=demo)
            threading.Thread(target=_announce, args=(notes,), daemon=True).start()
            Supervisor(processes.all_processes(), watch=_revive_servers if _uses_embedded() else None).run()
            _SHOWN.print("Stopping ...")
    _SHOWN.print("Stopped. The data stays" + (f" in {home}." if settings().database_url is None else "."))


def _prepare(*, demo: bool) -> list[str]:
    """Look at what is stored, and give a fresh store what it needs before the first sign-in.

    Returns:
        The lines to show with the address.
    """
    from services import personal_data

    warnings = [] if personal_data.is_readable() else [_OTHER_KEYS]
    for warning in warnings:
        _SHOWN.print(warning)
    return [*warnings, *_first_steps(demo=demo)]


def _first_steps(*, demo: bool) -> list[str]:
    from services import users

    password = users.create_first_admin()
    if password is None:
        return _offer_demo(is_wanted=demo, is_new=False)
    sign_in = f"Sign in as [bold]{users.FIRST_ADMIN}[/] with the one-time password [bold]{password}[/]"
    _SHOWN.print(sign_in)  # at once: it is kept nowhere, and what follows may be interrupted
    return [sign_in, *_offer_demo(is_wanted=demo, is_new=True)]


def _offer_demo(*, is_wanted: bool, is_new: bool) -> list[str]:
    """Load demo data where it is wanted, ask on a fresh store's terminal, else tell how to get it."""
    from ops.commands.demo import load
    from services.errors import Refused

    if is_new and not is_wanted and sys.stdin.isatty():
        is_wanted = _SHOWN.input("Load demo data, a made-up book of 5,000 loans? [y/N] ").strip().lower() in {
            "y",
            "yes",
        }
    if is_wanted:
        _SHOWN.print("Loading demo data, a minute or two ...")
        try:
            return load()
        except Refused as refused:
            return [refused.message]
    return ["For demo data: make run DEMO=1, or .venv/bin/python manage.py demo"] if is_new else []


def _uses_embedded() -> bool:
    return settings().database_url is None or settings().redis_url is None


def _revive_servers() -> None:
    """Start again an embedded server that died, on its old port: web and workers reconnect by themselves."""
    home = settings().home
    if settings().database_url is None and embedded.running_postgres(home) is None:
        _SHOWN.print("The embedded database has died: starting it again.")
        embedded.ensure_postgres(home)
    if settings().redis_url is None and embedded.running_valkey(home) is None:
        _SHOWN.print("The embedded queue server has died: starting it again.")
        embedded.ensure_valkey(home)


def _announce(notes: list[str]) -> None:
    """Print the address once it answers, below the first lines of the processes, where it is seen."""
    deadline = time.monotonic() + 120
    while not _answers(settings().host, settings().port):
        if time.monotonic() > deadline:
            return  # the supervisor's lines tell why
        time.sleep(0.1)
    lines = [
        "",
        f"  Recoup runs at [bold]{processes.address()}[/]   (Ctrl-C stops it)",
        *[f"  {note}" for note in notes],
        "",
    ]
    _SHOWN.print("\n".join(lines))
    sys.stdout.flush()


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1" if host in {"0.0.0.0", "::"} else host, port), timeout=1):  # noqa: S104
            return True
    except OSError:
        return False
