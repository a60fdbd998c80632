"""What each report says of a closed day: sheets of rows, read set-based."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.orm import Session

from db.engine import reading
from db.queries import promises as promise_queries
from db.queries import reports as queries
from db.queries.portfolio.days import month_closes
from services import lender, performance
from services.actors import Actor
from services.lender import LenderSettings
from services.performance import DEFINITIONS, Dimension, Figure, Measure, PerformanceFilter
from services.performance.definitions import Unit
from services.portfolio.filtering import opening_of
from services.portfolio.rolls import WAYS_OUT
from services.reports.kinds import REPORTS, ReportKind
from services.reports.workbook import Content, Kind, Sheet, SheetColumn

MOST_ROWS = 100_000
"""Promises of one sheet."""
_AHEAD = timedelta(days=7)
_C = SheetColumn
_MONEY_COLUMNS = (
    _C("payments", "Payments", "count"),
    _C("received", "Received", "money"),
    _C("taken_back", "Taken back", "money"),
    _C("net", "Net", "money"),
)
_KINDS: dict[Unit, Kind] = {Unit.COUNT: "count", Unit.MONEY: "money", Unit.SHARE: "share"}


@dataclass(frozen=True, slots=True)
class _Of:
    """Of whom and when a report is."""

    actor: Actor
    settings: LenderSettings
    as_of: date

    @property
    def start(self) -> date:
        return self.as_of.replace(day=1)


def content(actor: Actor, kind: ReportKind, as_of: date) -> Content:
    """A report of the month to date of a closed day.

    Raises:
        NotAllowed: the actor may not see performance.
    """
    with reading(statement_timeout_ms=0) as session:
        of = _Of(actor, lender.load(session), as_of)
        sheets = () if kind in _COMPARED else _SHEETS[kind](session, of)
    if kind in _COMPARED:
        sheets = _compared(of, _COMPARED[kind])
    return Content(
        title=REPORTS[kind].title,
        lender=of.settings.name,
        currency=of.settings.currency,
        period_start=of.start,
        as_of=as_of,
        definitions=REPORTS[kind].definitions,
        sheets=sheets,
    )


def _collections(session: Session, of: _Of) -> tuple[Sheet, ...]:
    by_day = queries.collections_by_day(session, of.start, of.as_of)
    of_day = queries.collections_by_product(session, of.as_of, of.as_of)
    of_month = queries.collections_by_product(session, of.start, of.as_of)
    split = (_C("product", "Product"), _C("mode", "Mode"), *_MONEY_COLUMNS)
    return (
        Sheet("By day", (_C("paid_on", "Day", "day"), *_MONEY_COLUMNS), by_day),
        Sheet("The day by product", split, of_day),
        Sheet("The month by product", split, of_month),
    )


def _movement(session: Session, of: _Of) -> tuple[Sheet, ...]:
    labels = {**dict(enumerate(of.settings.bucket_labels)), **WAYS_OUT}
    rows = [
        {
            **row._mapping,  # noqa: SLF001 - SQLAlchemy's public name
            "from": labels.get(row.from_bucket, row.from_bucket),
            "to": labels.get(row.to_bucket, row.to_bucket),
        }
        for row in queries.bucket_moves(session, of.as_of)
    ]
    columns = (
        _C("from", "From"),
        _C("to", "To"),
        _C("loans", "Loans", "count"),
        _C("amount", "Outstanding at opening", "money"),
        _C("share_of_loans", "Share of loans", "share"),
        _C("share_of_amount", "Share of amount", "share"),
        _C("opening_on", "Opening", "day"),
        _C("closing_on", "Closing", "day"),
    )
    return (Sheet("Moves", columns, rows),)


def _promises(session: Session, of: _Of) -> tuple[Sheet, ...]:
    grace, _ = promise_queries.limits(session)
    due = queries.promises_due(session, of.as_of + timedelta(1), of.as_of + _AHEAD, limit=MOST_ROWS)
    broken = queries.promises_not_kept(session, of.start, of.as_of, grace=grace, limit=MOST_ROWS)
    columns = (
        _C("loan", "Loan"),
        _C("taken_by", "Taken by"),
        _C("promised_on", "Promised on", "day"),
        _C("due_on", "Due on", "day"),
        _C("amount", "Promised", "money"),
        _C("paid_amount", "Paid", "money"),
        _C("missing", "Missing", "money"),
        _C("status", "Status"),
    )
    return Sheet("Due in seven days", columns, due), Sheet("Broken or partly kept", columns, broken)


def _npa(session: Session, of: _Of) -> tuple[Sheet, ...]:
    opening = opening_of(of.as_of, month_closes(session))
    rows = queries.npa_formation(session, opening, of.as_of) if opening is not None else ()
    named = [{**row._mapping, "product": row.product or "Whole book"} for row in rows]  # noqa: SLF001 - as above
    columns = (
        _C("product", "Product"),
        _C("opening_standard", "Opening standard", "money"),
        _C("newly_npa_loans", "Newly NPA loans", "count"),
        _C("newly_npa", "Newly NPA", "money"),
        _C("formation", "Formation", "share"),
        _C("upgraded_loans", "Upgraded loans", "count"),
        _C("upgraded", "Upgraded", "money"),
        _C("npa_loans", "NPA loans", "count"),
        _C("npa", "NPA", "money"),
    )
    return (Sheet("NPA formation", columns, named),)


def _compared(of: _Of, dimension: Dimension) -> tuple[Sheet, ...]:
    """Figures and ranking of those who collect."""
    seen = performance.overview(of.actor, PerformanceFilter(month=of.as_of), dimension)
    if seen is None:
        return ()
    figures = [_C(figure.value, DEFINITIONS[figure].label, _KINDS[DEFINITIONS[figure].unit]) for figure in Figure]
    if seen.has_costs:
        figures += [_C("cost", "Cost", "money"), _C("cost_to_collect", "Cost to collect", "share")]
    rows = [
        {
            "name": row.name,
            **{figure.value: DEFINITIONS[figure].of(figure)(row.sums) for figure in Figure},
            "cost": row.cost,
            "cost_to_collect": row.cost_to_collect,
        }
        for row in (*seen.rows, seen.total)
    ]
    return Sheet("Figures", (_C("name", dimension.capitalize()), *figures), rows), _indices(seen)


def _indices(seen: performance.Performance) -> Sheet:
    names = {Measure.COLLECTED: "Collected", Measure.CURED: "Cured", Measure.KEPT: "Promises kept"}
    rows = [
        {
            "name": one.name,
            "measure": names[measure],
            "actual": one.index.actual,
            "expected": one.index.expected,
            "index": one.index.value,
            "low": one.index.low,
            "high": one.index.high,
            "verdict": "differs from the book" if one.index.is_distinct else "not distinguishable",
        }
        for measure, ranked in seen.ranking.items()
        for one in ranked
    ]
    columns = (
        _C("name", seen.dimension.capitalize()),
        _C("measure", "Measure"),
        _C("actual", "Actual", "money"),
        _C("expected", "Expected", "money"),
        _C("index", "Index", "ratio"),
        _C("low", "95 % from", "ratio"),
        _C("high", "95 % to", "ratio"),
        _C("verdict", "Verdict"),
    )
    return Sheet("Ranking", columns, rows)


_COMPARED = {ReportKind.AGENT_PERFORMANCE: Dimension.AGENT, ReportKind.AGENCY_PERFORMANCE: Dimension.AGENCY}
_SHEETS: dict[ReportKind, Callable[[Session, _Of], tuple[Sheet, ...]]] = {
    ReportKind.DAILY_COLLECTIONS: _collections,
    ReportKind.BUCKET_MOVEMENT: _movement,
    ReportKind.PROMISES: _promises,
    ReportKind.NPA_FORMATION: _npa,
}
