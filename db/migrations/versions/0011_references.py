"""References of what comes in bulk are checked a statement at a time, not a row at a time.

A foreign key looks its row up and locks it for every row written: with thirteen instalments to a loan, a third of the
time of an import. The checks here keep the same promise by sets: rows point at what exists, what is pointed at is
locked FOR KEY SHARE until the transaction ends, and nothing is deleted while something points at it.

Revision: 0011, after 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

REFERENCES = (
    # child, column, parent, whether a row may come to point elsewhere, what deleting the parent did
    ("instalment", "loan_id", "loan", False, None),
    ("payment", "loan_id", "loan", False, None),
    ("mandate_presentation", "loan_id", "loan", False, None),
    ("reported_snapshot", "loan_id", "loan", False, None),
    ("loan_state", "loan_id", "loan", False, "CASCADE"),
    ("risk_score", "loan_id", "loan", False, "CASCADE"),
    ("loan", "borrower_id", "borrower", False, None),
    ("loan", "product_id", "product", True, None),
    ("loan", "segment_id", "segment", True, None),
    ("contact_point", "borrower_id", "borrower", False, None),
    ("consent_event", "contact_point_id", "contact_point", False, "CASCADE"),
)

FUNCTIONS = """
-- rows written point at rows that exist; these cannot be deleted before the transaction ends.
-- As the owner: locking needs a right to change, which who adds a fact need not have.
CREATE FUNCTION reference_found() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
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

-- what is deleted is pointed at by nothing; arguments: table and column, in turn
CREATE FUNCTION reference_unused() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    used text;
BEGIN
    FOR place IN 0 .. TG_NARGS - 1 BY 2 LOOP
        EXECUTE format('SELECT c.%2$I::text FROM public.%1$I c JOIN removed r ON r.id = c.%2$I LIMIT 1',
                       TG_ARGV[place], TG_ARGV[place + 1])
        INTO used;
        IF used IS NOT NULL THEN
            RAISE foreign_key_violation USING
                MESSAGE = format('%s %s is still named by %s', TG_TABLE_NAME, used, TG_ARGV[place]),
                CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

-- a key that others point with, or at, is not changed
CREATE FUNCTION reference_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE restrict_violation USING MESSAGE = format('%s of %s never changes', TG_ARGV[0], TG_TABLE_NAME);
END $$;
"""


def _parents() -> dict[str, list[tuple[str, str]]]:
    children: dict[str, list[tuple[str, str]]] = {}
    for child, column, parent, _, _ in REFERENCES:
        children.setdefault(parent, []).append((child, column))
    return children


def upgrade() -> None:
    op.execute(FUNCTIONS)
    for child, column, parent, may_move, _ in REFERENCES:
        op.drop_constraint(f"fk_{child}_{column}", child, type_="foreignkey")
        op.execute(
            f"CREATE TRIGGER {column}_found AFTER INSERT ON {child} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION reference_found('{column}', '{parent}')"
        )
        if may_move:
            op.execute(
                f"CREATE TRIGGER {column}_found_again AFTER UPDATE ON {child} REFERENCING NEW TABLE AS added "
                f"FOR EACH STATEMENT EXECUTE FUNCTION reference_found('{column}', '{parent}')"
            )
        else:
            op.execute(
                f"CREATE TRIGGER {column}_fixed BEFORE UPDATE OF {column} ON {child} FOR EACH ROW "
                f"WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}) EXECUTE FUNCTION reference_fixed('{column}')"
            )
    for parent, children in _parents().items():
        named = ", ".join(f"'{child}', '{column}'" for child, column in children)
        op.execute(
            f"CREATE TRIGGER {parent}_unused AFTER DELETE ON {parent} REFERENCING OLD TABLE AS removed "
            f"FOR EACH STATEMENT EXECUTE FUNCTION reference_unused({named})"
        )
        op.execute(
            f"CREATE TRIGGER {parent}_id_fixed BEFORE UPDATE OF id ON {parent} FOR EACH ROW "
            f"WHEN (OLD.id IS DISTINCT FROM NEW.id) EXECUTE FUNCTION reference_fixed('id')"
        )


def downgrade() -> None:
    for function in ("reference_found", "reference_unused", "reference_fixed"):
        op.execute(f"DROP FUNCTION {function}() CASCADE")
    for child, column, parent, _, on_delete in REFERENCES:
        op.create_foreign_key(f"fk_{child}_{column}", child, parent, [column], ["id"], ondelete=on_delete)
