"""Expiry: what the sweeper needs to find things that are over, and when a session was last used."""

from alembic import op

from migrations.run import statements

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns and indexes."""
    for statement in statements("0006_expiry.sql"):
        op.get_bind().exec_driver_sql(statement)
