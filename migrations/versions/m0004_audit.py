"""Audit: entries that nobody changes, the chain over them, its heads and its checkpoints."""

from alembic import op

from migrations.run import statements

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    for statement in statements("0004_audit.sql"):
        op.get_bind().exec_driver_sql(statement)
