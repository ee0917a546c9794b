"""A confirmation that comes before its return waits for it."""

from alembic import op

from migrations.run import statements

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table that it waits in."""
    for statement in statements("0018_early_confirmation.sql"):
        op.get_bind().exec_driver_sql(statement)
