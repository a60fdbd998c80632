"""Taking a committed batch back: what stands in the way, and the deletions and restorations themselves."""

from datetime import date

from sqlalchemy import text
from sqlalchemy.orm import Session

_LOANS = "SELECT id FROM loan WHERE created_batch_id = :batch"
_BORROWERS = "SELECT id FROM borrower WHERE created_batch_id = :batch"
_OBSTACLES = {
    "later imports changed the same records": """
        SELECT FROM import_change mine JOIN import_change later
        ON (later.entity, later.entity_id) = (mine.entity, mine.entity_id) AND later.batch_id > mine.batch_id
        WHERE mine.batch_id = :batch""",
    "later imports changed records that came with it": f"""
        SELECT FROM import_change later WHERE later.batch_id > :batch
        AND (later.entity = 'loan' AND later.entity_id IN ({_LOANS})
             OR later.entity = 'borrower' AND later.entity_id IN ({_BORROWERS})
             OR later.entity IN ('instalment', 'reported_snapshot') AND CAST(later.before->>'batch_id' AS int) = :batch
             OR later.entity = 'loan_source' AND later.before->>'source' = 'snapshot'
                AND later.entity_id IN (SELECT loan_id FROM instalment WHERE batch_id = :batch)
             OR later.entity = 'contact_point'
                AND later.entity_id IN (SELECT id FROM contact_point WHERE created_batch_id = :batch))""",
    "schedules of its loans were imported": f"SELECT FROM instalment WHERE loan_id IN ({_LOANS}) AND batch_id IS DISTINCT FROM :batch",
    "payments of its loans were recorded": f"SELECT FROM payment WHERE loan_id IN ({_LOANS}) AND batch_id IS DISTINCT FROM :batch",
    "bounces of its loans were recorded": f"SELECT FROM mandate_presentation WHERE loan_id IN ({_LOANS}) AND batch_id IS DISTINCT FROM :batch",
    "later snapshots of its loans were imported": f"""
        SELECT FROM reported_snapshot WHERE loan_id IN ({_LOANS}) AND batch_id IS DISTINCT FROM :batch
        UNION ALL SELECT FROM import_change c JOIN reported_snapshot s ON s.loan_id = c.entity_id AND s.batch_id > :batch
        WHERE c.batch_id = :batch AND c.entity = 'loan_source' AND c.before->>'source' = 'schedule'""",
    "its borrowers have loans from elsewhere": f"SELECT FROM loan WHERE borrower_id IN ({_BORROWERS}) AND created_batch_id IS DISTINCT FROM :batch",
    "contact details of its borrowers were added later": f"SELECT FROM contact_point WHERE borrower_id IN ({_BORROWERS}) AND created_batch_id IS DISTINCT FROM :batch",
    "people were named for its borrowers later": f"SELECT FROM party WHERE borrower_id IN ({_BORROWERS})",
    "contact details of people it named were added later": """
        SELECT FROM contact_point c JOIN party p ON p.id = c.party_id
        WHERE p.created_batch_id = :batch AND c.created_batch_id IS DISTINCT FROM :batch""",
    "contacts with its borrowers were recorded": f"SELECT FROM contact_attempt WHERE borrower_id IN ({_BORROWERS}) OR loan_id IN ({_LOANS})",
    "contacts with people or numbers that came with it were recorded": """
        SELECT FROM contact_attempt a JOIN party p ON p.id = a.party_id WHERE p.created_batch_id = :batch
        UNION ALL SELECT FROM contact_attempt a JOIN contact_point p ON p.id = a.contact_point_id
        WHERE p.created_batch_id = :batch
        UNION ALL SELECT FROM promise r JOIN party p ON p.id = r.party_id WHERE p.created_batch_id = :batch""",
    "promises of its borrowers were recorded": f"SELECT FROM promise WHERE borrower_id IN ({_BORROWERS}) OR loan_id IN ({_LOANS})",
    "repayment plans of its borrowers were made": f"SELECT FROM repayment_plan WHERE borrower_id IN ({_BORROWERS}) OR loan_id IN ({_LOANS})",
    "its borrowers are on hold": f"SELECT FROM hold WHERE borrower_id IN ({_BORROWERS})",
    "follow-ups of its borrowers were planned": f"SELECT FROM follow_up WHERE borrower_id IN ({_BORROWERS})",
    "the status of its borrowers was changed": f"SELECT FROM status_change WHERE borrower_id IN ({_BORROWERS})",
    "the gate was asked about its borrowers": f"SELECT FROM gate_decision WHERE borrower_id IN ({_BORROWERS})",
    "messages to its borrowers were planned or sent": f"SELECT FROM message WHERE borrower_id IN ({_BORROWERS})",
    "cases of its borrowers were allocated": f"""
        SELECT FROM allocation a JOIN collection_case c ON c.id = a.case_id WHERE c.borrower_id IN ({_BORROWERS})""",
    "people were added to cases of its borrowers": f"""
        SELECT FROM case_person n JOIN collection_case c ON c.id = n.case_id WHERE c.borrower_id IN ({_BORROWERS})""",
    "consent at its contact points was changed later": """
        SELECT FROM consent_event e JOIN contact_point p ON p.id = e.contact_point_id
        WHERE p.created_batch_id = :batch AND e.batch_id IS DISTINCT FROM :batch""",
    "complaints of its borrowers were recorded": f"SELECT FROM complaint WHERE borrower_id IN ({_BORROWERS})",
    "charges of its loans were waived": f"SELECT FROM charge_waiver WHERE loan_id IN ({_LOANS})",
    "charges of its due dates were waived": """
        SELECT FROM charge_waiver_part p JOIN instalment i ON i.loan_id = p.loan_id AND i.number = p.number
        WHERE i.batch_id = :batch""",
    "settlements of its borrowers were offered": f"""
        SELECT FROM settlement WHERE borrower_id IN ({_BORROWERS}) OR loan_id IN ({_LOANS})""",
    "its borrowers applied for relief": f"SELECT FROM hardship WHERE borrower_id IN ({_BORROWERS})",
    "legal actions against its borrowers were begun": f"SELECT FROM legal_action WHERE borrower_id IN ({_BORROWERS})",
    "hours that its borrowers avoid were recorded": f"SELECT FROM contact_window WHERE borrower_id IN ({_BORROWERS})",
    "documents are kept with its borrowers": f"SELECT FROM document WHERE borrower_id IN ({_BORROWERS})",
    "visits to its borrowers were planned": f"SELECT FROM visit WHERE borrower_id IN ({_BORROWERS})",
    "places or positions of its addresses were recorded": """
        SELECT FROM address_place a JOIN contact_point p ON p.id = a.contact_point_id WHERE p.created_batch_id = :batch
        UNION ALL SELECT FROM address_position a JOIN contact_point p ON p.id = a.contact_point_id
        WHERE p.created_batch_id = :batch""",
    "money was taken from its borrowers in the field": f"""
        SELECT FROM receipt WHERE borrower_id IN ({_BORROWERS}) OR loan_id IN ({_LOANS})""",
    "payments of it were reversed or bounced": """
        SELECT FROM payment p JOIN payment r ON r.loan_id = p.loan_id AND r.reverses_reference = p.reference
        WHERE p.batch_id = :batch AND r.batch_id IS DISTINCT FROM :batch""",
    "payments that its bounces took back were imported later": """
        SELECT FROM mandate_presentation m JOIN payment r ON (r.loan_id, r.reference) = (m.loan_id, m.reference || '/B')
        WHERE m.batch_id = :batch AND r.batch_id IS DISTINCT FROM :batch""",
}


def obstacle(session: Session, batch_id: int) -> str | None:
    """Why the batch cannot be taken back any more, as a phrase; None when it can."""
    for reason, statement in _OBSTACLES.items():
        if session.execute(text(f"SELECT EXISTS ({statement})"), {"batch": batch_id}).scalar_one():
            return reason
    return None


def closed_days_of_loans(session: Session, batch_id: int) -> list[date]:
    """Closed days that count loans which came with the batch: they are summed anew without them."""
    statement = f"SELECT DISTINCT as_of FROM loan_snapshot WHERE loan_id IN ({_LOANS}) ORDER BY as_of"
    return list(session.execute(text(statement), {"batch": batch_id}).scalars())


def touched_loans(session: Session, batch_id: int) -> tuple[list[int], date | None]:
    """Loans that stay and whose facts this undo changes, and the earliest date of those facts."""
    statement = """
        SELECT loan_id, min(since) AS since FROM (
            SELECT loan_id, due_on AS since FROM instalment WHERE batch_id = :batch
            UNION ALL SELECT loan_id, paid_on FROM payment WHERE batch_id = :batch
            UNION ALL SELECT loan_id, presented_on FROM mandate_presentation WHERE batch_id = :batch
            UNION ALL SELECT loan_id, as_of FROM reported_snapshot WHERE batch_id = :batch
            UNION ALL SELECT CAST(before->>'loan_id' AS bigint), CAST(before->>'due_on' AS date) FROM import_change
                      WHERE batch_id = :batch AND entity = 'instalment'
            UNION ALL SELECT c.entity_id, s.as_of FROM import_change c JOIN reported_snapshot s ON s.loan_id = c.entity_id
                      WHERE c.batch_id = :batch AND c.entity = 'loan_source'
            UNION ALL SELECT l.id, CASE
                          WHEN (c.before->>'closed_on', c.before->>'written_off_on')
                               IS DISTINCT FROM (CAST(l.closed_on AS text), CAST(l.written_off_on AS text))
                          THEN least(l.closed_on, l.written_off_on, CAST(c.before->>'closed_on' AS date),
                                     CAST(c.before->>'written_off_on' AS date), b.committed_at::date)
                          ELSE b.committed_at::date END
                      FROM import_change c JOIN import_batch b ON b.id = c.batch_id JOIN loan l ON l.id = c.entity_id
                      WHERE c.batch_id = :batch AND c.entity = 'loan'
        ) f WHERE NOT EXISTS (SELECT FROM loan l WHERE l.id = f.loan_id AND l.created_batch_id = :batch)
        GROUP BY loan_id
    """
    rows = session.execute(text(statement), {"batch": batch_id}).all()
    return [row.loan_id for row in rows], min((row.since for row in rows), default=None)


_RESTORE = {
    "loan": """
        UPDATE loan l SET disbursed_on = r.disbursed_on, maturity_on = r.maturity_on, principal = r.principal,
               interest_rate = r.interest_rate, tenure_months = r.tenure_months, instalment_amount = r.instalment_amount,
               closed_on = r.closed_on, written_off_on = r.written_off_on, attributes = r.attributes,
               segment_id = r.segment_id, product_id = r.product_id
        FROM import_change c JOIN loan k ON k.id = c.entity_id, LATERAL jsonb_populate_record(k, c.before) r
        WHERE c.batch_id = :batch AND c.entity = 'loan' AND l.id = c.entity_id""",
    "loan_source": """
        UPDATE loan l SET source = c.before->>'source' FROM import_change c
        WHERE c.batch_id = :batch AND c.entity = 'loan_source' AND l.id = c.entity_id""",
    "borrower": """
        UPDATE borrower b SET name = r.name, city = r.city, state = r.state, language = r.language, region = r.region
        FROM import_change c JOIN borrower k ON k.id = c.entity_id, LATERAL jsonb_populate_record(k, c.before) r
        WHERE c.batch_id = :batch AND c.entity = 'borrower' AND b.id = c.entity_id""",
    "instalment": """
        UPDATE instalment i SET due_on = r.due_on, principal = r.principal, interest = r.interest, charges = r.charges,
               batch_id = r.batch_id
        FROM import_change c, LATERAL jsonb_populate_record(NULL::instalment, c.before) r
        WHERE c.batch_id = :batch AND c.entity = 'instalment' AND (i.loan_id, i.number) = (r.loan_id, r.number)""",
    "reported_snapshot": """
        UPDATE reported_snapshot s SET dpd = r.dpd, months_past_due = r.months_past_due, outstanding = r.outstanding,
               overdue_amount = r.overdue_amount, status = r.status, batch_id = r.batch_id
        FROM import_change c, LATERAL jsonb_populate_record(NULL::reported_snapshot, c.before) r
        WHERE c.batch_id = :batch AND c.entity = 'reported_snapshot' AND (s.loan_id, s.as_of) = (r.loan_id, r.as_of)""",
    "contact_point": """
        UPDATE contact_point p SET consent = r.consent, do_not_contact = r.do_not_contact, is_primary = r.is_primary
        FROM import_change c JOIN contact_point k ON k.id = c.entity_id, LATERAL jsonb_populate_record(k, c.before) r
        WHERE c.batch_id = :batch AND c.entity = 'contact_point' AND p.id = c.entity_id""",
}
_REMOVE = (
    f"DELETE FROM loan_snapshot WHERE loan_id IN ({_LOANS})",
    f"DELETE FROM loan_snapshot_restated WHERE loan_id IN ({_LOANS})",
    "DELETE FROM consent_event WHERE batch_id = :batch",
    "DELETE FROM contact_point WHERE created_batch_id = :batch",
    "DELETE FROM party WHERE created_batch_id = :batch",
    "DELETE FROM reported_snapshot WHERE batch_id = :batch",
    "DELETE FROM mandate_presentation WHERE batch_id = :batch",
    "DELETE FROM payment WHERE batch_id = :batch",
    "DELETE FROM instalment WHERE batch_id = :batch",
    f"DELETE FROM risk_score WHERE loan_id IN ({_LOANS})",
    f"DELETE FROM loan_state WHERE loan_id IN ({_LOANS})",
    f"DELETE FROM restatement WHERE loan_id IN ({_LOANS})",
    f"DELETE FROM collection_case WHERE borrower_id IN ({_BORROWERS})",
    "DELETE FROM loan WHERE created_batch_id = :batch",
    "DELETE FROM borrower WHERE created_batch_id = :batch",
)


def take_back(session: Session, batch_id: int) -> dict[str, int]:
    """Restore what the batch changed and delete what it added; numbers of both. Before: no obstacle."""
    bound = {"batch": batch_id}
    restored = sum(session.execute(text(s), bound).rowcount for s in _RESTORE.values())  # type: ignore[attr-defined]
    removed = sum(session.execute(text(s), bound).rowcount for s in _REMOVE)  # type: ignore[attr-defined]
    session.execute(text("DELETE FROM import_change WHERE batch_id = :batch"), bound)
    return {"restored": restored, "removed": removed}
