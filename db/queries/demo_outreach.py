"""Statements of the demo's outreach: promises of several dates with their contacts, and contacts against the gate."""

from datetime import date
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

# every third promise missed its first date, every third kept it, the others are still to come
_PROMISES = text("""
    WITH able AS (
        SELECT s.loan_id, s.borrower_id, c.id AS case_id, coalesce(c.owner_id, :leader) AS by_id, y.id AS party_id,
               coalesce(y.role, 'borrower') AS person,
               greatest(floor(s.overdue_amount / 300) * 100, 100) AS amount,
               row_number() OVER (PARTITION BY y.id IS NULL ORDER BY md5(s.loan_id::text || :seed)) AS place
        FROM loan_state s
        JOIN collection_case c ON c.borrower_id = s.borrower_id AND c.closed_on IS NULL
        LEFT JOIN LATERAL (
            SELECT id, role FROM party WHERE borrower_id = s.borrower_id ORDER BY id LIMIT 1
        ) y ON true
        WHERE s.status = 'active' AND s.overdue_amount >= 3000
          AND NOT EXISTS (SELECT FROM payment p WHERE p.loan_id = s.loan_id AND p.paid_on > :day - 40)
          AND NOT EXISTS (SELECT FROM promise p WHERE p.borrower_id = s.borrower_id AND p.due_on > :day - 20)
    ), chosen AS MATERIALIZED (
        -- about one in five is given by a co-borrower or guarantor
        SELECT a.*, row_number() OVER (ORDER BY CASE WHEN party_id IS NULL THEN place ELSE place * 4 END, loan_id) AS n
        FROM able a ORDER BY n LIMIT :size
    ), called AS (
        INSERT INTO contact_attempt (at, borrower_id, loan_id, case_id, channel, direction, person, party_id, outcome,
                                     note, next_action, next_action_on, recorded_by, recording_reference)
        SELECT (:day - 8 + time '11:20') AT TIME ZONE :zone, borrower_id, loan_id, case_id, 'call', 'outbound',
               person, party_id, 'promise_to_pay', 'Pays in three parts, after each week''s takings.', 'await_promise',
               :day - 4, by_id, 'rec/' || to_char(:day - 8, 'YYYYMMDD') || '/' || lpad(n::text, 4, '0')
        FROM chosen RETURNING id, loan_id
    ), first_date AS (
        INSERT INTO promise (borrower_id, loan_id, amount, due_on, promised_at, promised_on, channel, person, party_id,
                             contact_attempt_id, recorded_by)
        SELECT h.borrower_id, h.loan_id, h.amount, :day + CASE h.n % 3 WHEN 2 THEN 1 ELSE -4 END,
               (:day - 8 + time '11:20') AT TIME ZONE :zone, :day - 8, 'call', h.person, h.party_id, a.id, h.by_id
        FROM chosen h JOIN called a USING (loan_id) RETURNING id, loan_id
    ), further AS (
        INSERT INTO promise (borrower_id, loan_id, amount, due_on, promised_at, promised_on, channel, person, party_id,
                             contact_attempt_id, recorded_by, whole_id, part)
        SELECT h.borrower_id, h.loan_id, h.amount, :day + 7 * k.part - 10,
               (:day - 8 + time '11:20') AT TIME ZONE :zone, :day - 8, 'call', h.person, h.party_id, a.id, h.by_id,
               f.id, k.part
        FROM chosen h JOIN called a USING (loan_id) JOIN first_date f USING (loan_id)
        CROSS JOIN (VALUES (2), (3)) AS k (part)
    )
    INSERT INTO payment (loan_id, paid_on, amount, kind, mode, reference)
    SELECT loan_id, :day - 5, amount, 'payment', 'upi', 'UPI-' || to_char(:day - 5, 'YYMMDD') || '-' || n
    FROM chosen WHERE n % 3 = 1
""")

_OVERRIDES = text("""
    WITH chosen AS MATERIALIZED (
        SELECT c.borrower_id, c.id AS case_id, row_number() OVER (ORDER BY md5(c.id::text || :seed)) AS n
        FROM collection_case c WHERE c.closed_on IS NULL
        ORDER BY n LIMIT :size
    ), decided AS (
        INSERT INTO gate_decision (at, borrower_id, channel, purpose, is_allowed, rule, reason, next_allowed_at,
                                   policy_version)
        SELECT (:day - (n * 2)::integer + time '19:40') AT TIME ZONE :zone, borrower_id, 'call', 'log', false, 'hours',
               'Outside contact hours (08:00–19:00, borrower''s time 19:40).',
               (:day - (n * 2)::integer + 1 + time '08:00') AT TIME ZONE :zone, (SELECT max(id) FROM policy_rule)
        FROM chosen RETURNING id, borrower_id, at
    )
    INSERT INTO contact_attempt (at, borrower_id, case_id, channel, direction, person, outcome, note, next_action,
                                 gate_decision_id, override_reason, recorded_by)
    SELECT d.at, h.borrower_id, h.case_id, 'call', 'outbound', 'borrower', 'paid_already', 'Says it was paid by UPI.',
           'check_payment', d.id, 'Asked to be called after work', :leader
    FROM chosen h JOIN decided d USING (borrower_id)
""")


def has_any(session: Session) -> bool:
    """Whether there are promises of several dates already."""
    return bool(session.execute(text("SELECT EXISTS (SELECT FROM promise WHERE whole_id IS NOT NULL)")).scalar_one())


def write(session: Session, day: date, *, zone: str, seed: int, leader_id: int, promises: int, overrides: int) -> None:
    """Write so many promises of three dates, and so many contacts against the gate, before a day is closed."""
    values: dict[str, Any] = {"day": day, "zone": zone, "seed": str(seed), "leader": leader_id}
    session.execute(_PROMISES, {**values, "size": promises})
    session.execute(_OVERRIDES, {**values, "size": overrides})
