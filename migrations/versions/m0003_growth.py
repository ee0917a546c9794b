"""Growth: what comes and goes is kept by day, and a history of calls by month."""

from alembic import op

from migrations.run import statements

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Cut the tables by time; waiting rows stay, in their order."""
    for statement in statements("0003_growth.sql"):
        op.get_bind().exec_driver_sql(statement)
