"""Dispatch stops for every replica while our key is refused."""

from alembic import op

from migrations.run import statements

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    for statement in statements("0009_dispatch_stop.sql"):
        op.get_bind().exec_driver_sql(statement)
