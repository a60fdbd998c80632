"""Cases derived from facts: what is owed, promised, planned, held and done, their stage and priority, in one statement.

It runs over the whole book in ranges, or over the few borrowers that a fact is about: only the scope differs.
"""

import json
from collections.abc import Mapping
from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.queries import stage_rules
from db.queries.cases import Scope

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

_JOINED = """
    joined AS (
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
    )
"""

_STANDING = f"""
    d AS (
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
    )
"""

_NOW, _BEFORE = (", ".join(f"{alias}.{column}" for column in DERIVED) for alias in ("d", "c"))
_WRITTEN = f"""
    written AS (
        -- `stage_before` takes the value that this very write replaces, also after waiting for another's
        UPDATE collection_case c
        SET {", ".join(f"{column} = d.{column}" for column in DERIVED)},
            stage_before = c.stage, version = c.version + 1,
            -- the life of an overdue case begins when something is overdue
            opened_on = CASE WHEN c.stage = 'pre_due' AND d.stage <> 'pre_due'
                             THEN greatest(c.opened_on, CAST(:as_of AS date)) ELSE c.opened_on END
        FROM d
        WHERE d.id = c.id AND c.closed_on IS NULL AND {{scope_c}}
          AND ({_NOW}) IS DISTINCT FROM ({_BEFORE})
        RETURNING c.id, c.borrower_id, c.stage_before, c.stage, c.max_dpd, c.overdue_amount, c.version,
                  d.stage_position
    )
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
    scopes = {f"scope_{alias}": scope.predicate.format(alias) for alias in "cspfharv"}
    stages_of = (stage_rules.RULES, _FACTS.format(**scopes), _JOINED, _STANDING, _WRITTEN.format(**scopes), _MOVED)
    statement = text(f"WITH {', '.join(stages_of)} SELECT count(*) FROM written")
    values = {
        "as_of": as_of,
        "today": today,
        "zone": zone,
        "points": json.dumps(dict(points)),
        **stages.values,
        **scope.values,
    }
    return int(session.execute(statement, values).scalar_one())
