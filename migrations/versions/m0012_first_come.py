"""Calls to the vendor: first come, first served."""

from alembic import op

from migrations.run import statements

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    for statement in statements("0012_first_come.sql"):
        op.get_bind().exec_driver_sql(statement)
