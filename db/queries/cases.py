"""Statements of collection cases: opening, closing and recomputing them from facts, over the whole book or a few."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session, aliased

from db.models.access import AppUser
from db.models.work import CollectionCase
from db.queries import stage_rules


@dataclass(frozen=True, slots=True)
class Scope:
    """Which borrowers a statement runs over: a predicate of ours on `borrower_id`, and its bound values."""

    predicate: str
    values: Mapping[str, Any]


def borrower_range(first_borrower_id: int, last_borrower_id: int) -> Scope:
    """Borrowers from first to last id, both included."""
    return Scope(
        "{0}.borrower_id BETWEEN :first_id AND :last_id", {"first_id": first_borrower_id, "last_id": last_borrower_id}
    )


def these_borrowers(borrower_ids: Sequence[int]) -> Scope:
    """The borrowers with these ids."""
    return Scope("{0}.borrower_id = ANY(CAST(:ids AS bigint[]))", {"ids": list(borrower_ids)})


@dataclass(frozen=True, slots=True)
class PreDue:
    """Which borrowers are called before an instalment falls due."""

    days: int
    """0: nobody."""
    bands: tuple[int, ...]
    """Risk bands of the loan; empty: all."""

    @property
    def values(self) -> dict[str, Any]:
        """Bound values of `_PRE_DUE`."""
        return {"pre_due_days": self.days, "pre_due_bands": list(self.bands)}


_OVERDUE = "s.status = 'active' AND (s.dpd >= 1 OR s.overdue_amount > 0)"
_PRE_DUE = """s.status = 'active' AND s.next_due_amount > 0
          AND s.next_due_on > CAST(:as_of AS date)
          AND s.next_due_on <= CAST(:as_of AS date) + CAST(:pre_due_days AS int)
          AND (CAST(:pre_due_bands AS smallint[]) = '{}' OR s.risk_band = ANY(CAST(:pre_due_bands AS smallint[])))"""
"""A loan whose instalment is near, of those that are called before."""


def close_settled(session: Session, scope: Scope, *, as_of: date, pre_due: PreDue) -> int:
    """Close open cases whose borrower owes nothing overdue, and no instalment is near that opened it; how many."""
    statement = text(f"""
        UPDATE collection_case c
        SET closed_on = greatest(CAST(:as_of AS date), c.opened_on), held_by = NULL, held_until = NULL,
            version = c.version + 1
        WHERE c.closed_on IS NULL AND {scope.predicate.format("c")}
          AND NOT EXISTS (SELECT FROM loan_state s WHERE s.borrower_id = c.borrower_id AND {scope.predicate.format("s")}
                          AND {_OVERDUE})
          -- who was overdue is cured, whatever falls due next: that opens a case of its own
          AND NOT (c.stage = 'pre_due' AND EXISTS (
              SELECT FROM loan_state s WHERE s.borrower_id = c.borrower_id AND {scope.predicate.format("s")}
                AND {_PRE_DUE}))
        RETURNING c.id
    """)
    return len(session.execute(statement, {"as_of": as_of, **pre_due.values, **scope.values}).all())


def open_new(session: Session, scope: Scope, *, as_of: date) -> int:
    """Open a case for borrowers who fell due and have none; how many."""
    statement = text(f"""
        INSERT INTO collection_case (borrower_id, opened_on)
        SELECT DISTINCT s.borrower_id, CAST(:as_of AS date)
        FROM loan_state s
        WHERE {scope.predicate.format("s")} AND s.status = 'active' AND s.dpd >= 1
          AND NOT EXISTS (SELECT FROM collection_case c WHERE c.borrower_id = s.borrower_id AND c.closed_on IS NULL
                          AND {scope.predicate.format("c")})
        ON CONFLICT (borrower_id) WHERE closed_on IS NULL DO NOTHING
        RETURNING id
    """)
    return len(session.execute(statement, {"as_of": as_of, **scope.values}).all())


def open_pre_due(session: Session, scope: Scope, *, as_of: date, pre_due: PreDue) -> int:
    """Open a case for borrowers who owe nothing overdue and whose instalment is near; how many."""
    statement = text(f"""
        INSERT INTO collection_case (borrower_id, opened_on, stage)
        SELECT DISTINCT s.borrower_id, CAST(:as_of AS date), 'pre_due'
        FROM loan_state s
        WHERE {scope.predicate.format("s")} AND {_PRE_DUE}
          AND NOT EXISTS (SELECT FROM collection_case c WHERE c.borrower_id = s.borrower_id AND c.closed_on IS NULL
                          AND {scope.predicate.format("c")})
        ON CONFLICT (borrower_id) WHERE closed_on IS NULL DO NOTHING
        RETURNING id
    """)
    return len(session.execute(statement, {"as_of": as_of, **pre_due.values, **scope.values}).all())


def pre_due_borrowers(session: Session, *, as_of: date, pre_due: PreDue) -> Row[*tuple[Any, ...]]:
    """How many borrowers would be called before an instalment, and what falls due from them."""
    statement = text(f"""
        SELECT count(DISTINCT s.borrower_id) AS borrowers, coalesce(sum(s.next_due_amount), 0) AS amount
        FROM loan_state s
        WHERE {_PRE_DUE} AND NOT EXISTS (SELECT FROM collection_case c
                                         WHERE c.borrower_id = s.borrower_id AND c.closed_on IS NULL
                                           AND c.stage <> 'pre_due')
    """)
    return session.execute(statement, {"as_of": as_of, **pre_due.values}).one()


DERIVED = (
    "stage",
    "loans",
    "max_dpd",
    "bucket",
    "risk_band",
    "overdue_amount",
    "outstanding",
    "is_npa",
    "segment_id",
    "next_action",
    "next_action_on",
    "last_contact_at",
    "last_outcome",
    "promise_due_on",
    "promise_amount",
    "has_broken_promise",
    "priority",
    "priority_reasons",
)
"""Columns of a case that `recompute` owns."""

_FACTS = """
    mine AS MATERIALIZED (
        SELECT c.id, c.borrower_id, c.max_dpd, c.overdue_amount, c.risk_band, c.is_npa, c.segment_id, c.stage
        FROM collection_case c WHERE c.closed_on IS NULL AND {scope_c}
    ), owed AS (
        SELECT s.borrower_id, count(*) AS loans, max(s.dpd) AS max_dpd, max(s.bucket) AS bucket,
               max(s.risk_band) AS risk_band, sum(s.overdue_amount) AS overdue_amount,
               sum(s.outstanding) AS outstanding, bool_or(s.asset_class = 'npa') AS is_npa,
               (array_agg(s.segment_id ORDER BY s.dpd DESC, s.overdue_amount DESC, s.loan_id))[1] AS segment_id
        FROM loan_state s WHERE s.status = 'active' AND {scope_s} GROUP BY s.borrower_id
    ), pending AS (
        SELECT DISTINCT ON (p.borrower_id) p.borrower_id, p.due_on AS promise_due_on,
               sum(p.amount - p.paid_amount) OVER (PARTITION BY p.borrower_id, p.due_on) AS promise_amount
        FROM promise p WHERE p.status = 'pending' AND {scope_p}
        ORDER BY p.borrower_id, p.due_on
    ), latest AS (
        -- the newest promise that was not taken back decides whether the borrower stands as one who broke it; of
        -- several dates the last that fell due, whatever is still to come
        SELECT DISTINCT ON (p.borrower_id) p.borrower_id, p.status = 'broken' AS has_broken_promise
        FROM promise p WHERE p.status <> 'cancelled' AND {scope_p}
          AND NOT (p.part > 1 AND p.status = 'pending' AND EXISTS (
              SELECT FROM promise e WHERE (e.id = p.whole_id OR e.whole_id = p.whole_id) AND e.part < p.part
                                      AND e.status IN ('kept', 'partly_kept', 'broken')))
        ORDER BY p.borrower_id, p.due_on DESC, p.id DESC
    ), planned AS (
        -- the newest plan of each loan; a broken one counts for half a year, or until the loan has another
        SELECT n.borrower_id, min(n.next_due_on) FILTER (WHERE n.status = 'running') AS plan_due_on,
               CASE WHEN bool_or(n.status = 'broken' AND n.resolved_on > CAST(:today AS date) - 180) THEN 'plan_broken'
                    WHEN bool_or(n.status = 'behind') THEN 'plan_behind'
                    WHEN bool_or(n.status = 'running') THEN 'plan_running' END AS plan_state
        FROM (
            SELECT DISTINCT ON (r.loan_id) r.borrower_id, r.status, r.next_due_on, r.resolved_on
            FROM repayment_plan r WHERE r.counts_from IS NOT NULL AND {scope_r}
            ORDER BY r.loan_id, r.counts_from DESC, r.id DESC
        ) n GROUP BY n.borrower_id
    ), settling AS (
        -- the newest settlement of each loan; a broken one counts for half a year, or until the loan has another
        SELECT n.borrower_id,
               min(CASE n.status WHEN 'running' THEN n.next_due_on WHEN 'offered' THEN n.valid_until END)
                   AS settlement_on,
               CASE WHEN bool_or(n.status = 'broken' AND n.resolved_on > CAST(:today AS date) - 180)
                    THEN 'settlement_broken'
                    WHEN bool_or(n.status = 'behind') THEN 'settlement_behind'
                    WHEN bool_or(n.status = 'offered') THEN 'settlement_offered'
                    WHEN bool_or(n.status = 'running') THEN 'settlement_running' END AS settlement_state
        FROM (
            SELECT DISTINCT ON (v.loan_id) v.borrower_id, v.status, v.next_due_on, v.valid_until, v.resolved_on
            FROM settlement v WHERE v.approved_on IS NOT NULL AND {scope_v}
            ORDER BY v.loan_id, v.id DESC
        ) n GROUP BY n.borrower_id
    ), follow AS (
        SELECT DISTINCT ON (f.borrower_id) f.borrower_id, f.action,
               (f.due_at AT TIME ZONE CAST(:zone AS text))::date AS follow_on
        FROM follow_up f WHERE f.done_at IS NULL AND {scope_f}
        ORDER BY f.borrower_id, f.due_at
    ), held AS (
        SELECT h.borrower_id, max(coalesce(h.ends_on, 'infinity')) AS hold_ends_on
        FROM hold h
        WHERE h.released_at IS NULL AND h.starts_on <= :today AND (h.ends_on IS NULL OR h.ends_on > :today)
          AND {scope_h}
        GROUP BY h.borrower_id
    ), last AS (
        SELECT DISTINCT ON (a.borrower_id) a.borrower_id, a.at AS last_contact_at, a.outcome AS last_outcome,
               a.next_action, a.next_action_on, (a.at AT TIME ZONE CAST(:zone AS text))::date AS contacted_on
        FROM contact_attempt a WHERE {scope_a}
        ORDER BY a.borrower_id, a.at DESC, a.id DESC
    )
"""

_POINTS = """
    (VALUES
        (CASE WHEN f.max_dpd > 180 THEN 'dpd_over_180' WHEN f.max_dpd > 90 THEN 'dpd_91_180'
              WHEN f.max_dpd > 60 THEN 'dpd_61_90' WHEN f.max_dpd > 30 THEN 'dpd_31_60'
              WHEN f.max_dpd > 0 THEN 'dpd_1_30' END),
        (CASE WHEN f.is_pre_due THEN 'instalment_near' END),
        (CASE WHEN f.max_dpd BETWEEN 80 AND 89 THEN 'near_npa' END),
        (CASE WHEN f.overdue_amount >= 100000 THEN 'amount_over_100000'
              WHEN f.overdue_amount >= 25000 THEN 'amount_over_25000'
              WHEN f.overdue_amount >= 5000 THEN 'amount_over_5000' END),
        (CASE WHEN f.risk_band >= 3 THEN 'risk_band_' || f.risk_band END),
        (CASE WHEN f.has_broken_promise THEN 'broken_promise' END),
        (CASE WHEN f.promise_due_on <= :today THEN 'promise_due'
              WHEN f.promise_due_on > :today AND NOT f.has_broken_promise THEN 'promise_later' END),
        (f.plan_state),
        (f.settlement_state),
        (CASE WHEN f.follow_on <= :today THEN 'follow_up_due'
              WHEN f.follow_on > :today THEN 'follow_up_later' END),
        (CASE WHEN f.contacted_on IS NULL THEN 'never_contacted'
              WHEN f.contacted_on >= :today THEN 'contacted_today'
              WHEN f.contacted_on >= CAST(:today AS date) - 3 THEN 'contacted_lately' END),
        (CASE WHEN f.hold_ends_on IS NOT NULL THEN 'on_hold' END)
    ) AS earned (code)
"""


_MOVED = f"""
    moving AS (
        -- the first writing of a case only opens it: where it opens is no move
        SELECT w.id, w.borrower_id, w.stage_before, w.stage, w.stage_position, w.max_dpd AS dpd_now,
               w.overdue_amount AS overdue_now, m.max_dpd, m.overdue_amount, m.risk_band, m.is_npa, g.product_id
        FROM written w JOIN mine m ON m.id = w.id LEFT JOIN segment g ON g.id = m.segment_id
        WHERE w.stage <> w.stage_before AND w.version > 2
    ), moved AS (
        INSERT INTO stage_move
            (case_id, borrower_id, moved_on, from_stage, to_stage, cause, version, position, max_dpd, overdue_amount)
        SELECT v.id, v.borrower_id, :as_of, v.stage_before, v.stage,
               -- the rules moved it if they move it as it was before, too; else what changed about it did
               CASE WHEN v.stage_before = 'pre_due' OR coalesce(q.stage, :default_stage) = v.stage_before
                    THEN 'facts' ELSE 'rules' END,
               :rules_version, v.stage_position, v.dpd_now, v.overdue_now
        FROM moving v LEFT JOIN LATERAL ({stage_rules.MATCH.format("v")}) q ON true
        RETURNING 1
    )
"""


def recompute(
    session: Session,
    scope: Scope,
    *,
    as_of: date,
    today: date,
    zone: str,
    points: Mapping[str, int],
    stages: stage_rules.Rules,
) -> int:
    """Derive every open case of the scope anew, write those that differ, and keep moves between stages; how many.

    Args:
        session: the caller's transaction.
        scope: which borrowers.
        as_of: business date, under which moves between stages are kept.
        today: date on which the cases are worked: what is due, held or broken is so as of then.
        zone: the lender's IANA time zone, in which moments become dates.
        points: priority points by reason code; codes are in `_POINTS`.
        stages: the rules that decide the stage.
    """
    facts = _FACTS.format(**{f"scope_{alias}": scope.predicate.format(alias) for alias in "cspfharv"})
    assignments = ", ".join(f"{column} = d.{column}" for column in DERIVED)
    now, before = (", ".join(f"{alias}.{column}" for column in DERIVED) for alias in ("d", "c"))
    statement = text(f"""
        WITH {stage_rules.RULES}, {facts}, joined AS (
            SELECT m.id, m.stage = 'pre_due' AND o.max_dpd < 1 AS is_pre_due, o.loans, o.max_dpd, o.bucket, o.risk_band,
                   o.overdue_amount, o.outstanding, o.is_npa,
                   o.segment_id, e.product_id,
                   g.promise_due_on, g.promise_amount, coalesce(l.has_broken_promise, false) AS has_broken_promise,
                   t.last_contact_at, t.last_outcome, t.contacted_on, w.follow_on, h.hold_ends_on, y.plan_state,
                   z.settlement_state,
                   CASE WHEN h.borrower_id IS NOT NULL THEN 'review_hold'
                        WHEN w.borrower_id IS NOT NULL THEN w.action
                        WHEN g.borrower_id IS NOT NULL AND l.has_broken_promise IS NOT TRUE THEN 'await_promise'
                        WHEN z.settlement_state = 'settlement_running' THEN 'await_settlement'
                        WHEN z.settlement_state = 'settlement_offered' THEN 'ask_acceptance'
                        WHEN y.plan_state = 'plan_running' THEN 'await_instalment'
                        WHEN t.next_action <> 'await_promise' THEN t.next_action
                        ELSE 'call' END AS next_action,
                   CASE WHEN h.borrower_id IS NOT NULL THEN nullif(h.hold_ends_on, 'infinity')
                        WHEN w.borrower_id IS NOT NULL THEN w.follow_on
                        WHEN g.borrower_id IS NOT NULL AND l.has_broken_promise IS NOT TRUE THEN g.promise_due_on
                        WHEN z.settlement_state IN ('settlement_running', 'settlement_offered') THEN z.settlement_on
                        WHEN y.plan_state = 'plan_running' THEN y.plan_due_on
                        ELSE t.next_action_on END AS next_action_on
            FROM mine m
            JOIN owed o USING (borrower_id)
            LEFT JOIN segment e ON e.id = o.segment_id
            LEFT JOIN pending g USING (borrower_id)
            LEFT JOIN latest l USING (borrower_id)
            LEFT JOIN planned y USING (borrower_id)
            LEFT JOIN settling z USING (borrower_id)
            LEFT JOIN follow w USING (borrower_id)
            LEFT JOIN held h USING (borrower_id)
            LEFT JOIN last t USING (borrower_id)
        ), d AS (
            SELECT f.*, q.position AS stage_position,
                   CASE WHEN f.is_pre_due THEN 'pre_due' ELSE coalesce(q.stage, :default_stage) END AS stage,
                   r.priority, r.priority_reasons
            FROM joined f
            LEFT JOIN LATERAL ({stage_rules.MATCH.format("f")}) q ON true
            CROSS JOIN LATERAL (
                SELECT coalesce(sum(k.points), 0)::integer AS priority,
                       coalesce(array_agg(k.code || ':' || k.points ORDER BY k.points DESC, k.code), '{{}}')
                           AS priority_reasons
                FROM (SELECT code, (CAST(:points AS jsonb) ->> code)::integer AS points FROM {_POINTS}) k
                WHERE k.code IS NOT NULL
            ) r
        ), written AS (
            -- `stage_before` takes the value that this very write replaces, also after waiting for another's
            UPDATE collection_case c SET {assignments}, stage_before = c.stage, version = c.version + 1,
                   -- the life of an overdue case begins when something is overdue
                   opened_on = CASE WHEN c.stage = 'pre_due' AND d.stage <> 'pre_due'
                                    THEN greatest(c.opened_on, CAST(:as_of AS date)) ELSE c.opened_on END
            FROM d
            WHERE d.id = c.id AND c.closed_on IS NULL AND {scope.predicate.format("c")}
              AND ({now}) IS DISTINCT FROM ({before})
            RETURNING c.id, c.borrower_id, c.stage_before, c.stage, c.max_dpd, c.overdue_amount, c.version,
                      d.stage_position
        ), {_MOVED}
        SELECT count(*) FROM written
    """)
    values = {
        "as_of": as_of,
        "today": today,
        "zone": zone,
        "points": json.dumps(dict(points)),
        **stages.values,
        **scope.values,
    }
    return int(session.execute(statement, values).scalar_one())


CASE_COLUMNS = (
    CollectionCase.id,
    CollectionCase.borrower_id,
    CollectionCase.opened_on,
    CollectionCase.stage,
    CollectionCase.owner_id,
    CollectionCase.held_by,
    CollectionCase.held_until,
    CollectionCase.priority,
    CollectionCase.priority_reasons,
    CollectionCase.loans,
    CollectionCase.max_dpd,
    CollectionCase.bucket,
    CollectionCase.risk_band,
    CollectionCase.overdue_amount,
    CollectionCase.outstanding,
    CollectionCase.next_action,
    CollectionCase.next_action_on,
    CollectionCase.last_contact_at,
    CollectionCase.last_outcome,
    CollectionCase.promise_due_on,
    CollectionCase.promise_amount,
    CollectionCase.has_broken_promise,
)

_owner = aliased(AppUser)
_holder = aliased(AppUser)


def open_case(session: Session, borrower_id: int) -> Row[*tuple[Any, ...]] | None:
    """The borrower's open case with the names of its owner and of who holds it; None when nothing is overdue."""
    return session.execute(
        select(*CASE_COLUMNS, _owner.name.label("owner_name"), _holder.name.label("holder_name"))
        .outerjoin(_owner, _owner.id == CollectionCase.owner_id)
        .outerjoin(_holder, _holder.id == CollectionCase.held_by)
        .where(CollectionCase.borrower_id == borrower_id, CollectionCase.closed_on.is_(None))
    ).one_or_none()


def lock_open_case(session: Session, borrower_id: int) -> None:
    """Hold the borrower's open case for this transaction, so that two acts on it follow one another."""
    session.execute(
        select(CollectionCase.id)
        .where(CollectionCase.borrower_id == borrower_id, CollectionCase.closed_on.is_(None))
        .with_for_update()
    )


def newest_owner(session: Session, borrower_id: int) -> int | None:
    """Owner of the borrower's open case, or of the last one closed; None when nobody has or had it."""
    return session.execute(
        select(CollectionCase.owner_id)
        .where(CollectionCase.borrower_id == borrower_id)
        .order_by(CollectionCase.closed_on.desc().nulls_first(), CollectionCase.id.desc())
        .limit(1)
    ).scalar_one_or_none()
