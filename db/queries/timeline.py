"""The timeline of a borrower: one statement over everything that happened, newest first."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

# each part yields (kind, at, id, loan_id, title, detail, amount, state, who); a day's facts stand at noon of the day
PARTS = {
    "contact": """
        SELECT 'contact', a.at, a.id, a.loan_id, d.label,
               concat_ws(' · ', CASE a.direction WHEN 'inbound' THEN 'inbound' END,
                         CASE WHEN a.person <> 'nobody' THEN replace(a.person, '_', '-') END, y.name, a.note,
                         'recording ' || a.recording_reference, 'no recording: ' || a.no_recording_reason),
               NULL::numeric, a.channel, u.name
        FROM contact_attempt a JOIN disposition d ON d.code = a.outcome LEFT JOIN app_user u ON u.id = a.recorded_by
        LEFT JOIN party y ON y.id = a.party_id
        WHERE a.borrower_id = :borrower_id AND a.override_reason IS NULL
    """,
    "override": """
        SELECT 'override', a.at, a.id, a.loan_id, d.label,
               concat_ws(' · ', a.channel, CASE WHEN a.person <> 'nobody' THEN replace(a.person, '_', '-') END, y.name,
                         a.note, 'reason: ' || a.override_reason,
                         'rule ' || g.rule, a.recording_reference),
               NULL::numeric, 'against the gate', u.name
        FROM contact_attempt a JOIN disposition d ON d.code = a.outcome LEFT JOIN app_user u ON u.id = a.recorded_by
        LEFT JOIN party y ON y.id = a.party_id LEFT JOIN gate_decision g ON g.id = a.gate_decision_id
        WHERE a.borrower_id = :borrower_id AND a.override_reason IS NOT NULL
    """,
    "promise": """
        SELECT 'promise', p.promised_at, p.id, p.loan_id, 'Promised for ' || to_char(p.due_on, 'FMDD Mon YYYY'),
               concat_ws(' · ', CASE WHEN p.part > 1 THEN 'date ' || p.part || ' of the promise' END,
                         CASE WHEN p.person <> 'borrower' THEN 'by ' || replace(p.person, '_', '-') END, y.name,
                         CASE WHEN p.status = 'partly_kept'
                              THEN 'paid ' || to_char(p.paid_amount, 'FM999,999,999,990.00') END,
                         p.cancel_reason),
               p.amount, p.status, u.name
        FROM promise p LEFT JOIN app_user u ON u.id = p.recorded_by LEFT JOIN party y ON y.id = p.party_id
        WHERE p.borrower_id = :borrower_id
    """,
    "plan": """
        SELECT 'plan', p.made_at, p.id, p.loan_id,
               'Repayment plan to ' || to_char(p.ends_on, 'FMDD Mon YYYY'),
               concat_ws(' · ', CASE WHEN cardinality(p.restructuring) > 0 THEN 'restructuring' END, p.cancel_reason,
                         p.refuse_reason),
               p.amount, p.status, u.name
        FROM repayment_plan p LEFT JOIN app_user u ON u.id = p.made_by
        WHERE p.borrower_id = :borrower_id
    """,
    "settlement": """
        SELECT 'settlement', p.offered_at, p.id, p.loan_id,
               'Settlement to ' || to_char(p.ends_on, 'FMDD Mon YYYY'),
               concat_ws(' · ', 'waives ' || to_char(p.waived_principal + p.waived_interest + p.waived_charges,
                                                     'FM999,999,999,990.00'),
                         CASE WHEN p.is_restructuring THEN 'restructuring' END,
                         'accepted ' || to_char(p.counts_from, 'FMDD Mon YYYY'), p.cancel_reason, p.refuse_reason),
               p.amount, p.status, u.name
        FROM settlement p LEFT JOIN app_user u ON u.id = p.offered_by
        WHERE p.borrower_id = :borrower_id
    """,
    "hardship": """
        SELECT 'hardship', h.applied_at, h.id, h.loan_id,
               CASE h.relief WHEN 'holiday' THEN 'Applied for a payment holiday to '
                    ELSE 'Applied for lower instalments to ' END || to_char(h.relief_until, 'FMDD Mon YYYY'),
               concat_ws(' · ', replace(h.cause, '_', ' '), h.decision_reason, h.withdraw_reason), h.amount,
               CASE WHEN h.withdrawn_on IS NOT NULL THEN 'withdrawn' WHEN h.is_granted IS NULL THEN 'waiting'
                    WHEN h.is_granted THEN 'granted' ELSE 'refused' END, u.name
        FROM hardship h LEFT JOIN app_user u ON u.id = h.applied_by
        WHERE h.borrower_id = :borrower_id
    """,
    "payment": """
        SELECT 'payment', (y.paid_on + time '12:00') AT TIME ZONE :zone, y.id, y.loan_id,
               CASE y.kind WHEN 'reversal' THEN 'Payment reversed' ELSE 'Paid' END,
               concat_ws(' · ', y.mode, y.reference), y.amount, y.kind, NULL
        FROM payment y JOIN loan l ON l.id = y.loan_id
        WHERE l.borrower_id = :borrower_id
    """,
    "bounce": """
        SELECT 'bounce', (m.presented_on + time '12:00') AT TIME ZONE :zone, m.id, m.loan_id, 'Auto-debit bounced',
               m.reason, m.amount, 'bounced', NULL
        FROM mandate_presentation m JOIN loan l ON l.id = m.loan_id
        WHERE l.borrower_id = :borrower_id AND m.result = 'bounced'
    """,
    "message": """
        SELECT 'message', coalesce(m.sent_at, m.created_at), m.id, m.loan_id, coalesce(m.subject, r.name),
               concat_ws(' · ', r.name, m.status_reason), NULL::numeric, m.status, NULL
        FROM message m JOIN reminder_rule r ON r.id = m.rule_id
        WHERE m.borrower_id = :borrower_id
        UNION ALL
        SELECT 'message', coalesce(n.dispatched_at, n.made_at), -n.id, NULL::bigint,
               'Letter with the particulars of ' || a.name, NULL, NULL::numeric,
               CASE WHEN n.dispatched_at IS NULL THEN 'printed' ELSE 'dispatched' END, u.name
        FROM agent_notice_letter n JOIN app_user a ON a.id = n.agent_id LEFT JOIN app_user u ON u.id = n.made_by
        WHERE n.borrower_id = :borrower_id
    """,
    "allocation": """
        SELECT 'allocation', n.allocated_at, n.id, NULL::bigint,
               coalesce('Allocated to ' || o.name, 'Taken off everyone'), n.reason, NULL::numeric, NULL, u.name
        FROM allocation n JOIN collection_case c ON c.id = n.case_id
        LEFT JOIN app_user o ON o.id = n.owner_id LEFT JOIN app_user u ON u.id = n.allocated_by
        WHERE c.borrower_id = :borrower_id
    """,
    "stage": """
        SELECT 'stage', (v.moved_on + time '12:00') AT TIME ZONE :zone, v.id, NULL::bigint,
               v.from_stage || ' → ' || v.to_stage,
               concat_ws(' · ', v.max_dpd || ' days past due', coalesce('rule ' || v.position, 'no rule')
                                || ' of version ' || v.version, CASE v.cause WHEN 'rules' THEN 'the rules changed' END),
               v.overdue_amount, v.to_stage, NULL
        FROM stage_move v
        WHERE v.borrower_id = :borrower_id
    """,
    "status": """
        SELECT 'status', s.at, s.id, NULL::bigint, s.status, s.reason, NULL::numeric, s.status, u.name
        FROM status_change s LEFT JOIN app_user u ON u.id = s.changed_by
        WHERE s.borrower_id = :borrower_id
    """,
    "follow_up": """
        SELECT 'follow_up', f.created_at, f.id, NULL::bigint,
               'Follow-up set for ' || to_char(f.due_at AT TIME ZONE :zone, 'FMDD Mon YYYY HH24:MI'), f.note,
               NULL::numeric, f.action, u.name
        FROM follow_up f LEFT JOIN app_user u ON u.id = f.created_by
        WHERE f.borrower_id = :borrower_id
    """,
    # what the borrower wrote, and what was found out, is read on the complaint by those who may
    "complaint": """
        SELECT 'complaint', e.at, e.id, NULL::bigint,
               concat('Complaint CMP-', lpad(c.id::text, greatest(5, length(c.id::text)), '0'), ' ',
                      CASE e.kind WHEN 'opened' THEN 'received: ' || replace(c.about, '_', ' ') ELSE e.kind END,
                      ': ' || replace(e.outcome, '_', ' ')),
               CASE e.kind WHEN 'opened' THEN 'by ' || c.channel ELSE 'sent by ' || replace(e.sent_by, '_', ' ') END,
               e.amount, e.kind, u.name
        FROM complaint_event e JOIN complaint c ON c.id = e.complaint_id LEFT JOIN app_user u ON u.id = e.done_by
        WHERE c.borrower_id = :borrower_id AND e.kind <> 'noted'
    """,
    "legal": """
        SELECT 'legal', e.at, e.id, NULL::bigint,
               concat('Legal LEG-', lpad(a.id::text, greatest(5, length(a.id::text)), '0'), ' ',
                      replace(e.kind, '_', ' '),
                      CASE WHEN e.kind <> 'expense' THEN ': ' || replace(e.how, '_', ' ') END),
               concat_ws(' · ', to_char(e.on_date, 'FMDD Mon YYYY'), e.forum, e.case_number, e.tracking_number),
               e.amount, e.kind, u.name
        FROM legal_event e JOIN legal_action a ON a.id = e.action_id LEFT JOIN app_user u ON u.id = e.done_by
        WHERE a.borrower_id = :borrower_id AND e.kind NOT IN ('noted', 'dispatched')
        UNION ALL
        SELECT 'legal', a.opened_at, -a.id, NULL::bigint,
               concat('Legal LEG-', lpad(a.id::text, greatest(5, length(a.id::text)), '0'), ' opened: ',
                      CASE a.kind WHEN 's138' THEN 'cheque bounce' WHEN 's25' THEN 'auto-debit bounce' ELSE a.kind END),
               a.reason, a.amount, 'opened', u.name
        FROM legal_action a LEFT JOIN app_user u ON u.id = a.opened_by
        WHERE a.borrower_id = :borrower_id
    """,
    "waiver": """
        SELECT 'waiver', w.asked_at, w.id, w.loan_id, 'Waiver of charges asked for',
               concat_ws(' · ', w.reason, 'decided ' || to_char(w.decided_on, 'FMDD Mon YYYY') || ' by ' || d.name,
                         'owed again from ' || to_char(w.taken_back_on, 'FMDD Mon YYYY') || ': ' || w.take_back_reason),
               w.amount, CASE WHEN w.withdrawn_on IS NOT NULL THEN 'withdrawn' WHEN w.is_granted IS NULL THEN 'waiting'
                              WHEN NOT w.is_granted THEN 'refused' WHEN w.taken_back_on IS NOT NULL THEN 'taken back'
                              ELSE 'waived' END, u.name
        FROM charge_waiver w LEFT JOIN app_user u ON u.id = w.asked_by LEFT JOIN app_user d ON d.id = w.decided_by
        WHERE w.borrower_id = :borrower_id
    """,
    # what came of a visit is a contact; here stand its plan, and its check-in before there is an outcome
    "visit": """
        SELECT 'visit', v.planned_at, v.id, NULL::bigint,
               'Visit planned for ' || to_char(v.planned_on, 'FMDD Mon YYYY'),
               concat_ws(' · ', to_char(v.appointed_at, 'HH24:MI'),
                         CASE v.place WHEN 'chosen' THEN 'borrower''s choice' WHEN 'residence' THEN 'home'
                              ELSE v.place END, a.name, v.purpose, v.cancel_reason),
               NULL::numeric, CASE WHEN v.cancelled_at IS NOT NULL THEN 'cancelled'
                                   WHEN v.contact_attempt_id IS NOT NULL THEN 'done'
                                   WHEN k.visit_id IS NOT NULL THEN 'checked in' ELSE 'planned' END, u.name
        FROM visit v JOIN app_user a ON a.id = v.agent_id LEFT JOIN app_user u ON u.id = v.planned_by
        LEFT JOIN visit_check_in k ON k.visit_id = v.id
        WHERE v.borrower_id = :borrower_id
    """,
    "receipt": """
        SELECT 'receipt', r.received_at, r.id, r.loan_id, 'Receipt ' || r.number,
               concat_ws(' · ', r.mode, 'cheque ' || r.cheque_number, 'paper receipt ' || r.paper_number,
                         r.cancel_reason),
               r.amount, CASE WHEN r.cancelled_at IS NOT NULL THEN 'cancelled' WHEN r.bounced_on IS NOT NULL
                              THEN 'bounced' WHEN r.credited_on IS NOT NULL THEN 'credited' ELSE 'not credited yet' END,
               u.name
        FROM receipt r JOIN app_user u ON u.id = r.received_by
        WHERE r.borrower_id = :borrower_id
    """,
}
"""What a timeline may show, by kind."""


def page(
    session: Session,
    borrower_id: int,
    kinds: Collection[str],
    *,
    zone: str,
    before: tuple[datetime, str, int] | None,
    limit: int,
) -> Sequence[Row[*tuple[Any, ...]]]:
    """A page of entries, newest first, older than `before` (moment, kind, id).

    Args:
        session: the caller's transaction.
        borrower_id: whose.
        kinds: keys of `PARTS`.
        zone: the lender's IANA time zone.
        before: key of the last entry of the page before.
        limit: how many at most.
    """
    union = " UNION ALL ".join(f"({PARTS[kind]})" for kind in kinds)
    older = "WHERE (e.at, e.kind, e.id) < (:at, :kind, :id)" if before else ""
    statement = text(f"""
        WITH e (kind, at, id, loan_id, title, detail, amount, state, who) AS ({union})
        SELECT e.*, l.external_id AS loan_number
        FROM (SELECT * FROM e {older} ORDER BY e.at DESC, e.kind DESC, e.id DESC LIMIT :limit) e
        LEFT JOIN loan l ON l.id = e.loan_id
        ORDER BY e.at DESC, e.kind DESC, e.id DESC
    """)
    values: dict[str, Any] = {"borrower_id": borrower_id, "zone": zone, "limit": limit}
    if before:
        values |= dict(zip(("at", "kind", "id"), before, strict=True))
    return session.execute(statement, values).all()
