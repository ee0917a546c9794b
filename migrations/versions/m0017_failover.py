"""A restored or failed-over database is noticed, and dispatch waits for an operator."""

from alembic import op

from migrations.run import statements

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is known of the cluster, and why dispatch is stopped."""
    for statement in statements("0017_failover.sql"):
        op.get_bind().exec_driver_sql(statement)
