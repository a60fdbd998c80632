"""`manage.py demo` and the offer of `run`: a made-up book, and users who may look at it."""

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer


def demo(
    loans: Annotated[int, typer.Option(min=1, help="Size of the book.")] = 5_000,
    seed: Annotated[int | None, typer.Option(min=0, help="The same seed, size and date give the same book.")] = None,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Business date of the book. Default: yesterday.")
    ] = None,
    files: Annotated[Path | None, typer.Option(help="Write it as files to import, into this folder, instead.")] = None,
) -> None:
    """Load a made-up book into an empty database, and let the demo's users sign in. Interrupted, it goes on."""
    from ops.servers import available

    if files is not None:
        _write(files, loans, seed, as_of)
        return
    with available(queue=False):
        for line in load(loans=loans, seed=seed, as_of=as_of):
            typer.echo(line)


def load(*, loans: int = 5_000, seed: int | None = None, as_of: datetime | None = None) -> list[str]:
    """Load the demo, with a bar.

    Returns:
        The lines that tell how to sign in.

    Raises:
        Refused: the database holds loans of its own, or the demo already.
    """
    from ops.commands.showing import progress_bar
    from services import demo as demos
    from services import passwords
    from services.actors import SYSTEM

    with progress_bar("Demo data") as report:
        loaded = demos.load(
            SYSTEM,
            loans=loans,
            seed=demos.SEED if seed is None else seed,
            as_of=as_of.date() if as_of else None,
            progress=report,
            workers=os.cpu_count() or 1,
        )
    password = passwords.one_time()
    names = demos.demo_users(SYSTEM, password)
    return [
        f"Demo data: {loaded.loans:,} loans. Its users sign in with the password {password}",
        f"(leela leads, anita collects, nikhil analyses, ruth audits; all: {', '.join(names)})",
    ]


def _write(folder: Path, loans: int, seed: int | None, as_of: datetime | None) -> None:
    from datetime import UTC, timedelta

    from ops.commands.showing import shown
    from services import clock
    from services import demo as demos

    day = as_of.date() if as_of else clock.today(str(UTC)) - timedelta(days=1)
    folder.mkdir(parents=True, exist_ok=True)
    with shown.status(f"Writing {loans:,} loans to {folder}"):
        written = demos.write_files(folder, loans=loans, seed=demos.SEED if seed is None else seed, as_of=day)
    for kind, path in written.items():
        typer.echo(f"{kind}: {path}")
