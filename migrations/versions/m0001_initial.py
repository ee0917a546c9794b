"""The first shape: subjects, links, identities, sessions, queries, calls, inbox and outbox."""

from alembic import op

from migrations.roles import create_group_roles
from migrations.run import statements

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    create_group_roles(op.get_bind())
    for statement in statements("0001_initial.sql"):
        op.get_bind().exec_driver_sql(statement)
