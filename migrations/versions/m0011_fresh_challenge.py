"""One fresh challenge when Metriport refuses a query's session."""

from alembic import op

from migrations.run import statements

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both columns and the index."""
    for statement in statements("0011_fresh_challenge.sql"):
        op.get_bind().exec_driver_sql(statement)
