"""Erasure and revocation: marks of erased subjects, tombstones, legal hold, withheld queries."""

from alembic import op

from migrations.run import statements

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, the columns, and the one function that may delete a subject."""
    for statement in statements("0005_erasure.sql"):
        op.get_bind().exec_driver_sql(statement)
