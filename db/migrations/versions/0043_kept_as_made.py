"""What was kept stays as it was made: seals hash their own number and time, and the newest day of scores is known.

Under the first rule, when a seal was made could be edited unseen. Seals that are there stay valid under the rule they
were made by. A seal says by which rule it was made, and rules only go up along the chain, so that no later seal can
pass for one of the first rule.

Scores of a day before the newest are history, which is not computed again.

Revision: 0043, after 0042
"""

from alembic import op

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

UPGRADE = """
SET LOCAL lock_timeout = '5s';
ALTER TABLE lender ADD COLUMN scored_through date;
UPDATE lender SET scored_through = (SELECT max(scored_on) FROM risk_score);

ALTER TABLE audit_seal ADD COLUMN rule smallint NOT NULL DEFAULT 1;
ALTER TABLE audit_seal ALTER COLUMN rule DROP DEFAULT;

-- A time is hashed as Postgres sends it: microseconds since 2000, which no setting of a session changes.
CREATE FUNCTION audit_seal_hash(seal audit_seal, digests bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE seal.rule
        WHEN 1 THEN sha256(seal.previous_hash || int8send(seal.first_event_id) || int8send(seal.last_event_id)
                           || int8send(seal.events) || digests)
        WHEN 2 THEN sha256(seal.previous_hash || int2send(seal.rule) || int8send(seal.id)
                           || timestamptz_send(seal.sealed_at) || int8send(seal.first_event_id)
                           || int8send(seal.last_event_id) || int8send(seal.events) || digests)
    END
$$;

CREATE OR REPLACE FUNCTION audit_seal_next() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    previous audit_seal;
    made audit_seal;
    digests bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(72002003);
    SELECT * INTO previous FROM audit_seal ORDER BY id DESC LIMIT 1;
    made.first_event_id := coalesce(previous.last_event_id, 0) + 1;
    LOCK TABLE audit_event IN SHARE ROW EXCLUSIVE MODE;
    SELECT max(id), count(*), string_agg(digest, ''::bytea ORDER BY id) INTO made.last_event_id, made.events, digests
    FROM (SELECT id, digest FROM audit_event WHERE id >= made.first_event_id ORDER BY id LIMIT 10000) batch;
    IF made.events = 0 THEN
        RETURN 0;
    END IF;
    made.id := nextval(pg_get_serial_sequence('audit_seal', 'id'));
    made.rule := 2;
    made.sealed_at := clock_timestamp();
    made.previous_hash := coalesce(previous.hash, decode(repeat('00', 32), 'hex'));
    made.hash := audit_seal_hash(made, digests);
    INSERT INTO audit_seal SELECT made.*;
    RETURN made.events;
END $$;

DROP FUNCTION audit_seal_hash(bytea, bigint, bigint, bigint, bytea);
"""

DOWNGRADE = """
SET LOCAL lock_timeout = '5s';
DO $$
BEGIN
    IF EXISTS (SELECT FROM audit_seal WHERE rule > 1) THEN
        RAISE EXCEPTION 'the audit trail has seals that earlier releases cannot verify: restore a backup instead';
    END IF;
END $$;
CREATE FUNCTION audit_seal_hash(previous bytea, first_id bigint, last_id bigint, events bigint, digests bytea)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(previous || int8send(first_id) || int8send(last_id) || int8send(events) || digests)
$$;

CREATE OR REPLACE FUNCTION audit_seal_next() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    previous audit_seal;
    from_id bigint;
    to_id bigint;
    n bigint;
    digests bytea;
BEGIN
    PERFORM pg_advisory_xact_lock(72002003);
    SELECT * INTO previous FROM audit_seal ORDER BY id DESC LIMIT 1;
    from_id := coalesce(previous.last_event_id, 0) + 1;
    LOCK TABLE audit_event IN SHARE ROW EXCLUSIVE MODE;
    SELECT max(id), count(*), string_agg(digest, ''::bytea ORDER BY id) INTO to_id, n, digests
    FROM (SELECT id, digest FROM audit_event WHERE id >= from_id ORDER BY id LIMIT 10000) batch;
    IF n = 0 THEN
        RETURN 0;
    END IF;
    INSERT INTO audit_seal (first_event_id, last_event_id, events, previous_hash, hash)
    SELECT from_id, to_id, n, p, audit_seal_hash(p, from_id, to_id, n, digests)
    FROM (SELECT coalesce(previous.hash, decode(repeat('00', 32), 'hex')) AS p) start;
    RETURN n;
END $$;

DROP FUNCTION audit_seal_hash(audit_seal, bytea);
ALTER TABLE audit_seal DROP COLUMN rule;
ALTER TABLE lender DROP COLUMN scored_through;
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute(DOWNGRADE)
