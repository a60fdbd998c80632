"""What was not yet tried: each way to reach a borrower or party of the loan with its last attempt, in one statement."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from db.base import AnyRow

_WAYS = text("""
    WITH way AS (
        SELECT p.id AS contact_point_id, k.channel, p.value_hint AS masked, p.party_id,
               coalesce(y.role, 'borrower') AS person, y.name AS party_name, p.is_primary,
               p.do_not_contact OR p.consent IS FALSE AS is_refused,
               row_number() OVER (PARTITION BY k.channel, p.party_id ORDER BY p.is_primary DESC, p.id) AS place
        FROM contact_point p
        JOIN (VALUES ('call', 'phone'), ('sms', 'phone'), ('whatsapp', 'whatsapp'), ('email', 'email'),
                     ('visit', 'address'), ('letter', 'address')) AS k (channel, kind) ON k.kind = p.kind
        LEFT JOIN party y ON y.id = p.party_id
        WHERE p.borrower_id = :borrower_id
    ), attempt AS (
        SELECT a.channel, a.contact_point_id, a.party_id, a.at, d.label AS outcome
        FROM contact_attempt a JOIN disposition d ON d.code = a.outcome
        WHERE a.borrower_id = :borrower_id AND a.direction = 'outbound'
        UNION ALL
        SELECT m.channel, m.contact_point_id, NULL, m.sent_at, 'Message sent'
        FROM message m
        WHERE m.borrower_id = :borrower_id AND m.sent_at IS NOT NULL
          AND m.status IN ('handing_over', 'sent', 'unknown')
    ), tried AS (
        -- an attempt without a number counts for the first number of the channel of whoever was reached
        SELECT w.contact_point_id, w.channel, max(a.at) AS last_at, count(*) AS tries,
               (array_agg(a.outcome ORDER BY a.at DESC))[1] AS last_outcome
        FROM way w JOIN attempt a ON a.channel = w.channel
         AND (a.contact_point_id = w.contact_point_id
              OR a.contact_point_id IS NULL AND w.place = 1 AND a.party_id IS NOT DISTINCT FROM w.party_id)
        GROUP BY w.contact_point_id, w.channel
    )
    SELECT w.channel, w.person, w.party_name, w.masked, w.is_refused, coalesce(t.tries, 0) AS tries, t.last_at,
           t.last_outcome
    FROM way w LEFT JOIN tried t USING (contact_point_id, channel)
    UNION ALL
    SELECT NULL, y.role, y.name, NULL, false, 0, NULL, NULL
    FROM party y
    WHERE y.borrower_id = :borrower_id AND NOT EXISTS (SELECT FROM contact_point p
                                                              WHERE p.borrower_id = :borrower_id AND p.party_id = y.id)
    ORDER BY last_at NULLS FIRST, person, channel, masked
""")


def ways(session: Session, borrower_id: int) -> Sequence[AnyRow]:
    """Channels by contact point, of the borrower and the parties of the loan; never tried first, then the oldest.

    A party without number or address is a row without channel. Nobody else is ever in it (IN-03).
    """
    return session.execute(_WAYS, {"borrower_id": borrower_id}).all()
