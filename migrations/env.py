"""Alembic's entry: runs on the connection that ``migrations.run`` hands over."""

from alembic import context
from sqlalchemy import Connection

# Whoever waits for a table's lock keeps everybody behind it waiting: rather give up, and be started again.
PATIENCE = "set local lock_timeout = '3s'"


def run(connection: Connection) -> None:
    """Run the migrations in one transaction, one process at a time."""
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        connection.exec_driver_sql("select pg_advisory_xact_lock(8451927301)")
        connection.exec_driver_sql(PATIENCE)
        context.run_migrations()


run(context.config.attributes["connection"])
