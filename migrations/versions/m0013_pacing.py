"""Pacing: turns, the daily quota, the circuit breaker."""

from alembic import op

from migrations.run import statements

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and tables."""
    for statement in statements("0013_pacing.sql"):
        op.get_bind().exec_driver_sql(statement)
