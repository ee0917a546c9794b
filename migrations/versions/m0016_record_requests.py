"""Record requests: one command for the whole flow."""

from alembic import op

from migrations.run import statements

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and what it needs to know of others."""
    for statement in statements("0016_record_requests.sql"):
        op.get_bind().exec_driver_sql(statement)
