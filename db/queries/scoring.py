"""Statements of the risk score: one set-based statement scores a range of loans by the points table."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from db.models.stands import LoanState, RiskModel, RiskScore

FEATURES: Final = {
    "dpd": "s.dpd",
    "missed": "s.missed_instalments",
    "bounces": "s.bounces",
    "broken_promises": "coalesce(b.broken, 0)",
    "partial_payments": "s.partial_payments",
}
"""What a points table may give points for, and where each is read."""

Steps = Sequence[tuple[int, int | None, int, str]]
"""Of one feature: lowest value, highest (None: no limit), points, reason code."""


def active_model(session: Session) -> tuple[int, dict[str, Any]]:
    """Id and parameters of the model in force."""
    row = session.execute(select(RiskModel.id, RiskModel.parameters).where(RiskModel.is_active)).one()
    return row.id, row.parameters


def ranges(session: Session, size: int) -> list[tuple[int, int]]:
    """Ranges of loan ids that together hold all loans with a state, at most `size` ids each."""
    first, last = session.execute(select(func.min(LoanState.loan_id), func.max(LoanState.loan_id))).one()
    if first is None:
        return []
    return [(start, min(start + size - 1, last)) for start in range(first, last + 1, size)]


_SCORE_RANGE = """
WITH broken AS (
    SELECT loan_id, count(*) AS broken FROM promise
    WHERE loan_id BETWEEN :first AND :last AND status = 'broken' AND due_on > CAST(:as_of AS date) - 180
      AND due_on <= :as_of
    GROUP BY loan_id
), pointed AS (
    SELECT s.loan_id, s.risk_score AS old_score, s.risk_band AS old_band,
           {points}, {codes}
    FROM loan_state s LEFT JOIN broken b ON b.loan_id = s.loan_id
    WHERE s.loan_id BETWEEN :first AND :last AND s.status = 'active'
), scored AS (
    SELECT loan_id, old_score, old_band,
           least({total}, 100) AS score,
           CASE WHEN {total} = 0 THEN '{{}}'::text[] ELSE ARRAY(
               SELECT r.code || ':' || r.points
               FROM (VALUES {pairs}) AS r (code, points)
               WHERE r.points > 0 ORDER BY r.points DESC, r.code
           ) END AS reasons
    FROM pointed
), banded AS (
    SELECT *, 1 + (SELECT count(*) FROM unnest(CAST(:bands AS integer[])) AS edge WHERE score > edge) AS band
    FROM scored
), changed AS MATERIALIZED (
    SELECT n.loan_id, n.score, n.band, n.reasons FROM banded n
    LEFT JOIN LATERAL (
        SELECT r.reasons, r.model_id FROM risk_score r WHERE r.loan_id = n.loan_id
        ORDER BY r.scored_on DESC LIMIT 1
    ) AS latest ON n.score > 0 AND n.score = n.old_score
    WHERE (n.score, n.band) IS DISTINCT FROM (CAST(n.old_score AS integer), CAST(n.old_band AS bigint))
       OR n.score > 0
          AND (n.reasons, CAST(:model AS integer)) IS DISTINCT FROM (latest.reasons, latest.model_id)
), kept AS (
    INSERT INTO risk_score (loan_id, scored_on, model_id, score, band, reasons)
    SELECT loan_id, :as_of, :model, score, band, reasons FROM changed ORDER BY loan_id
    ON CONFLICT (loan_id, scored_on) DO UPDATE
    SET (model_id, score, band, reasons)
        = (excluded.model_id, excluded.score, excluded.band, excluded.reasons)
), shown AS (
    UPDATE loan_state s SET risk_score = c.score, risk_band = c.band
    FROM changed c
    WHERE s.loan_id = c.loan_id AND s.loan_id BETWEEN :first AND :last
      AND (s.risk_score, s.risk_band) IS DISTINCT FROM (CAST(c.score AS smallint), CAST(c.band AS smallint))
)
SELECT count(*) FROM changed
"""


def score_range(
    session: Session,
    *,
    features: Mapping[str, Steps],
    bands: Sequence[int],
    model_id: int,
    as_of: date,
    loans: tuple[int, int],
) -> int:
    """Score the active loans from first to last id; how many scores changed.

    Only changes are written: to `risk_score` a row of the day, to `loan_state` score and band.
    """
    points, codes, bound = _cases(features)
    total = " + ".join(f"{name}_points" for name in features)
    pairs = ", ".join(f"({name}_code, {name}_points)" for name in features)
    statement = text(_SCORE_RANGE.format(points=points, codes=codes, total=total, pairs=pairs))
    values = {"first": loans[0], "last": loans[1], "as_of": as_of, "model": model_id, "bands": list(bands)}
    return int(session.execute(statement, {**bound, **values}).scalar_one())


def _cases(features: Mapping[str, Steps]) -> tuple[str, str, dict[str, int | str]]:
    """Points and code of each feature as CASE expressions over bound values, and those values.

    Raises:
        KeyError: a feature that is not among `FEATURES`: names from a model's parameters never reach the statement.
    """
    points, codes = [], []
    bound: dict[str, int | str] = {}
    for name, steps in features.items():
        column = FEATURES[name]
        whens_points, whens_codes = "", ""
        for number, (low, high, worth, code) in enumerate(reversed(steps)):
            key = f"{name}_{number}"
            bound |= {f"{key}_low": low, f"{key}_worth": worth, f"{key}_code": code}
            holds = f"{column} >= :{key}_low"
            if high is not None:
                bound[f"{key}_high"] = high
                holds += f" AND {column} <= :{key}_high"
            whens_points += f" WHEN {holds} THEN CAST(:{key}_worth AS integer)"
            whens_codes += f" WHEN {holds} THEN CAST(:{key}_code AS text)"
        points.append(f"CASE{whens_points} ELSE 0 END AS {name}_points")
        codes.append(f"CASE{whens_codes} END AS {name}_code")
    return ", ".join(points), ", ".join(codes), bound


def latest_reasons(session: Session, loan_id: int) -> list[str]:
    """Reasons of a loan's newest score, as 'code:points'; none when it was never scored."""
    newest = select(RiskScore.reasons).where(RiskScore.loan_id == loan_id).order_by(RiskScore.scored_on.desc()).limit(1)
    return list(session.execute(newest).scalar_one_or_none() or [])
