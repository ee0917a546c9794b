"""The database's shape, as plain SQL run by Alembic.

What lives here
    One numbered ``.sql`` file a migration under ``sql/``, one thin Alembic revision under
    ``versions/`` that runs it, and ``roles``, which creates the group roles of the service.

What must not
    No model classes and no generated SQL: what is in the ``.sql`` file is what the database gets.
    A migration only adds, or removes what no running code uses, so that old and new run side by
    side; the table ``schema_level`` says the oldest code that a migrated database still serves.
"""
