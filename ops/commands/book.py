"""Commands on the book: import, close, score, remind. Each does now what otherwise a worker or the timetable does."""

import json
import os
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from services.imports import BatchSummary

AsOf = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Business date. Default: the last one that is over.")
]
Kind = Annotated[str, typer.Option(help="What it holds: loan_book, schedule, payments, contacts or snapshot.")]


def load(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX, plain, gzipped or zipped; of any size.")],
    *,
    kind: Kind = "loan_book",
    profile: Annotated[str | None, typer.Option(help="Profile to read it by. Default: the one that suits.")] = None,
    date_order: Annotated[str | None, typer.Option(help="Order of dates like 03/04/2025: dmy or mdy.")] = None,
    options: Annotated[str | None, typer.Option(help="More options of the profile, as a JSON object.")] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Where to write the rows that were not taken, as CSV with the reason.")
    ] = None,
    max_rejected: Annotated[
        float,
        typer.Option(min=0, max=100, help="Commit nothing if more than this part of the rows is rejected, in percent."),
    ] = 50,
) -> None:
    """Import a file: read, check, commit. Exit code 3 where some of its rows were not taken.

    Those can be downloaded on the Imports page, too. Where too many are rejected the import waits there, uncommitted.
    """
    from ops.commands.showing import progress_bar
    from ops.servers import available
    from services import imports
    from services.actors import SYSTEM
    from services.imports import files

    chosen = _options(options) | ({"date_order": date_order} if date_order else {})
    _require(kind in list(imports.Kind), f"The kind is one of {', '.join(imports.Kind)}.")
    _require(date_order in {None, "dmy", "mdy"}, "The date order is dmy or mdy.")
    _require(rejected is None or _can_be_written(rejected), f"{rejected} cannot be written: name another file.")
    with available(queue=False):
        with progress_bar(f"Importing {file.name}") as report:
            batch = imports.load_file(
                SYSTEM,
                file,
                kind=kind,
                profile=profile,
                options=chosen,
                max_rejected=max_rejected / 100,
                progress=report,
            )
        if rejected is not None and batch.counts["rejected"]:
            _write_private(rejected, imports.rejects_csv(SYSTEM, batch.id))
    _tell(batch, files.sheets(file)[1:])
    _require(
        batch.status == "committed",
        f"More than {max_rejected:g} % of the rows are rejected, so nothing was committed. Look at import {batch.id} "
        "on the Imports page and commit or discard it there, or repeat this with --max-rejected 100.",
    )
    if batch.counts["rejected"]:
        raise typer.Exit(3)


def _tell(batch: "BatchSummary", left_out: Sequence[str]) -> None:
    if left_out:
        typer.echo(f"Only the first sheet with rows was read. Not read: {', '.join(left_out)}.")
    counts = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in batch.counts.items())
    typer.echo(f"Import {batch.id} is {batch.status}: {counts}.")
    for rule in batch.report.get("rules", []):
        rows = "row" if rule["rows"] == 1 else "rows"
        first = ", ".join(f"{line:,}" for line in rule["lines"])
        typer.echo(f"  {rule['rows']:,} {rows}, such as {first}: {rule['sentence']}.")
    if batch.counts.get("loans_not_moved") and batch.kind == "schedule":
        typer.echo("""To derive days past due from it instead, import it with --options '{"derive": true}'.""")


def close(
    as_of: AsOf = None,
    backfill: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First also all month-ends from this date on.")
    ] = None,
) -> None:
    """Close a business date, also a past one: states, snapshot, promises, cases, sums. Safe to repeat."""
    from ops.commands.showing import progress_bar
    from ops.servers import available
    from services import closing
    from services.actors import SYSTEM
    from services.wording import counted

    workers = os.cpu_count() or 1
    with available(queue=False):
        day = _business_date(as_of)
        if backfill is not None:
            with progress_bar("Closing month-ends") as report:
                closing.backfill(SYSTEM, backfill.date(), day, progress=report, workers=workers)
        with progress_bar(f"Closing {day:%-d %b %Y}") as report:
            done = closing.close(SYSTEM, day, progress=report, workers=workers)
    typer.echo(
        f"{day:%-d %b %Y} is closed: {counted(done.loans, 'loan')}, {done.changed:,} states changed, "
        f"{done.restated:,} restated, {done.seconds:.1f} s."
    )


def score(
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Business date. Default: the one that the loans stand as of."),
    ] = None,
) -> None:
    """Score every active loan's risk from its present state. Scores of earlier days are history and stay."""
    from ops.commands.showing import progress_bar
    from ops.servers import available
    from services import scoring
    from services.actors import SYSTEM

    with available(queue=False), progress_bar("Scoring") as report:
        day = as_of.date() if as_of is not None else scoring.present_day()
        found = scoring.score(SYSTEM, day, progress=report)
    typer.echo(f"{day:%-d %b %Y} is scored: {found.changed:,} scores changed.")


def remind() -> None:
    """Plan the reminders that are due and send those whose time has come."""
    from ops.commands.showing import shown
    from ops.servers import available
    from services import reminders
    from services.actors import SYSTEM

    with available(queue=False), shown.status("Planning and sending reminders"):
        planned = reminders.plan(SYSTEM)
        sent = reminders.send_due(SYSTEM)
    typer.echo(
        f"{planned.planned:,} planned, {planned.blocked:,} blocked, {sent.sent:,} sent, {sent.not_sent:,} not sent."
    )


def seal() -> None:
    """Seal what the audit trail recorded since the last seal."""
    from ops.servers import available
    from services.actors import SYSTEM
    from services.audit.sealing import seal as seal_trail
    from services.wording import counted

    with available(queue=False):
        events = seal_trail(SYSTEM)
    typer.echo(f"{counted(events, 'event')} sealed.")


def _business_date(given: datetime | None) -> date:
    """The date given, or the last business date that is over, or a later one that was closed already."""
    from services import lender

    if given is not None:
        return given.date()
    settings = lender.current()
    yesterday = settings.today - timedelta(days=1)
    return max(yesterday, settings.closed_through or yesterday)


def _can_be_written(file: Path) -> bool:
    return not file.is_dir() and os.access(file if file.exists() else file.parent, os.W_OK)


def _write_private(file: Path, content: bytes) -> None:
    """In place of what is there; readable by its owner alone, since it holds personal data."""
    file.unlink(missing_ok=True)
    file.touch(0o600, exist_ok=False)
    file.write_bytes(content)


def _options(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except json.JSONDecodeError:
        found = None
    _require(isinstance(found, dict), 'The options are a JSON object, such as \'{"decimal": ","}\'.')
    return dict(found)


def _require(holds: bool, sentence: str) -> None:  # noqa: FBT001 - a claim and what to say where it fails
    from services.errors import InvalidInput

    if not holds:
        raise InvalidInput({"option": sentence})
