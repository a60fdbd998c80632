"""Commands for operators, `python manage.py`. The work is in services and ops; heavy imports are inside."""

import os
import signal
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from ops.commands import audit, book, demo, jobs, lender, users

app = typer.Typer(
    help="Run and operate Recoup. Settings come from the environment; see docs/operations.md.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("import")(book.load)
app.command()(demo.demo)
app.command()(book.close)
app.command()(book.score)
app.command()(book.remind)
app.command()(book.seal)
app.add_typer(lender.app, name="lender")
app.add_typer(users.app, name="user")
app.add_typer(audit.app, name="audit")
app.add_typer(jobs.app, name="jobs")


@app.command()
def run(
    with_demo: Annotated[
        bool, typer.Option("--demo", help="Load demo data into an empty store without asking.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address of the web app (RECOUP_HOST).")] = None,
    port: Annotated[int | None, typer.Option(help="Port of the web app (RECOUP_PORT).")] = None,
    workers: Annotated[int | None, typer.Option(help="Worker processes (RECOUP_WORKERS).")] = None,
) -> None:
    """Start everything, print the address, and stop it cleanly on Ctrl-C."""
    for name, value in (("RECOUP_HOST", host), ("RECOUP_PORT", port), ("RECOUP_WORKERS", workers)):
        if value is not None:
            os.environ[name] = str(value)
    from ops.running import run as run_everything

    run_everything(demo=with_demo)


@app.command()
def migrate() -> None:
    """Bring the database's schema to this release."""
    from ops.servers import available

    with available(queue=False, migrate=True):
        print("The schema is up to date.")


@app.command()
def worker(
    burst: Annotated[bool, typer.Option("--burst", help="Return when the queue is empty.")] = False,
) -> None:
    """Work on background jobs until told to stop. Any number may run, on any hosts."""
    from jobs import worker as workers
    from ops import logs

    logs.configure()
    workers.run(burst=burst)


@app.command()
def cron() -> None:
    """Plan what is due and wake workers, until told to stop. Any number may run: one leads."""
    from jobs import cron as timetable
    from ops import logs

    logs.configure()
    timetable.run()


@app.command()
def address(
    owner: Annotated[bool, typer.Option("--owner", help="As the role that owns the schema, for dumps.")] = False,
) -> None:
    """Print the address of the database, with its password, for psql and pg_dump."""
    from db.engine import for_tools

    print(for_tools(owner=owner))


def main() -> None:
    """Run a command; what goes wrong for a known reason is one line, not a traceback."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _leave)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name in letters that this terminal lacks is no reason to fail
    try:
        app()
    except Exception as error:
        from ops.sentences import sentence_of

        sentence = sentence_of(error)
        if sentence is None:
            raise
        print(f"recoup: {sentence}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _leave(number: int, _frame: object) -> None:
    """End in order, so that servers that were started for this command do not stay."""
    signal.signal(number, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
