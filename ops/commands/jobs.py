"""`manage.py jobs`: what runs in the background."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.jobs import JobView

app = typer.Typer(help="Background jobs: list, retry, start now.", no_args_is_help=True)


@app.command("list")
def list_jobs() -> None:
    """What runs, waits, failed, and was done lately."""
    from ops.commands.showing import table
    from ops.servers import available
    from services import jobs
    from services.actors import SYSTEM

    with available(queue=False):
        found = jobs.overview(SYSTEM)
    rows = [*found.running, *found.failed, *found.waiting, *found.ended]
    table(
        ("Run", "Job", "Status", "Progress", "Note"),
        (
            (job.id, job.label, job.status, *(_how_far(job) if job.status == "running" else (None, job.error)))
            for job in rows
        ),
    )


def _how_far(job: "JobView") -> tuple[str | None, str | None]:
    return f"{job.done:,}/{job.total:,}" if job.total else None, job.note


@app.command()
def retry(run: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="Number of the failed run.")]) -> None:
    """Put failed work back to the queue."""
    from ops.servers import available
    from services import jobs
    from services.actors import SYSTEM

    with available(queue=False):  # it is in the database, and cron wakes a worker
        jobs.retry(SYSTEM, run)
    typer.echo(f"Run {run} waits for a worker.")


@app.command()
def start(kind: Annotated[str, typer.Argument(help="Kind of job, such as close, score or reminders.plan.")]) -> None:
    """Start recurring work now instead of at its time."""
    from ops.servers import available
    from services import jobs
    from services.actors import SYSTEM

    with available(queue=False):  # it is in the database, and cron wakes a worker
        run = jobs.start(SYSTEM, kind)
    typer.echo(f"Run {run} waits for a worker.")
