"""Store: kept records bound to their rows, and what erasure needs to find them and parked webhooks."""

from alembic import op

from migrations.run import statements

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and indexes, and replace the function."""
    for statement in statements("0007_store.sql"):
        op.get_bind().exec_driver_sql(statement)
