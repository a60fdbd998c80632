"""The risk score of a loan: 0 to 100 by a points table, in five bands, with its reasons. See docs/scoring.md."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy.orm import Session

from db.engine import reading, transaction
from db.queries import close_runs, closing
from db.queries import lender as lender_queries
from db.queries import scoring as queries
from services import audit, cases, lender
from services.actors import Actor, Permission
from services.errors import Refused

BANDS: Final = {0: "Not scored", 1: "Very low", 2: "Low", 3: "Medium", 4: "High", 5: "Very high"}
_RANGE = 50_000
_LABELS: Final = {
    "dpd": "{} days past due",
    "missed": "{} missed instalments",
    "bounces": "{} bounces in 180 days",
    "broken_promises": "{} broken promises in 180 days",
    "partial_payments": "{} partial payments in 180 days",
}
Progress = Callable[[int, int | None, str | None], None]
"""done, total, and what is being done."""


@dataclass(frozen=True, slots=True)
class Step:
    """Points for a range of values of a feature."""

    low: int
    high: int | None
    """None: and more."""
    points: int


@dataclass(frozen=True, slots=True)
class PointsTable:
    """What each feature is worth, and where the bands end."""

    features: Mapping[str, tuple[Step, ...]]
    bands: tuple[int, ...]
    """Highest score of bands 1 to 4."""

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> "PointsTable":
        """Read the parameters of a model row."""
        steps = {
            name: tuple(Step(low, high, points) for low, high, points in rows)
            for name, rows in parameters["features"].items()
        }
        return cls(features=steps, bands=tuple(parameters["bands"]))


@dataclass(frozen=True, slots=True)
class Reason:
    """A part of a score."""

    code: str
    words: str
    points: int


@dataclass(frozen=True, slots=True)
class ScoreSummary:
    """What a scoring run did."""

    changed: int
    """Loans whose score, band or reasons changed."""
    ranges: int


def score(actor: Actor, as_of: date, *, progress: Progress | None = None) -> ScoreSummary:
    """Score every active loan from its state, by ranges of loan ids with a transaction each. Safe to run twice.

    Priorities of cases follow, since the risk band counts in them.

    Args:
        actor: who asks.
        as_of: business date that the scores are kept under; normally the one just closed.
        progress: told of the ranges done.

    Raises:
        NotAllowed: the actor may not start background jobs.
        Refused: the date has not begun: its scores would count as the newest until it is over. Or it is history: a
            score says what was known on its day, and the loans' states are of a later one.
    """
    actor.require(Permission.MANAGE_JOBS)
    with reading() as session:
        settings = lender.load(session)
        if as_of > settings.today:
            raise Refused(lender.not_begun(settings, as_of))
        _require_present(as_of, newest_day(session))
        todo = queries.ranges(session, _RANGE)
    changed = 0
    for done, (first, last) in enumerate(todo, start=1):
        with transaction(statement_timeout_ms=0) as session:
            changed += score_range(session, as_of, first, last)
        if progress is not None:
            progress(done, len(todo), "scoring loans")
    if changed:
        _reprioritise(as_of)
    summary = ScoreSummary(changed=changed, ranges=len(todo))
    with transaction() as session:
        _record(session, actor, as_of, summary)
    return summary


def newest_day(session: Session) -> date | None:
    """The day that the loans' states or the newest scores are of, whichever is later; None before the first of either.

    No earlier day can be scored.
    """
    known = (lender.load(session).closed_through, lender_queries.scored_through(session))
    return max((day for day in known if day is not None), default=None)


def present_day() -> date:
    """The day to score where none is asked for: that of the loans' states, or today before the first close."""
    with reading() as session:
        return newest_day(session) or lender.load(session).today


def _require_present(as_of: date, newest: date | None) -> None:
    if newest is not None and as_of < newest:
        raise Refused(
            f"Scores of {as_of:%-d %b %Y} stay as they are: they say what was known on that day, and the loans stand "
            f"as of {newest:%-d %b %Y} now. Score that day or a later one."
        )


def _reprioritise(as_of: date) -> None:
    with reading() as session:
        today = max(as_of, lender.load(session).today)
        todo = close_runs.borrower_ranges(session, size=_RANGE)
    for first, last in todo:
        with transaction(statement_timeout_ms=0) as session, closing.for_sets(session):
            cases.reprioritise(session, today, first, last)


def _record(session: Session, actor: Actor, as_of: date, summary: ScoreSummary) -> None:
    audit.record(
        session,
        actor,
        "score.computed",
        subject=("risk_score", as_of.isoformat()),
        summary=f"computed risk scores as of {as_of.isoformat()}: {summary.changed} changed",
        after={"changed": summary.changed},
    )
    lender_queries.set_scored_through(session, as_of)
    if summary.changed:
        lender_queries.bump_data_version(session)


def score_range(session: Session, as_of: date, first_loan_id: int, last_loan_id: int) -> int:
    """Score the active loans from first to last id in the caller's transaction; how many scores changed."""
    model_id, parameters = queries.active_model(session)
    table = PointsTable.from_parameters(parameters)
    features = {
        name: [(step.low, step.high, step.points, code_of(name, step)) for step in steps]
        for name, steps in table.features.items()
    }
    return queries.score_range(
        session,
        features=features,
        bands=table.bands,
        model_id=model_id,
        as_of=as_of,
        loans=(first_loan_id, last_loan_id),
    )


def code_of(feature: str, step: Step) -> str:
    """Code of a step: 'dpd_31_60', 'missed_1', 'bounces_over_2'."""
    if step.high is None:
        return f"{feature}_over_{step.low - 1}"
    return f"{feature}_{step.low}" if step.low == step.high else f"{feature}_{step.low}_{step.high}"


def reason_label(code: str) -> str:
    """A reason code in words: 'dpd_31_60' becomes '31–60 days past due'."""
    feature = next((name for name in _LABELS if code.startswith(f"{name}_")), None)
    if feature is None:
        return code.replace("_", " ")
    amount = code.removeprefix(f"{feature}_")
    label = _LABELS[feature].format(words := _range_words(feature, amount))
    return _singular(label) if words == "1" else label


def _range_words(feature: str, amount: str) -> str:
    if not amount.startswith("over_"):
        return amount.replace("_", "–")
    above = amount.removeprefix("over_")
    return f"over {above}" if feature == "dpd" or not above.isdecimal() else f"{int(above) + 1} or more"


def _singular(label: str) -> str:
    for many in ("instalments", "bounces", "promises", "payments"):
        label = label.replace(f" {many}", f" {many.removesuffix('s')}", 1)
    return label


def reasons_of(session: Session, loan_id: int) -> tuple[Reason, ...]:
    """Why a loan has its score, the weightiest first; none when it was never scored."""
    return tuple(parse_reason(stored) for stored in queries.latest_reasons(session, loan_id))


def parse_reason(stored: str) -> Reason:
    """Read a reason as it is kept: 'dpd_31_60:25'."""
    code, _, points = stored.rpartition(":")
    return Reason(code=code, words=reason_label(code), points=int(points))
