"""A query of unknown outcome may be sent once more."""

from alembic import op

from migrations.run import statements

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the state and its columns."""
    for statement in statements("0015_resend.sql"):
        op.get_bind().exec_driver_sql(statement)
