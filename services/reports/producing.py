"""Producing reports in the background, listing them, and handing them out: each file is kept as it was produced."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import reports as queries
from db.queries.performance.reading import closed_days
from services import audit, jobs
from services.actors import Actor, Permission
from services.errors import InvalidInput, NotFound
from services.jobs import Progress
from services.reports.contents import content
from services.reports.kinds import REPORTS, ReportKind
from services.reports.printing import to_pdf
from services.reports.workbook import Content, to_xlsx

JOB = "report.produce"
LISTED = 60
_WRITERS: dict[str, Callable[[Content], bytes]] = {"xlsx": to_xlsx, "pdf": to_pdf}


@dataclass(frozen=True, slots=True)
class ReportView:
    """A produced report without its content."""

    id: int
    kind: ReportKind
    format: str
    period_start: date
    as_of: date
    file_name: str
    sha256: str
    size: int
    produced_at: datetime
    produced_by_name: str | None
    """None: the schedule."""

    @property
    def title(self) -> str:
        """The report's name."""
        return REPORTS[self.kind].title


@dataclass(frozen=True, slots=True)
class ReportList:
    """What there is to download."""

    newest: dict[ReportKind, tuple[ReportView, ...]]
    """The newest of each kind, one a format."""
    earlier: tuple[ReportView, ...]
    """The latest of all, newest first."""


def produce(
    actor: Actor,
    run_id: int,
    *,
    up_to: date | None = None,
    kinds: Sequence[ReportKind] = tuple(ReportKind),
    asked_by: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Produce reports of the newest closed day, each as XLSX and as PDF; how many files.

    The same run again produces nothing twice.

    Args:
        actor: who acts: the system, in a job.
        run_id: the run of the job.
        up_to: no day after this one; None: the newest.
        kinds: which.
        asked_by: the user who asked; None: the schedule.
        progress: told of reports done.

    Raises:
        NotAllowed: the actor may not see performance.
    """
    actor.require(Permission.VIEW_PERFORMANCE)
    with reading() as session:
        days = closed_days(session, date.min, up_to or date.max)
    if not days:
        return 0
    made = 0
    for number, kind in enumerate(kinds):
        if progress is not None:
            progress(number, len(kinds), REPORTS[kind].title)
        made += _produce(actor, run_id, kind, days[-1], asked_by)
    return made


def _produce(actor: Actor, run_id: int, kind: ReportKind, as_of: date, asked_by: int | None) -> int:
    keys = {form: f"{run_id}:{kind}:{form}" for form in _WRITERS}
    with reading() as session:
        missing = [form for form, key in keys.items() if not queries.is_there(session, key)]
    if not missing:
        return 0
    said = content(actor, kind, as_of)
    files = {form: _WRITERS[form](said) for form in missing}
    with transaction(statement_timeout_ms=0) as session:
        return sum(
            _keep(session, actor, said, made, kind=kind, form=form, request_key=keys[form], asked_by=asked_by)
            for form, made in files.items()
        )


def _keep(
    session: Session,
    actor: Actor,
    said: Content,
    made: bytes,
    *,
    kind: ReportKind,
    form: str,
    request_key: str,
    asked_by: int | None,
) -> bool:
    """Keep a file and its event; False when another worker of the same run was faster."""
    digest = hashlib.sha256(made).hexdigest()
    report_id = queries.insert_report(
        session,
        kind=kind.value,
        format=form,
        period_start=said.period_start,
        as_of=said.as_of,
        file_name=f"{kind.value.replace('_', '-')}-{said.as_of}.{form}",
        content=made,
        sha256=digest,
        size=len(made),
        produced_by=asked_by,
        request_key=request_key,
    )
    if report_id is None:
        return False
    audit.record(
        session,
        actor,
        "report.produced",
        subject=("report", report_id),
        summary=f"produced the report “{said.title}” as of {said.as_of:%-d %b %Y}, {form.upper()}",
        after={"sha256": digest, "bytes": len(made)},
    )
    return True


def request(actor: Actor, kinds: Sequence[ReportKind], *, request_key: str) -> int:
    """Ask for reports now; the run's id. The same `request_key` again returns the same run.

    Raises:
        NotAllowed: the actor may not see performance, or not export.
        InvalidInput: no kind is chosen.
    """
    _require(actor)
    if not kinds:
        raise InvalidInput({"kinds": "Choose at least one report."})
    with transaction() as session:
        arguments = {"kinds": [kind.value for kind in kinds], "asked_by": actor.id}
        run_id = jobs.request(session, JOB, arguments, key=f"report:{request_key}", actor=actor)
        titles = ", ".join(REPORTS[kind].title for kind in kinds)
        summary = f"asked for the {'report' if len(kinds) == 1 else 'reports'} {titles}"
        audit.record(session, actor, "report.requested", subject=("job", run_id), summary=summary)
    return run_id


def listing(actor: Actor) -> ReportList:
    """Reports that can be downloaded.

    Raises:
        NotAllowed: the actor may not see performance, or not export.
    """
    _require(actor)
    with reading() as session:
        newest = [_view(row._mapping) for row in queries.newest_of_kinds(session)]  # noqa: SLF001 - SQLAlchemy's
        earlier = [_view(row._mapping) for row in queries.newest(session, limit=LISTED)]  # noqa: SLF001 - as above
    of_kind = {kind: tuple(view for view in newest if view.kind is kind) for kind in ReportKind}
    return ReportList(of_kind, tuple(earlier))


def _view(values: object) -> ReportView:
    found = dict(values)  # type: ignore[call-overload]  # a row's mapping
    return ReportView(**{**found, "kind": ReportKind(found["kind"])})


def download(actor: Actor, report_id: int) -> bytes:
    """A report's bytes, as they were produced; that it was taken is in the audit trail.

    Raises:
        NotAllowed: the actor may not see performance, or not export.
        NotFound: there is no such report.
    """
    _require(actor)
    with transaction() as session:
        row = queries.content(session, report_id)
        if row is None:
            raise NotFound("There is no such report.")
        audit.record(
            session,
            actor,
            "report.downloaded",
            subject=("report", report_id),
            summary=f"downloaded the report “{REPORTS[ReportKind(row.kind)].title}” as of {row.as_of:%-d %b %Y}",
            after={"sha256": row.sha256},
        )
        return bytes(row.content)


def _require(actor: Actor) -> None:
    actor.require(Permission.VIEW_PERFORMANCE)
    actor.require(Permission.EXPORT_PORTFOLIO)
