"""The first risk model: a points table, and that at most one model is active

Revision: points_score, after casework_lookups
"""

import json

import sqlalchemy as sa
from alembic import op

revision = "points_score"
down_revision = "casework_lookups"
branch_labels = None
depends_on = None

# [from, to, points]; to = null: and more. Bands: highest score of bands 1 to 4.
PARAMETERS = {
    "features": {
        "dpd": [[1, 30, 10], [31, 60, 25], [61, 90, 40], [91, 180, 50], [181, None, 60]],
        "missed": [[1, 1, 4], [2, 2, 8], [3, None, 12]],
        "bounces": [[1, 1, 4], [2, 2, 8], [3, None, 12]],
        "broken_promises": [[1, 1, 6], [2, None, 12]],
        "partial_payments": [[1, 2, 2], [3, None, 4]],
    },
    "bands": [4, 14, 29, 54],
}
NAME = "Points table 1"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "uq_risk_model_active", "risk_model", ["is_active"], unique=True, postgresql_where=sa.text("is_active")
    )
    op.execute(
        sa.text(
            "INSERT INTO risk_model (name, kind, parameters, is_active) VALUES (:name, 'points', CAST(:p AS jsonb), true)"
        ).bindparams(name=NAME, p=json.dumps(PARAMETERS))
    )


def downgrade() -> None:
    op.execute(sa.text("UPDATE loan_state SET risk_score = NULL, risk_band = 0 WHERE risk_score IS NOT NULL"))
    op.execute(
        sa.text(
            "DELETE FROM risk_score WHERE model_id IN (SELECT id FROM risk_model WHERE name = :name AND kind = 'points')"
        ).bindparams(name=NAME)
    )
    op.execute(sa.text("DELETE FROM risk_model WHERE name = :name AND kind = 'points'").bindparams(name=NAME))
    op.drop_index("uq_risk_model_active", table_name="risk_model")
