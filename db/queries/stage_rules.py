"""Stage rules: reading and appending versions, and the one way a set of rules is applied to cases in SQL."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow


@dataclass(frozen=True, slots=True)
class Rules:
    """A set of rules as statements take it: every value bound, none of it in the statement's text."""

    rules: Sequence[Mapping[str, Any]]
    """Each with `position`, `stage` and the conditions of `RULES`; a condition that is None asks nothing."""
    default_stage: str
    version: int = 0
    """0: not saved, a draft."""

    @property
    def values(self) -> dict[str, Any]:
        """Bound values of `RULES`, `MATCH` and what is built of them."""
        return {
            "rules": json.dumps([dict(rule) for rule in self.rules], default=str),
            "default_stage": self.default_stage,
            "rules_version": self.version,
        }


RULES = """
    rules AS MATERIALIZED (
        SELECT r.position, r.stage, coalesce(r.min_dpd, 0) AS min_dpd, coalesce(r.max_dpd, 2147483647) AS max_dpd,
               coalesce(r.min_overdue, '-Infinity') AS min_overdue,
               coalesce(r.below_overdue, 'Infinity') AS below_overdue, r.risk_bands, r.product_ids, r.is_npa
        FROM jsonb_to_recordset(CAST(:rules AS jsonb)) AS r (
            position smallint, stage text, min_dpd integer, max_dpd integer, min_overdue numeric,
            below_overdue numeric, risk_bands smallint[], product_ids bigint[], is_npa boolean)
    )
"""
"""The rules as a relation: the first part of a WITH."""

MATCH = """
    SELECT r.position, r.stage FROM rules r
    WHERE {0}.max_dpd BETWEEN r.min_dpd AND r.max_dpd
      AND {0}.overdue_amount >= r.min_overdue AND {0}.overdue_amount < r.below_overdue
      AND (r.risk_bands IS NULL OR {0}.risk_band = ANY(r.risk_bands))
      AND (r.product_ids IS NULL OR {0}.product_id = ANY(r.product_ids))
      AND (r.is_npa IS NULL OR {0}.is_npa = r.is_npa)
    ORDER BY r.position LIMIT 1
"""
"""The first rule that matches the facts of `{0}`: a lateral subquery; no row: the default stage."""

_COLUMNS = ("stage", "min_dpd", "max_dpd", "min_overdue", "below_overdue", "risk_bands", "product_ids", "is_npa")


def in_force(session: Session, on: date) -> Rules:
    """The rules that hold on a date: of the versions not withdrawn and begun, the one that began last."""
    # one statement, since a fact that arrives for one borrower pays for it
    statement = text("""
        SELECT s.version, s.default_stage,
               (SELECT coalesce(jsonb_agg(to_jsonb(r) - 'version' ORDER BY r.position), '[]')
                FROM stage_rule r WHERE r.version = s.version) AS rules
        FROM stage_rule_set s
        WHERE s.effective_from <= :on
          AND NOT EXISTS (SELECT FROM stage_rule_withdrawal w WHERE w.version = s.version)
        ORDER BY s.effective_from DESC, s.version DESC LIMIT 1
    """)
    row = session.execute(statement, {"on": on}).one()
    return Rules(rules=row.rules, default_stage=row.default_stage, version=row.version)


def versions(session: Session) -> Sequence[AnyRow]:
    """All versions, newest first, with who made and who withdrew them."""
    statement = text("""
        SELECT s.version, s.effective_from, s.default_stage, s.reason, s.created_at, u.name AS created_by_name,
               w.withdrawn_at, w.reason AS withdraw_reason, v.name AS withdrawn_by_name
        FROM stage_rule_set s
        LEFT JOIN app_user u ON u.id = s.created_by
        LEFT JOIN stage_rule_withdrawal w ON w.version = s.version
        LEFT JOIN app_user v ON v.id = w.withdrawn_by
        ORDER BY s.version DESC
    """)
    return session.execute(statement).all()


def rules(session: Session) -> Sequence[AnyRow]:
    """The rules of all versions, in their order."""
    columns = ", ".join(_COLUMNS)
    return session.execute(text(f"SELECT version, {columns} FROM stage_rule ORDER BY version, position")).all()


def by_request_key(session: Session, request_key: str) -> int | None:
    """The version that an earlier submit of the same form made."""
    statement = text("SELECT version FROM stage_rule_set WHERE request_key = :key")
    return session.execute(statement, {"key": request_key}).scalar_one_or_none()


def newest_version(session: Session) -> int:
    """Number of the newest version, withdrawn or not."""
    return int(session.execute(text("SELECT max(version) FROM stage_rule_set")).scalar_one())


def insert_version(session: Session, wanted: Rules, **values: Any) -> bool:
    """Append a version with its rules; False when that version is there already: someone else saved it.

    Args:
        session: the caller's transaction.
        wanted: the rules, with the number of the version to be.
        values: effective_from, reason, created_by, request_key.
    """
    added = session.execute(
        text("""
            INSERT INTO stage_rule_set
                (version, effective_from, default_stage, reason, created_by, request_key)
            VALUES (:rules_version, :effective_from, :default_stage, :reason, :created_by, :request_key)
            ON CONFLICT DO NOTHING RETURNING version
        """),
        {**wanted.values, **values},
    ).first()
    if added is None:
        return False
    columns = ", ".join(_COLUMNS)
    session.execute(
        text(f"""
            INSERT INTO stage_rule (version, position, {columns})
            SELECT :rules_version, position, {columns}
            FROM jsonb_to_recordset(CAST(:rules AS jsonb)) AS r (
                position smallint, stage text, min_dpd integer, max_dpd integer, min_overdue numeric,
                below_overdue numeric, risk_bands smallint[], product_ids bigint[], is_npa boolean)
        """),
        wanted.values,
    )
    return True


def insert_withdrawal(session: Session, version: int, *, reason: str, withdrawn_by: int | None) -> bool:
    """Take a version back; False when it was taken back already."""
    statement = text("""
        INSERT INTO stage_rule_withdrawal (version, reason, withdrawn_by) VALUES (:version, :reason, :by)
        ON CONFLICT DO NOTHING RETURNING version
    """)
    values = {"version": version, "reason": reason, "by": withdrawn_by}
    return session.execute(statement, values).first() is not None


_PLACED = f"""
    WITH {RULES}, open_case AS (
        SELECT c.id, c.borrower_id, c.stage, c.max_dpd, c.overdue_amount, c.risk_band, c.is_npa, g.product_id
        FROM collection_case c LEFT JOIN segment g ON g.id = c.segment_id
        WHERE c.closed_on IS NULL AND c.stage <> 'pre_due'  -- those are no matter of rules
    ), placed AS (
        SELECT f.*, coalesce(q.stage, :default_stage) AS to_stage
        FROM open_case f LEFT JOIN LATERAL ({MATCH.format("f")}) q ON true
    )
"""


def try_out(session: Session, wanted: Rules, *, samples: int) -> Sequence[AnyRow]:
    """Where open cases stand and where these rules would put them: count, overdue and the largest cases of each way."""
    statement = text(
        _PLACED
        + """
        SELECT stage AS from_stage, to_stage, count(*) AS cases, sum(overdue_amount) AS overdue_amount,
               (array_agg(id ORDER BY overdue_amount DESC, id) FILTER (WHERE stage <> to_stage))
                   [1 : CAST(:samples AS integer)] AS case_ids
        FROM placed GROUP BY stage, to_stage
    """
    )
    return session.execute(statement, {**wanted.values, "samples": samples}).all()


def cases_with_numbers(session: Session, case_ids: Sequence[int]) -> Sequence[AnyRow]:
    """What a sample shows of cases."""
    statement = text("""
        SELECT c.id, c.borrower_id, b.external_id AS number, c.stage, c.max_dpd, c.overdue_amount, c.risk_band,
               p.name AS product, c.is_npa
        FROM collection_case c
        JOIN borrower b ON b.id = c.borrower_id
        LEFT JOIN segment g ON g.id = c.segment_id
        LEFT JOIN product p ON p.id = g.product_id
        WHERE c.id = ANY(CAST(:ids AS bigint[]))
    """)
    return session.execute(statement, {"ids": list(case_ids)}).all()


def cases_by_stage(session: Session) -> Sequence[AnyRow]:
    """How many open cases stand in each stage, and what is overdue on them."""
    statement = text("""
        SELECT stage, count(*) AS cases, sum(overdue_amount) AS overdue_amount
        FROM collection_case WHERE closed_on IS NULL GROUP BY stage
    """)
    return session.execute(statement).all()


def moves_of(session: Session, version: int) -> int:
    """How many moves the change to a version made."""
    statement = text("SELECT count(*) FROM stage_move WHERE version = :version AND cause = 'rules'")
    return int(session.execute(statement, {"version": version}).scalar_one())
