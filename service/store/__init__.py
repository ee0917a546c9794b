"""Postgres: one module a table group, SQL in the open, always on the caller's connection.

What lives here
    ``pool`` (connections with deadlines), ``unit`` (one transaction with its clock and vault), and a
    module for each group of tables. ``inbox`` and ``outbox`` make state, dedupe and events one
    transaction.

What must not
    No rule: what a row means is decided in ``service.ias``. No function here commits, and none talks
    to Kafka or HTTP. Secrets enter and leave as plaintext and are stored only as boxes bound to table,
    column and row.

Order of locks, everywhere: subject, then patient, then query rows.
"""
