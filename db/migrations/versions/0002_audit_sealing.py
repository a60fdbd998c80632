"""Audit sealing: the chain grows only through a function of the owner

Revision: 0002, after 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

UPGRADE = """
CREATE FUNCTION audit_seal_hash(previous bytea, first_id bigint, last_id bigint, events bigint, digests bytea)
RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
    SELECT sha256(previous || int8send(first_id) || int8send(last_id) || int8send(events) || digests)
$$;

-- The lock waits for writers in flight and holds off new ones, so that no event with a lower id can commit after its
-- seal. Ids run without a hole from seal to seal: an event slipped in or taken out later changes the count.
CREATE FUNCTION audit_seal_next() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
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

REVOKE ALL ON FUNCTION audit_seal_next() FROM PUBLIC;
CREATE INDEX ix_audit_event_actor_name ON audit_event (lower(actor_name) text_pattern_ops, id);
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        GRANT EXECUTE ON FUNCTION audit_seal_next() TO recoup_app;
        REVOKE INSERT ON audit_seal FROM recoup_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute(UPGRADE)


def downgrade() -> None:
    op.execute("DROP FUNCTION audit_seal_next(); DROP FUNCTION audit_seal_hash(bytea, bigint, bigint, bigint, bytea)")
    op.execute("DROP INDEX ix_audit_event_actor_name")
