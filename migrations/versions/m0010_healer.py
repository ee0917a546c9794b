"""Healer: heartbeats of the ingress, and what is known of deliveries that failed at the vendor."""

from alembic import op

from migrations.run import statements

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add both tables and the function."""
    for statement in statements("0010_healer.sql"):
        op.get_bind().exec_driver_sql(statement)
