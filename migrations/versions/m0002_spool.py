"""The spool: where webhooks wait while Kafka does not take them."""

from alembic import op

from migrations.run import statements

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    for statement in statements("0002_spool.sql"):
        op.get_bind().exec_driver_sql(statement)
