"""Where borrowers live and what they speak is counted as they come and go, instead of being read off two large indexes.

Keeping the indexes took a third of the time in which borrowers are written. Only imports write borrowers, one after the
other, so that the counts' rows are no cause to wait.

Revision: 0041, after 0040
"""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

FUNCTIONS = """
-- As the owner: the application reads the counts and changes them by changing borrowers only.
CREATE FUNCTION borrower_place_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO borrower_place AS p (region, state, city, language, borrowers)
        SELECT region, state, city, language, count(*) FROM added GROUP BY region, state, city, language
        ON CONFLICT (region, state, city, language) DO UPDATE SET borrowers = p.borrowers + excluded.borrowers;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO borrower_place AS p (region, state, city, language, borrowers)
        SELECT region, state, city, language, -count(*) FROM removed GROUP BY region, state, city, language
        ON CONFLICT (region, state, city, language) DO UPDATE SET borrowers = p.borrowers + excluded.borrowers;
    ELSE
        INSERT INTO borrower_place AS p (region, state, city, language, borrowers)
        SELECT region, state, city, language, sum(change) FROM (
            SELECT region, state, city, language, 1 AS change FROM added
            UNION ALL SELECT region, state, city, language, -1 FROM removed
        ) changes GROUP BY region, state, city, language HAVING sum(change) <> 0
        ON CONFLICT (region, state, city, language) DO UPDATE SET borrowers = p.borrowers + excluded.borrowers;
    END IF;
    RETURN NULL;
END $$;
"""

TRIGGERS = {
    "INSERT": "NEW TABLE AS added",
    "UPDATE": "OLD TABLE AS removed NEW TABLE AS added",
    "DELETE": "OLD TABLE AS removed",
}
GRANTS = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'recoup_app') THEN
        REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON borrower_place FROM recoup_app;
    END IF;
END $$;
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "borrower_place",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("region", sa.Text()),
        sa.Column("state", sa.Text()),
        sa.Column("city", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("borrowers", sa.BigInteger(), nullable=False),
        sa.UniqueConstraint(
            "region",
            "state",
            "city",
            "language",
            name="uq_borrower_place_region_state_city_language",
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.execute("LOCK TABLE borrower IN SHARE ROW EXCLUSIVE MODE")
    op.execute(
        "INSERT INTO borrower_place (region, state, city, language, borrowers) "
        "SELECT region, state, city, language, count(*) FROM borrower GROUP BY region, state, city, language"
    )
    op.execute(FUNCTIONS)
    for act, tables in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER borrower_place_{act.lower()} AFTER {act} ON borrower REFERENCING {tables} "
            "FOR EACH STATEMENT EXECUTE FUNCTION borrower_place_counted()"
        )
    op.execute(GRANTS)
    op.drop_index("ix_borrower_language", table_name="borrower")
    op.drop_index("ix_borrower_place", table_name="borrower")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_borrower_place", "borrower", ["region", "state", "city"])
    op.create_index("ix_borrower_language", "borrower", ["language"])
    op.execute("DROP FUNCTION borrower_place_counted() CASCADE")
    op.drop_table("borrower_place")
