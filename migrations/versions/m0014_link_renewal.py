"""A data link that came dead is asked for again, a few times."""

from alembic import op

from migrations.run import statements

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    for statement in statements("0014_link_renewal.sql"):
        op.get_bind().exec_driver_sql(statement)
