"""Watch: since when the status of something at the vendor is asked for."""

from alembic import op

from migrations.run import statements

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and indexes."""
    for statement in statements("0008_watch.sql"):
        op.get_bind().exec_driver_sql(statement)
