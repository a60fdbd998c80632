"""References of very many rows are held by one lock, not by a lock on each row they point at.

Locking a million loans to write a million states of them took a tenth of a first close and more of a first import.

Revision: 0037, after 0036
"""

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

PARENTS = ("borrower", "contact_point", "loan", "product", "segment")

FUNCTIONS = """
-- Rows written point at rows that exist; these cannot be deleted before the transaction ends.
-- Few: each row that is pointed at is locked. Many: whoever deletes such rows is held off (see references_held).
-- As the owner: locking needs a right to change, which who adds a fact need not have.
CREATE OR REPLACE FUNCTION reference_found() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted bigint;
    found bigint;
    missing text;
    nestloop text := current_setting('enable_nestloop');
BEGIN
    SELECT count(*) INTO wanted FROM (SELECT FROM added LIMIT 1001) first_rows;
    -- only in READ COMMITTED does the look-up below see what was deleted while this waited
    IF wanted > 1000 AND current_setting('transaction_isolation') = 'read committed' THEN
        PERFORM pg_advisory_xact_lock_shared(7304, hashtext(TG_ARGV[1]));
        PERFORM set_config('enable_nestloop', 'off', true);
        EXECUTE format('SELECT a.%1$I::text FROM added a WHERE a.%1$I IS NOT NULL '
                       'AND NOT EXISTS (SELECT FROM public.%2$I p WHERE p.id = a.%1$I) LIMIT 1',
                       TG_ARGV[0], TG_ARGV[1])
        INTO missing;
        PERFORM set_config('enable_nestloop', nestloop, true);
    ELSE
        EXECUTE format(
            'WITH wanted AS MATERIALIZED (SELECT DISTINCT %1$I AS id FROM added WHERE %1$I IS NOT NULL), '
            'found AS MATERIALIZED (SELECT p.id FROM public.%2$I p WHERE p.id IN (SELECT id FROM wanted) FOR KEY SHARE) '
            'SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM found)', TG_ARGV[0], TG_ARGV[1])
        INTO wanted, found;
        IF wanted <> found THEN
            EXECUTE format('SELECT %1$I::text FROM added EXCEPT SELECT id::text FROM public.%2$I LIMIT 1',
                           TG_ARGV[0], TG_ARGV[1])
            INTO missing;
        END IF;
    END IF;
    IF missing IS NOT NULL THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('%s %s of %s does not exist', TG_ARGV[1], missing, TG_TABLE_NAME),
            CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

-- Nothing is deleted while a statement of many rows may come to point at it.
CREATE FUNCTION references_held() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7304, hashtext(TG_TABLE_NAME));
    RETURN NULL;
END $$;
"""

BEFORE = """
CREATE OR REPLACE FUNCTION reference_found() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    wanted bigint;
    found bigint;
    missing text;
BEGIN
    EXECUTE format(
        'WITH wanted AS MATERIALIZED (SELECT DISTINCT %1$I AS id FROM added WHERE %1$I IS NOT NULL), '
        'found AS MATERIALIZED (SELECT p.id FROM public.%2$I p WHERE p.id IN (SELECT id FROM wanted) FOR KEY SHARE) '
        'SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM found)', TG_ARGV[0], TG_ARGV[1])
    INTO wanted, found;
    IF wanted <> found THEN
        EXECUTE format('SELECT %1$I::text FROM added EXCEPT SELECT id::text FROM public.%2$I LIMIT 1',
                       TG_ARGV[0], TG_ARGV[1])
        INTO missing;
        RAISE foreign_key_violation USING
            MESSAGE = format('%s %s of %s does not exist', TG_ARGV[1], missing, TG_TABLE_NAME),
            CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(FUNCTIONS)
    for parent in PARENTS:
        op.execute(
            f"CREATE TRIGGER {parent}_held BEFORE DELETE ON {parent} FOR EACH STATEMENT EXECUTE FUNCTION references_held()"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION references_held() CASCADE")
    op.execute(BEFORE)
